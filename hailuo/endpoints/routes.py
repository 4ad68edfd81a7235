"""Refusals of paths and methods that do not exist, with the ones that do.

Clients show the message, and some guess from a bare 404 that a model is unknown.
"""

import difflib
import re
from collections.abc import Iterable

from flask import Request, current_app

from ..errors import BadRequest
from .middleware.paths import canonical

SIMILARITY = 0.6  # of a path to the one that may have been meant, from 0 to 1
MAX_PATH_CHARACTERS = 200  # of a path that is compared
UNTOLD = ("HEAD", "OPTIONS")  # methods that nobody looks for

_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")  # of a rule: <path:id>


class UnknownRoute(BadRequest):
    """There is nothing at this path."""

    status = 404
    code = "unknown_route"


class MethodNotAllowed(BadRequest):
    """The path takes other methods."""

    status = 405
    code = "method_not_allowed"

    def __init__(self, method: str, path: str, methods: Iterable[str]) -> None:
        self.methods = sorted(methods)
        told = " or ".join(each for each in self.methods if each not in UNTOLD)
        super().__init__(f"{path} takes {told}, not {method[:20]}")

    @property
    def headers(self) -> dict[str, str]:
        return super().headers | {"Allow": ", ".join(self.methods)}


def unknown(request: Request, path: str) -> UnknownRoute:
    """Return the refusal of a path, which names the closest ones there are.

    path: as the client sent it, made safe to be shown.
    """
    there = known()
    asked = canonical(request.path)[:MAX_PATH_CHARACTERS]
    closest = difflib.get_close_matches(asked, there, n=3, cutoff=SIMILARITY)
    told = "the closest are" if closest else "there are"
    instead = ", ".join(map(there.__getitem__, closest or there))
    return UnknownRoute(
        f"there is no route {request.method[:20]} {path}; {told}: {instead}"
    )


def known() -> dict[str, str]:
    """Return how each path is told, with its methods: `GET or POST /v1/token`."""
    methods: dict[str, set[str]] = {}
    for rule in current_app.url_map.iter_rules():
        taken = (rule.methods or set()).difference(UNTOLD)
        methods.setdefault(_VARIABLE.sub(r"{\1}", rule.rule), set()).update(taken)
    return {
        path: f"{' or '.join(sorted(taken))} {'/v1' * (path != '/')}{path}"
        for path, taken in sorted(methods.items())
    }
