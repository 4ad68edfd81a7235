"""Pools of subscription keys: their quota is shown, and a used up one is not asked."""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from tests.conftest import SECRET
from tests.served import KEY, Served
from tests.shared_pool.conftest import OWNER, accounts, eventually
from tests.simulated import Simulated

MESSAGES = [{"role": "user", "content": SECRET}]

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def served(
    simulator: Simulated, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A gateway whose pool tests fill."""
    settings: dict[str, Any] = {
        "HAILUO_ORIGIN": simulator.origin,
        "HAILUO_PLATFORM_ORIGIN": simulator.origin,
    }
    with Served(tmp_path_factory.mktemp("quota"), **settings) as gateway:
        yield gateway


def new_key(kind: str = "cp") -> str:
    return f"sk-{kind}-sim-quota-{next(_numbers)}"


@pytest.fixture
def fill(upstream: Simulated, served: Served) -> Callable[..., list[dict[str, Any]]]:
    """fill(key, …): the pool has these accounts and no others, and they were asked."""

    upstream.script({"call": "completion", "text": "a", "times": None})

    def fill(*keys: str) -> list[dict[str, Any]]:
        for each in accounts(served):
            served.request("DELETE", f"/v1/token/{each['account']}", headers=OWNER)
        served.request("POST", "/v1/token", headers=OWNER, json={"tokens": keys})
        for key in keys:
            if key.startswith("sk-cp-"):
                upstream.wait("finished", user=key, call="remains", exactly=1)
        return accounts(served)

    return fill


def ask(gateway: Served, key: str = KEY) -> Any:
    client = gateway.client(key)
    return client.chat.completions.create(model="x", messages=MESSAGES)


def asked(upstream: Simulated, call: str) -> list[str]:
    """Return whose requests of a call there were, in order."""
    return [
        each["user"] for each in upstream.report()["requests"] if each["call"] == call
    ]


def test_key_whose_plan_is_used_up_rests_until_its_window_opens(
    upstream: Simulated, served: Served, fill: Callable[..., Any]
):
    empty, half, paid = new_key(), new_key(), new_key("api")
    upstream.plan(empty, window_left=0, window_in_s=9_000, counts="left")
    upstream.plan(half, window_left=50, week_left=None, window_in_s=600)
    fill(empty, half, paid)
    eventually(lambda: [each["state"] for each in accounts(served)].count("idle") == 2)
    for _ in range(4):
        ask(served)

    quotas = {
        each["account"]: (each["state"], each["resting_until"], each["quota"])
        for each in accounts(served)
    }
    (_, resting_until, at_zero), (_, _, at_half), (_, _, none) = sorted(
        quotas.values(), key=lambda each: (not each[2], each[0] != "resting")
    )
    assert none is None
    assert list(at_zero) == (
        "window_percent window_resets_at week_percent week_resets_at asked_at".split()
    )
    assert (at_zero["window_percent"], at_zero["week_percent"]) == (0, 100)
    assert (at_half["window_percent"], at_half["week_percent"]) == (50, None)
    assert resting_until == pytest.approx(time.time() + 9_000, abs=60)
    assert at_zero["window_resets_at"] == pytest.approx(resting_until, abs=5)
    assert empty not in asked(upstream, "completion")
    assert sorted(asked(upstream, "remains")) == sorted([empty, half])
    metrics = served.request("GET", "/metrics").text.splitlines()
    gauges = [line.partition("{")[2] for line in metrics if "_quota_remaining_" in line]
    shown = [line.partition('window="')[2].replace('"}', "") for line in gauges if line]
    assert sorted(shown) == ["week 1.0", "window 0.0", "window 0.5"]


def test_plan_that_is_used_up_by_answers_rests_until_its_window_opens(
    upstream: Simulated, served: Served, fill: Callable[..., Any]
):
    key = new_key()
    upstream.plan(key, window_left=1, window_in_s=600)
    fill(key)
    eventually(lambda: accounts(served)[0]["quota"] is not None)
    ask(served)
    for _ in range(2):
        with pytest.raises(openai.RateLimitError) as refused:
            ask(served)
        assert refused.value.code == "insufficient_quota"

    (account,) = accounts(served)
    assert account["resting_until"] == pytest.approx(time.time() + 600, abs=60)
    assert asked(upstream, "completion") == [key, key], "it was left alone afterwards"


def test_quota_that_is_refused_is_unknown_and_no_matter(
    upstream: Simulated, served: Served, fill: Callable[..., Any]
):
    key, logged = new_key(), len(served.log())
    refusal = {"code": 1004, "message": "invalid api key"}
    upstream.script({"call": "remains", "refuse": refusal})
    fill(key)
    assert ask(served).choices[0].message.content
    (account,) = accounts(served)
    assert (account["state"], account["quota"]) == ("idle", None)
    assert account["last_error"] is None
    assert "quota" not in served.log()[logged:]


def test_quota_of_a_clients_key_is_not_asked_for(
    upstream: Simulated, served: Served, fill: Callable[..., Any]
):
    fill()
    theirs = new_key()
    ask(served, theirs)
    fill(new_key())
    assert asked(upstream, "completion") == [theirs]
    assert theirs not in asked(upstream, "remains")
