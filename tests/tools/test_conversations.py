"""What the service is sent for a question with functions, and what is left behind."""

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.accounts.conftest import InProcessGateway
from tests.chat.test_disconnects import raw
from tests.conftest import Caller
from tests.served import Served
from tests.simulated import Simulated
from tests.tools.model_outputs import (
    GOOD,
    PARIS,
    REQUIRED,
    TOOLS,
    block,
    says,
    tagged,
    weather,
)
from tests.tools.test_model_outputs import calls_of

QUESTION = {"role": "user", "content": "What is the weather?"}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Rome"}'},
}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "18 degrees"}
HISTORY = [
    QUESTION,
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    RESULT,
]


def sent(upstream: Simulated) -> list[str]:
    return [answer["message"] for answer in upstream.report()["answers"]]


def nonce_of(message: str) -> str:
    tag = re.search(r"<call-(\w{6})>", message)
    assert tag
    return tag[1]


def test_message_describes_the_functions(upstream: Simulated, account: Caller):
    upstream.script({"call": "chat", "text": "Fine."})
    account.create(tools=TOOLS)
    (message,) = sent(upstream)
    assert message.startswith("system:") and message.endswith("assistant:")
    for tool in TOOLS:
        assert f'"name":"{tool["function"]["name"]}"' in message
    assert '"minLength":1' in message
    assert f"</call-{nonce_of(message)}>" in message


@pytest.mark.parametrize("options", [{}, {"tools": TOOLS, "tool_choice": "none"}])
def test_message_is_the_question_alone_without_functions(
    upstream: Simulated, account: Caller, options: dict[str, Any]
):
    upstream.script({"call": "chat", "text": "Fine."})
    account.create(messages=[QUESTION], **options)
    assert sent(upstream) == [QUESTION["content"]]


def test_functions_are_ignored_when_turned_off(upstream: Simulated, tmp_path: Path):
    terms = {"origin": upstream.origin, "web_tools": False}
    gateway = InProcessGateway(tmp_path / "tokens.json", **terms)
    upstream.script({"call": "chat", "text": "Fine."})
    tools = [
        *TOOLS,
        {"type": "function", "function": {"name": "x", "parameters": {"type": "?"}}},
    ]
    key = upstream.token("6987")
    assert gateway.chat(key, messages=[QUESTION], tools=tools).status_code == 200
    assert sent(upstream) == [QUESTION["content"]]


def test_history_shows_calls_and_results_as_they_are_read(
    upstream: Simulated, account: Caller
):
    upstream.script({"call": "chat", "text": "It is mild."})
    account.create(messages=HISTORY, tools=TOOLS)
    (message,) = sent(upstream)
    nonce = nonce_of(message)
    call = '[{"name": "get_weather", "arguments": {"city": "Rome"}}]'
    assert f"assistant:<call-{nonce}>\n{call}\n</call-{nonce}>\n" in message
    result = f'<result-{nonce} name="get_weather">\n18 degrees\n</result-{nonce}>'
    before, _, _ = message.partition(f"\ntool:{result}\nassistant:")
    reminder = before.splitlines()[-1]
    assert reminder.startswith("system:") and f"<call-{nonce}>" in reminder


def test_reminder_comes_before_all_results_of_a_turn(
    upstream: Simulated, account: Caller
):
    upstream.script({"call": "chat", "text": "It is mild."})
    second = {**CALL, "id": "call_2"}
    calls = {"role": "assistant", "content": "", "tool_calls": [CALL, second]}
    results = [RESULT, {**RESULT, "tool_call_id": "call_2"}]
    account.create(messages=[QUESTION, calls, *results], tools=TOOLS)
    (message,) = sent(upstream)
    assert message.rindex("\nsystem:") < message.index("\ntool:")
    upstream.script({"call": "chat", "text": "{}"})
    format = {"type": "json_object"}
    messages = [QUESTION, calls, *results]
    account.create(messages=messages, tools=TOOLS, response_format=format)
    message = sent(upstream)[-1]
    assert message.rindex("\nsystem:") < message.index("\ntool:")


@pytest.mark.parametrize("stream", [False, True])
def test_call_copied_from_the_history_is_left_out(
    upstream: Simulated, account: Caller, stream: bool
):
    """The request offers no functions any more."""
    upstream.script(says(f"It is mild.\n{GOOD}"))
    answer = account.create(messages=HISTORY, stream=stream)
    if stream:
        texts = [chunk.choices[0].delta.content or "" for chunk in answer]
        assert "".join(texts) == "It is mild.\n"
    else:
        assert answer.choices[0].message.content == "It is mild.\n"
        assert answer.choices[0].finish_reason == "stop"


def test_repair_turn_quotes_the_problem_in_the_same_conversation(
    upstream: Simulated, account: Caller
):
    upstream.script(
        says(block(weather(days="3"))),
        says(GOOD),
    )
    account.create(tools=TOOLS)
    first, second = upstream.report()["answers"]
    assert first["sent_chat_id"] == "0"
    assert second["sent_chat_id"] == first["chat_id"]
    assert "$.days: '3' is not of type 'integer'" in second["message"]
    upstream.wait("conversations", exactly=0)


@pytest.mark.leaves("conversations")
def test_kept_conversation_keeps_its_notation(upstream: Simulated, account: Caller):
    upstream.script(*(says(GOOD) for _ in "ab"))
    first = account.create(tools=TOOLS, extra_body={"conversation_id": "new"})
    second = account.create(
        messages=[RESULT], tools=TOOLS, extra_body={"conversation_id": first.id}
    )
    assert calls_of(second.choices[0].message.tool_calls) == list(PARIS)
    assert len(upstream.report()["conversations"][account.users[0]]) == 1
    assert len({nonce_of(message) for message in sent(upstream)}) == 1


def test_call_quoted_from_an_earlier_request_is_text(
    upstream: Simulated, account: Caller
):
    upstream.script(says(GOOD))
    account.create(tools=TOOLS)
    quoted = tagged(GOOD, upstream)
    upstream.script(says(quoted))
    answer = account.ask(f"Repeat this:\n{quoted}", tools=TOOLS)
    assert answer == quoted


@pytest.mark.parametrize("where", [0, "last"], ids=["before", "within"])
def test_disconnect_during_the_repair_turn_frees_the_account(
    upstream: Simulated, account: Caller, where: Any
):
    bad = block(weather(x=1))
    upstream.script(says(bad), says(bad, then=[{"after": where, "do": "silence"}]))
    with raw(account, messages=[QUESTION], tools=TOOLS):
        upstream.wait("answers", at_least=2)
    upstream.wait("open_answers", exactly=0)
    assert upstream.report()["answers"][-1]["how"] == "client left"
    upstream.wait("conversations", exactly=0)
    upstream.script({"call": "chat", "text": "Hello"})
    assert account.ask() == "Hello"


def test_failure_of_the_repair_turn_is_retried_before_the_first_text(
    upstream: Simulated, account: Caller
):
    upstream.script(
        says(block(weather(x=1))),
        {"call": "chat", "drop": "reset"},
        says(GOOD),
    )
    answer = account.create(tools=TOOLS)
    assert calls_of(answer.choices[0].message.tool_calls) == list(PARIS)


def test_client_is_sent_pings_while_calls_are_written(
    upstream: Simulated, caller: Callable[..., Caller], serve: Callable[..., Served]
):
    account = caller(served=serve(HAILUO_HEARTBEAT_S=0.15))
    upstream.script(says(GOOD, piece=7, delay_s=0.05))
    answer = account.send(json={"messages": [QUESTION], "tools": TOOLS, "stream": True})
    lines = answer.text.split("\n\n")
    assert lines.count(": ping") >= 2
    assert '"finish_reason":"tool_calls"' in answer.text


@pytest.mark.parametrize("pause_s", [0.0, 0.004])
def test_text_passes_at_once_and_the_tag_never(
    upstream: Simulated, account: Caller, pause_s: float
):
    """Event by event through the socket, and cut within events."""
    text = f"a < b, <call, `OPEN` and\n{GOOD}"
    cuts = None if pause_s else {"every": 47, "pause_s": 0.0005}
    upstream.script(says(text, piece=1, delay_s=pause_s, cuts=cuts))
    with account.stream(tools=TOOLS) as stream:
        deltas = [chunk.choices[0].delta for chunk in stream]
    texts = "".join(delta.content or "" for delta in deltas)
    assert texts == tagged(text.partition("\n")[0] + "\n", upstream)
    assert calls_of([call for d in deltas for call in d.tool_calls or ()]) == list(
        PARIS
    )


LIMITS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "too many": (
        [{"type": "function", "function": {"name": f"f{at}"}} for at in range(129)],
        "tools",
    ),
    "too large in all": (
        [
            {
                "type": "function",
                "function": {"name": name, "parameters": {"enum": ["x" * 33_000]}},
            }
            for name in ("f", "g")
        ],
        "tools[1].function.parameters",
    ),
    "too deep": (
        [
            {
                "type": "function",
                "function": {
                    "name": "f",
                    "parameters": json.loads('{"items":' * 40 + "{}" + "}" * 40),
                },
            }
        ],
        "tools[0].function.parameters",
    ),
    "invalid": (
        [
            *TOOLS,
            {
                "type": "function",
                "function": {"name": "f", "parameters": {"type": "nothing"}},
            },
        ],
        f"tools[{len(TOOLS)}].function.parameters",
    ),
}


@pytest.mark.parametrize(("tools", "param"), LIMITS.values(), ids=LIMITS)
def test_tools_beyond_the_limits_are_rejected_before_anything_is_sent(
    upstream: Simulated, account: Caller, tools: list[dict[str, Any]], param: str
):
    with pytest.raises(openai.BadRequestError) as raised:
        account.create(tools=tools)
    assert (raised.value.param, raised.value.code) == (param, "invalid_value")
    assert upstream.report()["answers"] == []


@pytest.mark.parametrize(("tools", "_"), LIMITS.values(), ids=LIMITS)
def test_platform_checks_its_tools_itself(
    upstream: Simulated, caller: Callable[..., Caller], tools: Any, _: str
):
    upstream.script({"call": "completion", "text": "Fine."})
    for tool in tools:
        tool["function"].setdefault("parameters", {"type": "object"})
    assert caller(kind="platform").ask(tools=tools) == "Fine."


def test_others_are_served_while_a_hostile_schema_is_checked(
    upstream: Simulated, caller: Callable[..., Caller]
):
    """Unbounded, the check would take hours, and the gateway would not serve."""
    parameters = {"$defs": {"s24": {"const": 1}}, "$ref": "#/$defs/s0"}
    for at in range(24):
        twice = [{"$ref": f"#/$defs/s{at + 1}"}] * 2
        parameters["$defs"][f"s{at}"] = {"anyOf": twice}  # type: ignore[index]
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    hostile, other = caller(), caller()
    upstream.script(
        *(
            says(text, user=hostile.users[0])
            for text in ('OPEN[{"name":"f","arguments":{}}]CLOSE', "No")
        )
    )
    failures: list[Exception] = []

    def ask() -> None:
        try:
            hostile.create(tools=[tool], **REQUIRED)
        except openai.APIError as error:
            failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    served = 0
    while thread.is_alive():
        assert other.gateway.request("GET", "/ping").text == "pong"
        served += 1
    assert served > 5
    assert [failure.code for failure in failures] == ["tool_call_missing"]  # type: ignore[attr-defined]


def test_large_schemas_are_checked_for_known_clients_only(
    upstream: Simulated, gateway: Served
):
    """Checking takes time, and anyone can make up a token."""
    stranger = upstream.token("7000")
    upstream.revoke(token=stranger)
    parameters = {"enum": ["x" * 9_000], "type": "nothing"}
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    with pytest.raises(openai.AuthenticationError):
        gateway.client(stranger).chat.completions.create(
            model="hailuo", messages=[QUESTION], tools=[tool]
        )
