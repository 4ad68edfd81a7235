"""Fields of a request: refusals name the field and what was expected."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hailuo.endpoints.response_store import MemoryStore
from hailuo.endpoints.responses.request import read_request
from hailuo.endpoints.responses.stored import StoredResponses

RESPONSES = "/v1/responses"
KEY = {"Authorization": "Bearer My API Key"}
USER = {"role": "user", "content": "Hi"}
FUNCTION = {"type": "function", "name": "f"}
CUSTOM = {"type": "custom", "name": "c"}
SEARCH = {"type": "web_search"}
NAMESPACE = {"type": "namespace", "name": "mcp__docs__", "description": "Documents"}
CALL = {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "1", "output": "2"}
STORED = StoredResponses(MemoryStore(0), "key")
DEEP: Any = "leaf"
for _ in range(252):
    DEEP = [DEEP]


def ask(client: FlaskClient, **fields: Any) -> tuple[int, dict[str, Any]]:
    """The status and the error: 503 when the request is as it should be."""
    answer = client.post(RESPONSES, json={"input": "Hi", **fields}, headers=KEY)
    return answer.status_code, answer.get_json()["error"]


def short(value: Any) -> str:
    return repr(value)[:80]


def said(*parts: Any, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": list(parts)}


# (fields, the path that is named, a word of what was expected)
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"input": None}, "input", "string"),
    ({"input": []}, "input", "at least one"),
    ({"input": 7}, "input", "list"),
    ({"input": {"role": "user"}}, "input", "list"),
    ({"input": ["Hi"]}, "input[0]", "object"),
    ({"input": [{"type": 7}]}, "input[0].type", "string"),
    ({"input": [SEARCH]}, "input", "message"),
    ({"input": [{"type": "message"}]}, "input[0].role", "user"),
    ({"input": [{"role": "tool", "content": "a"}]}, "input[0].role", "assistant"),
    ({"input": [USER, {"role": ["user"]}]}, "input[1].role", "user"),
    ({"input": [{"role": "user", "content": 7}]}, "input[0].content", "string"),
    ({"input": [said({"type": "input_text"})]}, "input[0].content[0].text", "string"),
    (
        {"input": [USER, CALL, said({"type": "input_image", "image_url": "cat"})]},
        "input[2].content[0].image_url",
        "address",
    ),
    (
        {"input": [said("a", {"type": "input_image", "file_id": "file-1"})]},
        "input[0].content[1].file_id",
        "address",
    ),
    (
        {"input": [said({"type": "input_file", "file_id": "file-1"})]},
        "input[0].content[0].file_id",
        "address",
    ),
    (
        {"input": [said({"type": "input_file", "filename": "a.pdf"})]},
        "input[0].content[0].file_data",
        "base64",
    ),
    (
        {"input": [said({"type": "input_audio", "data": ""})]},
        "input[0].content[0].type",
        "/v1/audio/transcriptions",
    ),
    ({"input": [USER, {**CALL, "name": None}]}, "input[1].name", "string"),
    ({"input": [{**CALL, "call_id": 1}, USER]}, "input[0].call_id", "string"),
    ({"input": [{**CALL, "arguments": {}}]}, "input[0].arguments", "string"),
    (
        {"input": [{"type": "custom_tool_call", "name": "c", "input": 7}]},
        "input[0].input",
        "string",
    ),
    (
        {"input": [CALL, {**OUTPUT, "output": [{"type": "input_image"}]}]},
        "input[1].output[0].image_url",
        "address",
    ),
    ({"model": 7}, "model", "string"),
    ({"model": "m" * 257}, "model", "256"),
    ({"stream": "yes"}, "stream", "true or false"),
    ({"stream_options": []}, "stream_options", "object"),
    ({"store": 1}, "store", "true or false"),
    ({"parallel_tool_calls": "no"}, "parallel_tool_calls", "true or false"),
    ({"instructions": ["Be kind"]}, "instructions", "string"),
    ({"max_output_tokens": "many"}, "max_output_tokens", "whole number"),
    ({"temperature": "hot"}, "temperature", "number"),
    ({"top_p": True}, "top_p", "number"),
    ({"user": 7}, "user", "string"),
    ({"metadata": []}, "metadata", "object"),
    ({"metadata": {"a": 1}}, "metadata.a", "string"),
    ({"metadata": {"a": "b" * 513}}, "metadata.a", "512"),
    ({"metadata": {"a" * 65: "b"}}, "metadata", "64"),
    ({"metadata": {str(n): "" for n in range(17)}}, "metadata", "16"),
    ({"include": "reasoning.encrypted_content"}, "include", "list"),
    ({"reasoning": "high"}, "reasoning", "object"),
    ({"reasoning": {"effort": 1}}, "reasoning.effort", "string"),
    ({"reasoning": {"summary": True}}, "reasoning.summary", "string"),
    ({"text": "json"}, "text", "object"),
    ({"text": {"format": "json"}}, "text.format", "object"),
    ({"text": {"format": {"type": "xml"}}}, "text.format.type", "text"),
    ({"background": True}, "background", "false"),
    ({"conversation": "conv_1"}, "conversation", "previous_response_id"),
    ({"prompt": {"id": "pmpt_1"}}, "prompt", "instructions"),
    ({"previous_response_id": 7}, "previous_response_id", "string"),
    ({"tools": {}}, "tools", "list"),
    ({"tools": ["f"]}, "tools[0]", "object"),
    ({"tools": [SEARCH, {"type": "function"}]}, "tools[1].name", "string"),
    ({"tools": [{"type": "custom", "name": 7}]}, "tools[0].name", "string"),
    ({"tools": [{**FUNCTION, "parameters": []}]}, "tools[0].parameters", "JSON Schema"),
    ({"tools": [{**SEARCH, "filters": DEEP}]}, "tools", "nested"),
    ({"tools": [{"type": "namespace", "tools": []}]}, "tools[0].name", "string"),
    ({"tools": [{**NAMESPACE, "tools": {}}]}, "tools[0].tools", "list"),
    ({"tools": [{**NAMESPACE, "tools": ["f"]}]}, "tools[0].tools[0]", "object"),
    ({"tools": [SEARCH, {**NAMESPACE, "tools": [{}]}]}, "tools[1].tools[0].name", ""),
    (
        {"tools": [{**NAMESPACE, "tools": [{**FUNCTION, "parameters": 7}]}]},
        "tools[0].tools[0].parameters",
        "JSON Schema",
    ),
    ({"input": [{**CALL, "namespace": 7}]}, "input[0].namespace", "string"),
    (
        {
            "tools": [{**NAMESPACE, "tools": [FUNCTION]}],
            "tool_choice": {
                "type": "allowed_tools",
                "tools": [SEARCH, {"type": "namespace", "name": "mcp__other"}],
            },
        },
        "tool_choice.tools[1].name",
        "namespace",
    ),
    ({"tools": [FUNCTION] * 1_001}, "tools", "1,000"),
    ({"tools": [FUNCTION], "tool_choice": SEARCH}, "tool_choice", "functions"),
    ({"tools": [SEARCH], "tool_choice": SEARCH}, "tool_choice", "functions"),
    ({"tools": [CUSTOM], "tool_choice": FUNCTION}, "tool_choice.name", "c"),
    (
        {"tools": [FUNCTION], "tool_choice": {"type": "custom", "name": "c"}},
        "tool_choice.name",
        "f",
    ),
    (
        {
            "tools": [FUNCTION],
            "tool_choice": {"type": "allowed_tools", "tools": [CUSTOM]},
        },
        "tool_choice.tools[0].name",
        "f",
    ),
]


@pytest.mark.parametrize(("fields", "param", "expected"), REFUSED, ids=short)
def test_wrong_field_is_named_with_what_was_expected(
    client: FlaskClient, fields: dict[str, Any], param: str, expected: str
):
    status, error = ask(client, **fields)
    assert (status, error["param"]) == (400, param)
    assert error["message"].startswith(f"{param} must be ")
    assert expected in error["message"]
    assert error["type"] == "invalid_request_error" and error["code"]


@pytest.mark.parametrize(
    "choice",
    ["required", {"type": "allowed_tools", "mode": "required", "tools": [SEARCH]}],
    ids=["required", "allowed"],
)
def test_required_call_needs_a_function(client: FlaskClient, choice: Any):
    status, error = ask(client, tools=[SEARCH], tool_choice=choice)
    assert (status, error["param"]) == (400, "tool_choice")


@pytest.mark.parametrize("kind", ["json_object", "json_schema"])
def test_structured_output_is_accepted(client: FlaskClient, kind: str):
    format = {"type": kind, "name": "a", "schema": {}}
    status, error = ask(client, text={"format": format})
    assert (status, error["code"]) == (503, "no_live_account")


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"type": "item_reference", "id": "msg_1"}, "input[1]"),
        ({"type": "item_reference", "id": 7}, "input[1].id"),
        ({"type": "item_reference"}, "input[1].id"),
        ({"id": f"msg_{'0' * 32}_0"}, "input[1]"),
    ],
)
def test_unknown_item_reference_is_named(client: FlaskClient, item: Any, param: str):
    status, error = ask(client, input=[USER, item])
    assert (status, error["param"], error["code"]) == (400, param, "invalid_value")


def test_unknown_previous_response_is_named(client: FlaskClient):
    status, error = ask(client, previous_response_id="resp_1")
    assert (status, error["param"]) == (400, "previous_response_id")
    assert error["code"] == "previous_response_not_found"


TAKEN: dict[str, dict[str, Any]] = {
    "every field null": dict.fromkeys(
        "model stream stream_options instructions max_output_tokens temperature top_p "
        "user metadata include reasoning text background conversation prompt tools "
        "tool_choice parallel_tool_calls store previous_response_id".split()
    ),
    "what has no meaning": {
        "truncation": "auto",
        "service_tier": "flex",
        "prompt_cache_key": "a",
        "safety_identifier": "b",
        "max_tool_calls": 1,
        "top_logprobs": 0,
        "background": False,
        "stream_options": {"include_obfuscation": False},
        "include": ["message.output_text.logprobs", 7],
        "whatever": [1, {"a": None}],
        "text": {"verbosity": "low"},
        "reasoning": {"effort": "low", "context": "auto"},
    },
    "a deep unknown field": {"whatever": DEEP},
    "text mode": {"text": {"format": {"type": "text"}}},
    "no limit": {"max_output_tokens": -1},
    "a message with its type": {"input": [{"type": "message", **USER}]},
    "every role": {
        "input": [
            said({"type": "input_text", "text": "a"}, role="system"),
            said({"type": "input_text", "text": "b"}, role="developer"),
            said({"type": "output_text", "text": "c"}, role="assistant"),
            said({"type": "refusal", "refusal": "No"}, role="assistant"),
            USER,
        ]
    },
    "calls and outputs": {
        "input": [
            USER,
            {"type": "reasoning", "id": "rs_1", "summary": []},
            CALL,
            {"type": "custom_tool_call", "call_id": "2", "name": "c", "input": "d"},
            OUTPUT,
            {"type": "custom_tool_call_output", "call_id": "2", "output": {"a": 1}},
        ]
    },
    "hosted items": {"input": [USER, {"type": "web_search_call", "id": "ws_1"}, CALL]},
    "unusable parts of earlier items": {
        "input": [said({"type": "input_image"}, {"type": "input_video"}), USER]
    },
    "null for what a part leaves out": {
        "input": [
            said(
                {
                    "type": "input_file",
                    "file_url": None,
                    "file_id": None,
                    "filename": None,
                    "file_data": "data:text/plain;base64,SGk=",
                }
            )
        ]
    },
    "hosted tools": {"tools": [SEARCH, {"type": "mcp", "server_label": "a"}]},
    "an allowed hosted tool": {
        "tools": [FUNCTION, SEARCH],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [SEARCH]},
    },
    "a forced custom tool": {"tools": [CUSTOM], "tool_choice": CUSTOM},
    "an allowed custom tool": {
        "tools": [CUSTOM, FUNCTION],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [CUSTOM]},
    },
}


@pytest.mark.parametrize("fields", TAKEN.values(), ids=TAKEN)
def test_tolerated_field_is_accepted(client: FlaskClient, fields: dict[str, Any]):
    assert ask(client, **fields)[1]["code"] == "no_live_account"


@pytest.mark.parametrize(
    ("sent", "repeated"),
    [
        (None, "auto"),
        ("none", "none"),
        ({"type": "required"}, "required"),
        (FUNCTION, FUNCTION),
        ({**CUSTOM, "description": "a"}, CUSTOM),
        ({"type": "function", "function": {"name": "f"}}, FUNCTION),
        ({"function": {"name": "f"}}, FUNCTION),
        (
            {"type": "allowed_tools", "tools": [CUSTOM]},
            {"type": "allowed_tools", "mode": "auto", "tools": [CUSTOM]},
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"tools": [FUNCTION]}},
            {"type": "allowed_tools", "mode": "auto", "tools": [FUNCTION]},
        ),
    ],
)
def test_tool_choice_is_repeated_in_the_form_of_this_api(sent: Any, repeated: Any):
    body = {"input": "Hi", "tools": [FUNCTION, CUSTOM], "tool_choice": sent}
    assert read_request(body, STORED).head["tool_choice"] == repeated


@pytest.mark.parametrize(
    ("sent", "repeated"), [(16, 16), (16.0, 16), (-1, None), (10**30, 2**31 - 1)]
)
def test_limit_is_repeated_as_it_is_passed_on(sent: float, repeated: int | None):
    request = read_request({"input": "Hi", "max_output_tokens": sent}, STORED)
    limits = request.question.max_tokens, request.head["max_output_tokens"]
    assert limits == (repeated, repeated)


def test_tools_in_a_namespace_are_offered_under_both_names():
    """As Codex offers those of an MCP server."""
    tools = [{**NAMESPACE, "tools": [FUNCTION, CUSTOM]}, FUNCTION]
    request = read_request({"input": "Hi", "tools": tools}, STORED)
    names = [tool.name for tool in request.question.tools]
    assert names == ["f", "mcp__docs__f", "mcp__docs__c"]
    assert request.head["tools"][0] == tools[0]
    assert request.style.tools["mcp__docs__c"] == ("c", "mcp__docs__", True)


MEMBER = {"type": "function", "name": "g", "namespace": "mcp__docs"}


@pytest.mark.parametrize(
    ("choice", "offered"),
    [
        (MEMBER, ["mcp__docs__g"]),
        ({**MEMBER, "type": "custom", "name": "c"}, ["mcp__docs__c"]),
        ({"type": "function", "name": "mcp__docs__g"}, ["mcp__docs__g"]),
        ({"type": "allowed_tools", "tools": [FUNCTION, MEMBER]}, ["f", "mcp__docs__g"]),
        (
            {"type": "allowed_tools", "tools": [NAMESPACE]},
            ["mcp__docs__g", "mcp__docs__c"],
        ),
    ],
    ids=short,
)
def test_tool_in_a_namespace_can_be_chosen(choice: Any, offered: list[str]):
    members = [{**FUNCTION, "name": "g"}, CUSTOM, SEARCH | {"name": "s"}]
    tools = [FUNCTION, {**NAMESPACE, "tools": members}, NAMESPACE | {"name": "empty"}]
    body = {"input": "Hi", "tools": tools, "tool_choice": choice}
    question = read_request(body, STORED).question
    assert [tool.name for tool in question.tools] == offered
    assert question.tool_choice.required == (choice["type"] != "allowed_tools")


def test_last_tool_of_a_name_counts():
    member = {"type": "custom", "name": "b"}
    tools = [
        *[{**FUNCTION, "description": word} for word in ("one", "two")],
        *[{**CUSTOM, "name": "d"}, {**FUNCTION, "name": "d"}],
        *[{**NAMESPACE, "name": "a", "tools": [member]}, {**FUNCTION, "name": "a__b"}],
    ]
    request = read_request({"input": "Hi", "tools": tools}, STORED)
    offered = {tool.name: tool.description for tool in request.question.tools}
    assert offered == {"f": "two", "d": "", "a__b": ""}
    assert len(request.question.tools) == 3 and len(request.head["tools"]) == 6
    assert not request.style.tools["d"].is_custom
    assert request.style.tools["a__b"] == ("b", "a", True)


def test_call_of_a_tool_in_a_namespace_is_read_with_both_names():
    items = [{**CALL, "namespace": "mcp__docs"}, OUTPUT]
    called, _ = read_request({"input": items}, STORED).question.messages
    assert called.calls[0].name == "mcp__docs__f"


@pytest.mark.parametrize("path", ["/responses", "/v1/v1/responses", "/v1/responses/"])
def test_responses_are_served_at_every_spelling(client: FlaskClient, path: str):
    answer = client.post(path, json={"input": "Hi"}, headers=KEY)
    assert answer.get_json()["error"]["code"] == "no_live_account"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_unknown_response_is_not_found(client: FlaskClient, method: str):
    answer = client.open(f"{RESPONSES}/resp_1", method=method, headers=KEY)
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"]) == (404, "response_not_found")


@pytest.mark.parametrize("path", ["", "/resp_1", "/resp_1/input_items"])
def test_responses_need_a_key(client: FlaskClient, path: str):
    method = "GET" if path else "POST"
    answer = client.open(RESPONSES + path, method=method, json={"input": "Hi"})
    assert answer.status_code == 401


# Whatever is sent, nothing is an internal error, and every refusal names its field.

names = st.sampled_from(
    "role content type text image_url file_url file_data file_id filename id call_id "
    "name arguments output input summary encrypted_content detail".split()
)
words = st.sampled_from(
    "user assistant message input_text input_image input_file function_call "
    "function_call_output custom_tool_call reasoning item_reference function custom "
    "allowed_tools auto web_search Hi".split()
)
anything = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
near = st.recursive(
    anything | words,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4)
    ),
    max_leaves=8,
)
item = st.fixed_dictionaries(
    {"type": words}, optional=dict.fromkeys(["role", "content", "name", "output"], near)
)
FIELDS = (
    "model stream instructions max_output_tokens temperature top_p tools tool_choice "
    "parallel_tool_calls text reasoning store previous_response_id include metadata "
    "user background conversation prompt stream_options".split()
)
bodies = st.fixed_dictionaries(
    {"input": st.lists(item, min_size=1, max_size=3) | near},
    optional=dict.fromkeys(FIELDS, near),
)


@pytest.mark.slow
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(bodies | near)
def test_random_body_is_never_an_internal_error(client: FlaskClient, body: Any):
    answer = client.post(RESPONSES, data=json.dumps(body), headers=KEY)
    error = answer.get_json()["error"]
    if answer.status_code == 503:
        assert error["code"] == "no_live_account"
        return
    assert answer.status_code == 400, (body, error)
    if error["code"] == "invalid_json":
        return
    assert error["param"], (body, error)
    root = error["param"].partition("[")[0].partition(".")[0]
    assert root in ("input", *FIELDS)
