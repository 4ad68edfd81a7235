"""openapi.json describes what is there: routes, fields, error codes and answers."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from hailuo import errors
from hailuo.endpoints import json_body, transcriptions
from hailuo.endpoints.images import request as images
from hailuo.endpoints.openapi import DOCUMENT

OPENAPI = json.loads(DOCUMENT)
COMPONENTS = OPENAPI["components"]
KEY = {"Authorization": "Bearer My API Key"}
METHODS = ("get", "post", "delete")
NO_EFFECT = "Has no effect"
PASSED_ON = {"thinking", "service_tier"}  # by chat, to an upstream that reads it


class Operation(dict[str, Any]):
    """A method of a path, as it is described."""

    def __init__(self, path: str, method: str, described: Mapping[str, Any]) -> None:
        super().__init__(described)
        self.path = path
        self.method = method

    def __repr__(self) -> str:
        return f"{self.method} {self.path}"

    def body(self, media_type: str = "application/json") -> dict[str, Any]:
        content = self.get("requestBody", {}).get("content", {})
        return content.get(media_type, {})


OPERATIONS = [
    Operation(path, method, described[method])
    for path, described in OPENAPI["paths"].items()
    for method in METHODS
    if method in described
]
EXAMPLES = [each for each in OPERATIONS if "example" in each.body()]
PLAIN_GETS = [
    each
    for each in OPERATIONS
    if each.method == "get" and "{" not in each.path and "refresh" not in each.path
]


class Fields(dict[str, Any]):
    """A body that remembers the names of the fields that were looked for."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__(body)
        self.looked_for: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.looked_for.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.looked_for.add(str(name))
        return super().__contains__(name)


def resolve(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema of the components for a reference to it."""
    if "$ref" not in schema:
        return schema
    return COMPONENTS["schemas"][schema["$ref"].rpartition("/")[2]]


def validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": COMPONENTS})


def test_document_is_served_to_everyone(client: FlaskClient):
    answer = client.get("/openapi.json")
    assert answer.status_code == 200 and answer.mimetype == "application/json"
    assert answer.get_json() == OPENAPI


def test_every_route_is_described(app: Flask):
    described = {
        (each.method.upper(), re.sub(r"\{\w+\}", "{}", each.path.removeprefix("/v1")))
        for each in OPERATIONS
    }
    assert described == {
        (method, re.sub(r"<[^>]+>", "{}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_variable_of_a_path_is_described():
    for path, described in OPENAPI["paths"].items():
        names = [each["name"] for each in described.get("parameters", ())]
        assert names == re.findall(r"\{(\w+)\}", path)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_reference_leads_to_a_component():
    used = set(references(OPENAPI))
    there = {
        f"#/components/{kind}/{name}"
        for kind in ("headers", "responses", "schemas")
        for name in COMPONENTS[kind]
    }
    assert used <= there
    before_a_route = {f"#/components/responses/{n}" for n in (405, 414, 417, 501)}
    assert there - used == before_a_route


@pytest.mark.parametrize("name", COMPONENTS["schemas"])
def test_every_schema_is_valid(name: str):
    Draft202012Validator.check_schema(COMPONENTS["schemas"][name])


def test_operations_have_ids_of_their_own():
    ids = [each["operationId"] for each in OPERATIONS]
    assert len({*ids}) == len(ids)


def described_errors(part: str) -> set[tuple[str, str]]:
    """Return each status with its codes or, by *part*, its types."""
    found = set()
    for status, response in COMPONENTS["responses"].items():
        if status.isdigit():
            _, own = response["content"]["application/json"]["schema"]["allOf"]
            enum = own["properties"]["error"]["properties"][part]["enum"]
            found |= {(status, value) for value in enum if value}
    return found


def test_errors_are_those_of_the_documentation(root: Path):
    page = (root / "docs" / "api.md").read_text("utf-8").partition("\n## Errors\n")[2]
    rows = re.findall(r"^\| ([\d, ]+) \| `(\w+)` / ([^|]+) \|", page, re.MULTILINE)
    assert described_errors("code") == {
        (status, code)
        for statuses, _, codes in rows
        for status in statuses.split(", ")
        for code in re.findall(r"`(\w+)`", codes)
    }
    assert described_errors("type") == {
        (status, kind) for statuses, kind, _ in rows for status in statuses.split(", ")
    }


def kinds(error: type[errors.GatewayError]) -> list[type[errors.GatewayError]]:
    return [error, *(kind for each in error.__subclasses__() for kind in kinds(each))]


def test_every_error_is_described():
    described = described_errors("code")
    for kind in kinds(errors.GatewayError):
        if kind.code and kind.status != 499:  # nobody is there to be told
            assert (str(kind.status), kind.code) in described


@pytest.mark.parametrize("operation", EXAMPLES, ids=repr)
def test_fields_that_a_route_reads_are_described(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, operation: Operation
):
    """And others are not, unless they say that they have no effect."""
    bodies: list[Fields] = []
    read = json_body.read

    def remember(*arguments: Any) -> Fields:
        bodies.append(Fields(read(*arguments)))
        return bodies[-1]

    monkeypatch.setattr(json_body, "read", remember)
    content = operation.body()
    sent: Mapping[str, Any]
    for sent in (content["example"], {}):
        client.open(operation.path, method=operation.method, json=sent, headers=KEY)
    properties = resolve(content["schema"])["properties"]
    looked_for = bodies[0].looked_for | bodies[1].looked_for
    assert looked_for <= {*properties}
    assert {*properties} - looked_for <= without_effect(properties) | PASSED_ON


def without_effect(properties: Mapping[str, Any]) -> set[str]:
    return {
        name
        for name, schema in properties.items()
        if schema.get("description", "").startswith(NO_EFFECT)
    }


def properties_of(path: str, media_type: str) -> Mapping[str, Any]:
    (operation,) = (each for each in OPERATIONS if each.path == path)
    return resolve(operation.body(media_type)["schema"])["properties"]


@pytest.mark.parametrize(
    ("media_type", "recording"),
    [("multipart/form-data", "file"), ("application/json", "input_audio")],
)
def test_fields_of_a_transcription_are_described(media_type: str, recording: str):
    properties = properties_of("/v1/audio/transcriptions", media_type)
    fields = Fields({})
    transcriptions.read(fields)
    read = {name.removesuffix("[]") for name in fields.looked_for} | {recording}
    named = {name.removesuffix("[]") for name in properties}
    assert named - without_effect(properties) == read


def test_fields_of_an_edit_are_described():
    properties = properties_of("/v1/images/edits", "multipart/form-data")
    fields = Fields({"prompt": "A cat"})
    images.read(fields)
    assert {*properties} - without_effect(properties) == fields.looked_for | {"image"}


@pytest.mark.parametrize("operation", EXAMPLES, ids=repr)
def test_example_of_a_request_is_accepted(client: FlaskClient, operation: Operation):
    """As far as the pool, which is empty."""
    content = operation.body()
    validator(content["schema"]).validate(content["example"])
    answer = client.open(
        operation.path, method=operation.method, json=content["example"], headers=KEY
    )
    placeholder = "TOKEN" in json.dumps(content["example"])
    assert answer.status_code in ((200, 400) if placeholder else (200, 503))


@pytest.mark.parametrize("operation", PLAIN_GETS, ids=repr)
def test_answer_is_as_described(client: FlaskClient, operation: Operation):
    headers = {**KEY, "Accept": "application/json"}
    answer = client.get(operation.path, headers=headers)
    assert answer.status_code == 200
    content = operation["responses"]["200"]["content"]
    assert answer.mimetype in content
    if answer.is_json:
        validator(content["application/json"]["schema"]).validate(answer.get_json())
