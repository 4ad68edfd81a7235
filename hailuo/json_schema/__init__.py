"""JSON Schema: check a client's schemas, and values against them, in bounded time.

    schema = json_schema.compiled({"type": "object", …}, "tools[0].function.parameters")
    problem = schema.problem(value)      # "" for a value that meets it

An address in a `$ref` is never fetched. source: tools.md 4.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from jsonschema import ValidationError
from jsonschema.validators import (
    Draft4Validator,
    Draft6Validator,
    Draft7Validator,
    Draft201909Validator,
    Draft202012Validator,
)
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import specification_with

from ..concurrency.fairness import fairly
from ..errors import BadRequest
from .bounded import MAX_STEPS, TooManySteps, children, containers, first_error

MAX_SCHEMAS_KB = 64  # all schemas of a request together
MAX_SCHEMA_DEPTH = 32
MAX_PROBLEM_CHARACTERS = 300
QUICK_BYTES = 8 * 1024  # of schemas that anyone may have checked
MAX_SCHEMA_STEPS = 500_000  # of checking a schema itself, which takes linear time
MAX_REMEMBERED = 256  # valid schemas: agents send the same with each request

_DATA_KEYWORDS = frozenset(("enum", "const", "default", "examples"))
_DRAFTS = {
    draft.META_SCHEMA.get("$schema", "").rstrip("#"): draft
    for draft in (
        Draft202012Validator,
        Draft201909Validator,
        Draft7Validator,
        Draft6Validator,
        Draft4Validator,
    )
}
# Many tools name no draft; they are read by the first of these that accepts them.
_USUAL_DRAFTS = (Draft202012Validator, Draft7Validator, Draft4Validator)


class _TooDeep(Exception):
    """The schema has more levels than are allowed."""


class Schema:
    """A valid JSON Schema, read by the rules of a draft."""

    def __init__(self, schema: Mapping[str, Any], draft: Any) -> None:
        self._schema = schema
        self._draft = draft

    def problem(self, value: Any, among: int = 1) -> str:
        """Return what keeps *value* from meeting the schema, "" for nothing.

        among: the number of values that share the steps of one check.
        """
        steps = MAX_STEPS // among
        try:
            error = first_error(self._draft, self._schema, value, steps)
        except (TooManySteps, RecursionError):
            return "it is too complex to be checked"
        except Exception:  # noqa: BLE001 - references are only followed now
            return "it cannot be checked, since the schema has a fault"
        return _described(error) if error else ""


def compiled(schema: Mapping[str, Any], param: str) -> Schema:
    """Return a schema that values can be checked against.

    param: the path of the request's field that holds it.
    raises: BadRequest when it is invalid, larger than 64 kB or too deep.
    """
    check_size([(schema, param)])
    try:
        draft = _draft(orjson.dumps(schema))
    except _TooDeep:
        raise _too_deep(param) from None
    except ValidationError as error:
        raise _invalid(param, _described(error)) from None
    except (TooManySteps, RecursionError):
        raise _invalid(param, "it is too complex to be checked") from None
    except Exception as error:  # noqa: BLE001 - a schema that the library did not expect
        raise _invalid(param, f"it cannot be read ({type(error).__name__})") from None
    return Schema(schema, draft)


def check_size(schemas: Sequence[tuple[Mapping[str, Any], str]]) -> None:
    """Raise BadRequest if all schemas together are too large.

    schemas: those of a request, each with the path of its field.
    """
    left = MAX_SCHEMAS_KB * 1024
    for schema, param in schemas:
        try:
            left -= len(orjson.dumps(schema))
        except orjson.JSONEncodeError:
            raise _too_deep(param) from None
        if left < 0:
            raise BadRequest(
                f"{param}: the schemas of a request must not exceed {MAX_SCHEMAS_KB} "
                "kB in all: send fewer or shorter ones",
                param=param,
                code="invalid_value",
            )


def are_large(schemas: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether checking the schemas would take more than some 50 ms."""
    try:
        return sum(len(orjson.dumps(schema)) for schema in schemas) > QUICK_BYTES
    except orjson.JSONEncodeError:
        return False  # it is too deep, which is found at once


@lru_cache(maxsize=MAX_REMEMBERED)
def _draft(data: bytes) -> Any:
    """Return the draft by whose rules a schema is valid: the one that it names, if any.

    data: the schema as JSON.
    raises: _TooDeep; ValidationError, by the rules of the first draft tried.
    """
    schema = orjson.loads(data)
    if is_deeper(schema, MAX_SCHEMA_DEPTH):
        raise _TooDeep
    named = schema.get("$schema")
    known = _DRAFTS.get(named.rstrip("#")) if isinstance(named, str) else None
    errors = []
    for draft in (known,) if known else _USUAL_DRAFTS:
        error = first_error(draft, draft.META_SCHEMA, schema, MAX_SCHEMA_STEPS)
        if error is None:
            _check_references(schema, draft)
            return draft
        errors.append(error)
    raise errors[0]


def _check_references(schema: Mapping[str, Any], draft: Any) -> None:
    """Raise ValidationError for a `$ref` that leads nowhere.

    Where a part has an `$id`, which references may be relative to, they are followed
    only when a value is checked.
    """
    parts = [part for part in containers(schema, _DATA_KEYWORDS) if type(part) is dict]
    if any(isinstance(part.get("$id"), str) for part in parts[1:]):
        return
    specification = specification_with(draft.META_SCHEMA["$schema"])
    resource = specification.create_resource(schema)
    resolver: Any = Registry().resolver_with_root(resource)
    references = (part.get("$ref") for part in parts)
    for reference in fairly({each for each in references if isinstance(each, str)}):
        try:
            target = resolver.lookup(reference).contents
        except (Unresolvable, ValueError):
            target = None
        if not isinstance(target, dict | bool):
            message = f"the $ref {reference[:80]!r} leads to no schema within it"
            raise ValidationError(message)


def is_deeper(value: Any, levels: int) -> bool:
    """Return whether objects and lists are nested more than *levels* deep."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(levels + 1):
        level = [child for parent in level for child in children(parent)]
        if not level:
            return False
    return True


def _described(error: ValidationError) -> str:
    """Return where an error is, and what it is."""
    return f"{error.json_path}: {error.message}"[:MAX_PROBLEM_CHARACTERS]


def _too_deep(param: str) -> BadRequest:
    message = f"{param} must be nested at most {MAX_SCHEMA_DEPTH} levels deep"
    return BadRequest(message, param=param, code="invalid_value")


def _invalid(param: str, problem: str) -> BadRequest:
    message = f"{param} must be a valid JSON Schema: {problem}"
    return BadRequest(message, param=param, code="invalid_value")
