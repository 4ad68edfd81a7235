"""A stream never stays silent for longer than a heartbeat."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import openai
import pytest

from hailuo.gateway.retry import POLICY
from hailuo.net.safe_connect import CONNECT_S
from tests.conftest import BOTH, Caller, text_of
from tests.served import Served
from tests.simulated import Simulated

PING = b": ping\n\n"
BEAT_S = 0.15


@pytest.fixture
def account(caller: Callable[..., Caller], serve: Callable[..., Served]) -> Caller:
    return caller(served=serve(HAILUO_HEARTBEAT_S=BEAT_S))


@BOTH
def test_ping_breaks_each_silence_of_a_stream(upstream: Simulated, account: Caller):
    then = [{"after": n, "do": "hold"} for n in (0, 1)]
    upstream.script({"call": account.call, "pieces": ["a", "b"], "then": then})

    with account.send(stream=True) as response:
        parts = response.iter_content(None)
        before = read_until(parts, PING, times=2)
        upstream.release()
        read_until(parts, b'"content":"a"')
        upstream.wait("held", exactly=1)
        read_until(parts, PING, times=2)
        upstream.release()
        rest = b"".join(parts)

    assert before.replace(PING, b"") == b""
    assert b'"content":"b"' in rest and rest.endswith(b"data: [DONE]\n\n")


def read_until(parts: Iterator[bytes], words: bytes, times: int = 1) -> bytes:
    """Return the next parts of a body, up to the one that brings *words*."""
    body = b""
    while body.count(words) < times:
        body += next(parts)
    return body


@BOTH
def test_official_library_ignores_pings(upstream: Simulated, account: Caller):
    wait = {"after": 0, "do": "wait", "for_s": 3 * BEAT_S}
    upstream.script({"call": account.call, "pieces": ["a", "b"], "then": [wait]})
    assert "".join(account.pieces()) == "ab"


@BOTH
def test_no_ping_is_sent_while_pieces_arrive(upstream: Simulated, account: Caller):
    slow = {"text": "a" * 20, "piece": 1, "delay_s": BEAT_S / 5}
    upstream.script({"call": account.call, **slow})
    assert PING not in account.send().content


@BOTH
def test_whole_answer_contains_no_pings(upstream: Simulated, account: Caller):
    wait = {"after": 0, "do": "wait", "for_s": 3 * BEAT_S}
    upstream.script({"call": account.call, "text": "ab", "then": [wait]})
    assert account.ask() == "ab"


def test_answer_is_retried_behind_a_ping(upstream: Simulated, account: Caller):
    """The role chunk waits for the text, whose id is that of the try that worked."""
    then = [
        {"after": 0, "do": "wait", "for_s": 2 * BEAT_S},
        {"after": 0, "do": "reset"},
    ]
    upstream.script({"call": "chat", "then": then}, {"call": "chat", "text": "late"})

    with account.stream() as stream:
        chunks = list(stream)

    assert "".join(map(text_of, chunks)) == "late"
    first, second = (answer["chat_id"] for answer in upstream.report()["answers"])
    assert {chunk.id for chunk in chunks} == {second} != {first}


@BOTH
def test_pings_are_sent_while_upstream_headers_are_awaited(
    upstream: Simulated, account: Caller
):
    upstream.script({"call": account.call, "text": "late", "hold_headers": True})
    with account.send(stream=True) as response:
        body = response.iter_content(None)
        assert next(body) == next(body) == PING
        upstream.release()
        assert b'"content":"late"' in b"".join(body)


@pytest.mark.slow
def test_upstream_headers_may_take_as_long_as_the_idle_timeout(
    upstream: Simulated, caller: Callable[..., Caller], serve: Callable[..., Served]
):
    """No call is made again because a model thinks for long."""
    late = {"text": "late", "headers_delay_s": CONNECT_S + 1}
    served = serve(HAILUO_HEARTBEAT_S=BEAT_S)
    with ExitStack() as stack:
        bodies = []
        for kind in ("web", "platform"):
            account = caller(served=served, kind=kind)
            upstream.script({"call": account.call, **late, "times": None})
            bodies.append(stack.enter_context(account.send(stream=True)))
        for body in bodies:
            assert b'"content":"late"' in body.content
    assert len(upstream.report()["answers"]) == 2


@BOTH
def test_failure_behind_a_ping_is_an_error_event(
    upstream: Simulated, caller: Callable[..., Caller], serve: Callable[..., Served]
):
    account = caller(POLICY.attempts, served=serve(HAILUO_HEARTBEAT_S=BEAT_S))
    wait = {"after": 0, "do": "wait", "for_s": 2 * BEAT_S}
    then = [wait, {"after": 0, "do": "reset"}]
    upstream.script({"call": account.call, "then": then, "times": None})

    with pytest.raises(openai.APIError) as raised, account.stream() as stream:
        list(stream)

    assert raised.value.code == "upstream_unreachable"
    assert not isinstance(raised.value, openai.APIStatusError)
    assert len(upstream.report()["answers"]) == POLICY.attempts


def test_queued_request_gets_no_ping(upstream: Simulated, account: Caller):
    """Until an account is leased, being busy can still be a status."""
    held = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}]}
    upstream.script({"call": "chat", **held}, {"call": "chat", "text": "Next"})
    with account.stream() as first:
        next(chunk for chunk in first if text_of(chunk))
        with pytest.raises(openai.APITimeoutError):
            impatient = account.client.with_options(timeout=3 * BEAT_S)
            impatient.chat.completions.create(
                model="hailuo", messages=[{"role": "user", "content": "Hi"}]
            )
        upstream.release()
        list(first)


class TestIdleTimeout:
    """A service that is silent for the idle time is given up."""

    @pytest.fixture
    def account(self, caller: Callable[..., Caller], serve: Callable[..., Served]):
        return caller(POLICY.attempts, served=serve(HAILUO_IDLE_TIMEOUT_S=0.5))

    @BOTH
    def test_silence_before_the_first_text_is_a_504(
        self, upstream: Simulated, account: Caller, kind: str
    ):
        """Of the platform each try is paid, so it is not asked again."""
        mute = [{"after": 0, "do": "silence"}]
        upstream.script({"call": account.call, "then": mute, "times": None})
        with pytest.raises(openai.InternalServerError) as raised:
            account.ask()
        assert raised.value.status_code == 504
        assert raised.value.code == "upstream_timeout"
        tries = 1 if kind == "platform" else POLICY.attempts
        assert len(upstream.report()["answers"]) == tries

    @BOTH
    def test_silence_in_mid_stream_is_an_error_event(
        self, upstream: Simulated, account: Caller
    ):
        mute = [{"after": 1, "do": "silence"}]
        upstream.script({"call": account.call, "pieces": ["a", "b"], "then": mute})
        with pytest.raises(openai.APIError) as raised, account.stream() as stream:
            list(stream)
        assert raised.value.code == "upstream_timeout"

    def test_upstream_heartbeats_reset_the_idle_timeout(
        self, upstream: Simulated, account: Caller
    ):
        alive = [
            {"after": 1, "do": "wait", "for_s": 0.3},
            {"after": 1, "do": "heartbeat"},
        ]
        upstream.script({"call": "chat", "pieces": ["a", "b"], "then": alive * 3})
        assert account.ask() == "ab"
