"""Promises of Anthropic's API that clients rely on (client-apis.md 1.9)."""

import base64
import json
import typing
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from anthropic.types import Message
from anthropic.types.beta import BetaContentBlockParam, BetaToolUnionParam
from anthropic.types.beta.message_create_params import MessageCreateParamsBase
from typing_extensions import is_typeddict

from tests.conftest import BOTH, SECRET, Caller
from tests.messages.conftest import MESSAGES, Claude, asked_of, fields
from tests.messages.strict import PING, checked, checked_events, events_of
from tests.served import Served
from tests.simulated import Simulated

WEATHER = {
    "name": "weather",
    "description": "Look up the weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
CALL = {"name": "weather", "arguments": {"city": "Paris"}}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
IMAGE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": PNG},
}
KNOWN = set(
    "model max_tokens messages system stream stop_sequences temperature top_p tools "
    "tool_choice thinking service_tier thread".split()
)
READ_BLOCKS = {"text", "image", "document", "tool_use", "tool_result", "thinking"}
BEAT_S = 0.15


@pytest.fixture
def kind() -> str:
    return "platform"


def kinds(union: Any) -> set[str]:
    """Return the types of the blocks, or tools, that a union of the library has."""
    objects = filter(is_typeddict, typing.get_args(union))
    hints = [typing.get_type_hints(each).get("type") for each in objects]
    types = {kind for hint in hints for kind in typing.get_args(hint)}
    return {kind for kind in types if isinstance(kind, str)}


def answers(claude: Claude, **options: Any) -> Iterator[dict[str, Any]]:
    """Yield the same answer whole and streamed, each of which is checked."""
    whole = claude.send(stream=False, **options).json()
    checked(Message, whole)
    yield whole
    yield checked_events(events_of(claude.send(**options).content))


class TestUnknown:
    """What is not known is left out, never refused and never passed on."""

    @pytest.mark.parametrize("value", [{"type": "x"}, ["x"], "x", 1], ids=repr)
    def test_fields_of_the_library_are_left_out(
        self, upstream: Simulated, claude: Claude, value: Any
    ):
        upstream.script({"call": "completion", "text": "Hello"})
        unknown = set(MessageCreateParamsBase.__annotations__) - KNOWN
        assert "context_management" in unknown
        assert claude.ask(extra_body=dict.fromkeys(unknown, value)) == "Hello"
        assert not unknown & set(asked_of(upstream)["form"])

    def test_blocks_of_the_library_are_left_out(
        self, upstream: Simulated, claude: Claude
    ):
        upstream.script({"call": "completion", "text": "Hello"})
        unknown = kinds(BetaContentBlockParam) - READ_BLOCKS
        assert "server_tool_use" in unknown
        blocks = [{"type": kind, "content": [], "id": "x"} for kind in unknown]
        content = [*blocks, {"type": "text", "text": SECRET}, *blocks]
        roles = ("user", "assistant", "user")
        messages = [{"role": role, "content": content} for role in roles]
        assert claude.ask(messages=messages) == "Hello"
        sent = asked_of(upstream)["form"]["messages"]
        assert [each["content"] for each in sent] == [SECRET] * 3

    @pytest.mark.parametrize("choice", ["any", "tool", "auto"])
    def test_server_tools_of_the_library_are_left_out(
        self, upstream: Simulated, claude: Claude, choice: str
    ):
        upstream.script({"call": "completion", "text": "Hello"})
        unknown = kinds(BetaToolUnionParam)
        assert "web_search_20250305" in unknown
        tools = [{"type": kind, "name": kind, "max_uses": 3} for kind in unknown]
        chosen = {"type": choice, "name": tools[0]["name"]}
        assert claude.ask(tools=tools, tool_choice=chosen) == "Hello"
        assert not {"tools", "tool_choice"} & set(asked_of(upstream)["form"])


class TestLimits:
    def test_limit_beyond_all_models_is_served(
        self, upstream: Simulated, claude: Claude
    ):
        upstream.script({"call": "completion", "text": "Hello"})
        assert claude.ask(max_tokens=10**30) == "Hello"
        assert asked_of(upstream)["form"]["max_completion_tokens"] > 10**9

    @pytest.mark.parametrize("name", ["temperature", "top_p"])
    @pytest.mark.parametrize("value", ["1", True, [1]], ids=repr)
    def test_number_in_another_form_is_refused_by_name(
        self, claude: Claude, name: str, value: Any
    ):
        answer = claude.send(stream=False, **{name: value})
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == f"{name} must be a number"


class TestIds:
    def test_no_two_messages_have_the_same_id(
        self, upstream: Simulated, claude: Claude
    ):
        """Claude Code takes messages of one id for one message, and asks for ever."""
        upstream.script({"call": "completion", "text": "Hello", "times": None})
        ids = [answer["id"] for _ in range(2) for answer in answers(claude)]
        assert len(set(ids)) == 4 and all(id.startswith("msg_") for id in ids)

    @pytest.mark.parametrize(
        "id",
        ["call_function_1f_1", "toolu_01", "chatcmpl-tool-1", "a b/ü", "call_hex_"],
    )
    def test_id_of_a_call_returns_to_the_platform_as_it_was(
        self, upstream: Simulated, claude: Claude, id: str
    ):
        upstream.script(
            {"call": "completion", "calls": [{**CALL, "id": id}]},
            {"call": "completion", "text": "Hello"},
        )
        [use] = claude.send(stream=False, tools=[WEATHER]).json()["content"]
        assert use["id"].startswith("toolu_")
        result = {"type": "tool_result", "tool_use_id": use["id"], "content": "sunny"}
        messages = [
            *fields("Hello")["messages"],
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [result]},
        ]
        claude.send(stream=False, messages=messages, tools=[WEATHER])
        _, called, answered = asked_of(upstream)["form"]["messages"]
        assert called["tool_calls"][0]["id"] == answered["tool_call_id"] == id


class TestEnd:
    def test_only_one_call_is_made_when_parallel_calls_are_disabled(
        self, upstream: Simulated, claude: Claude
    ):
        upstream.script({"call": "completion", "calls": [CALL, CALL], "times": 2})
        choice = {"type": "auto", "disable_parallel_tool_use": True}
        for answer in answers(claude, tools=[WEATHER], tool_choice=choice):
            assert [block["type"] for block in answer["content"]] == ["tool_use"]

    def test_answer_without_a_call_does_not_end_with_one(
        self, upstream: Simulated, claude: Claude
    ):
        """A client would wait for results of calls that nobody made."""
        announced = {"call": "completion", "text": "Hello", "finish": "tool_calls"}
        upstream.script({**announced, "times": 2})
        for answer in answers(claude, tools=[WEATHER]):
            assert answer["stop_reason"] == "end_turn"

    def test_stop_sequence_ends_the_answer_before_its_calls(
        self, upstream: Simulated, claude: Claude
    ):
        played = {"call": "completion", "text": "one STOP two", "calls": [CALL]}
        upstream.script({**played, "times": 2})
        for answer in answers(claude, tools=[WEATHER], stop_sequences=["STOP"]):
            assert answer["content"] == [{"type": "text", "text": "one "}]
            ended = answer["stop_reason"], answer["stop_sequence"]
            assert ended == ("stop_sequence", "STOP")


@BOTH
def test_files_reach_the_service_although_instructions_follow(
    upstream: Simulated, claude: Claude
):
    """Claude Code sends its instructions behind the user's message."""
    upstream.script({"call": claude.call, "text": "Hello"})
    messages = [
        {"role": "user", "content": [IMAGE, {"type": "text", "text": SECRET}]},
        {"role": "system", "content": "The agents that are available"},
    ]
    assert claude.ask(messages=messages) == "Hello"
    sent = json.dumps(asked_of(upstream)["form"])
    assert (PNG if claude.call == "completion" else "file.png") in sent


class TestStream:
    @pytest.fixture
    def account(
        self, caller: Callable[..., Caller], serve: Callable[..., Served]
    ) -> Caller:
        return caller(served=serve(HAILUO_HEARTBEAT_S=BEAT_S))

    @BOTH
    def test_pings_follow_the_start_of_the_message(
        self, upstream: Simulated, claude: Claude
    ):
        """Older libraries raise when anything precedes it."""
        then = [{"after": n, "do": "wait", "for_s": 3 * BEAT_S} for n in (0, 1)]
        upstream.script({"call": claude.call, "pieces": ["a", "b"], "then": then})
        names = [event["type"] for event in claude.events()]
        assert names[:2] == ["message_start", "ping"]
        first, second = (
            at for at, name in enumerate(names) if name == "content_block_delta"
        )
        assert "ping" in names[first:second]

    @BOTH
    def test_failure_in_mid_stream_is_the_last_event(
        self, upstream: Simulated, claude: Claude
    ):
        then = [{"after": 1, "do": "reset"}]
        upstream.script({"call": claude.call, "pieces": ["a", "b"], "then": then})
        *events, failure = events_of(claude.send().content)
        assert failure["type"] == "error" and set(failure) == {"type", "error"}
        assert set(failure["error"]) == {"type", "message"}
        assert failure["error"]["type"] == "api_error"
        names = [event["type"] for event in events if event != PING]
        assert names == ["message_start", "content_block_start", "content_block_delta"]

    @BOTH
    def test_upstream_is_closed_when_the_client_disconnects(
        self, upstream: Simulated, claude: Claude
    ):
        silent = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "silence"}]}
        upstream.script({"call": claude.call, **silent})
        with claude.send() as response:
            parts = response.iter_content(None)
            next(parts)
            upstream.wait("open_answers", exactly=1)
        upstream.wait("open_answers", exactly=0)
        assert asked_of(upstream)["how"] == "client left"


def test_web_account_serves_a_claude_model_first(
    gateway: Served, upstream: Simulated, caller: Callable[..., Caller]
):
    web, platform = caller(kind="web"), caller(kind="platform")
    key = {"x-api-key": f"{platform.key},{web.key}"}
    upstream.script(*({"call": each.call, "text": "Hi"} for each in (web, platform)))
    for model, expected in (("claude-opus-4-8", "web"), ("MiniMax-M2", "platform")):
        body = fields("Hello", model=model)
        answer = gateway.request("POST", MESSAGES, json=body, headers=key)
        assert answer.headers["x-hailuo-upstream"] == expected
        assert answer.json()["model"] == model
