"""GET /v1/stats: what the last hour's requests came to, and nothing else of them."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from hailuo.gateway.retry import POLICY
from tests.conftest import SECRET
from tests.served import KEY, Served
from tests.simulated import Simulated

MESSAGES = [{"role": "user", "content": SECRET}]
HELD = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}]}
BUSY = {"code": 1, "message": "x"}
SOON_S = 30.0


@pytest.fixture(scope="module")
def served(
    simulator: Simulated, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A gateway that nobody else uses, with one account."""
    directory: Path = tmp_path_factory.mktemp("stats")
    settings: dict[str, Any] = {
        "HAILUO_ORIGIN": simulator.origin,
        "HAILUO_TOKENS": simulator.token("6301"),
    }
    with Served(directory, **settings) as gateway:
        yield gateway


def stats(gateway: Served) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {KEY}"}
    answer = gateway.request("GET", "/v1/stats", headers=headers)
    assert answer.status_code == 200
    return answer.json()


def totals(gateway: Served) -> Counter[str]:
    """Return the sums of all minutes."""
    found: Counter[str] = Counter()
    for minute in stats(gateway)["minutes"]:
        found.update(minute["failures"])
        found.update({name: minute[name] for name in ("answers", "client_left")})
    return +found


@pytest.fixture
def counted(upstream: Simulated, served: Served) -> Callable[[int], Counter[str]]:
    """counted(requests): the sums, once this test has added so many requests.

    A request is counted when it is over, which may be after its client has the answer.
    """
    at_first = totals(served)

    def counted(requests: int) -> Counter[str]:
        until = time.monotonic() + SOON_S
        while time.monotonic() < until:
            added = totals(served) - at_first
            if added.total() >= requests:
                return added
        raise AssertionError(f"only these requests were counted: {added}")

    return counted


def ask(gateway: Served, **options: Any) -> Any:
    client = gateway.client()
    return client.chat.completions.create(model="x", messages=MESSAGES, **options)


def test_stats_have_the_documented_form(
    upstream: Simulated, served: Served, counted: Callable[[int], Counter[str]]
):
    upstream.script({"call": "chat", "text": "a"})
    before = time.time()
    ask(served)
    counted(1)
    found = stats(served)
    minute = found["minutes"][-1]
    assert list(found) == (
        "object now complete running queued processes minutes".split()
    )
    assert found["object"] == "stats" and found["complete"] is True
    assert int(before) <= found["now"] <= time.time()
    assert (found["running"], found["queued"], found["processes"]) == (0, 0, 1)
    assert list(minute) == "at answers first_piece_s client_left failures".split()
    assert minute["at"] % 60 == 0 and before - 60 < minute["at"] <= time.time()
    assert 0 < minute["first_piece_s"] < 20


def test_answers_of_every_api_are_counted(
    upstream: Simulated, served: Served, counted: Callable[[int], Counter[str]]
):
    upstream.script({"call": "chat", "text": "a", "times": None})
    headers = {"Authorization": f"Bearer {KEY}"}
    for path, body in (
        ("/v1/chat/completions", {"messages": MESSAGES}),
        ("/v1/v1/chat/completions/", {"messages": MESSAGES, "stream": True}),
        ("/responses", {"input": SECRET, "model": "x"}),
        ("/v1/completions", {"prompt": SECRET}),
        ("/v1/messages", {"messages": MESSAGES, "max_tokens": 9}),
    ):
        assert served.request("POST", path, json=body, headers=headers).ok
    assert counted(5) == {"answers": 5}


def test_failures_are_counted_by_code(
    upstream: Simulated, served: Served, counted: Callable[[int], Counter[str]]
):
    upstream.script({"call": "chat", "refuse": BUSY, "times": POLICY.attempts})
    with pytest.raises(openai.InternalServerError):
        ask(served)
    with pytest.raises(openai.BadRequestError):
        ask(served, temperature="x")
    with pytest.raises(openai.AuthenticationError):
        served.client("sk-secret-typo").completions.create(model="x", prompt="x")
    assert counted(3) == {"upstream_busy": 1, "invalid_value": 1, "invalid_api_key": 1}


def test_failure_in_mid_stream_is_counted(
    upstream: Simulated, served: Served, counted: Callable[[int], Counter[str]]
):
    fault = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "error", **BUSY}]}
    upstream.script({"call": "chat", **fault})
    with pytest.raises(openai.APIError):
        list(ask(served, stream=True))
    assert counted(1) == {"upstream_busy": 1}


def test_client_that_leaves_is_counted_apart(
    upstream: Simulated, served: Served, counted: Callable[[int], Counter[str]]
):
    upstream.script({"call": "chat", **HELD})
    with ask(served, stream=True) as answer:
        next(iter(answer))
        upstream.wait("held", exactly=1)
        assert stats(served)["running"] == 1
    assert counted(1) == {"client_left": 1}


def test_requests_that_ask_no_model_are_not_counted(
    upstream: Simulated, served: Served, counted: Callable[[int], Counter[str]]
):
    count = {"messages": MESSAGES, "model": "x"}
    headers = {"Authorization": f"Bearer {KEY}"}
    for method, path in (
        ("OPTIONS", "/v1/chat/completions"),
        ("GET", "/v1/chat/completions"),
        ("GET", "/v1/models"),
        ("GET", "/v1/stats"),
        ("POST", "/nowhere"),
        ("POST", "/v1/messages/count_tokens"),
    ):
        served.request(method, path, json=count, headers=headers)
    upstream.script({"call": "chat", "text": "a"})
    ask(served)
    assert counted(1) == {"answers": 1}, "that of the last request"


@pytest.mark.parametrize("key", ["", "sk-secret-typo", "a token"])
def test_stats_need_an_api_key(upstream: Simulated, served: Served, key: str):
    key = upstream.token("6302") if key == "a token" else key
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = served.request("GET", "/v1/stats", headers=headers)
    assert answer.status_code == 401
