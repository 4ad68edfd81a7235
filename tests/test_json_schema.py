"""Schemas, and values checked against them: what fits, and how long it may take."""

import time
from typing import Any

import pytest

from hailuo import json_schema
from hailuo.errors import BadRequest
from hailuo.json_schema import bounded

PARAM = "tools[0].function.parameters"


def problem(schema: dict[str, Any], value: Any) -> str:
    return json_schema.compiled(schema, PARAM).problem(value)


DRAFT_7 = "http://json-schema.org/draft-07/schema#"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
TREE = {
    "$defs": {
        "node": {"type": "object", "properties": {"to": {"$ref": "#/$defs/node"}}}
    },
    "$ref": "#/$defs/node",
}

CHECKS: dict[str, tuple[dict[str, Any], Any, Any]] = {
    # a schema, a value that meets it, and one that does not
    "a type": (CITY, {"city": "Paris"}, {"city": 1}),
    "required": ({"required": ["a"]}, {"a": 1}, {}),
    "an enum": ({"enum": ["C", "F"]}, "C", "K"),
    "numbers": ({"minimum": 1, "multipleOf": 2}, 4, 3),
    "anyOf": ({"anyOf": [{"type": "null"}, CITY]}, None, 7),
    "oneOf": ({"oneOf": [{"minimum": 1}, {"maximum": 5}]}, 9, 3),
    "not": ({"not": {"type": "string"}}, 1, "a"),
    "if": ({"if": {"minimum": 5}, "then": {"multipleOf": 5}}, 10, 7),
    "a reference": (TREE, {"to": {"to": {}}}, {"to": {"to": 1}}),
    "no other properties": (
        {**CITY, "additionalProperties": False},
        {"city": "a"},
        {"town": "a"},
    ),
    "other properties": (
        {"additionalProperties": {"type": "null"}},
        {"a": None},
        {"a": 1},
    ),
    "properties by pattern": (
        {"patternProperties": {"^a": {"type": "null"}}, "additionalProperties": False},
        {"ab": None},
        {"b": None},
    ),
    "a value by pattern": (
        {"patternProperties": {"^a": {"type": "null"}}},
        {},
        {"a": 1},
    ),
    "a pattern": ({"pattern": r"^\d{2}-[A-Z]$"}, "12-A", "1-a"),
    "a pattern with an escape": ({"pattern": r"^\u0041$"}, "A", "B"),
    "unique items": ({"uniqueItems": True}, [{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 1}]),
    "prefixItems": ({"prefixItems": [{"type": "null"}]}, [None], [1]),
    "items of draft 7": (
        {"$schema": DRAFT_7, "items": [{"type": "null"}]},
        [None],
        [1],
    ),
    "items of draft 7, unnamed": ({"items": [{"type": "null"}]}, [None], [1]),
    "minimum of draft 4, unnamed": ({"minimum": 1, "exclusiveMinimum": True}, 2, 1),
    "an unknown draft": ({"$schema": "https://e.com/x", "type": "null"}, None, 1),
    "a schema within that names its draft": (
        {"properties": {"a": {"$schema": DRAFT_7, "type": "null"}}},
        {"a": None},
        {"a": 1},
    ),
    "a property named $ref": (
        {"properties": {"$ref": {"type": "string"}}},
        {"$ref": "#/x"},
        {"$ref": 1},
    ),
    "anything": ({}, [1, {"a": None}], None),
}


@pytest.mark.parametrize(("schema", "good", "bad"), CHECKS.values(), ids=CHECKS)
def test_value_is_checked(schema: dict[str, Any], good: Any, bad: Any):
    assert problem(schema, good) == ""
    assert problem(schema, bad) or not schema


def test_problem_says_where_it_is():
    assert problem(CITY, {"city": 1}).startswith("$.city: 1 is not of type")
    assert len(problem(CITY, {"city": [1] * 10_000})) <= 300


INVALID: dict[str, dict[str, Any]] = {
    "an unknown type": {"type": "text"},
    "required is no list": {"required": "city"},
    "deep within": {"properties": {"a": {"items": {"minimum": "1"}}}},
    "a reference to nothing": {"$ref": "#/$defs/x"},
    "a reference to a place elsewhere": {"$ref": "https://example.org/schema.json"},
    "a reference to a file": {"$ref": "file:///etc/passwd"},
    "a reference to what is no schema": {"$ref": "#/title", "title": "a"},
    "a reference to a list": {"$ref": "#/required", "required": ["a"]},
    "by the draft that it names": {"$schema": DRAFT_7, "required": [1]},
}


@pytest.mark.parametrize("schema", INVALID.values(), ids=INVALID)
def test_invalid_schema_is_rejected(schema: dict[str, Any]):
    with pytest.raises(BadRequest) as raised:
        json_schema.compiled(schema, PARAM)
    assert raised.value.param == PARAM
    assert PARAM in raised.value.message


def test_reference_that_leads_nowhere_later_is_a_problem():
    """It cannot be told before, since an $id changes what it is relative to."""
    schema = {"properties": {"a": {"$id": "https://e.com/a", "$ref": "b"}}}
    assert "a fault" in problem(schema, {"a": 1})


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": 5},
        {"anyOf": [{"$ref": None}, {"$ref": ["a"]}]},
        {"$dynamicRef": "http://["},
    ],
)
def test_reference_that_is_none_is_met_by_nothing(schema: dict[str, Any]):
    """The rules of draft 4 allow any."""
    assert problem(schema, {"a": 1})


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


FAULTY: dict[str, tuple[dict[str, Any], Any]] = {
    "an id that is no address": (
        {"properties": {"a": {"$id": "http://[", "$ref": "b"}}},
        {"a": 1},
    ),
    "a reference by an anchor to itself": ({"$anchor": "a", "$ref": "#a"}, 1),
    "a dynamic reference to nothing": ({"$dynamicRef": "#a"}, 1),
    "a number too large to be divided": ({"multipleOf": 0.1}, 10**400),
}


@pytest.mark.parametrize(("schema", "value"), FAULTY.values(), ids=FAULTY)
def test_check_that_fails_is_a_problem(schema: dict[str, Any], value: Any):
    assert problem(schema, value)


def test_large_numbers_and_deep_lists_can_be_unique():
    assert problem({"uniqueItems": True}, [10**30, 10**31, deep_list(300)]) == ""


def test_limits_of_schemas():
    json_schema.check_size([(nested(32), "a"), ({"enum": ["x" * 60_000]}, "b")])
    for schema in (nested(33), nested(5_000)):
        with pytest.raises(BadRequest) as raised:
            json_schema.compiled(schema, PARAM)
        assert "32 levels" in raised.value.message
    half = {"enum": ["x" * 33_000]}
    with pytest.raises(BadRequest) as raised:
        json_schema.check_size([(half, "a"), (half, "b")])
    assert raised.value.param == "b" and "64 kB" in raised.value.message


def doubled(keyword: str, last: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that refers twice to the next one, 24 times."""
    schemas = {
        f"s{at}": {keyword: [{"$ref": f"#/$defs/s{at + 1}"}] * 2} for at in range(24)
    }
    return {"$ref": "#/$defs/s0", "$defs": {**schemas, "s24": last}}


def deep_list(levels: int) -> Any:
    value: Any = 2
    for _ in range(levels):
        value = [value]
    return value


BRANCHES = {"type": "array", "items": {"$ref": "#/$defs/node"}}
ESCAPES = {"$schema": DRAFT_7, "pattern": "^(a|a)*b$"}
HOSTILE: dict[str, tuple[dict[str, Any], Any]] = {
    "a pattern that backtracks": ({"pattern": "(a+)+$"}, "a" * 50_000 + "!"),
    "another": ({"pattern": "^(a|a)*b$"}, "a" * 50_000),
    "a pattern that grows": ({"pattern": "((a{1,999}){1,999}){1,999}"}, "a" * 9_999),
    "a pattern in a schema that names its draft": (
        {"properties": {"a": ESCAPES}},
        {"a": "a" * 50_000},
    ),
    "a reference to a group": ({"pattern": r"^(a+)+\1$"}, "a" * 9_999 + "!"),
    "many names by many patterns": (
        {"patternProperties": {f"^(a|b{at})*x$": {} for at in range(500)}},
        {"a" * 30 + str(at): 1 for at in range(3_000)},
    ),
    "doubled anyOf": (doubled("anyOf", {"const": 1}), 2),
    "doubled oneOf": (doubled("oneOf", {"const": 1}), 2),
    "doubled allOf": (doubled("allOf", {"const": 2}), 2),
    "a tree with two branches": (
        {
            "$defs": {"node": {"anyOf": [BRANCHES, {**BRANCHES, "minItems": 9}]}},
            "$ref": "#/$defs/node",
        },
        deep_list(30),
    ),
    "a reference to itself": ({"$ref": "#"}, 1),
    "references in a circle": (
        {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}] * 2}}, "$ref": "#/$defs/a"},
        1,
    ),
    "a dynamic circle": (
        {"$dynamicAnchor": "x", "anyOf": [{"$dynamicRef": "#x"}] * 2},
        1,
    ),
    "a large enum for many items": (
        {"items": {"enum": [str(at) for at in range(5_000)]}},
        ["4999"] * 20_000,
    ),
    "many items that are unique": (
        {"uniqueItems": True},
        [{"k": [i]} for i in range(9_999)],
    ),
    "contains": (
        {"contains": {"enum": [f"x{at}" for at in range(4_000)]}},
        ["a"] * 50_000,
    ),
    "unevaluated properties": (
        {**doubled("anyOf", {"properties": {"a": {}}}), "unevaluatedProperties": False},
        {"a": 1, "b": 2},
    ),
    "large values in messages": (
        {"anyOf": [{"not": {"type": "array"}}] * 900},
        [["x" * 99] * 99] * 99,
    ),
}


@pytest.mark.parametrize(("schema", "value"), HOSTILE.values(), ids=HOSTILE)
def test_check_is_bounded(schema: dict[str, Any], value: Any):
    """Without the bounds these take from seconds to years."""
    begun = time.process_time()
    problem(schema, value)
    assert time.process_time() - begun < 10


def test_others_run_during_a_long_check(monkeypatch: pytest.MonkeyPatch):
    pauses = []
    monkeypatch.setattr(
        "hailuo.concurrency.fairness.yield_to_others", lambda: pauses.append(1)
    )
    schema = json_schema.compiled(doubled("anyOf", {"const": 1}), PARAM)
    assert "too complex" in schema.problem(2)
    assert len(pauses) > 10


def test_schema_of_the_largest_size_is_accepted():
    properties = {f"property_{at}": {"type": "string"} for at in range(1_500)}
    assert problem({"type": "object", "properties": properties}, {}) == ""


def test_budget_grows_with_the_value():
    """So that a long answer that fits is not too complex."""
    properties = {f"field_{at}": {"type": "string"} for at in range(10)}
    row = {"type": "object", "properties": properties, "required": list(properties)}
    value = [dict.fromkeys(properties, "text")] * 2_000
    assert problem({"type": "array", "items": row}, value) == ""


def test_steps_are_those_of_one_check_only():
    schema = json_schema.compiled({"items": {"type": "null"}}, PARAM)
    half = [None] * (bounded.MAX_STEPS * 2 // 5)
    assert schema.problem(half) == schema.problem(half) == ""
