"""Canned JSON for people who try functions and structured output.

Values are parts of the question that fit the schema: a number, a quotation or a name.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

WORD = re.compile(r"[a-z0-9]{3,}|[㐀-鿿]{2}")
QUOTED = re.compile(r"(?<!\w)'([^'\n]+)'(?!\w)")
NAME = re.compile(r"(?<!^)(?<![.?!] )\b[A-Z]\w+|\d+(?:\.\d+)?|[“\"](.+?)[”\"]")
SCHEMA = re.compile(r"JSON Schema:\n(\{.*\})$", re.MULTILINE)
ANY_OBJECT = re.compile(r"Answer with one JSON object and nothing else")
# An agent executes what is called, and the question may quote anything.
CHANGES = re.compile("write|edit|replace|delete|remove|move|create|update|patch|send")
COMMANDS = ("cmd", "command", "script", "code")
HARMLESS_COMMAND = "echo hailuo"
MAX_REFERENCES = 5  # that are followed within each other
KEY = re.compile(r"['\"`](\w+)['\"`]")

Schema = Mapping[str, Any]


def fitting_tool(tools: Sequence[Schema], question: str) -> Schema | None:
    """Return a tool that the question names, or has a word in common with.

    A tool that changes something is only called if it is forced.
    """
    tools = [tool for tool in tools if not CHANGES.search(tool["name"].lower())]
    for tool in tools:
        if tool["name"] in question:
            return tool
    words = set(WORD.findall(question.lower()))
    for tool in tools:
        text = tool["name"].replace("_", " ") + " " + tool.get("description", "")
        if words & set(WORD.findall(text.lower())):
            return tool
    return None


def arguments(
    schema: Schema, question: str, root: Schema, references: int = MAX_REFERENCES
) -> dict[str, Any]:
    """Return a value for each required property, or for all if none is required."""
    properties = schema.get("properties", {})
    names = schema.get("required") or list(properties)
    values = {
        name: value(properties.get(name, {}), question, root, references)
        for name in names
    }
    commands = [name for name in names if name.lower() in COMMANDS]
    return {**values, **dict.fromkeys(commands, HARMLESS_COMMAND)}


def value(
    schema: Schema | bool, question: str, root: Schema, references: int = MAX_REFERENCES
) -> Any:
    """Return a value of the schema, which is a part of *root*.

    references: how many may be followed, since a schema may contain itself.
    """
    if isinstance(schema, bool):
        return None
    if "$ref" in schema:
        schema = _referred(schema["$ref"], root) if references else True
        return value(schema, question, root, references - 1)
    for options in ("anyOf", "oneOf", "allOf"):
        if schema.get(options):
            return value(schema[options][0], question, root, references)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    return _of_type(schema, question, root, references)


def _of_type(schema: Schema, question: str, root: Schema, references: int) -> Any:
    candidates = [match[1] or match[0] for match in NAME.finditer(question)]
    kind = schema.get("type")
    match kind[0] if isinstance(kind, list) else kind:
        case "number" | "integer":
            numbers = [float(text) for text in candidates if text[0].isdigit()]
            number = numbers[-1] if numbers else 1.0
            return int(number) if number.is_integer() else number
        case "boolean":
            return True
        case "null":
            return None
        case "array":
            return [value(schema.get("items", {}), question, root, references)]
        case "object":
            return arguments(schema, question, root, references)
    names = [text for text in candidates if not text[0].isdigit()]
    names += QUOTED.findall(question)
    return names[-1] if names else question


def _referred(reference: str, root: Schema) -> Schema:
    for key in reference.removeprefix("#").split("/")[1:]:
        root = root[key]
    return root


def structured(message: str, question: str) -> str | None:
    """Return the JSON that the message asks for, None for none."""
    if asked := SCHEMA.findall(message):
        schema = json.loads(asked[-1])
        return json.dumps(value(schema, question, schema), ensure_ascii=False)
    if ANY_OBJECT.search(message):
        keys = KEY.findall(question) or ["answer"]
        return json.dumps(dict.fromkeys(keys, question), ensure_ascii=False)
    return None
