"""One route for each way clients spell a path.

A base URL may or may not end in /v1, and a client may append /v1 of its own
(apis.md 2.2), so every path is served under /v1, /v1/v1 and nothing, with or
without a trailing slash, slashes doubled or not. The path is mended before it is
routed: a redirect would lose the body of a POST with some clients.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

_VERSIONS = re.compile(r"(?:/v1)*(?=/|$)")


def canonical(path: str) -> str:
    """`/v1//v1/models/` → `/models`."""
    path = "/" + "/".join(part for part in path.split("/") if part)
    return _VERSIONS.sub("", path, count=1) or "/"


class PathMiddleware:
    """WSGI middleware that mends the path."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["PATH_INFO"] = canonical(environ.get("PATH_INFO", ""))
        return self._application(environ, start_response)
