"""Streams of Anthropic's events: heartbeats, failures, and clients that disconnect."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import pytest

from hailuo.gateway.retry import POLICY
from tests.chat.test_heartbeats import read_until
from tests.conftest import BOTH, Caller
from tests.messages.conftest import Claude, fields
from tests.messages.strict import PING, checked_events, events_of
from tests.served import Served
from tests.simulated import Simulated

BEAT_S = 0.15
PINGED = b'event: ping\ndata: {"type":"ping"}\n\n'
SLOW = {"text": "a" * 400, "piece": 1, "delay_s": 0.05}
SILENT = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "silence"}]}


@pytest.fixture
def restless(
    caller: Callable[..., Caller],
    serve: Callable[..., Served],
    claude_of: Callable[[Caller], Claude],
) -> Claude:
    """Return a client of a gateway with frequent heartbeats.

    With one account, there would be pauses between the tries.
    """
    served = serve(HAILUO_HEARTBEAT_S=BEAT_S)
    return claude_of(caller(POLICY.attempts, served=served))


@BOTH
def test_heartbeats_are_pings_behind_the_messages_start(
    upstream: Simulated, restless: Claude
):
    then = [{"after": n, "do": "hold"} for n in (0, 1)]
    upstream.script({"call": restless.call, "pieces": ["a", "b"], "then": then})

    with restless.send() as answer:
        parts = answer.iter_content(None)
        before = read_until(parts, PINGED, times=2)
        upstream.release()
        begun = read_until(parts, b'"text":"a"')
        upstream.wait("held", exactly=1)
        silent = read_until(parts, PINGED, times=2)
        upstream.release()
        rest = b"".join(parts)

    events = events_of(before + begun + silent + rest)
    assert events[0]["type"] == "message_start"
    assert [event for event in events_of(before)[1:] if event != PING] == []
    assert checked_events(events)["content"] == [{"type": "text", "text": "ab"}]


def test_stream_begins_with_the_count_of_its_question(
    upstream: Simulated, claude: Claude
):
    upstream.script({"call": "chat", "text": "Hello"})
    question = fields("How are you? " * 9)
    begin, *_ = claude.events(messages=question["messages"])
    del question["max_tokens"]
    counted = claude.library.messages.count_tokens(**question)
    assert begin["message"]["usage"]["input_tokens"] == counted.input_tokens


@BOTH
def test_official_library_ignores_pings(upstream: Simulated, restless: Claude):
    wait = {"after": 0, "do": "wait", "for_s": 3 * BEAT_S}
    upstream.script({"call": restless.call, "pieces": ["a", "b"], "then": [wait]})
    with restless.stream() as stream:
        assert stream.get_final_text() == "ab"


@BOTH
def test_whole_answer_contains_no_pings(upstream: Simulated, restless: Claude):
    wait = {"after": 0, "do": "wait", "for_s": 3 * BEAT_S}
    upstream.script({"call": restless.call, "text": "ab", "then": [wait]})
    assert restless.ask() == "ab"


@BOTH
def test_failure_before_the_first_piece_is_a_status(
    upstream: Simulated, claude: Claude
):
    upstream.script(
        {"call": claude.call, "times": None, "then": [{"after": 0, "do": "garbage"}]}
    )
    with pytest.raises(anthropic.InternalServerError) as raised, claude.stream():
        pass
    error: Any = raised.value
    assert (error.status_code, error.type) == (502, "api_error")
    assert error.request_id and error.body["request_id"] == error.request_id


@BOTH
def test_failure_in_mid_stream_is_an_error_event_and_the_end(
    upstream: Simulated, claude: Claude
):
    upstream.script(
        {
            "call": claude.call,
            "pieces": ["a", "b"],
            "then": [{"after": 1, "do": "reset"}],
        }
    )
    *_, text, error = events_of(claude.send().content)
    assert text["delta"]["text"] == "a"
    assert error["type"] == "error" and set(error) == {"type", "error"}
    assert error["error"]["type"] == "api_error"
    assert "cannot be reached" in error["error"]["message"]


@BOTH
def test_failure_behind_a_ping_is_an_error_event(upstream: Simulated, restless: Claude):
    then = [
        {"after": 0, "do": "wait", "for_s": 2 * BEAT_S},
        {"after": 0, "do": "garbage"},
    ]
    upstream.script({"call": restless.call, "times": None, "then": then})
    answer = restless.send()
    begin, *pings, error = events_of(answer.content)
    assert (answer.status_code, begin["type"]) == (200, "message_start")
    assert pings and all(event == PING for event in pings)
    assert error["error"]["type"] == "api_error"


@BOTH
def test_official_library_raises_a_failure_in_mid_stream(
    upstream: Simulated, claude: Claude
):
    upstream.script(
        {
            "call": claude.call,
            "pieces": ["a", "b"],
            "then": [{"after": 1, "do": "reset"}],
        }
    )
    received: list[str] = []
    with pytest.raises(anthropic.APIStatusError) as raised, claude.stream() as stream:
        received.extend(stream.text_stream)
    assert received == ["a"]
    assert raised.value.type == "api_error"


@BOTH
@pytest.mark.parametrize("script", [SLOW, SILENT], ids=["talking", "silent"])
def test_stream_closes_upstream_when_client_disconnects(
    upstream: Simulated, claude: Claude, script: dict[str, Any]
):
    upstream.script(
        {"call": claude.call, **script}, {"call": claude.call, "text": "Next"}
    )
    with claude.stream() as stream:
        next(stream.text_stream)
    upstream.wait("open_answers", exactly=0, timeout_s=20)
    assert upstream.report()["answers"][0]["how"] == "client left"
    assert claude.ask() == "Next"


@BOTH
def test_stop_sequence_closes_upstream(upstream: Simulated, claude: Claude):
    upstream.script({"call": claude.call, "text": "One END" + "x" * 500, "piece": 4})
    events = claude.events(stop_sequences=["END"])
    assert events[-2]["delta"] == {
        "stop_reason": "stop_sequence",
        "stop_sequence": "END",
    }


def cuts() -> Iterator[dict[str, Any]]:
    """Yield ways to cut the bytes of an upstream's answer."""
    yield {}
    yield {"every": 29, "of": "body"}
    yield {"every": 61, "of": "wire"}


@pytest.mark.parametrize("kind", ["platform"])
def test_cuts_of_the_upstreams_bytes_do_not_change_the_blocks(
    upstream: Simulated, claude: Claude
):
    calls = [
        {"name": "f", "arguments": {"a": "海螺"}, "id": f"call_{at}"} for at in "12"
    ]
    answer = {
        "call": "completion",
        "reasoning": "嗯🐚",
        "text": "So: 海螺",
        "calls": calls,
    }
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    messages = []
    for cut in cuts():
        cut_answer = {**answer, "piece": 3, **({"cuts": cut} if cut else {})}
        upstream.script(cut_answer)
        messages.append(checked_events(claude.events(tools=tools))["content"])
    assert messages[1:] == messages[:1] * (len(messages) - 1)
    assert json.dumps(messages[0]).count("tool_use") == 2
