"""Check the requested format of an answer: `response_format`, or `text.format`."""

from typing import Any

from ..errors import BadRequest
from .validation import invalid_field

JSON_FORMATS = ("json_object", "json_schema")


def check(format: Any, path: str) -> None:
    """Reject all formats but text.

    format: the field's value. path: of the field.
    raises: BadRequest.
    """
    if format is not None and not isinstance(format, dict):
        raise invalid_field(path, "an object")
    kind, param = (format or {}).get("type"), f"{path}.type"
    if kind in JSON_FORMATS:
        raise BadRequest(
            f"{param}: {kind} is not supported: describe the format in a message, "
            f"and omit {path}",
            param=param,
            code="unsupported_value",
        )
    if kind not in (None, "text"):
        raise invalid_field(param, '"text"')
