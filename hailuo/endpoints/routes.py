"""Errors for unknown paths and methods, which name the existing ones.

Clients show the message; some take a bare 404 for an unknown model.
"""

import difflib
import re
from collections.abc import Iterable

from flask import Request, current_app

from ..errors import BadRequest
from .middleware.paths import canonical

SIMILARITY = 0.6  # of a path to a suggested one, from 0 to 1
MAX_PATH_CHARACTERS = 200  # of a path in comparisons
IMPLICIT_METHODS = ("HEAD", "OPTIONS")  # not listed in messages

_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")  # of a rule: <path:id>


class UnknownRoute(BadRequest):
    """The path does not exist."""

    status = 404
    code = "unknown_route"


class MethodNotAllowed(BadRequest):
    """The path does not support this method."""

    status = 405
    code = "method_not_allowed"

    def __init__(self, method: str, path: str, methods: Iterable[str]) -> None:
        self.methods = sorted(methods)
        supported = " or ".join(
            method for method in self.methods if method not in IMPLICIT_METHODS
        )
        super().__init__(f"{path} supports {supported}, not {method[:20]}")

    @property
    def headers(self) -> dict[str, str]:
        return super().headers | {"Allow": ", ".join(self.methods)}


def unknown(request: Request, path: str) -> UnknownRoute:
    """Return the error for an unknown path, which names the closest existing ones.

    path: as the client sent it, quoted.
    """
    routes = known()
    requested = canonical(request.path)[:MAX_PATH_CHARACTERS]
    closest = difflib.get_close_matches(requested, routes, n=3, cutoff=SIMILARITY)
    intro = "the closest are" if closest else "there are"
    suggestions = ", ".join(map(routes.__getitem__, closest or routes))
    return UnknownRoute(
        f"there is no route {request.method[:20]} {path}; {intro}: {suggestions}"
    )


def known() -> dict[str, str]:
    """Return each path with its description: `GET or POST /v1/token`."""
    methods: dict[str, set[str]] = {}
    for rule in current_app.url_map.iter_rules():
        supported = (rule.methods or set()).difference(IMPLICIT_METHODS)
        methods.setdefault(_VARIABLE.sub(r"{\1}", rule.rule), set()).update(supported)
    return {
        path: f"{' or '.join(sorted(supported))} {'/v1' * _is_api(path)}{path}"
        for path, supported in sorted(methods.items())
    }


def _is_api(path: str) -> bool:
    return path != "/" and not path.startswith("/page/")
