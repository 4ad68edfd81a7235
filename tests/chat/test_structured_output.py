"""Answers that have to be JSON: `response_format`, on both upstreams."""

import json
from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.chat.test_disconnects import raw
from tests.conftest import BOTH, Caller
from tests.served import Served
from tests.simulated import Simulated

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}
ANY_OBJECT = {"type": "json_object"}
GOOD, BAD = '{"city": "Paris", "days": 3}', '{"city": "Paris", "days": "3"}'


def format(strict: Any = True, schema: Any = SCHEMA) -> dict[str, Any]:
    json_schema = {"name": "forecast", "schema": schema, "strict": strict}
    return {"type": "json_schema", "json_schema": json_schema}


def script(upstream: Simulated, account: Caller, *texts: str, **more: Any) -> None:
    upstream.script(*({"call": account.call, "text": text, **more} for text in texts))


def messages(upstream: Simulated) -> list[str]:
    """Return what was asked, as text, whichever upstream it was."""
    answers = upstream.report()["answers"]
    return [
        json.dumps(each["form"], ensure_ascii=False)
        if isinstance(each["form"], dict)
        else each["message"]
        for each in answers
    ]


FITTING: dict[str, tuple[str, Any, str]] = {
    "as asked": (GOOD, format(), GOOD),
    "blanks around it": (f"\n {GOOD}\n", format(), GOOD),
    "a code fence": (f"```json\n{GOOD}\n```", format(), GOOD),
    "a fence without a language": (f"```\n{GOOD}\n```\n", format(), GOOD),
    "a fence of tildes": (f"~~~\n{GOOD}\n~~~", format(), GOOD),
    "over several lines": ('{\n  "city": "a"\n}', format(), '{\n  "city": "a"\n}'),
    "a fence within a string": (
        '{"city": "```\\na\\n```"}',
        format(),
        '{"city": "```\\na\\n```"}',
    ),
    "not an object": ("[1, 2]", format(schema={"type": "array"}), "[1, 2]"),
    "any object": ('{"a": [null]}', ANY_OBJECT, '{"a": [null]}'),
    "any object in a fence": ('```json\n{"a": 1}\n```', ANY_OBJECT, '{"a": 1}'),
    "text": ("Hello", {"type": "text"}, "Hello"),
}


@BOTH
@pytest.mark.parametrize(("text", "wanted", "expected"), FITTING.values(), ids=FITTING)
def test_fitting_answer_is_returned(
    upstream: Simulated, account: Caller, text: str, wanted: Any, expected: str
):
    script(upstream, account, text)
    assert account.ask(response_format=wanted) == expected
    script(upstream, account, text)
    assert "".join(account.pieces(response_format=wanted)) == expected
    assert len(upstream.report()["answers"]) == 2


UNFIT: dict[str, tuple[str, Any]] = {
    "a wrong type": (BAD, format()),
    "a property too many": ('{"city": "a", "x": 1}', format()),
    "a property is missing": ("{}", format()),
    "text": ("It is Paris.", format()),
    "text before it": (f"Here it is: {GOOD}", format()),
    "text behind it": (f"{GOOD} That is all.", format()),
    "two of them": (GOOD + GOOD, format()),
    "truncated": (GOOD[:-3], format()),
    "an open fence": (f"```json\n{GOOD}", format()),
    "single quotes": (GOOD.replace('"', "'"), format()),
    "not a number": ('{"city": NaN}', format()),
    "a list instead of any object": ("[1]", ANY_OBJECT),
    "text instead of any object": ("Hello", ANY_OBJECT),
    "nested too deep": ("[" * 100 + "]" * 100, format(schema={})),
}


@BOTH
@pytest.mark.parametrize(("text", "wanted"), UNFIT.values(), ids=UNFIT)
def test_unfit_answer_is_asked_for_once_more(
    upstream: Simulated, account: Caller, text: str, wanted: Any
):
    script(upstream, account, text, GOOD)
    assert account.ask(response_format=wanted) == GOOD
    assert len(upstream.report()["answers"]) == 2


@BOTH
@pytest.mark.parametrize("stream", [False, True])
def test_second_unfit_answer_is_an_error(
    upstream: Simulated, account: Caller, stream: bool
):
    script(upstream, account, "No", BAD)
    with pytest.raises(openai.InternalServerError) as failure:
        account.create(response_format=format(), stream=stream)
    assert (failure.value.status_code, failure.value.code) == (502, "schema_not_met")
    assert failure.value.response.headers["x-should-retry"] == "false"
    assert len(upstream.report()["answers"]) == 2


@BOTH
@pytest.mark.parametrize("strict", [False, None])
def test_second_unfit_answer_is_returned_if_not_strict(
    upstream: Simulated, account: Caller, strict: Any
):
    script(upstream, account, "No", BAD)
    assert account.ask(response_format=format(strict)) == BAD


@BOTH
def test_schema_and_problem_are_told(upstream: Simulated, account: Caller):
    script(upstream, account, BAD, GOOD)
    account.ask(response_format=format())
    first, second = messages(upstream)
    assert "additionalProperties" in first and "forecast" in first
    assert "is not of type 'integer'" in second


def test_second_turn_is_in_the_same_conversation(upstream: Simulated, account: Caller):
    script(upstream, account, BAD, GOOD)
    account.ask(response_format=format())
    first, second = upstream.report()["answers"]
    assert second["sent_chat_id"] == first["chat_id"]
    assert "Hello" not in second["message"]
    upstream.wait("conversations", exactly=0)


@pytest.mark.parametrize("kind", ["platform"])
def test_second_turn_repeats_the_history_for_the_platform(
    upstream: Simulated, account: Caller
):
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    script(upstream, account, BAD, GOOD, usage=usage)
    answer = account.create(response_format=format())
    _, second = upstream.report()["answers"]
    roles = [message["role"] for message in second["form"]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (20, 10)


@pytest.mark.leaves("conversations")
def test_kept_conversation_is_kept(upstream: Simulated, account: Caller):
    script(upstream, account, BAD, GOOD)
    answer = account.create(
        response_format=format(), extra_body={"conversation_id": "new"}
    )
    assert list(upstream.report()["conversations"].values()) == [[answer.id]]


def test_new_conversation_of_a_failure_is_removed(upstream: Simulated, account: Caller):
    """The client did not receive its id, and could not continue it."""
    script(upstream, account, "No", BAD)
    with pytest.raises(openai.InternalServerError):
        account.create(response_format=format(), extra_body={"conversation_id": "new"})
    upstream.wait("conversations", exactly=0)


@BOTH
def test_answer_that_calls_a_function_is_passed_on(
    upstream: Simulated, account: Caller, kind: str
):
    function = {"name": "f", "parameters": {"type": "object", "properties": {}}}
    tools = [{"type": "function", "function": function}]
    upstream.script({"call": account.call, "times": None})
    answer = account.create("Use f", tools=tools, response_format=format())
    (call,) = answer.choices[0].message.tool_calls
    assert call.function.name == "f"


@pytest.mark.parametrize("kind", ["platform"])
def test_answer_that_reached_its_limit_is_passed_on(
    upstream: Simulated, account: Caller
):
    script(upstream, account, GOOD[:8], finish="length")
    choice = account.create(response_format=format()).choices[0]
    assert (choice.message.content, choice.finish_reason) == (GOOD[:8], "length")


@BOTH
def test_stream_has_pings_and_then_the_whole_answer(
    upstream: Simulated, caller: Callable[..., Caller], serve: Callable[..., Served]
):
    account = caller(served=serve(HAILUO_HEARTBEAT_S=0.15))
    script(upstream, account, BAD, GOOD, piece=3, delay_s=0.05)
    body = {
        "messages": [{"role": "user", "content": "Hi"}],
        "response_format": format(),
        "stream": True,
    }
    lines = account.send(json=body).text.split("\n\n")
    events = [line for line in lines if line.startswith("data: {")]
    assert lines[:2] == [": ping"] * 2
    assert len(events) == 3, "its beginning, its text and its end"
    assert lines[-2] == "data: [DONE]"


@BOTH
@pytest.mark.parametrize("turn", [1, 2])
def test_disconnect_frees_the_account(upstream: Simulated, account: Caller, turn: int):
    silent = {"then": [{"after": 1, "do": "silence"}]}
    turns = [{}, silent] if turn == 2 else [silent]
    upstream.script(*({"call": account.call, "text": BAD, **more} for more in turns))
    with raw(account, response_format=format()):
        upstream.wait("answers", at_least=turn)
    upstream.wait("open_answers", exactly=0)
    assert upstream.report()["answers"][-1]["how"] == "client left"
    upstream.wait("conversations", exactly=0)
    script(upstream, account, "Hello")
    assert account.ask() == "Hello"


@BOTH
def test_schema_beyond_the_limits_is_rejected(upstream: Simulated, account: Caller):
    with pytest.raises(openai.BadRequestError) as raised:
        account.ask(response_format=format(schema={"enum": ["x" * 70_000]}))
    assert raised.value.param == "response_format.json_schema.schema"
    assert upstream.report()["answers"] == []


def test_responses_have_a_format_too(upstream: Simulated, account: Caller):
    script(upstream, account, BAD, GOOD)
    text = {"format": {"type": "json_schema", "name": "a", "schema": SCHEMA}}
    answer = account.client.responses.create(model="hailuo", input="Hi", text=text)
    assert answer.output_text == GOOD
    assert answer.text.format.type == "json_schema"
    with pytest.raises(openai.BadRequestError) as raised:
        account.client.responses.create(
            model="hailuo", input="Hi", text={"format": {"type": "json_schema"}}
        )
    assert raised.value.param == "text.format.schema"


@pytest.mark.parametrize("field", ["output_config", "output_format"])
def test_messages_have_a_format_too(upstream: Simulated, account: Caller, field: str):
    format = {"type": "json_schema", "schema": SCHEMA}
    body: dict[str, Any] = {
        "model": "claude",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "Hi"}],
        field: {"format": format} if field == "output_config" else format,
    }
    script(upstream, account, BAD, GOOD)
    answer = account.send("/v1/messages", json=body).json()
    assert [each["text"] for each in answer["content"]] == [GOOD]

    script(upstream, account, BAD, BAD)
    refused = account.send("/v1/messages", json=body)
    assert refused.status_code == 502

    body["messages"] = [*body["messages"], {"role": "assistant", "content": "{"}]
    refused = account.send("/v1/messages", json=body)
    assert refused.status_code == 400
    assert "messages" in refused.json()["error"]["message"]
