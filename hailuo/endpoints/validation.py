"""Validation of single fields, shared by all requests."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import BadRequest

DEFAULT_MODEL = "hailuo"  # when a request names none
MAX_NAME_CHARACTERS = 256  # every event of a stream repeats the model's name
MAX_TOKENS = 2**31 - 1  # more than any model writes
MAX_STOPS = 16  # four times OpenAI's, since some clients add their own to the user's
MAX_STOP_CHARACTERS = 1_024  # a search takes the square of its length per piece


def invalid_field(param: str, expected: str, code: str = "invalid_value") -> BadRequest:
    """Return the error for an invalid field; *expected* says what it must be."""
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
    flags = {None: False, False: False, True: True, "true": True, "false": False}
    if not isinstance(value, (bool, str, type(None))) or value not in flags:
        raise invalid_field(f"{path}{name}", "true or false")
    return flags[value]


def stop_sequences(body: Mapping[str, Any], field: str) -> Sequence[str]:
    """Return the texts that end an answer, a string or a list. raises: BadRequest."""
    stops = body.get(field)
    stops = [stops] if isinstance(stops, str) else stops or []
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise invalid_field(field, "a string or a list of strings")
    if len(stops) > MAX_STOPS or any(len(stop) > MAX_STOP_CHARACTERS for stop in stops):
        limits = (
            f"at most {MAX_STOPS} strings of at most {MAX_STOP_CHARACTERS:,} characters"
        )
        raise invalid_field(field, limits)
    return [stop for stop in stops if stop]


def name(body: Mapping[str, Any], field: str) -> str:
    """Return a name, as of a model, "" when there is none.

    raises: BadRequest; for a long one too, which every event of a stream would repeat.
    """
    value = optional(body, field, str, "a string") or ""
    if len(value) > MAX_NAME_CHARACTERS:
        raise invalid_field(field, f"at most {MAX_NAME_CHARACTERS} characters long")
    return str(value)


def text(body: Mapping[str, Any], field: str, max_characters: int) -> str:
    """Return a text that is required.

    raises: BadRequest, also when it is blank or too long.
    """
    value = body.get(field)
    if not isinstance(value, str) or not value.strip():
        raise invalid_field(field, "a text that is not empty")
    if len(value) > max_characters:
        raise invalid_field(field, f"at most {max_characters:,} characters long")
    return value


def number(body: Mapping[str, Any], field: str) -> float | None:
    """Return a number, or None where it is absent. raises: BadRequest."""
    value = body.get(field)
    if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
        raise invalid_field(field, "a number")
    return value


def token_limit(body: Mapping[str, Any], field: str) -> int | None:
    """Return a number of tokens, or None where it is absent.

    A number that no upstream could read is as good as the greatest that all can.
    raises: BadRequest.
    """
    limit = body.get(field)
    if isinstance(limit, float) and limit.is_integer():
        limit = int(limit)
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int)):
        raise invalid_field(field, "a whole number of tokens")
    return None if limit is None else min(limit, MAX_TOKENS)


def max_tokens(body: Mapping[str, Any], *names: str) -> int | None:
    """Return the limit of an answer; some clients send -1 or 0 for no limit.

    names: of the field, the preferred one first. raises: BadRequest.
    """
    present = [name for name in names if body.get(name) is not None]
    limit = token_limit(body, present[0] if present else names[0])
    return limit if limit is not None and limit > 0 else None
