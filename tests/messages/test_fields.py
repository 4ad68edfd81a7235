"""Fields of Anthropic's requests: refusals name the field, and nothing is a 500."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.messages.conftest import MESSAGES

COUNT = f"{MESSAGES}/count_tokens"
KEY = {"x-api-key": "My API Key"}
USER = {"role": "user", "content": "Hi"}
FINE = {"model": "m", "max_tokens": 9, "messages": [USER]}


def ask(client: FlaskClient, path: str = MESSAGES, **fields: Any) -> tuple[int, str]:
    """Return the status and the message: 503 when the request is as it should be."""
    answer = client.post(path, json={**FINE, **fields}, headers=KEY)
    error = answer.get_json()["error"]
    assert error["type"] == {400: "invalid_request_error"}.get(
        answer.status_code, "api_error"
    )
    return answer.status_code, error["message"]


def said(*blocks: Any, role: str = "user") -> dict[str, Any]:
    return {"messages": [{"role": role, "content": list(blocks)}]}


def source(**fields: Any) -> dict[str, Any]:
    return said({"type": "image", "source": fields})


def result(**fields: Any) -> dict[str, Any]:
    return said({"type": "tool_result", "tool_use_id": "1", **fields})


TOOL = {"name": "f", "input_schema": {"type": "object"}}
BLOCK = "messages[0].content[0]"

# (fields, the path that is named)
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"max_tokens": None}, "max_tokens"),
    (
        {
            "messages": [
                USER,
                {"role": "user", "content": [{"type": "text"}]},
                {"role": "system", "content": "Be brief."},
            ]
        },
        "messages[1].content[0].text",
    ),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": True}, "max_tokens"),
    ({"max_tokens": "9"}, "max_tokens"),
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": {}}, "messages"),
    ({"messages": [{"role": "system", "content": " "}]}, "messages"),
    ({"messages": ["Hi"]}, "messages[0]"),
    ({"messages": [{"role": "tool"}]}, "messages[0].role"),
    ({"messages": [USER, {"content": "Hi"}]}, "messages[1].role"),
    ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
    (said(7), BLOCK),
    (said({"type": "text"}), f"{BLOCK}.text"),
    (said({"type": "image"}), f"{BLOCK}.source"),
    (source(type="base64"), f"{BLOCK}.source.data"),
    (source(type="base64", data=7), f"{BLOCK}.source.data"),
    (source(type="url"), f"{BLOCK}.source.url"),
    (source(type="url", url="ftp://example.com"), f"{BLOCK}.source.url"),
    (source(type="file", file_id="file_1"), f"{BLOCK}.source.type"),
    (source(type="x"), f"{BLOCK}.source.type"),
    (source(), f"{BLOCK}.source.type"),
    (said({"type": "document", "source": {"type": "text"}}), f"{BLOCK}.source.data"),
    (
        said({"type": "document", "source": {"type": "content", "content": [7]}}),
        f"{BLOCK}.source.content[0]",
    ),
    (said({"type": "tool_result"}), f"{BLOCK}.tool_use_id"),
    (result(content=7), f"{BLOCK}.content"),
    (result(content=[{"type": "text"}]), f"{BLOCK}.content[0].text"),
    (
        result(content=[{"type": "image", "source": {"type": "url", "url": 7}}]),
        f"{BLOCK}.content[0].source.url",
    ),
    (
        said(*[{"type": "image", "source": {"type": "url", "url": "http://a"}}] * 21),
        "20",
    ),
    (said({"type": "tool_use"}, role="assistant"), f"{BLOCK}.id"),
    (said({"type": "tool_use", "id": "1"}, role="assistant"), f"{BLOCK}.name"),
    (
        said(
            {"type": "tool_use", "id": "1", "name": "f", "input": 7}, role="assistant"
        ),
        f"{BLOCK}.input",
    ),
    ({"system": 7}, "system"),
    ({"system": [{"type": "text"}]}, "system[0].text"),
    ({"tools": {}}, "tools"),
    ({"tools": [7]}, "tools[0]"),
    ({"tools": [TOOL, {"input_schema": {}}]}, "tools[1].name"),
    ({"tools": [{"name": "f", "input_schema": 7}]}, "tools[0].input_schema"),
    ({"tool_choice": "auto"}, "tool_choice"),
    ({"tool_choice": {"type": "some"}}, "tool_choice.type"),
    ({"tools": [TOOL], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
    (
        {"tool_choice": {"type": "auto", "disable_parallel_tool_use": 7}},
        "tool_choice.disable_parallel_tool_use",
    ),
    ({"stop_sequences": 7}, "stop_sequences"),
    ({"stop_sequences": ["x"] * 17}, "stop_sequences"),
    ({"stream": 7}, "stream"),
    ({"model": 7}, "model"),
    ({"model": "x" * 257}, "model"),
    ({"thinking": 7}, "thinking"),
    ({"thread": {"type": "create"}}, "thread"),
]


@pytest.mark.parametrize(
    ("fields", "named"), REFUSED, ids=[str(r)[:60] for r in REFUSED]
)
def test_refusal_names_the_field(client: FlaskClient, fields: Any, named: str):
    status, message = ask(client, **fields)
    assert status == 400
    assert message.startswith(named) or named in message.split()


@pytest.mark.parametrize("path", [MESSAGES, COUNT])
def test_threads_are_refused_so_that_clients_send_everything(
    client: FlaskClient, path: str
):
    thread = {"type": "continue", "previous_message_id": "msg_1"}
    answer = client.post(path, json={**FINE, "thread": thread}, headers=KEY)
    assert answer.status_code == 400
    assert answer.get_json()["error"]["details"] == {
        "error_code": "thread_unsupported_request",
        "unsupported": ["thread"],
    }


@pytest.mark.parametrize("body", ["", "[]", "{", '{"max_tokens": NaN}'])
def test_malformed_body_is_refused(client: FlaskClient, body: str):
    answer = client.post(MESSAGES, data=body, headers=KEY)
    assert (answer.status_code, answer.get_json()["type"]) == (400, "error")


def test_count_needs_no_limit_and_answers_without_an_account(client: FlaskClient):
    body = {"model": "m", "messages": [USER], "tools": [TOOL]}
    answer = client.post(COUNT, json=body, headers=KEY)
    assert answer.status_code == 200
    assert answer.get_json()["input_tokens"] > 0


NAMES = (
    "type text source data url title content tool_use_id is_error id name input "
    "thinking role user assistant system image document tool_use tool_result base64 "
    "file any tool input_schema description model messages tools tool_choice"
).split()
FIELDS = (
    "max_tokens messages system tools tool_choice stop_sequences thinking stream model "
    "temperature thread"
).split()
WORDS = st.one_of(st.sampled_from(NAMES), st.text(max_size=5))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=4)
    ),
    max_leaves=12,
)
BLOCKS = st.fixed_dictionaries(
    {"type": st.sampled_from(NAMES)}, optional=dict.fromkeys(NAMES[1:13], VALUES)
)
BODIES = st.fixed_dictionaries(
    {"max_tokens": st.one_of(st.just(9), VALUES)},
    optional={
        "messages": st.one_of(
            VALUES,
            st.lists(
                st.fixed_dictionaries(
                    {
                        "role": st.sampled_from(["user", "assistant", "system"]),
                        "content": st.one_of(VALUES, st.lists(BLOCKS, max_size=3)),
                    }
                ),
                max_size=3,
            ),
        ),
        **dict.fromkeys(
            ("system", "tools", "tool_choice", "stop_sequences", "thinking", "stream"),
            VALUES,
        ),
        **dict.fromkeys(("temperature", "model", "thread", "metadata"), VALUES),
    },
)


@given(BODIES)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_body_is_answered_with_a_name_or_served(client: FlaskClient, body: Any):
    data = json.dumps(body)
    for path in (MESSAGES, COUNT):
        answer = client.post(path, data=data, headers=KEY)
        if answer.status_code == 400:
            message = answer.get_json()["error"]["message"]
            assert any(name in message for name in (*FIELDS, "body")), message
        else:
            assert answer.status_code in (200, 503), answer.get_data(as_text=True)


@pytest.mark.parametrize("depth", [200, 300, 900])
@pytest.mark.parametrize("path", [MESSAGES, COUNT])
def test_deeply_nested_json_is_served_or_refused(
    client: FlaskClient, path: str, depth: int
):
    """Whatever JSON it is a part of: a schema, an input, blocks within blocks."""
    nested: Any = {}
    blocks: Any = {"type": "text", "text": "Hi"}
    for _ in range(depth):
        nested = {"a": nested}
    for _ in range(depth // 4):
        inner = {"type": "content", "content": [blocks]}
        blocks = {"type": "document", "source": inner}
    used = {"type": "tool_use", "id": "1", "name": "f", "input": nested}
    bodies: list[dict[str, Any]] = [
        {"tools": [{"name": "f", "input_schema": nested}]},
        {"messages": [{"role": "assistant", "content": [used]}, USER]},
        said(blocks),
    ]
    for fields in bodies:
        answer = client.post(path, json={**FINE, **fields}, headers=KEY)
        assert answer.status_code in (200, 400, 503)
