"""Cooldowns: which account a refusal puts to rest, for what, and for how long."""

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hailuo.accounts.account import CHAT, Use
from hailuo.accounts.cooldowns import CooldownPolicy, Cooldowns
from hailuo.concurrency.watch import HEARTBEAT, Watch
from hailuo.errors import QuotaExhausted, RateLimited, Unreachable, UpstreamBusy
from hailuo.gateway.retry import POLICY, RetryPolicy
from hailuo.upstream import Message, Piece, Question
from tests.accounts.conftest import InProcessGateway
from tests.accounts.test_wait_queue import Clock
from tests.simulated import Simulated

Hosting = Callable[..., InProcessGateway]
REFUSED = {"call": "chat", "refuse": {"code": 1, "message": "忙"}}
HI = {"call": "chat", "text": "Hi"}
KEYS = [f"sk-api-sim-63{number}" for number in range(10)]


@pytest.fixture
def web(in_process: Hosting, upstream: Simulated) -> Callable[..., InProcessGateway]:
    """web(2): a gateway with so many accounts of the web service."""

    def web(accounts: int) -> InProcessGateway:
        users = [str(6320 + number) for number in range(accounts)]
        tokens = list(map(upstream.token, users))
        return in_process(tokens, queue_timeout_s=0.2)

    return web


@pytest.fixture
def platform(
    in_process: Hosting, upstream: Simulated
) -> Callable[..., InProcessGateway]:
    """platform(2): a gateway with so many platform keys."""

    def platform(keys: int) -> InProcessGateway:
        origin = upstream.origin
        return in_process(KEYS[:keys], platform_origin=origin, queue_timeout_s=0.2)

    return platform


def ask(gateway: InProcessGateway, question: str = "Hello", **fields: Any) -> Any:
    return gateway.chat(messages=[{"role": "user", "content": question}], **fields)


def speak(gateway: InProcessGateway, **fields: Any) -> Any:
    return gateway.ask("POST", "/v1/audio/speech", json={"input": "Hello.", **fields})


def states(gateway: InProcessGateway) -> list[str]:
    return [told["state"] for told in gateway.accounts().values()]


def asked(upstream: Simulated, call: str = "completion") -> list[str]:
    requests = upstream.report()["requests"]
    return [each["user"] for each in requests if each["call"] == call]


class TestQuestionAtFaultStartsNoCooldown:
    """A refusal that may be the question's fault rests nobody."""

    @pytest.mark.parametrize("accounts", [2, 3, 5])
    def test_question_refused_by_two_accounts_starts_no_cooldown(
        self, web: Callable[..., InProcessGateway], upstream: Simulated, accounts: int
    ):
        gateway = web(accounts)
        upstream.script({**REFUSED, "message": "bad", "times": None})
        for _ in range(3):
            refused = ask(gateway, "bad")
            assert refused.json["error"]["code"] == "upstream_busy"
            assert refused.headers["Retry-After"] == "0"

        assert states(gateway) == ["idle"] * accounts
        upstream.script({**HI, "times": None})
        assert ask(gateway, "good").status_code == 200

    def test_account_cools_down_when_another_answers_what_it_refused(
        self, web: Callable[..., InProcessGateway], upstream: Simulated
    ):
        gateway = web(2)
        upstream.script(REFUSED, HI)
        assert ask(gateway).status_code == 200
        assert sorted(states(gateway)) == ["idle", "resting"]

    def test_account_cools_down_as_soon_as_another_begins_to_answer(
        self, web: Callable[..., InProcessGateway], upstream: Simulated
    ):
        gateway = web(2)
        upstream.script(REFUSED, {**HI, "then": [{"after": 1, "do": "silence"}]})
        with ask(gateway, stream=True) as answer:
            next(answer.iter_encoded())
            assert sorted(states(gateway)) == ["answering", "resting"]

    def test_only_account_stays_idle_when_it_answers_the_next_question(
        self, web: Callable[..., InProcessGateway], upstream: Simulated
    ):
        gateway = web(1)
        upstream.script({**REFUSED, "message": "bad", "times": None})
        upstream.script({**HI, "message": "good"})
        assert ask(gateway, "bad").status_code == 503
        assert states(gateway) == ["idle"]
        assert ask(gateway, "good").status_code == 200
        assert ask(gateway, "bad").status_code == 503
        assert states(gateway) == ["idle"]

    def test_only_account_stays_idle_when_it_refuses_the_same_question_again(
        self, web: Callable[..., InProcessGateway], upstream: Simulated
    ):
        gateway = web(1)
        upstream.script({**REFUSED, "message": "bad", "times": None})
        for _ in range(3):
            assert ask(gateway, "bad").status_code == 503
            assert states(gateway) == ["idle"]

    def test_only_account_cools_down_once_when_it_refuses_two_questions(
        self, web: Callable[..., InProcessGateway], upstream: Simulated
    ):
        gateway = web(1)
        upstream.script({**REFUSED, "times": None})
        ask(gateway, "one")
        refused = ask(gateway, "two")
        assert states(gateway) == ["resting"]
        assert 25 <= int(refused.headers["Retry-After"]) <= 30, "not once for each try"

    @pytest.mark.parametrize("code", [2013, 1026, 1042])
    def test_wrong_parameter_starts_no_cooldown(
        self, platform: Callable[..., InProcessGateway], upstream: Simulated, code: int
    ):
        gateway = platform(2)
        refusal = {"call": "completion", "refuse": {"code": code}, "times": None}
        upstream.script(refusal)
        assert ask(gateway).status_code == 400
        assert (len(asked(upstream)), states(gateway)) == (1, ["idle"] * 2)

    def test_speech_refused_by_two_accounts_starts_no_cooldown(
        self, platform: Callable[..., InProcessGateway], upstream: Simulated
    ):
        gateway = platform(2)
        refusal = {"call": "t2a", "refuse": {"code": 9999, "as": "base_resp"}}
        upstream.script({**refusal, "times": None})
        assert speak(gateway).status_code == 503
        assert states(gateway) == ["idle"] * 2


class TestCooldownOfOnePurpose:
    """A cooldown holds for what was limited, and for nothing else."""

    def test_key_without_speech_credit_still_chats(
        self, platform: Callable[..., InProcessGateway], upstream: Simulated
    ):
        gateway = platform(1)
        upstream.script(
            {"call": "t2a", "refuse": {"code": 1008, "as": "base_resp"}, "times": None},
            {"call": "completion", "text": "Hi", "times": None},
        )
        assert speak(gateway).json["error"]["code"] == "insufficient_quota"
        assert ask(gateway).status_code == 200
        assert speak(gateway).json["error"]["code"] == "insufficient_quota"
        assert len(asked(upstream, "t2a")) == 1, "for speech it rests"

    def test_key_without_chat_credit_still_transcribes(
        self, platform: Callable[..., InProcessGateway], upstream: Simulated
    ):
        gateway = platform(1)
        refusal = {"call": "completion", "refuse": {"code": 1008}, "times": None}
        upstream.script(refusal)
        assert ask(gateway).status_code == 429
        (account,) = gateway.parts.pool.accounts
        transcription = CHAT._replace(purpose="transcription")
        assert account.cooldown_s(CHAT) > 3_000
        assert account.cooldown_s(transcription) == 0

    @pytest.mark.parametrize("code", [2061, 2056, 1002])
    def test_limit_of_one_model_leaves_other_models_available(
        self, platform: Callable[..., InProcessGateway], upstream: Simulated, code: int
    ):
        gateway = platform(1)
        refusal = {"call": "completion", "refuse": {"code": code}}
        upstream.script({**refusal, "times": POLICY.attempts})
        first = ask(gateway, model="MiniMax-M2.5")
        assert first.status_code == (403 if code == 2061 else 429)
        tries = len(asked(upstream))

        again = ask(gateway, model="MiniMax-M2.5")
        assert again.status_code == first.status_code
        assert len(asked(upstream)) == tries, "it is not asked for that model"
        upstream.reset()
        upstream.script({"call": "completion", "text": "Hi", "times": None})
        assert ask(gateway, model="MiniMax-M2.1").status_code == 200
        assert ask(gateway, model="gpt-4o").status_code == 200

    @pytest.mark.parametrize("code", [2038, 2042])
    def test_forbidden_request_starts_no_cooldown(
        self, platform: Callable[..., InProcessGateway], upstream: Simulated, code: int
    ):
        gateway = platform(1)
        refusal = {"call": "completion", "refuse": {"code": code}}
        upstream.script(refusal, {"call": "completion", "text": "Hi"})
        assert ask(gateway).status_code == 403
        assert ask(gateway).status_code == 200

    def test_cooldown_does_not_keep_its_error_alive(self):
        error = RateLimited("no")
        known = weakref.ref(error)
        cooldowns = Cooldowns()
        cooldowns.start(error, "chat")
        del error
        assert known() is None

    def test_cooldowns_of_models_are_bounded(self):
        cooldowns = Cooldowns()
        for number in range(1_000):
            cooldowns.start(RateLimited("no"), "chat", f"MiniMax-{number}")
        assert len(cooldowns.running()) <= 100


class TestCooldownLength:
    """Length of the cooldown after a refusal."""

    def test_attempts_of_one_request_start_one_cooldown(
        self, platform: Callable[..., InProcessGateway], upstream: Simulated
    ):
        gateway = platform(1)
        refusal = {"call": "completion", "refuse": {"code": 1002}, "times": None}
        upstream.script(refusal)
        answer = ask(gateway)
        assert len(asked(upstream)) == POLICY.attempts
        assert 25 <= int(answer.headers["Retry-After"]) <= 30
        (account,) = gateway.parts.pool.accounts
        assert 25 < account.cooldown_s(Use("chat", {"platform": "MiniMax-M3"})) <= 30

    def test_concurrent_refusals_start_one_cooldown(self):
        clock = Clock()
        cooldowns = Cooldowns(clock)
        for _ in range(50):
            cooldowns.start(RateLimited("no"), "chat", "m")
        assert cooldowns.remaining_s("chat", "m") == 30

    def test_upstream_retry_after_sets_the_cooldown(
        self, platform: Callable[..., InProcessGateway], upstream: Simulated
    ):
        """Nobody asks again before that, not even for the other tries."""
        gateway = platform(1)
        headers = {"Retry-After": "45"}
        http = {"status": 429, "body": {}, "headers": headers}
        upstream.script({"call": "completion", "http": http, "times": None})
        answer = ask(gateway)
        assert answer.json["error"]["code"] == "rate_limit_exceeded"
        assert 43 <= int(answer.headers["Retry-After"]) <= 45
        assert len(asked(upstream)) == 1
        assert states(gateway) == ["resting"]

    def test_upstream_retry_after_is_capped_at_an_hour(self):
        error = RateLimited("no", retry_after_s=3e9)
        assert CooldownPolicy().length_s(error, 0) == 3_600

    def test_longer_retry_after_lengthens_a_cooldown(self):
        cooldowns = Cooldowns(Clock())
        cooldowns.start(RateLimited("no"), "chat")
        cooldowns.start(RateLimited("no", retry_after_s=90), "chat")
        assert cooldowns.remaining_s("chat") == 90
        cooldowns.start(RateLimited("no", retry_after_s=5), "chat")
        assert cooldowns.remaining_s("chat") == 90

    def test_worse_refusal_lengthens_a_cooldown(self):
        cooldowns = Cooldowns(Clock())
        cooldowns.start(UpstreamBusy("busy"), "chat")
        cooldowns.start(QuotaExhausted("no balance"), "chat")
        assert cooldowns.remaining_s("chat") == 3_600

    def test_answer_begun_before_the_refusal_ends_no_cooldown(self):
        clock = Clock()
        cooldowns = Cooldowns(clock)
        began_at = clock.now
        clock.now += 1
        cooldowns.start(QuotaExhausted("no balance"), "chat")
        cooldowns.clear("chat", since=began_at)
        assert cooldowns.remaining_s("chat") == 3_600
        cooldowns.clear("chat", since=clock.now + 1)
        assert cooldowns.remaining_s("chat") == 0

    def test_overloaded_platform_with_retry_after_allows_a_retry(
        self, platform: Callable[..., InProcessGateway], upstream: Simulated
    ):
        http = {"status": 503, "body": {}, "headers": {"Retry-After": "9"}}
        gateway = platform(1)
        upstream.script({"call": "completion", "http": http, "times": None})
        answer = ask(gateway)
        assert (answer.status_code, len(asked(upstream))) == (502, 1)
        assert answer.headers["Retry-After"] == "9"
        assert "x-should-retry" not in answer.headers


class TestFailoverToAnotherKey:
    """Refusals that say nothing about the question move on to the next account."""

    @pytest.mark.parametrize("code", [1008, 2056, 2061, 1002, 2042])
    def test_good_key_behind_four_others_answers(
        self, platform: Callable[..., InProcessGateway], upstream: Simulated, code: int
    ):
        gateway = platform(5)
        refusal = {"call": "completion", "refuse": {"code": code}, "times": 4}
        upstream.script(refusal, {"call": "completion", "text": "Hi"})
        assert ask(gateway).status_code == 200
        assert len(set(asked(upstream))) == 5

    def test_clients_good_key_behind_four_others_answers(
        self, platform: Callable[..., InProcessGateway], upstream: Simulated
    ):
        gateway = platform(0)
        refusal = {"call": "completion", "refuse": {"code": 1008}, "times": 4}
        upstream.script(refusal, {"call": "completion", "text": "Hi"})
        assert ask(gateway, key=",".join(KEYS[:5])).status_code == 200

    def test_good_key_is_asked_again_after_a_dropped_connection(
        self, platform: Callable[..., InProcessGateway], upstream: Simulated
    ):
        gateway = platform(3)
        upstream.script(
            {"call": "completion", "drop": "close", "times": 2},
            {"call": "completion", "refuse": {"code": 1008}},
            {"call": "completion", "text": "Hi"},
        )
        assert ask(gateway).status_code == 200
        assert len(asked(upstream)) == 4

    def test_client_may_retry_while_one_key_is_only_rate_limited(
        self, platform: Callable[..., InProcessGateway], upstream: Simulated
    ):
        gateway = platform(2)
        later = {"status": 429, "body": {}, "headers": {"Retry-After": "20"}}
        spent = {"call": "completion", "refuse": {"code": 1008}}
        upstream.script({"call": "completion", "http": later}, spent)
        for _ in range(2):
            answer = ask(gateway)
            assert answer.json["error"]["code"] == "rate_limit_exceeded"
            assert "x-should-retry" not in answer.headers
            assert 15 <= int(answer.headers["Retry-After"]) <= 20

    def test_client_should_not_retry_when_every_key_is_exhausted(
        self, platform: Callable[..., InProcessGateway], upstream: Simulated
    ):
        gateway = platform(2)
        refusal = {"call": "completion", "refuse": {"code": 1008}, "times": None}
        upstream.script(refusal)
        for _ in range(2):
            answer = ask(gateway)
            assert answer.json["error"]["code"] == "insufficient_quota"
            assert answer.headers["x-should-retry"] == "false"
        assert len(asked(upstream)) == 2


class TestRetryPolicy:
    """One number in the policy changes what is done."""

    @pytest.mark.parametrize("attempts", [1, 2, 4, 5])
    def test_policy_sets_the_number_of_attempts(
        self, web: Callable[..., InProcessGateway], upstream: Simulated, attempts: int
    ):
        gateway = web(2)
        gateway.parts.gateway.policy = RetryPolicy(attempts, pauses_s=(0.01,))
        upstream.script({"call": "chat", "drop": "close", "times": None})
        assert ask(gateway).status_code == 502
        assert len(asked(upstream, "chat")) == attempts

    def test_policy_sets_the_attempts_after_an_empty_answer(
        self, web: Callable[..., InProcessGateway], upstream: Simulated
    ):
        gateway = web(1)
        gateway.parts.gateway.policy = RetryPolicy(fewer={}, pauses_s=(0.01,))
        upstream.script({"call": "chat", "text": "", "times": None})
        assert ask(gateway).json["error"]["code"] == "upstream_empty"
        assert len(asked(upstream, "chat")) == POLICY.attempts

    def test_policy_sets_the_cooldown(self):
        cooldowns = Cooldowns(policy=CooldownPolicy(first_s=7))
        cooldowns.start(UpstreamBusy("busy"), "chat")
        assert 6 < cooldowns.remaining_s("chat") <= 7

    def test_last_pause_of_the_policy_is_repeated(self):
        policy = RetryPolicy(pauses_s=(0.5, 2.0))
        assert [policy.wait_s(failures) for failures in (1, 2, 3, 9)] == [
            0.5,
            2.0,
            2.0,
            2.0,
        ]


def test_empty_piece_begins_the_answer_unlike_a_heartbeat(
    web: Callable[..., InProcessGateway], upstream: Simulated
):
    """Heartbeats are told apart by identity: what was given is not given again."""

    class Upstream:
        asked = 0

        def answer(self, *_: Any) -> Iterator[Any]:
            self.asked += 1
            yield HEARTBEAT
            yield Piece()
            raise Unreachable("gone")

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

    gateway = web(2).parts.gateway
    real, fake = gateway._upstreams["web"], Upstream()
    gateway._upstreams["web"] = fake
    turn = gateway.request_state(gateway._pool.all_accounts())
    with pytest.raises(Unreachable):
        list(gateway.answer(turn, Question([Message("user", ("Hi",))]), Watch()))
    assert (fake.asked, turn.pieces) == (1, 1)
