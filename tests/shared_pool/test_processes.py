"""Several processes, one pool: one answer an account, in the order of arrival."""

from typing import Any

import pytest

from tests.served import Served
from tests.shared_pool.conftest import OWNER, Asking, Gateways, accounts, eventually
from tests.simulated import Simulated

HI = {"call": "chat", "text": "Hi"}
HELD = {**HI, "then": [{"after": 0, "do": "hold"}]}
ACCOUNTS = 5
REQUESTS = 30


def most_open(upstream: Simulated) -> dict[str, int]:
    return upstream.report()["most_open_by_account"]


@pytest.mark.slow
def test_requests_of_three_processes_are_served_in_order_one_per_account(
    upstream: Simulated, trio: Gateways
):
    trio.add_accounts(ACCOUNTS)
    upstream.script({**HELD, "times": None})

    askings = []
    for number in range(REQUESTS):
        gateway = trio[number % len(trio)]
        askings.append(Asking(gateway, f"number {number}"))
        gateway.request("GET", "/ping")  # the loop has gone round: it was read
    for _ in range(REQUESTS // ACCOUNTS):
        upstream.wait("held", exactly=ACCOUNTS)
        upstream.release()
    assert all(asking.end().complete for asking in askings)

    assert set(most_open(upstream).values()) == {1}
    assert len(most_open(upstream)) == ACCOUNTS
    served = [int(each["message"].split()[1]) for each in upstream.report()["answers"]]
    lateness = [place - number for place, number in enumerate(served)]
    assert max(map(abs, lateness)) <= ACCOUNTS
    trio.await_idle()


def test_account_in_use_by_one_process_is_busy_for_another(
    upstream: Simulated, trio: Gateways
):
    (user,) = trio.add_accounts(1)
    upstream.script({**HELD, "times": None})

    first = Asking(trio[0], "first")
    upstream.wait("held", exactly=1)
    second = Asking(trio[1], "second")
    (account,) = trio.accounts(2)
    assert account["state"] == "answering"
    (process,) = account["processes"]
    own = trio[0].request("GET", "/v1/token", headers=OWNER).json()["process"]
    assert process == own
    upstream.release()
    upstream.wait("held", exactly=1)
    upstream.release()

    assert first.end().complete and second.end().complete
    assert most_open(upstream) == {user: 1}


def test_callers_token_is_leased_once_for_all_processes(
    upstream: Simulated, trio: Gateways
):
    trio.add_accounts(0)
    user = "29001"
    token = upstream.token(user)
    upstream.script({**HELD, "times": None})
    askings = [Asking(gateway, "mine", token) for gateway in trio]
    for _ in trio:
        upstream.wait("held", exactly=1)
        upstream.release()

    assert all(asking.end().complete for asking in askings)
    assert most_open(upstream) == {user: 1}
    trio.await_idle()


def test_client_that_leaves_the_queue_keeps_nobody_waiting(
    upstream: Simulated, trio: Gateways
):
    trio.add_accounts(1)
    upstream.script({**HELD, "times": None})
    first = Asking(trio[0], "first")
    upstream.wait("held", exactly=1)
    leaving, last = Asking(trio[1], "leaving"), Asking(trio[2], "last")
    leaving.leave()

    upstream.release()
    upstream.wait("held", exactly=1)
    upstream.release()

    assert first.end().complete and last.end().complete
    trio.await_idle()


def test_cooldown_in_one_process_holds_in_all(upstream: Simulated, trio: Gateways):
    trio.add_accounts(1)
    limit = {"status": 429, "headers": {"Retry-After": "300"}}
    upstream.script({"call": "chat", "http": limit, "times": None})
    refused = Asking(trio[0], "one").end()
    calls = len(upstream.work())

    def is_resting(gateway: Served) -> bool:
        return all(each["state"] == "resting" for each in accounts(gateway))

    eventually(lambda: all(map(is_resting, trio)))
    others = [Asking(gateway, "two").end() for gateway in trio]

    assert refused.status == 503
    assert [other.status for other in others] == [503] * len(trio)
    assert len(upstream.work()) == calls


def test_rejected_token_is_dead_in_all_processes(upstream: Simulated, trio: Gateways):
    (user,) = trio.add_accounts(1)
    upstream.revoke(user=user)
    assert Asking(trio[0], "one").end().status == 503

    def is_dead(gateway: Served) -> bool:
        return all(each["state"] == "dead" for each in accounts(gateway))

    eventually(lambda: all(map(is_dead, trio)))
    assert all("no_live_account" in Asking(each, "two").end().text for each in trio)


def test_token_added_or_removed_in_one_process_is_known_to_all(
    upstream: Simulated, trio: Gateways
):
    (user,) = trio.add_accounts(1)  # waits until all have it
    answer: Any = trio[1].request("DELETE", f"/v1/token/{user}", headers=OWNER)

    assert answer.json()["deleted"]
    eventually(lambda: not any(map(accounts, trio)))


@pytest.mark.leaves("conversations")
def test_conversation_is_continued_by_another_process(
    upstream: Simulated, trio: Gateways
):
    trio.add_accounts(3)
    upstream.script({**HI, "times": None})

    def ask(gateway: Served, conversation: str) -> Any:
        body = {
            "messages": [{"role": "user", "content": "Hello"}],
            "conversation_id": conversation,
        }
        return gateway.request("POST", "/v1/chat/completions", headers=OWNER, json=body)

    first = ask(trio[0], "new").json()
    second = ask(trio[1], first["id"])

    assert second.status_code == 200, second.text
    one, two = upstream.report()["answers"]
    assert one["user"] == two["user"]
    assert two["sent_chat_id"] == first["id"]
