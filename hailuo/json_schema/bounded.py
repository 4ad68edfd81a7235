"""Validation of a value against a JSON Schema in a bounded number of steps.

    error = first_error(Draft202012Validator, schema, value)

A schema comes from a client and a value from a model that the client instructs. With
the library's own classes a few lines of either can take hours: `anyOf` over `$ref` is
exponential, a pattern backtracks, unique items are compared in pairs. Here each keyword
takes steps from a budget, patterns are matched in linear time (RE2), and other requests
run in between.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any

import attrs
import re2
from jsonschema import ValidationError, validators
from referencing import Registry

from ..concurrency.fairness import TimeSlice, fairly

MAX_STEPS = 50_000  # of one check, and one for each character of the value
MAX_PATTERN_BYTES = 262_144  # of memory for a compiled pattern

_STEP_CHARACTERS = 64  # of a value that are compared, or quoted, in one step
_COMPILE_STEPS = 100  # a pattern takes up to a millisecond to compile
_ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})")
_REGISTRY: Any = Registry()  # empty: nothing is fetched
_extend: Callable[..., Any] = validators.extend

Errors = Iterator[ValidationError]


class TooManySteps(Exception):
    """The check has used up its steps."""


class Budget:
    """Steps that are left of a check.

    value: the value to check.
    steps: how many it may take, besides one for each of its characters.
    """

    def __init__(self, value: Any, steps: int) -> None:
        self._time_slice = TimeSlice()
        self._sizes: dict[int, int] = {}
        for each in reversed([*fairly(containers(value))]):  # the innermost first
            parts = [*each, *each.values()] if isinstance(each, dict) else each
            self._sizes[id(each)] = sum(map(self._size, parts))
            self._time_slice.yield_if_over()
        self._left = steps + self._size(value)

    def charge(self, comparisons: int, value: Any) -> None:
        """Take the steps of comparing *value*. raises: TooManySteps."""
        self._left -= comparisons + self._size(value) // _STEP_CHARACTERS
        if self._left < 0:
            raise TooManySteps
        self._time_slice.yield_if_over()

    def _size(self, value: Any) -> int:
        """Return the characters of a value, roughly."""
        if isinstance(value, str):
            return 2 + len(value)
        return self._sizes.get(id(value), 8)


_budget: ContextVar[Budget] = ContextVar("budget")


def first_error(
    draft: Any, schema: Mapping[str, Any], value: Any, steps: int = MAX_STEPS
) -> ValidationError | None:
    """Return the first error of *value*, None if it meets the schema.

    raises: TooManySteps; RecursionError; Unresolvable for a `$ref`.
    """
    token = _budget.set(Budget(value, steps))
    try:
        errors: Errors = _bounded(draft)(schema, registry=_REGISTRY).iter_errors(value)
        return next(errors, None)
    finally:
        _budget.reset(token)


def containers(value: Any, without: frozenset[str] = frozenset()) -> Iterator[Any]:
    """Yield the objects and lists of a value, each after the one that holds it.

    without: keys that are not looked into.
    """
    level = [value] if isinstance(value, dict | list) else []
    while level:
        yield from level
        level = [child for parent in level for child in children(parent, without)]


def children(parent: Any, without: frozenset[str] = frozenset()) -> Iterator[Any]:
    """Yield the objects and lists directly within an object or a list."""
    for key, child in parent.items() if isinstance(parent, dict) else enumerate(parent):
        if isinstance(child, dict | list) and key not in without:
            yield child


@cache
def _bounded(draft: Any) -> Any:
    """Return a validator class of a draft whose checks are counted.

    The library leaves a class for its own one at each part that names a `$schema`.
    """
    checks = {**draft.VALIDATORS, **_OWN_CHECKS}
    bounded = _extend(
        draft, {name: _counted(checks[name]) for name in draft.VALIDATORS}
    )
    bounded.evolve = attrs.evolve
    return bounded


def _counted(check: Callable[..., Any]) -> Callable[..., Any]:
    """Return the check of a keyword, which takes its steps from the budget first."""

    def counted(validator: Any, rule: Any, value: Any, schema: Any) -> Any:
        comparisons = len(rule) if isinstance(rule, list | dict) else 1
        _budget.get().charge(comparisons, value)
        return check(validator, rule, value, schema)

    return counted


def _unchecked(*_: Any) -> Sequence[ValidationError]:
    """Accept any value: the library's time for `unevaluated…` is not bounded."""
    return ()


def _any_of(validator: Any, rule: Sequence[Any], value: Any, _: Any) -> Errors:
    """Accept a value that meets one of the schemas; keep no errors of the others."""
    if not any(_is_met(validator, schema, value) for schema in rule):
        yield ValidationError(f"{value!r} meets none of the schemas of anyOf")


def _one_of(validator: Any, rule: Sequence[Any], value: Any, _: Any) -> Errors:
    met = sum(_is_met(validator, schema, value) for schema in rule)
    if met != 1:
        yield ValidationError(f"{value!r} meets {met} of the schemas of oneOf, not one")


def _is_met(validator: Any, schema: Any, value: Any) -> bool:
    return next(validator.descend(value, schema), None) is None


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Errors:
    if isinstance(value, str) and not _matches(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Any], value: Any, _: Any
) -> Errors:
    for name in value if isinstance(value, dict) else ():
        _budget.get().charge(len(patterns), name)
        for pattern, schema in patterns.items():
            if _matches(pattern, name):
                yield from validator.descend(value[name], schema, path=name)


def _additional_properties(
    validator: Any, rule: Any, value: Any, schema: Mapping[str, Any]
) -> Errors:
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name in value if isinstance(value, dict) else ():
        _budget.get().charge(1 + len(patterns), name)
        if name in known or any(_matches(pattern, name) for pattern in patterns):
            continue
        if rule is False:
            yield ValidationError(f"{name!r} is not a property of the schema")
        else:
            yield from validator.descend(value[name], rule, path=name)


def _unique_items(_: Any, rule: Any, value: Any, __: Any) -> Errors:
    if not rule or not isinstance(value, list):
        return
    seen = set()
    for item in value:
        _budget.get().charge(1, item)
        seen.add(json.dumps(item, sort_keys=True))
    if len(seen) < len(value):
        yield ValidationError("the items are not unique")


def _matches(pattern: str, text: str) -> bool:
    """Return whether *text* matches, True for a pattern that RE2 does not support."""
    _budget.get().charge(1, text)
    expression = _expression(pattern)
    return expression is None or expression.search(text) is not None


@lru_cache(maxsize=128)
def _expression(pattern: str) -> Any:
    """Return a compiled pattern; None for one that would have to backtrack."""
    _budget.get().charge(_COMPILE_STEPS, pattern)
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_PATTERN_BYTES
    try:
        return re2.compile(_ESCAPED.sub(r"\\x{\1}", pattern), options)
    except (re2.error, UnicodeError):
        return None


_OWN_CHECKS: Mapping[str, Callable[..., Any]] = {
    "anyOf": _any_of,
    "oneOf": _one_of,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
    "unevaluatedItems": _unchecked,
    "unevaluatedProperties": _unchecked,
}
