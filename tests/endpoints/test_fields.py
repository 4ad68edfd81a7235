"""Fields of chat requests: refusals name the field and what was expected."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CHAT = "/v1/chat/completions"
KEY = {"Authorization": "Bearer My API Key"}
USER = {"role": "user", "content": "Hi"}
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def ask(client: FlaskClient, **fields: Any) -> tuple[int, dict[str, Any]]:
    """The status and the error: 503 when the request is as it should be."""
    answer = client.post(CHAT, json={"messages": [USER], **fields}, headers=KEY)
    return answer.status_code, answer.get_json()["error"]


def said(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


# (fields, the path that is named, a word of what was expected)
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": None}, "messages", "at least one"),
    ({"messages": []}, "messages", "at least one"),
    ({"messages": "Hi"}, "messages", "list"),
    ({"messages": {"role": "user"}}, "messages", "list"),
    ({"messages": ["Hi"]}, "messages[0]", "object"),
    ({"messages": [USER, None]}, "messages[1]", "object"),
    ({"messages": [{"content": "Hi"}]}, "messages[0].role", "user"),
    ({"messages": [{"role": "bot"}]}, "messages[0].role", "assistant"),
    ({"messages": [{"role": ["user"]}]}, "messages[0].role", "user"),
    ({"messages": [{"role": "User"}]}, "messages[0].role", "user"),
    ({"messages": said(7)}, "messages[0].content", "string"),
    ({"messages": said({"type": "text"})}, "messages[0].content.text", "string"),
    ({"messages": said(["Hi", 7])}, "messages[0].content[1]", "object"),
    ({"messages": said([["Hi"]])}, "messages[0].content[0]", "object"),
    (
        {"messages": said([{"type": "input_text"}])},
        "messages[0].content[0].text",
        "string",
    ),
    (
        {"messages": said([{"type": "thinking", "thinking": "Hm"}])},
        "messages[0].content[0].type",
        "text",
    ),
    ({"messages": said([{"text": "Hi"}])}, "messages[0].content[0].type", "text"),
    ({"messages": said([{"type": "video"}])}, "messages[0].content[0].type", "text"),
    ({"messages": said([{"type": ["text"]}])}, "messages[0].content[0].type", "text"),
    ({"messages": said([{"type": "text"}])}, "messages[0].content[0].text", "string"),
    (
        {"messages": [USER, *said([{"type": "text", "text": "a"}, {"type": "text"}])]},
        "messages[1].content[1].text",
        "string",
    ),
    (
        {"messages": said([{"type": "text", "text": None}])},
        "messages[0].content[0].text",
        "string",
    ),
    (
        {"messages": [{"role": "assistant", "tool_calls": {}}]},
        "messages[0].tool_calls",
        "list",
    ),
    (
        {"messages": [{"role": "assistant", "tool_calls": [1]}]},
        "messages[0].tool_calls[0]",
        "function",
    ),
    (
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]},
        "messages[0].tool_calls[0].function.name",
        "string",
    ),
    (
        {"messages": [{"role": "assistant", "tool_calls": [CALL, {"id": [1]}]}]},
        "messages[0].tool_calls[1].id",
        "string",
    ),
    (
        {"messages": [{"role": "assistant", "function_call": {"arguments": "{}"}}]},
        "messages[0].function_call.name",
        "string",
    ),
    (
        {"messages": [{"role": "tool", "content": "1", "tool_call_id": True}]},
        "messages[0].tool_call_id",
        "string",
    ),
    ({"model": 7}, "model", "string"),
    ({"model": ["hailuo"]}, "model", "string"),
    ({"stream": 1}, "stream", "true or false"),
    ({"stream": "yes"}, "stream", "true or false"),
    ({"stream": []}, "stream", "true or false"),
    ({"stream_options": True}, "stream_options", "object"),
    (
        {"stream_options": {"include_usage": 1}},
        "stream_options.include_usage",
        "true or false",
    ),
    ({"n": 2}, "n", "1"),
    ({"n": 0}, "n", "1"),
    ({"n": "1"}, "n", "1"),
    ({"n": []}, "n", "1"),
    ({"logprobs": True}, "logprobs", "false"),
    ({"response_format": "text"}, "response_format", "object"),
    ({"response_format": {"type": {}}}, "response_format.type", "text"),
    ({"modalities": ["text", "audio"]}, "modalities", "text"),
    ({"modalities": "text"}, "modalities", "list"),
    (
        {
            "modalities": ["text", "audio"],
            "audio": {"voice": "alloy", "format": "mp3"},
        },
        "modalities",
        "speech",
    ),
    ({"max_tokens": "many"}, "max_tokens", "whole number"),
    ({"max_tokens": 1.5}, "max_tokens", "whole number"),
    ({"max_tokens": True}, "max_tokens", "whole number"),
    ({"temperature": "hot"}, "temperature", "number"),
    ({"top_p": True}, "top_p", "number"),
    ({"reasoning_effort": ["low"]}, "reasoning_effort", "string"),
    (
        {"max_tokens": 1, "max_completion_tokens": []},
        "max_completion_tokens",
        "whole number",
    ),
    ({"tools": {}}, "tools", "list"),
    ({"tools": ["f"]}, "tools[0]", "object"),
    ({"tools": [{"function": {"name": 1}}]}, "tools[0].function.name", "string"),
    ({"functions": {"name": "f"}}, "functions", "list"),
    ({"tools": [{"function": {}}]}, "tools[0].function.name", "string"),
    ({"tools": [{"type": "function"}]}, "tools[0].name", "string"),
    (
        {"tools": [{"function": {"name": "f", "parameters": []}}]},
        "tools[0].function.parameters",
        "JSON Schema",
    ),
    ({"functions": ["f"]}, "functions[0]", "object"),
    ({"functions": [{"name": ["f"]}]}, "functions[0].name", "string"),
    ({"stop": 7}, "stop", "string"),
    ({"stop": ["a", 7]}, "stop", "string"),
    ({"stop": ["a"] * 17}, "stop", "16"),
    ({"stop": {"a": 1}}, "stop", "string"),
    ({"conversation_id": 7}, "conversation_id", "string"),
    ({"conversation_id": "0"}, "conversation_id", "new"),
    ({"conversation_id": "old"}, "conversation_id", "new"),
    ({"conversation_id": "../1"}, "conversation_id", "new"),
    ({"conversation_id": "1\n"}, "conversation_id", "new"),
    ({"conversation_id": "١٢"}, "conversation_id", "new"),
    ({"conversation_id": "1" * 33}, "conversation_id", "new"),
]


@pytest.mark.parametrize(("fields", "param", "expected"), REFUSED, ids=repr)
def test_wrong_chat_field_is_named_with_what_was_expected(
    client: FlaskClient, fields: dict[str, Any], param: str, expected: str
):
    status, error = ask(client, **fields)
    assert (status, error["param"]) == (400, param)
    assert error["message"].startswith(f"{param} must be ")
    assert expected in error["message"]
    assert error["type"] == "invalid_request_error" and error["code"]


TAKEN: dict[str, dict[str, Any]] = {
    "every scalar null": dict.fromkeys(
        "model stream stream_options n stop temperature logprobs response_format tools "
        "modalities audio conversation_id user seed".split()
    ),
    "what has no meaning": {
        "temperature": 0.5,
        "top_p": 1,
        "max_tokens": 4,
        "max_completion_tokens": 16,
        "presence_penalty": 0,
        "user": "me",
        "seed": 1,
        "metadata": {"a": "b"},
        "web_search_options": {},
        "store": False,
        "service_tier": "auto",
        "reasoning_effort": "low",
        "logit_bias": {},
        "thinking": {"type": "disabled"},
        "whatever": [1, {"a": None}],
        "top_logprobs": 0,
    },
    "one answer": {"n": 1},
    "a word for true": {"stream": "true"},
    "a word for false": {"stream": "false"},
    "no limit": {"max_tokens": -1},
    "a limit beyond all": {"max_tokens": 10**30},
    "no limit either": {"max_completion_tokens": 0},
    "a limit with a point": {"max_tokens": 16.0},
    "how audio would be": {"audio": {"voice": "alloy", "format": "mp3"}},
    "and that there is none": {"modalities": ["text"], "audio": {"voice": "alloy"}},
    "text mode": {"response_format": {"type": "text"}},
    "an empty format": {"response_format": {}},
    "text alone": {"modalities": ["text"]},
    "no logprobs": {"logprobs": False},
    "one stop": {"stop": "END"},
    "sixteen stops": {"stop": ["a", "b", "c", ""] * 4},
    "no stops": {"stop": []},
    "tools by choice": {"tools": [{"type": "function", "function": {"name": "f"}}]},
    "any model": {"model": "gpt-4o-mini/海螺"},
    "no model": {"model": ""},
    "one part by itself": {"messages": said({"type": "text", "text": "Hi"})},
    "strings as parts": {"messages": said(["Hi", {"type": "text", "text": "you"}])},
    "empty parts": {"messages": said([])},
    "an empty text": {"messages": said("")},
    "null": {"messages": said(None)},
    "no content": {"messages": [{"role": "assistant", "tool_calls": [CALL]}, USER]},
    "a refusal": {
        "messages": [
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No"}]},
            USER,
        ]
    },
    "every role": {
        "messages": [
            {"role": "system", "content": "a"},
            {"role": "developer", "content": "b"},
            {"role": "system", "content": [{"type": "text", "text": "c"}]},
            {"role": "user", "content": "d", "name": "e"},
            {"role": "user", "content": "f"},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "content": "g", "tool_call_id": "1"},
            {"role": "function", "content": None, "name": "h"},
            {"role": "assistant", "content": "", "tool_calls": None},
        ]
    },
}


@pytest.mark.parametrize("fields", TAKEN.values(), ids=TAKEN)
def test_common_client_fields_are_accepted(client: FlaskClient, fields: dict[str, Any]):
    status, error = ask(client, **fields)
    assert (status, error["code"]) == (503, "no_live_account"), error


FORMATS: dict[str, tuple[Any, str]] = {
    "an unknown type": ({"type": "xml"}, "response_format.type"),
    "a type that is no text": ({"type": ["json_object"]}, "response_format.type"),
    "no object": ("json_object", "response_format"),
    "no schema": (
        {"type": "json_schema", "json_schema": {"name": "a"}},
        "response_format.json_schema.schema",
    ),
    "a schema that is no object": (
        {"type": "json_schema", "json_schema": {"schema": True}},
        "response_format.json_schema.schema",
    ),
    "an invalid schema": (
        {"type": "json_schema", "json_schema": {"schema": {"type": "text"}}},
        "response_format.json_schema.schema",
    ),
    "strict that is no flag": (
        {"type": "json_schema", "json_schema": {"schema": {}, "strict": 1}},
        "response_format.json_schema.strict",
    ),
}


@pytest.mark.parametrize(("format", "param"), FORMATS.values(), ids=FORMATS)
def test_invalid_response_format_is_refused_by_name(
    client: FlaskClient, format: Any, param: str
):
    status, error = ask(client, response_format=format)
    assert (status, error["code"], error["param"]) == (400, "invalid_value", param)


BODIES = {
    "nothing": b"",
    "half": b'{"messages": [',
    "not an object": b"[1]",
    "a word": b'"Hi"',
    "null": b"null",
    "not UTF-8": b'{"messages": "\xff"}',
    "a form": b"messages=Hi",
    "two objects": b'{"messages": []} {}',
    "too deep": b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "no number": b'{"seed": NaN, "user": "\\ud800"}',
    "a number that never ends": b'{"seed": -Infinity, "user": "\\ud800"}',
    "a number too large": b'{"seed": 1%s, "user": "\\ud800"}' % (b"0" * 400),
    "a number without end": b'{"n": ' + b"1" * 10_000 + b"\xff}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_body_that_is_no_json_object_is_a_400(client: FlaskClient, body: bytes):
    answer = client.post(CHAT, data=body, headers=KEY)
    assert answer.status_code == 400
    error = answer.get_json()["error"]
    assert error["code"] == "invalid_json" and "JSON" in error["message"]


@pytest.mark.parametrize(
    "kind", [None, "", "text/plain", "application/x-www-form-urlencoded", "x"]
)
def test_json_body_is_read_under_any_content_type(
    client: FlaskClient, kind: str | None
):
    body = json.dumps({"messages": [USER]})
    answer = client.post(CHAT, data=body, headers=KEY, content_type=kind)
    assert answer.status_code == 503


# What arrives by accident: any JSON, and requests that are nearly right.
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner)
    ),
    max_leaves=6,
)
names = st.sampled_from(
    "role content type text image_url file url tool_calls function name arguments "
    "file_data file_id filename refusal".split()
)
near = st.recursive(
    anything
    | st.sampled_from(["user", "assistant", "text", "file", "image_url", "Hi"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
    ),
    max_leaves=8,
)
message = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool"]) | near, "content": near},
    optional={"tool_calls": near, "name": near},
)
fields = st.fixed_dictionaries(
    {"messages": st.lists(message, min_size=1, max_size=3) | near},
    optional={
        name: near
        for name in "model stream stream_options n stop logprobs response_format tools "
        "tool_choice modalities audio conversation_id temperature max_tokens".split()
    },
)


@pytest.mark.slow
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(fields | near)
def test_random_chat_body_is_never_an_internal_error(client: FlaskClient, body: Any):
    """Taken (then the pool is empty), or refused with the name of a field."""
    answer = client.post(CHAT, data=json.dumps(body), headers=KEY)
    error = answer.get_json()["error"]
    if answer.status_code == 503:
        assert error["code"] == "no_live_account"
        return
    assert answer.status_code == 400, (body, error)
    assert error["code"] == "invalid_json" or error["param"], (body, error)
    if error["param"] and error["code"] != "invalid_json":
        assert error["param"] in error["message"]
