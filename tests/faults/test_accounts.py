"""Accounts: what strangers and a full disk cannot do to them, on the shipped server."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SECRET
from tests.served import KEY, Served
from tests.simulated import Simulated

OWNER = {"Authorization": f"Bearer {KEY}"}
OWNED = "6700"
STRANGERS = 8
FAULTS: dict[str, dict[str, Any]] = {
    "no connection": {"drop": "reset"},
    "500": {"http": {"status": 500, "body": "?"}},
    "not JSON": {"http": {"status": 200, "body": "?"}},
    "refused": {"refuse": {"code": 1, "message": "no"}},
}


def ask(gateway: Served, key: str) -> int:
    body = {"messages": [{"role": "user", "content": SECRET}]}
    headers = {"Authorization": f"Bearer {key}"}
    path = "/v1/chat/completions"
    return gateway.request("POST", path, json=body, headers=headers).status_code


@pytest.fixture(scope="module")
def impatient(serve: Callable[..., Served], simulator: Simulated) -> Served:
    """A gateway that owns one account, for which its clients do not wait long."""
    return serve(HAILUO_TOKENS=simulator.token(OWNED), HAILUO_QUEUE_TIMEOUT_S=0.3)


@pytest.mark.parametrize("fault", FAULTS)
def test_owner_is_served_while_foreign_tokens_of_the_account_fail(
    upstream: Simulated, impatient: Served, fault: str
):
    """The service says something else than that it rejects them.

    The owner waits for a third of the time that one of their pauses takes.
    """
    claimed = [upstream.token(OWNED) for _ in range(STRANGERS)]
    upstream.script({"call": "chat", "text": "Hi", "times": None})
    upstream.script(
        *(
            {"call": "register", "token": token, "times": None, **FAULTS[fault]}
            for token in claimed
        )
    )

    with ThreadPoolExecutor(STRANGERS) as threads:
        strangers = [threads.submit(ask, impatient, token) for token in claimed]
        upstream.wait("finished", call="register", at_least=1)
        served = []
        while wait(strangers, timeout=0.05).not_done:
            served.append(ask(impatient, KEY))

    assert set(served) == {200} and len(served) > 3
    assert {each.result() for each in strangers} <= {429, 502, 503}


def test_no_token_is_renewed_when_it_cannot_be_saved(
    upstream: Simulated, tmp_path: Path
):
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps([upstream.token("6711")]))
    (tmp_path / ".tokens.json.new").mkdir()
    settings: dict[str, Any] = {
        "HAILUO_ORIGIN": upstream.origin,
        "HAILUO_TOKENS_FILE": path,
    }
    with Served(tmp_path, HAILUO_TOKEN_REFRESH_INTERVAL_S=0.1, **settings) as gateway:
        answer = gateway.request("GET", "/v1/token/refresh", headers=OWNER).json()
        upstream.wait("requests", call="renewal", exactly=0)
        (tmp_path / ".tokens.json.new").rmdir()
        again = gateway.request("GET", "/v1/token/refresh", headers=OWNER).json()

    assert (answer["success"], answer["failed"]) == (0, 1)
    assert "cannot be written" in answer["accounts"][0]["error"]
    assert (again["success"], again["failed"]) == (1, 0)
    assert "cannot be written" in gateway.log()
