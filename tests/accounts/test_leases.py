"""Lending, seen from outside: one answer an account, whoever asks and however."""

import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hailuo.concurrency.watch import Watch
from hailuo.gateway.retry import POLICY
from hailuo.upstream import Message, Question
from tests.accounts.conftest import InProcessGateway, written
from tests.conftest import SECRET, Caller
from tests.served import CLIENT, KEY, Served
from tests.simulated import Simulated

Hosting = Callable[..., InProcessGateway]
HI = {"call": "chat", "text": "Hi"}
HELD = {**HI, "then": [{"after": 0, "do": "hold"}]}
REFUSED = {"call": "chat", "refuse": {"code": 1, "message": "忙"}}
ACCOUNTS = 5
REQUESTS = 30
CLIENTS = 100


def connected(gateway: Served) -> socket.socket:
    address = "127.0.0.1", gateway.port
    return socket.create_connection(address, source_address=(CLIENT.address, 0))


def raw(gateway: Served, key: str, message: str) -> socket.socket:
    """A request on a connection of its own, sent and not yet answered."""
    body = json.dumps({"messages": [{"role": "user", "content": message}]})
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    sock = connected(gateway)
    sock.sendall((head + body).encode())
    return sock


def status(sock: socket.socket) -> int:
    """The status of the answer, when all of it is here."""
    with sock:
        received = b""
        while part := sock.recv(65_536):
            received += part
    return int(received.split()[1])


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def accounts(gateway: Served) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {KEY}"}
    return gateway.request("GET", "/v1/token", headers=headers).json()["data"]


def await_idle(gateway: Served) -> None:
    until = time.monotonic() + 30
    while any(each["state"] != "idle" for each in accounts(gateway)):
        assert time.monotonic() < until, accounts(gateway)
        time.sleep(0.02)


@pytest.fixture
def five(serve: Callable[..., Served], upstream: Simulated) -> Served:
    """A gateway with five accounts of its own and a patient line."""
    users = [str(6501 + number) for number in range(ACCOUNTS)]
    known: Any = getattr(serve, "five", None)
    if known is None or known.process.poll() is not None:
        tokens = ",".join(map(upstream.token, users))
        known = serve(HAILUO_TOKENS=tokens, HAILUO_QUEUE_TIMEOUT_S=60)
        serve.five = known  # type: ignore[attr-defined]
    return known


@pytest.mark.parametrize("key", ["pool", "caller", "pool and callers"])
def test_requests_are_served_in_order_one_per_account(
    upstream: Simulated, five: Served, caller: Callable[..., Caller], key: str
):
    """However the tokens come in, no account is asked for two answers at once."""
    upstream.script({**HI, "times": None})
    own = caller(ACCOUNTS, five)
    if key == "pool and callers":
        pool = [each["account"] for each in accounts(five)]
        own.tokens = [upstream.token(user) for user in pool]
    keys = {"pool": [KEY], "caller": [own.key]}.get(key, [KEY, own.key])
    if own.key in keys:
        for number in range(ACCOUNTS):  # so that each of its tokens is proven
            status(raw(five, own.key, f"introduced {number}"))
    upstream.reset()
    upstream.script({**HELD, "times": None})

    socks = []
    for number in range(REQUESTS):
        socks.append(raw(five, keys[number % len(keys)], f"number {number}"))
        five_heard(five)
    for _ in range(REQUESTS // ACCOUNTS):
        upstream.wait("held", exactly=ACCOUNTS)
        upstream.release()
    assert [status(sock) for sock in socks] == [200] * REQUESTS

    report = upstream.report()
    assert set(report["most_open_by_account"].values()) == {1}
    assert len(report["most_open_by_account"]) == ACCOUNTS
    served = [int(each["message"].split()[1]) for each in report["answers"]]
    # The five that are lent in one moment may reach the service in any order.
    for first in range(0, REQUESTS, ACCOUNTS):
        at_once = served[first : first + ACCOUNTS]
        assert sorted(at_once) == list(range(first, first + ACCOUNTS))


def five_heard(gateway: Served) -> None:
    """Wait until the worker has read what was sent before: its loop has gone round."""
    gateway.request("GET", "/ping")


class RandomClients:
    """Callers who come, leave and are failed at random moments."""

    FAULTS = (
        {"drop": "reset"},
        {"drop": "close"},
        {"http": {"status": 500, "body": "?"}},
        {"text": "abcdefgh", "then": [{"after": 1, "do": "reset"}]},
        {"text": "abcdefgh", "then": [{"after": 1, "do": "end"}]},
        {"text": "abcdefgh", "then": [{"after": 1, "do": "garbage"}]},
        {"text": ""},
        {"headers_delay_s": 0.05, "text": "late"},
        {"first_delay_s": 0.05, "text": "late"},
    )

    def __init__(self, gateway: Served, key: str, here: random.Random) -> None:
        self._gateway = gateway
        self._key = key
        self._here = here

    def call(self, number: int) -> str:
        here = random.Random(self._here.random() + number)
        stream = here.random() < 0.7
        body = {"messages": [{"role": "user", "content": SECRET}], "stream": stream}
        sock = raw_body(self._gateway, self._key, body)
        with sock:
            fate = here.random()
            if fate < 0.2:
                return "left at once"
            sock.settimeout(0.001 + here.random() * 0.3 if fate < 0.5 else 60)
            try:
                while sock.recv(4096):
                    if fate > 0.9:
                        return "left in the middle"
            except TimeoutError:
                return "left in impatience"
        return "stayed"


def raw_body(gateway: Served, key: str, body: Any) -> socket.socket:
    data = json.dumps(body)
    sock = connected(gateway)
    sock.sendall(
        (
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {key}\r\nContent-Length: {len(data)}\r\n"
            f"Connection: close\r\n\r\n{data}"
        ).encode()
    )
    return sock


def test_no_account_is_lost_when_clients_disconnect_and_upstreams_fail(
    upstream: Simulated, five: Served
):
    """A hundred clients, of the pool and with tokens of its accounts, in disorder."""
    here = random.Random(4)
    own = ",".join(upstream.token(each["account"]) for each in accounts(five))
    faults = [{"call": "chat", **here.choice(RandomClients.FAULTS)} for _ in range(80)]
    upstream.script({**HI, "first_delay_s": 0.005, "times": None}, *faults)
    groups = [RandomClients(five, KEY, here), RandomClients(five, own, here)]

    with ThreadPoolExecutor(60) as threads:
        ends = list(threads.map(lambda n: groups[n % 2].call(n), range(CLIENTS)))

    assert len(set(ends)) == 4, "some stayed, some left at every moment"
    await_idle(five)
    upstream.reset()
    upstream.script({**HELD, "times": ACCOUNTS})
    socks = [raw(five, KEY, SECRET) for _ in range(ACCOUNTS)]
    upstream.wait("held", exactly=ACCOUNTS)  # each of them answers
    upstream.release()
    assert [status(sock) for sock in socks] == [200] * ACCOUNTS
    await_idle(five)
    metrics = five.request("GET", "/metrics").text
    assert "hailuo_answers_running 0.0" in metrics
    assert "hailuo_queue_length 0.0" in metrics
    assert "Traceback" not in five.log()


FAULTS = (
    *RandomClients.FAULTS[:7],
    {"text": "abcdefgh", "then": [{"after": 0, "do": "error"}]},
    {"text": "abcdefgh", "then": [{"after": 1, "do": "error"}]},
)


class TestLeaseReleased:
    """An account comes back, whatever became of its answer."""

    @pytest.fixture
    def three(self, in_process: Hosting, upstream: Simulated) -> InProcessGateway:
        """Three accounts: three tries without a pause."""
        users = ("6521", "6522", "6523")
        return in_process([upstream.token(user) for user in users], queue_timeout_s=0.3)

    @pytest.fixture(autouse=True)
    def back(self, three: InProcessGateway, upstream: Simulated) -> Iterator[None]:
        yield
        assert three.parts.pool.idle(5)
        states = {each["state"] for each in three.accounts().values()}
        assert states <= {"idle", "resting"}

    def test_lease_is_released_after_an_answer(
        self, three: InProcessGateway, upstream: Simulated
    ):
        upstream.script({**HI, "times": 2})
        assert [three.chat().status_code for _ in "12"] == [200, 200]

    @pytest.mark.parametrize("stream", [True, False])
    @pytest.mark.parametrize("fault", FAULTS, ids=str)
    def test_lease_is_released_after_a_failure(
        self,
        three: InProcessGateway,
        upstream: Simulated,
        fault: dict[str, Any],
        stream: bool,
    ):
        upstream.script({"call": "chat", **fault, "times": None})
        with three.chat(stream=stream) as answer:
            assert answer.data

    def test_lease_is_released_when_the_client_disconnects(
        self, three: InProcessGateway, upstream: Simulated
    ):
        upstream.script({**HI, "then": [{"after": 1, "do": "silence"}]})
        with three.chat(stream=True) as answer:
            next(answer.iter_encoded())
            assert three.parts.pool.in_use == 1

    def test_lease_is_released_when_the_response_is_never_read(
        self, three: InProcessGateway, upstream: Simulated
    ):
        """The response is closed before anybody has taken a line of it."""
        upstream.script({**HI, "then": [{"after": 1, "do": "silence"}]})
        with three.chat(stream=True):
            assert three.parts.pool.in_use == 1

    def test_answer_that_never_started_takes_no_lease(self, three: InProcessGateway):
        gateway, pool = three.parts.gateway, three.parts.pool
        pieces = gateway.answer(
            gateway.request_state(pool.all_accounts()),
            Question([Message("user", ("Hi",))]),
            Watch(),
        )
        pieces.close()
        assert pool.in_use == pool.waiting == 0

    def test_head_request_takes_no_lease(self, three: InProcessGateway):
        headers = {"Authorization": f"Bearer {KEY}"}
        answer = three.ask("HEAD", "/v1/chat/completions", headers=headers)
        assert answer.status_code == 405


class TestQueueTimeout:
    """In line, and what is said to those who wait in vain."""

    def test_request_is_refused_when_it_waits_too_long_for_an_account(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([upstream.token("6531")], queue_timeout_s=0.2)
        upstream.script(HELD)
        with ThreadPoolExecutor() as threads:
            first = threads.submit(gateway.chat)
            upstream.wait("held", exactly=1)
            began = time.monotonic()
            late = gateway.chat()
            waited_s = time.monotonic() - began
            upstream.release()
            assert first.result().status_code == 200

        assert late.status_code == 429
        assert late.json["error"]["code"] == "accounts_busy"
        assert late.json["error"]["type"] == "rate_limit_error"
        assert 1 <= int(late.headers["Retry-After"]) <= 60
        assert 0.2 <= waited_s < 20

    def test_dead_account_does_not_turn_a_busy_pool_into_an_auth_error(
        self, in_process: Hosting, upstream: Simulated
    ):
        """One account dies, the other is busy: the caller's own key is fine."""
        gateway = in_process([upstream.token("6534")], queue_timeout_s=0.2)
        upstream.script(HELD)
        with ThreadPoolExecutor() as threads:
            first = threads.submit(gateway.chat)
            upstream.wait("held", exactly=1)
            gateway.ask("POST", "/v1/token", json={"token": written("6535")})
            late = gateway.chat()
            upstream.release()
            assert first.result().status_code == 200

        assert late.status_code == 429
        assert late.json["error"]["code"] == "accounts_busy"

    def test_answer_cut_by_a_stop_sequence_counts_as_a_success(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([upstream.token("6536")])
        upstream.script(REFUSED, {"call": "chat", "text": "one two three"})

        assert gateway.chat(stop="two").status_code == 200

        account = gateway.accounts()["6536"]
        assert (account["state"], account["answers"]) == ("idle", 1)
        assert account["last_error"] is None

    def test_request_is_refused_while_the_only_account_cools_down(
        self, in_process: Hosting, upstream: Simulated
    ):
        """One account alone rests when it has refused two questions."""
        gateway = in_process([upstream.token("6532")], queue_timeout_s=0.2)
        upstream.script({**REFUSED, "times": 2 * POLICY.attempts})
        for question in ("one", "two"):
            assert gateway.chat(messages=user(question)).status_code == 503

        later = gateway.chat()

        assert later.status_code == 503
        assert later.json["error"]["code"] == "upstream_busy"
        assert 1 <= int(later.headers["Retry-After"]) <= 60
        upstream.wait("answers", exactly=2 * POLICY.attempts)

    def test_request_is_refused_when_every_account_is_dead(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([written("6533")])
        for _ in range(2):
            answer = gateway.chat()
            assert answer.status_code == 503
            assert answer.json["error"]["code"] == "no_live_account"
            assert answer.headers["x-should-retry"] == "false"
        upstream.wait("requests", exactly=1)

    def test_request_is_refused_when_the_pool_is_empty(
        self, in_process: Hosting, upstream: Simulated
    ):
        assert in_process([]).chat().json["error"]["code"] == "no_live_account"


class TestFailedAccount:
    """Effects of a failure on the account and on the request."""

    def test_rejected_token_dies_without_costing_an_attempt(
        self, in_process: Hosting, upstream: Simulated
    ):
        """Four dead ones and two faults: the answer comes all the same."""
        dead = [written(str(6540 + number)) for number in range(4)]
        gateway = in_process([*dead, upstream.token("6545")])
        upstream.script(*[{"call": "chat", "http": {"status": 500}}] * 2, HI)

        assert gateway.chat().status_code == 200

        states = {user: told["state"] for user, told in gateway.accounts().items()}
        assert states == {**dict.fromkeys(map(str, range(6540, 6544)), "dead")} | {
            "6545": "idle"
        }

    def test_token_rejected_in_a_stream_event_dies(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([upstream.token("6546"), upstream.token("6547")])
        rejected = {"after": 0, "do": "error", "code": 1000021}
        upstream.script({**HI, "then": [rejected]}, HI)

        assert gateway.chat().status_code == 200

        states = sorted(told["state"] for told in gateway.accounts().values())
        assert states == ["dead", "idle"]

    @pytest.mark.parametrize(
        "fault",
        [
            {"http": {"status": 500}},
            {"drop": "reset"},
            RandomClients.FAULTS[3],
            {"text": ""},
        ],
        ids=str,
    )
    def test_broken_upstream_starts_no_cooldown(
        self, in_process: Hosting, upstream: Simulated, fault: dict[str, Any]
    ):
        users = ("6548", "6549", "6550")
        gateway = in_process([upstream.token(user) for user in users])
        upstream.script({"call": "chat", **fault, "times": POLICY.attempts})

        gateway.chat(stream=True).close()

        states = [each["state"] for each in gateway.accounts().values()]
        assert states == ["idle"] * 3

    def test_refused_account_is_skipped(self, in_process: Hosting, upstream: Simulated):
        users = ["6551", "6552"]
        gateway = in_process([upstream.token(user) for user in users])
        upstream.script(
            {**HI, "times": None}, {**REFUSED, "user": "6551", "times": None}
        )

        assert [gateway.chat().status_code for _ in range(4)] == [200] * 4

        asked = [each["user"] for each in upstream.report()["answers"]]
        assert sorted(asked) == ["6551", *["6552"] * 4]

    def test_client_is_unauthorized_when_all_its_tokens_are_rejected(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([upstream.token("6553")])

        answer = gateway.chat(f"{written('6554')},{written('6555')}")
        ended = gateway.chat(f"{written('6554')},{written('6555', -60)}")

        assert answer.status_code == ended.status_code == 401
        assert answer.json["error"]["code"] == "invalid_api_key"
        assert ended.json["error"]["code"] == "token_expired"
        assert answer.headers["x-should-retry"] == "false"


class TestForgedToken:
    """Anybody can write a token that claims another's account; it harms nobody."""

    def test_forged_token_leaves_the_pools_account_idle(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([upstream.token("6561")])
        upstream.script({**HI, "times": None})

        for _ in range(3):
            assert gateway.chat(written("6561")).status_code == 401

        assert gateway.accounts()["6561"]["state"] == "idle"
        assert gateway.accounts()["6561"]["last_error"] is None
        assert gateway.chat().status_code == 200

    def test_forged_token_never_holds_the_accounts_lock(
        self, in_process: Hosting, upstream: Simulated
    ):
        """Its call hangs at the service; the owner is served meanwhile."""
        gateway = in_process([upstream.token("6562")], queue_timeout_s=0.2)
        upstream.script(HI)
        warm = gateway.chat()
        upstream.script(
            {"call": "register", "hold_headers": True, "times": None},
            {**HI, "times": None},
        )
        forged = upstream.token("6562")  # as slow as can be, and good in the end

        with ThreadPoolExecutor() as threads:
            slow = threads.submit(gateway.chat, forged)
            upstream.wait("held", exactly=1)
            assert gateway.chat().status_code == 200
            upstream.release()
            assert slow.result().status_code == warm.status_code == 200

    def test_flood_of_forged_tokens_does_not_delay_the_owner(
        self, upstream: Simulated, five: Served
    ):
        upstream.script({**HI, "times": None})
        before = accounts(five)
        users = [each["account"] for each in before]
        done = threading.Event()

        def flood(number: int) -> set[int]:
            seen = set()
            while not done.is_set():
                seen.add(status(raw(five, written(users[number]), SECRET)))
            return seen

        with ThreadPoolExecutor() as threads:
            floods = [threads.submit(flood, number) for number in range(ACCOUNTS)]
            try:
                slowest = 0.0
                for _ in range(2 * ACCOUNTS):
                    began = time.monotonic()
                    assert status(raw(five, KEY, SECRET)) == 200
                    slowest = max(slowest, time.monotonic() - began)
            finally:
                done.set()
            assert {code for each in floods for code in each.result()} <= {401, 429}

        assert slowest < 9
        await_idle(five)
        after = accounts(five)
        answers = [
            sum(each["answers"] for each in listed) for listed in (before, after)
        ]
        assert answers[1] - answers[0] == 2 * ACCOUNTS


class TestConversationOwner:
    """A conversation goes on with the account that owns it, or not at all."""

    NEW = {"conversation_id": "new"}

    def begun(self, gateway: InProcessGateway, upstream: Simulated) -> tuple[str, str]:
        """A conversation that was kept, and the account that has it."""
        upstream.script(HI)
        id = gateway.chat(conversation_id="new").json["id"]
        (answer,) = upstream.report()["answers"]
        return id, answer["user"]

    @pytest.mark.leaves("conversations")
    def test_conversation_waits_for_its_account(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([upstream.token(user) for user in ("6571", "6572")])
        id, owner = self.begun(gateway, upstream)
        busy = upstream.token(owner)
        upstream.script(HELD, HI)

        with ThreadPoolExecutor() as threads:
            first = threads.submit(gateway.chat, busy)
            upstream.wait("held", exactly=1)
            second = threads.submit(gateway.chat, conversation_id=id)
            until = time.monotonic() + 30
            while not gateway.parts.pool.waiting:
                assert time.monotonic() < until
                time.sleep(0.005)
            upstream.release()
            assert first.result().status_code == second.result().status_code == 200

        users = [answer["user"] for answer in upstream.report()["answers"]]
        assert users == [owner] * 3

    @pytest.mark.leaves("conversations")
    def test_conversation_does_not_fail_over(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process(
            [upstream.token(user) for user in ("6573", "6574")], queue_timeout_s=0.2
        )
        id, owner = self.begun(gateway, upstream)
        upstream.script({**REFUSED, "times": POLICY.attempts}, {**HI, "times": None})

        assert gateway.chat(conversation_id=id).status_code == 503

        users = [answer["user"] for answer in upstream.report()["answers"]]
        assert set(users) == {owner}

    @pytest.mark.leaves("conversations")
    def test_conversation_survives_a_token_renewal(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([upstream.token(user) for user in ("6575", "6576")])
        id, owner = self.begun(gateway, upstream)
        gateway.parts.refresher.now()
        upstream.script(HI)

        assert gateway.chat(conversation_id=id).json["id"] == id
        assert upstream.report()["answers"][-1]["user"] == owner

    @pytest.mark.leaves("conversations")
    def test_conversation_is_unknown_when_its_account_is_removed(
        self, in_process: Hosting, upstream: Simulated
    ):
        users = ("6577", "6578", "6579")
        gateway = in_process([upstream.token(user) for user in users])
        id, owner = self.begun(gateway, upstream)
        assert gateway.ask("DELETE", f"/v1/token/{owner}").status_code == 200

        answer = gateway.chat(conversation_id=id)

        assert answer.status_code == 400
        assert answer.json["error"]["code"] == "unknown_conversation"
