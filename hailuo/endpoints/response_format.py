"""Read the requested format of an answer: `response_format`, or `text.format`."""

from collections.abc import Mapping
from typing import Any

from ..upstream import AnswerFormat
from .validation import flag, invalid_field, optional

EXPECTED = '"text", "json_object" or "json_schema"'


def read(format: Any, path: str) -> AnswerFormat | None:
    """Return the format that the answer must have, None for any text.

    Chat Completions nests the schema in an object named json_schema; Responses does
    not. The schema itself is checked later, since it takes time.
    format: the field's value. path: of the field.
    raises: BadRequest.
    """
    format = {} if format is None else format
    if not isinstance(format, dict):
        raise invalid_field(path, "an object")
    kind = format.get("type")
    if kind in (None, "text"):
        return None
    if kind == "json_object":
        return AnswerFormat(param=path)
    if kind != "json_schema":
        raise invalid_field(f"{path}.type", EXPECTED)
    if isinstance(format.get("json_schema"), dict):
        format, path = format["json_schema"], f"{path}.json_schema"
    return _of_schema(format, path)


def _of_schema(format: Mapping[str, Any], path: str) -> AnswerFormat:
    schema = format.get("schema")
    if not isinstance(schema, dict):
        raise invalid_field(f"{path}.schema", "a JSON Schema")
    return AnswerFormat(
        schema,
        strict=flag(format, "strict", f"{path}."),
        name=optional(format, "name", str, "a string", f"{path}.") or "",
        description=optional(format, "description", str, "a string", f"{path}.") or "",
        param=f"{path}.schema",
    )
