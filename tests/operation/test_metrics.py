"""GET /metrics: numbers that move as they should. GET /health: can it serve?"""

import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from hailuo import create_app
from hailuo.gateway.retry import POLICY
from hailuo.net.client import call_name
from hailuo.settings import Settings
from hailuo.upstream.platform import protocol as platform
from hailuo.upstream.web import protocol as web
from tests.accounts.conftest import InProcessGateway
from tests.conftest import SECRET, Caller
from tests.served import KEY, Served
from tests.simulated import Simulated

MESSAGES = [{"role": "user", "content": SECRET}]
OWN_KEY = "sk-secret-own"
COUNTER = re.compile(r"_(total|count|sum)(\{|$)")
HELD = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}]}


@pytest.fixture(scope="module")
def shared(
    simulator: Simulated, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("pooled")
    file = directory / "tokens.json"
    file.write_text(json.dumps([simulator.token(user) for user in ("6101", "6102")]))
    with Served(
        directory,
        HAILUO_ORIGIN=simulator.origin,
        HAILUO_TOKENS_FILE=file,
        HAILUO_QUEUE_TIMEOUT_S=2,
    ) as gateway:
        yield gateway


@pytest.fixture
def pooled(upstream: Simulated, shared: Served) -> Served:
    """A gateway with a pool of two accounts, which are idle."""
    until(shared, "hailuo_accounts{state=idle}", 2)
    return shared


@pytest.fixture
def owned(tmp_path: Path) -> FlaskClient:
    """Return a client of a gateway without accounts and with a key of its own."""
    settings = Settings(api_keys=(OWN_KEY,), tokens_file=str(tmp_path / "none.json"))
    return create_app(settings).test_client()


@pytest.fixture
def counted(pooled: Served) -> Callable[[], dict[str, float]]:
    """counted(): the metrics; counters show what this test has added."""
    at_first = numbers(pooled)

    def counted() -> dict[str, float]:
        return {
            name: value - at_first.get(name, 0) if COUNTER.search(name) else value
            for name, value in numbers(pooled).items()
        }

    return counted


def numbers(gateway: Served) -> dict[str, float]:
    """Return the metrics by name and sorted labels: `name{label=value}`."""
    answer = gateway.request("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        sample.name
        + "".join(
            f"{{{name}={value}}}" for name, value in sorted(sample.labels.items())
        ): (sample.value)
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def ask(gateway: Served, **options: Any) -> Any:
    return gateway.client().chat.completions.create(
        model="any", messages=MESSAGES, **options
    )


def test_metrics_count_requests_attempts_and_accounts(
    upstream: Simulated, pooled: Served, counted: Callable[[], dict[str, float]]
):
    chat = "hailuo_requests_total{route=/chat/completions}"
    before = counted()
    assert before["hailuo_accounts{state=idle}"] == 2
    assert before["hailuo_answers_running"] == before["hailuo_queue_length"] == 0

    upstream.script({"call": "chat", "text": "a"})
    ask(pooled)
    refusal = {"call": "chat", "refuse": {"code": 1, "message": "x"}}
    upstream.script({**refusal, "times": POLICY.attempts})
    with pytest.raises(openai.InternalServerError):
        ask(pooled)
    pooled.request("GET", "/nowhere")
    pooled.request("GET", "/v1/models/none")

    # A request is counted when it is over: perhaps after its client has the answer.
    until(pooled, "hailuo_requests_total{route=/models/<path:id>}{status=404}", 1)
    after = counted()
    assert after[f"{chat}{{status=200}}"] == after[f"{chat}{{status=503}}"] == 1
    assert after["hailuo_requests_total{route=unknown}{status=404}"] == 1
    assert after["hailuo_requests_total{route=/models/<path:id>}{status=404}"] == 1
    assert after["hailuo_first_piece_seconds_count"] == 1
    assert after["hailuo_queue_wait_seconds_count"] >= 2
    assert after["hailuo_upstream_attempts_total{outcome=ok}{upstream=web}"] == 1
    assert (
        after["hailuo_upstream_attempts_total{outcome=upstream_busy}{upstream=web}"] > 1
    )
    assert after["hailuo_accounts{state=resting}"] == 0  # the question was at fault
    assert after["process_open_fds"] > 0 and after["process_resident_memory_bytes"] > 0


def test_expiry_of_each_token_is_reported(upstream: Simulated, pooled: Served):
    """That of a key is not: it has none."""
    headers = {"Authorization": f"Bearer {KEY}"}
    accounts = pooled.request("GET", "/v1/token", headers=headers).json()["data"]
    metrics, name = numbers(pooled), "hailuo_token_expiry_timestamp_seconds"
    reported = {key: value for key, value in metrics.items() if key.startswith(name)}
    assert reported == {
        f"{name}{{account={account['account']}}}{{upstream=web}}": account["expires_at"]
        for account in accounts
    }


def test_upstream_calls_are_counted_by_name_and_outcome(
    upstream: Simulated,
    pooled: Served,
    counted: Callable[[], dict[str, float]],
    caller: Callable[..., Caller],
):
    """The service's names; a conversation's id is none."""
    call = "hailuo_upstream_calls_total{{call={}}}{{outcome={}}}{{upstream=web}}"
    one, two = caller(served=pooled), caller(served=pooled)
    upstream.script({"call": "chat", "text": "a", "times": None})
    one.ask()
    upstream.wait("conversations", exactly=0)
    upstream.script({"call": "delete", "refuse": {"code": 1, "message": "x"}})
    failed = call.format("history", "upstream_busy")
    failures = numbers(pooled).get(failed, 0)
    two.ask()
    until(pooled, failed, failures + 1)

    found = counted()
    assert found[call.format("register", "ok")] == 2
    assert found[call.format("msg", "ok")] == 2
    assert found[call.format("history", "ok")] >= 1


IDS = ["42", "abc", "１２", "a%2Fb", "history-7", "register"]


@pytest.mark.parametrize("id", IDS)
def test_ids_in_a_path_do_not_become_metric_labels(id: str):
    path = f"{web.HISTORY}{id}?app_id=3001"
    assert call_name(path, web.CALLS) in {"history", "register"}
    assert call_name(f"/v9/{id}", platform.CALLS) == "other"


@pytest.mark.parametrize("protocol", [web, platform], ids=["web", "platform"])
def test_every_upstream_path_has_a_metric_label(protocol: Any):
    """Its paths are its constants that begin with a slash."""
    constants = [each for each in vars(protocol).values() if isinstance(each, str)]
    paths = [each for each in constants if each.startswith("/v")]
    assert len(paths) > 4
    assert "other" not in {call_name(path, protocol.CALLS) for path in paths}


def test_disconnect_before_the_first_piece_is_counted(
    upstream: Simulated, pooled: Served
):
    left = "hailuo_upstream_attempts_total{outcome=client_left}{upstream=web}"
    before = numbers(pooled).get(left, 0)
    upstream.script({"call": "chat", "then": [{"after": 0, "do": "hold"}]})
    caller = waiting(pooled)
    until(pooled, "hailuo_answers_running", 1)
    caller.close()
    until(pooled, left, before + 1)


def test_queue_timeout_is_measured(
    upstream: Simulated, pooled: Served, counted: Callable[[], dict[str, float]]
):
    upstream.script({"call": "chat", **HELD, "times": 2})
    with ask(pooled, stream=True) as one, ask(pooled, stream=True) as two:
        next(iter(one)), next(iter(two))
        with pytest.raises(openai.RateLimitError):
            ask(pooled)
        found = counted()
        upstream.release()
    assert found["hailuo_queue_wait_seconds_count"] == 3
    assert found["hailuo_queue_wait_seconds_sum"] >= 2


def test_running_answers_and_queue_length_are_counted(
    upstream: Simulated, pooled: Served
):
    upstream.script({"call": "chat", **HELD, "times": 3})
    with ask(pooled, stream=True) as one, ask(pooled, stream=True) as two:
        next(iter(one)), next(iter(two))
        running = numbers(pooled)
        assert running["hailuo_answers_running"] == 2
        assert running["hailuo_accounts{state=answering}"] == 2
        with waiting(pooled):
            until(pooled, "hailuo_queue_length", 1)
        until(pooled, "hailuo_queue_length", 1)  # noticed when it is looked at
        upstream.release()
        list(one), list(two)
    until(pooled, "hailuo_answers_running", 0)
    until(pooled, "hailuo_queue_length", 0)


def waiting(gateway: Served) -> socket.socket:
    """Somebody in line."""
    body = json.dumps({"messages": MESSAGES}).encode()
    sock = socket.create_connection(("127.0.0.1", gateway.port))
    sock.sendall(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
        % (KEY.encode(), len(body), body)
    )
    return sock


def until(gateway: Served, name: str, value: float) -> None:
    """Ask for a number until it is so, some hundred times at most."""
    for _ in range(500):
        if (found := numbers(gateway).get(name)) == value:
            return
    raise AssertionError(f"{name} is {found}, not {value}")


def test_token_renewals_are_counted(
    upstream: Simulated, pooled: Served, counted: Callable[[], dict[str, float]]
):
    upstream.script({"call": "renewal", "refuse": {"code": 1, "message": "x"}})
    headers = {"Authorization": f"Bearer {KEY}"}
    pooled.request("POST", "/v1/token/refresh", headers=headers)
    after = counted()
    assert after["hailuo_token_renewals_total{outcome=failed}"] == 1
    assert after["hailuo_token_renewals_total{outcome=ok}"] == 1


class TestMetricsAccess:
    def test_local_client_may_read_metrics(self, gateway: Served):
        assert gateway.request("GET", "/metrics").status_code == 200

    @pytest.mark.parametrize(
        "header",
        ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Via", "X-Forwarded-Anything"],
    )
    def test_forwarded_client_may_not_read_metrics(self, gateway: Served, header: str):
        answer = gateway.request("GET", "/metrics", headers={header: "127.0.0.1"})
        assert answer.status_code == 401

    @pytest.mark.parametrize("header", ["Origin", "Host"])
    def test_foreign_page_may_not_read_metrics(self, gateway: Served, header: str):
        value = {"Origin": "http://evil.example", "Host": "evil.example"}[header]
        answer = gateway.request("GET", "/metrics", headers={header: value})
        assert answer.status_code == 401

    def test_client_with_a_key_may_read_metrics(self, owned: FlaskClient):
        headers = {"X-Forwarded-For": "1.2.3.4", "Authorization": "Bearer "}
        for key, status in ((OWN_KEY, 200), ("sk-secret-other", 401)):
            headers["Authorization"] = f"Bearer {key}"
            assert owned.get("/metrics", headers=headers).status_code == status

    def test_metrics_name_accounts_only_where_each_is_measured(self, pooled: Served):
        """States and attempts are counted; which accounts had them is not told."""
        named = {name.partition("{")[0] for name in numbers(pooled) if "6101" in name}
        assert named == {"hailuo_token_expiry_timestamp_seconds"}


class TestHealth:
    def test_health_is_ok_with_an_empty_pool(self, owned: FlaskClient):
        """Callers bring tokens."""
        answer = owned.get("/health")
        assert answer.status_code == 200
        assert answer.get_json() == {"status": "ok", "accounts": 0, "live": 0}

    def test_health_fails_when_every_account_is_dead(
        self, upstream: Simulated, tmp_path: Path
    ):
        tokens = [upstream.token(user) for user in ("6104", "6105")]
        terms = {"tokens": tokens, "origin": upstream.origin}
        gateway = InProcessGateway(tmp_path / "none.json", **terms)
        assert gateway.ask("GET", "/health").json["live"] == 2

        upstream.revoke(user="6104")
        upstream.script({"call": "chat", "text": "a", "times": None})
        assert gateway.chat().status_code == gateway.chat().status_code == 200
        answer = gateway.ask("GET", "/health")
        assert (answer.status_code, answer.json["live"]) == (200, 1)

        upstream.wait("conversations", exactly=0)  # they are removed with its token
        upstream.revoke(user="6105")
        assert gateway.chat().status_code == 503
        answer = gateway.ask("GET", "/health")
        assert answer.status_code == 503
        assert answer.json["error"]["code"] == "no_live_account"
        assert gateway.ask("GET", "/ping").text == "pong"

    def test_health_fails_when_every_token_has_expired(
        self, upstream: Simulated, tmp_path: Path
    ):
        """Nobody has asked for months: it is known all the same."""
        expired = upstream.token("6103", expires_in_s=-60)
        file = str(tmp_path / "none.json")
        app = create_app(Settings(tokens=(expired,), tokens_file=file))
        answer = app.test_client().get("/health")
        assert answer.status_code == 503
        error = answer.get_json()["error"]
        assert error["code"] == "no_live_account" and "expired" in error["message"]

    def test_health_needs_no_key_and_calls_no_upstream(
        self, upstream: Simulated, pooled: Served
    ):
        forwarded = {"X-Forwarded-For": "1.2.3.4"}
        for path in ("/health", "/ping", "/v1/health", "/metrics"):
            pooled.request("GET", path, headers=forwarded)
        assert pooled.request("GET", "/health", headers=forwarded).ok
        assert upstream.report()["requests"] == []
