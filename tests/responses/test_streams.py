"""Streams that fail, pause, or lose their client."""

import time
from collections.abc import Callable
from typing import Any

import openai
import pytest

from hailuo.gateway.retry import POLICY
from tests.conftest import BOTH, SECRET, Caller
from tests.responses import checked
from tests.responses.test_answers import create
from tests.served import Served
from tests.simulated import Simulated

BEAT_S = 0.15
SOON_S = 10.0
RESET = {"after": 1, "do": "reset"}


def send(account: Caller, **call: Any) -> Any:
    body = {"model": "gpt-5", "input": SECRET, "stream": True}
    return account.send("/v1/responses", json=body, **call)


@BOTH
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_failure_before_the_first_piece_is_a_status(
    upstream: Simulated, caller: Callable[..., Caller], stream: bool
):
    account = caller(POLICY.attempts)  # with one, there are pauses between the tries
    upstream.script({"call": account.call, "drop": "close", "times": None})
    with pytest.raises(openai.InternalServerError) as raised:
        account.client.responses.create(model="gpt-5", input=SECRET, stream=stream)
    assert (raised.value.status_code, raised.value.code) == (
        502,
        "upstream_unreachable",
    )


@BOTH
def test_failure_in_mid_stream_is_an_error_event_and_a_failed_response(
    upstream: Simulated, account: Caller
):
    upstream.script({"call": account.call, "pieces": ["a", "b"], "then": [RESET]})
    *_, error, last = checked.events(send(account).content)
    assert (error.type, error.code) == ("error", "upstream_unreachable")
    assert last.response.status == "failed"
    assert last.response.error.code == "server_error"
    assert last.response.output_text == "a"
    with pytest.raises(openai.NotFoundError):
        account.client.responses.retrieve(last.response.id)


@BOTH
def test_library_reads_a_failure_in_mid_stream(upstream: Simulated, account: Caller):
    upstream.script({"call": account.call, "pieces": ["a", "b"], "then": [RESET]})
    with account.client.responses.stream(model="gpt-5", input=SECRET) as stream:
        kinds = [event.type for event in stream]
        with pytest.raises(RuntimeError):
            stream.get_final_response()
    assert kinds[-2:] == ["error", "response.failed"]


@pytest.fixture
def beating(caller: Callable[..., Caller], serve: Callable[..., Served]) -> Caller:
    return caller(served=serve(HAILUO_HEARTBEAT_S=BEAT_S))


@BOTH
def test_response_is_created_with_the_first_heartbeat(
    upstream: Simulated, beating: Caller
):
    then = [{"after": n, "do": "hold"} for n in (0, 1)]
    upstream.script({"call": beating.call, "pieces": ["a", "b"], "then": then})
    with send(beating, stream=True) as response:
        parts = response.iter_content(None)
        body = next(parts)
        assert body.startswith(b"event: response.created\n")
        while b": ping\n\n" not in body:
            body += next(parts)
        upstream.release()
        while b'"delta":"a"' not in body:
            body += next(parts)
        upstream.wait("held", exactly=1)
        pings = body.count(b": ping\n\n")
        while body.count(b": ping\n\n") == pings:
            body += next(parts)
        upstream.release()
        body += b"".join(parts)
    assert checked.events(body)[-1].response.output_text == "ab"


@BOTH
def test_failure_behind_a_heartbeat_is_a_failed_response(
    upstream: Simulated, caller: Callable[..., Caller], serve: Callable[..., Served]
):
    beating = caller(POLICY.attempts, served=serve(HAILUO_HEARTBEAT_S=BEAT_S))
    wait = {"after": 0, "do": "wait", "for_s": 2 * BEAT_S}
    then = [wait, {"after": 0, "do": "reset"}]
    upstream.script({"call": beating.call, "then": then, "times": None})
    created, _, error, failed = checked.events(send(beating).content)
    assert error.code == "upstream_unreachable"
    assert (failed.response.id, failed.response.output) == (created.response.id, [])
    assert failed.response.error.code == "server_error"
    with pytest.raises(openai.NotFoundError):
        beating.client.responses.retrieve(failed.response.id)


@BOTH
def test_stream_closes_upstream_when_client_disconnects(
    upstream: Simulated, account: Caller
):
    silent = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "silence"}]}
    upstream.script(
        {"call": account.call, **silent}, {"call": account.call, "text": "Next"}
    )
    with send(account, stream=True) as response:
        body = b""
        for part in response.iter_content(None):
            body += part
            if b'"delta":"a"' in body:
                break
    left_at = time.monotonic()
    upstream.wait("open_answers", exactly=0, timeout_s=20)
    (answer,) = upstream.report()["answers"]
    assert answer["how"] == "client left"
    assert answer["left_at"] - left_at < SOON_S
    assert create(account).output_text == "Next"


def test_custom_tool_call_of_another_form_is_preceded_by_pings(
    upstream: Simulated, caller: Callable[..., Caller]
):
    """Its parts bring no event, but the client must not wait in silence."""
    account = caller(kind="platform")
    calls = [{"name": "run", "arguments": '{"code": "print(1)"}'}]
    held = [{"after": n, "do": "hold"} for n in (1, 2)]
    upstream.script({"call": "completion", "calls": calls, "text": "", "then": held})
    body = {
        "input": SECRET,
        "stream": True,
        "tools": [{"type": "custom", "name": "run"}],
    }
    with account.send("/v1/responses", json=body, stream=True) as response:
        parts = response.iter_content(None)
        received = next(parts)
        upstream.release()
        while b": ping\n\n" not in received:
            received += next(parts)
        upstream.wait("held", exactly=1)
        upstream.release()
        received += b"".join(parts)
    (call,) = checked.events(received)[-1].response.output
    assert call.input == '{"code": "print(1)"}'
