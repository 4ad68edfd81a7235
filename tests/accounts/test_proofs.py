"""Credentials that clients bring: proven by their service before others are touched."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from hailuo.concurrency.watch import Heartbeat, Watch
from hailuo.errors import ClientDisconnected, Unauthorized, UpstreamError
from hailuo.upstream import Message, Question
from tests.accounts.conftest import InProcessGateway, written
from tests.conftest import SECRET
from tests.simulated import Simulated

Hosting = Callable[..., InProcessGateway]


class DisconnectedWatch(Watch):
    """The watch of a request whose client has disconnected."""

    def raise_if_disconnected(self) -> None:
        raise ClientDisconnected("gone")


def prove(gateway: InProcessGateway, *tokens: str, watch: Watch | None = None) -> None:
    candidates = gateway.parts.pool.caller_accounts(tokens)
    gateway.parts.gateway.prove(candidates, watch or Watch())


def calls(upstream: Simulated) -> list[str]:
    return [each["call"] for each in upstream.report()["requests"]]


class TestProve:
    """`Gateway.prove`, for what strangers must not cause."""

    def test_accepted_token_is_checked_once(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway, token = in_process([]), upstream.token("6301")
        for _ in range(3):
            prove(gateway, token)
        assert calls(upstream) == ["register", "info"]

    def test_platform_key_is_checked_once(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([], platform_origin=upstream.origin)
        for _ in range(3):
            prove(gateway, "sk-api-sim-6302")
        assert calls(upstream) == ["models"]

    def test_proof_is_shared_with_token_check(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway, token = in_process([]), upstream.token("6303")
        prove(gateway, token)
        assert gateway.ask("POST", "/token/check", json={"token": token}).json["live"]
        assert calls(upstream) == ["register", "info"]

    def test_rejected_tokens_are_unauthorized(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway, forged = in_process([]), [written("6304"), written("6305")]
        for _ in range(2):
            with pytest.raises(Unauthorized):
                prove(gateway, *forged)
        assert calls(upstream) == ["register"] * 2, "rejections are remembered, too"

    def test_one_accepted_token_is_enough(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([])
        good = [upstream.token(user) for user in ("6306", "6307")]
        prove(gateway, written("6308"), *good)
        assert calls(upstream) == ["register", "register", "info"]

    def test_token_that_has_answered_is_proven_until_it_is_rejected(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway, token = in_process([]), upstream.token("6312")
        upstream.script({"call": "chat", "text": "Hi"})
        assert gateway.chat(token).status_code == 200
        prove(gateway, token)
        assert "info" not in calls(upstream)

        upstream.revoke(token=token)
        assert gateway.chat(token).status_code == 401
        with pytest.raises(Unauthorized):
            prove(gateway, token)

    def test_failed_upstream_proves_nothing(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway, token = in_process([]), upstream.token("6309")
        upstream.script({"call": "info", "http": {"status": 500}})
        with pytest.raises(UpstreamError) as raised:
            prove(gateway, token)
        assert raised.value.status == 502
        prove(gateway, token)

    def test_pool_needs_no_proof(self, in_process: Hosting, upstream: Simulated):
        gateway = in_process([upstream.token("6310")])
        everybody = gateway.parts.pool.all_accounts()
        gateway.parts.gateway.prove(everybody, Watch())
        assert calls(upstream) == []

    def test_upstream_is_not_asked_after_the_client_disconnected(
        self, in_process: Hosting, upstream: Simulated
    ):
        with pytest.raises(ClientDisconnected):
            prove(in_process([]), upstream.token("6311"), watch=DisconnectedWatch())
        assert calls(upstream) == []


class PausingWatch(Watch):
    """A watch whose pauses end when they are told to."""

    def __init__(self) -> None:
        super().__init__()
        self.pausing, self.over = threading.Event(), threading.Event()

    def sleep(self, seconds: float) -> Iterator[Heartbeat]:
        if seconds:
            self.pausing.set()
            assert self.over.wait(30)
        return iter(())


class TestSharedLock:
    """An unproven token keeps nobody waiting, and no pause is spent inside a lease."""

    def test_owner_is_served_between_the_attempts_of_a_refused_token(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([upstream.token("6331")], queue_timeout_s=0.2)
        other, watch = upstream.token("6331"), PausingWatch()
        refusal = {"call": "chat", "refuse": {"code": 1, "message": "no"}}
        answer = {"call": "chat", "text": "Hi", "times": None}
        upstream.script({**refusal, "token": other}, answer)
        here = gateway.parts.gateway
        turn = here.request_state(gateway.parts.pool.caller_accounts([other]))
        question = Question([Message("user", (SECRET,))])

        with ThreadPoolExecutor() as threads:
            tried = threads.submit(list, here.answer(turn, question, watch))
            assert watch.pausing.wait(30)
            assert gateway.chat().status_code == 200
            watch.over.set()
            assert "".join(piece.text for piece in tried.result()) == "Hi"

    @pytest.mark.parametrize("owner", ["the pool", "a client"])
    def test_unproven_token_does_not_delay_the_owner(
        self, in_process: Hosting, upstream: Simulated, owner: str
    ):
        """Its try hangs at the service, although nobody has accepted it."""
        own, forged = upstream.token("6332"), upstream.token("6332")
        gateway = in_process([own] if owner == "the pool" else [], queue_timeout_s=0.2)
        register = {"call": "register", "token": forged}
        upstream.script(
            {"call": "chat", "text": "Hi", "times": None},
            {**register, "http": {"status": 500, "body": "?"}},
            {**register, "hold_headers": True, "times": None},
        )
        as_owner = [own] if owner == "a client" else []
        assert gateway.chat(*as_owner).status_code == 200
        with ThreadPoolExecutor() as threads:
            slow = threads.submit(gateway.chat, forged)
            upstream.wait("held", exactly=1)
            for _ in range(2):
                assert gateway.chat(*as_owner).status_code == 200
            upstream.release()
            assert slow.result().status_code == 200

    def test_started_answer_holds_the_lock(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([], queue_timeout_s=0.2)
        first, second = upstream.token("6333"), upstream.token("6333")
        step = {"after": 1, "do": "hold"}
        upstream.script({"call": "chat", "text": "abcdefgh", "then": [step]})
        with gateway.chat(first, stream=True) as answer:
            next(answer.iter_encoded())
            late = gateway.chat(second)
            assert late.json["error"]["code"] == "accounts_busy"
            upstream.release()
            assert b"[DONE]" in answer.data

    def test_unproven_tokens_wait_for_each_other(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([], queue_timeout_s=0.2)
        tokens = [upstream.token("6334") for _ in range(2)]
        upstream.script(
            {"call": "info", "http": {"status": 500}, "times": None},
            {"call": "chat", "hold_headers": True},
        )
        with ThreadPoolExecutor() as threads:
            first = threads.submit(gateway.chat, tokens[0])
            upstream.wait("held", exactly=1)
            late = gateway.chat(tokens[1])
            assert late.json["error"]["code"] == "accounts_busy"
            upstream.release()
            assert first.result().status_code == 200

    def test_good_token_in_use_is_proven_when_another_comes(
        self, in_process: Hosting, upstream: Simulated
    ):
        """Two clients bring tokens of one account, which answers one at a time."""
        gateway = in_process([], queue_timeout_s=0.2)
        tokens = [upstream.token("6335") for _ in range(2)]
        upstream.script({"call": "chat", "text": "Hi"})
        assert gateway.chat(tokens[1]).status_code == 200  # so it is proven
        upstream.script({"call": "chat", "hold_headers": True})
        with ThreadPoolExecutor() as threads:
            first = threads.submit(gateway.chat, tokens[0])
            upstream.wait("held", exactly=1)
            late = gateway.chat(tokens[1])
            assert late.json["error"]["code"] == "accounts_busy"
            upstream.release()
            assert first.result().status_code == 200

    def test_token_is_leased_once_at_a_time(
        self, in_process: Hosting, upstream: Simulated
    ):
        """Also when it is proven by the second request that brings it."""
        gateway, token = in_process([], queue_timeout_s=0.2), upstream.token("6336")
        upstream.script({"call": "chat", "hold_headers": True})
        with ThreadPoolExecutor() as threads:
            first = threads.submit(gateway.chat, token)
            upstream.wait("held", exactly=1)
            late = gateway.chat(token)
            assert late.json["error"]["code"] == "accounts_busy"
            upstream.release()
            assert first.result().status_code == 200
