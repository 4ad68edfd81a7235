"""Normalize paths, so that every spelling has the same route (WSGI middleware).

A base URL may or may not end in /v1, and some clients append /v1 themselves
(client-apis.md 2.2). So every path is served with /v1, with /v1/v1 and without, with
doubled slashes and with a trailing one. A redirect would lose the body of a POST with
some clients.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

_VERSIONS = re.compile(r"(?:/v1)*(?=/|$)")


def canonical(path: str) -> str:
    """Normalize a path: `/v1//v1/models/` → `/models`."""
    path = "/" + "/".join(part for part in path.split("/") if part)
    return _VERSIONS.sub("", path, count=1) or "/"


class PathMiddleware:
    """WSGI middleware that normalizes the path."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["PATH_INFO"] = canonical(environ.get("PATH_INFO", ""))
        return self._application(environ, start_response)
