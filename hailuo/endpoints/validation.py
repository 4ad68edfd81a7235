"""Checks of single fields, which the readers of all requests share."""

from collections.abc import Mapping
from typing import Any

from ..errors import BadRequest

DEFAULT_MODEL = "hailuo"  # of a request that names none
MAX_NAME_CHARACTERS = 256  # a model's name is repeated in every event of a stream


def invalid_field(param: str, expected: str, code: str = "invalid_value") -> BadRequest:
    """The refusal of a field, with what it should have been."""
    return BadRequest(f"{param} must be {expected}", param=param, code=code)


def optional(
    body: Mapping[str, Any], name: str, kind: type, expected: str, path: str = ""
) -> Any:
    """Return the field, or None where it is absent. raises: BadRequest."""
    value = body.get(name)
    if value is not None and not isinstance(value, kind):
        raise invalid_field(f"{path}{name}", expected)
    return value


def flag(body: Mapping[str, Any], name: str, path: str = "") -> bool:
    """Return true or false, which some clients send as words. raises: BadRequest."""
    value = body.get(name)
    known = {None: False, False: False, True: True, "true": True, "false": False}
    if not isinstance(value, (bool, str, type(None))) or value not in known:
        raise invalid_field(f"{path}{name}", "true or false")
    return known[value]


def name(body: Mapping[str, Any], field: str) -> str:
    """Return the name of a model or the like, "" when there is none.

    raises: BadRequest for one that no model has, but a client that would have it sent
        back in each of a thousand events.
    """
    value = optional(body, field, str, "a string") or ""
    if len(value) > MAX_NAME_CHARACTERS:
        raise invalid_field(field, f"at most {MAX_NAME_CHARACTERS} characters long")
    return str(value)
