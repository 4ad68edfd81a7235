"""/v1/token: the owner manages the pool without a restart."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailuo.gateway.retry import POLICY
from tests.accounts.conftest import DAY_S, InProcessGateway, written
from tests.served import KEY
from tests.simulated import Simulated

Hosting = Callable[..., InProcessGateway]


@pytest.fixture
def own(in_process: Hosting) -> InProcessGateway:
    """A gateway with an empty pool."""
    return in_process([])


def counts(answer: Any) -> tuple[int, int, int, int]:
    names = ("added", "updated", "unchanged", "total")
    return tuple(answer.json[name] for name in names)


def post(gateway: InProcessGateway, tokens: Any, name: str = "tokens") -> Any:
    return gateway.ask("POST", "/v1/token", json={name: tokens})


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/v1/token"),
        ("POST", "/v1/token"),
        ("DELETE", "/v1/token/1001"),
        ("GET", "/v1/token/refresh"),
        ("POST", "/v1/token/refresh"),
        ("GET", "/v1/refresh-status"),
    ],
)
@pytest.mark.parametrize("bearer", ["", "sk-wrong", "token"])
def test_token_endpoints_require_the_api_key(
    in_process: Hosting, method: str, address: str, bearer: str
):
    token = written("1001")
    gateway = in_process([token])
    sent = token if bearer == "token" else bearer
    headers = {"Authorization": f"Bearer {sent}"} if sent else {}

    body = {"tokens": written("2")}
    answer = gateway.ask(method, address, headers=headers, json=body)

    assert answer.status_code == 401
    assert answer.json["error"]["type"] == "authentication_error"
    assert gateway.on_disk == [token]


@pytest.mark.parametrize("name", ["tokens", "token"])
@pytest.mark.parametrize(
    "form",
    [
        pytest.param(lambda tokens: tokens, id="array"),
        pytest.param(",".join, id="joined"),
        pytest.param(" , ".join, id="joined with spaces"),
        pytest.param(lambda tokens: [f" {each}\n" for each in tokens], id="spaces"),
        pytest.param(lambda tokens: tokens * 2, id="twice"),
    ],
)
def test_tokens_are_added_in_every_accepted_form(
    own: InProcessGateway, name: str, form: Any
):
    tokens = [written("1001"), written("1002")]

    answer = post(own, form(tokens), name)

    assert counts(answer) == (2, 0, 0, 2)
    assert own.on_disk == tokens
    assert list(own.accounts()) == ["1001", "1002"]


def test_single_token_string_adds_one_account(own: InProcessGateway):
    token = written("1001")

    assert counts(post(own, token, "token")) == (1, 0, 0, 1)
    assert own.on_disk == [token]


def test_platform_key_is_added_as_an_account(own: InProcessGateway):
    answer = post(own, "sk-api-0123456789abcdef0123456789")

    assert counts(answer) == (1, 0, 0, 1)
    (account,) = answer.json["accounts"]
    assert account["kind"] == "platform"
    assert "0123456789abcdef" not in answer.text


@pytest.mark.parametrize(
    ("tokens", "named"),
    [
        pytest.param(None, "token", id="nothing"),
        pytest.param([], "tokens", id="an empty list"),
        pytest.param({"a": 1}, "tokens", id="an object"),
        pytest.param(5, "tokens", id="a number"),
        pytest.param(["GOOD", ""], "tokens[1]", id="one that is empty"),
        pytest.param(["GOOD", "  "], "tokens[1]", id="one of spaces"),
        pytest.param(["GOOD", None, "GOOD"], "tokens[1]", id="one that is null"),
        pytest.param(["GOOD", 7], "tokens[1]", id="one that is a number"),
        pytest.param(["GOOD", ["GOOD"]], "tokens[1]", id="one that is a list"),
        pytest.param(["GOOD", "your_token_1"], "tokens[1]", id="a placeholder"),
        pytest.param(["GOOD", KEY], "tokens[1]", id="our own key"),
        pytest.param("GOOD,,GOOD", "tokens[1]", id="an empty one between"),
        pytest.param("", "tokens", id="an empty string"),
        pytest.param("secret-of-mine", "tokens", id="no credential"),
    ],
)
def test_invalid_token_refuses_the_whole_request_by_name(
    own: InProcessGateway, tokens: Any, named: str
):
    good = written("1001")
    if isinstance(tokens, list):
        tokens = [good if each == "GOOD" else each for each in tokens]
    elif isinstance(tokens, str):
        tokens = tokens.replace("GOOD", good)

    answer = post(own, tokens)

    assert answer.status_code == 400
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert answer.json["error"]["param"] == named
    assert named in answer.json["error"]["message"]
    assert "secret-of-mine" not in answer.text
    assert own.on_disk == [] and own.accounts() == {}


def test_error_names_the_field_that_was_sent(own: InProcessGateway):
    answer = post(own, "garbage", name="token")

    assert answer.status_code == 400
    assert answer.json["error"]["param"] == "token"


SPACES = st.text(" \t\n", max_size=2)
USERS = st.lists(st.integers(1, 5), min_size=1, max_size=8)


@settings(max_examples=30)
@given(
    users=USERS,
    spaces=st.tuples(SPACES, SPACES),
    joined=st.booleans(),
    name=st.sampled_from(["token", "tokens"]),
    bad=st.none() | st.sampled_from(["", " ", "x", "a.b.c", "é", "\x00", "🐚"]),
    data=st.data(),
)
def test_any_token_list_is_accepted_or_its_bad_entry_named(
    tmp_path_factory: pytest.TempPathFactory,
    users: list[int],
    spaces: tuple[str, str],
    joined: bool,
    name: str,
    bad: str | None,
    data: st.DataObject,
):
    """Every form, with any spaces, in any number; one bad one refuses all."""
    path = tmp_path_factory.mktemp("given") / "tokens.json"
    path.write_text("[]")
    gateway = InProcessGateway(path)
    tokens = [written(str(user)) for user in users]
    sent = [spaces[0] + token + spaces[1] for token in tokens]
    if bad is not None:
        at = data.draw(st.integers(0, len(sent)))
        sent.insert(at, bad)

    answer = post(gateway, ",".join(sent) if joined else sent, name)

    if bad is None:
        distinct = len(set(users))
        assert counts(answer) == (distinct, 0, len(users) - distinct, distinct)
        assert len(gateway.on_disk) == distinct
    else:
        assert answer.status_code == 400
        assert f"[{at}]" in answer.json["error"]["param"]
        assert gateway.on_disk == []


class TestNewerToken:
    """A newer JWT of a known account replaces the older, in its place."""

    def test_newer_token_replaces_the_older_in_place(self, in_process: Hosting):
        old, other = written("1001", DAY_S), written("1002")
        gateway = in_process([old, other])

        answer = post(gateway, new := written("1001", 2 * DAY_S))

        assert counts(answer) == (0, 1, 0, 2)
        assert gateway.on_disk == [new, other]

    def test_older_token_changes_nothing(self, in_process: Hosting):
        gateway = in_process([token := written("1001", 2 * DAY_S)])

        assert counts(post(gateway, written("1001", DAY_S))) == (0, 0, 1, 1)
        assert gateway.on_disk == [token]

    def test_same_token_changes_nothing(self, in_process: Hosting):
        gateway = in_process([token := written("1001")])

        assert counts(post(gateway, token)) == (0, 0, 1, 1)
        assert gateway.on_disk == [token]

    def test_older_token_replaces_a_dead_one(self, in_process: Hosting):
        gateway = in_process([written("1001", 2 * DAY_S)])
        (account,) = gateway.parts.pool.accounts
        gateway.parts.pool.reject(account, "no")

        answer = post(gateway, older := written("1001", DAY_S))

        assert counts(answer) == (0, 1, 0, 1)
        assert gateway.on_disk == [older]
        assert gateway.accounts()["1001"]["state"] == "idle"

    def test_newest_of_several_tokens_in_one_request_wins(self, own: InProcessGateway):
        tokens = [written("1001", days * DAY_S) for days in (1, 3, 2)]

        assert counts(post(own, tokens)) == (1, 0, 2, 1)
        assert own.on_disk == [tokens[1]]

    def test_token_just_written_to_the_file_is_replaced_by_a_newer_one(
        self, in_process: Hosting
    ):
        """An edit by hand that nobody has looked at yet: nothing reported is lost."""
        gateway = in_process([written("1001", DAY_S)])
        by_hand = written("1001", 2 * DAY_S)
        gateway.path.write_text(json.dumps([by_hand]))

        answer = post(gateway, new := written("1001", 3 * DAY_S))

        assert counts(answer) == (0, 1, 0, 1)
        assert gateway.on_disk == [new]
        assert gateway.parts.pool.accounts[0].token == new


class TestAccountListing:
    """Fields of an account in GET /v1/token."""

    def test_listing_shows_a_new_account(self, in_process: Hosting):
        token = written("1001", exp=2_000_000_000)
        gateway = in_process([token])

        (told,) = gateway.ask("GET", "/v1/token").json["data"]

        assert told == {
            "account": "1001",
            "kind": "web",
            "state": "idle",
            "resting_until": None,
            "source": "file",
            "token": f"{token[:4]}…{token[-4:]}",
            "expires_at": 2_000_000_000,
            "last_used": None,
            "last_error": None,
            "answers": 0,
            "quota": None,
        }

    def test_listing_counts_an_accounts_answers(
        self, in_process: Hosting, upstream: Simulated
    ):
        upstream.script({"call": "chat", "text": "Hi"})
        gateway = in_process([upstream.token("6001")])

        assert gateway.chat().status_code == 200

        told = gateway.accounts()["6001"]
        assert (told["state"], told["answers"]) == ("idle", 1)
        assert abs(told["last_used"] - time.time()) < 5

    def test_listing_shows_an_answering_account(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([upstream.token("6002")])
        upstream.script({"call": "chat", "then": [{"after": 1, "do": "silence"}]})

        with gateway.chat(stream=True) as answer:
            next(answer.iter_encoded())
            assert gateway.accounts()["6002"]["state"] == "answering"

        assert gateway.accounts()["6002"]["state"] == "idle"

    def test_listing_shows_a_resting_account(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([upstream.token("6003")])
        upstream.script(
            {"call": "chat", "refuse": {"code": 1, "message": "忙"}},
            {"call": "chat", "text": "Hi"},
        )

        assert gateway.chat().status_code == 200, "its other tries are its own"
        assert gateway.accounts()["6003"]["state"] == "idle", "a success clears it"

        refusal = {"call": "chat", "refuse": {"code": 1, "message": "忙"}}
        upstream.script({**refusal, "times": 2 * POLICY.attempts})
        for question in ("one", "two"):  # one alone may have been at fault
            messages = [{"role": "user", "content": question}]
            assert gateway.chat(messages=messages).status_code == 503
        told = gateway.accounts()["6003"]
        assert told["state"] == "resting"
        assert 20 < told["resting_until"] - time.time() <= 30, "once, not for each try"
        assert "忙" in told["last_error"]

    def test_listing_shows_a_dead_account(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([token := written("6004")])

        assert gateway.chat().status_code == 503

        answer = gateway.ask("GET", "/v1/token")
        (told,) = answer.json["data"]
        assert told["state"] == "dead" and told["last_error"]
        assert token not in answer.text

    def test_no_response_reveals_a_token(self, in_process: Hosting):
        tokens = [written("1001"), written("1002")]
        gateway = in_process(tokens[:1])

        said = [
            post(gateway, tokens[1]).text,
            gateway.ask("GET", "/v1/token").text,
            gateway.ask("GET", "/v1/refresh-status").text,
            post(gateway, [*tokens, "x"]).text,
        ]

        for token in tokens:
            signature = token.rpartition(".")[2]
            assert not any(signature[:-4] in each for each in said)


class TestAccountRemoval:
    """DELETE /v1/token/{account}"""

    def test_removed_account_leaves_pool_and_file(self, in_process: Hosting):
        gateway = in_process([written("1001"), kept := written("1002")])

        answer = gateway.ask("DELETE", "/v1/token/1001")

        assert answer.json == {"account": "1001", "deleted": True}
        assert gateway.on_disk == [kept]
        assert list(gateway.accounts()) == ["1002"]

    def test_removing_an_unknown_account_is_a_404(self, own: InProcessGateway):
        answer = own.ask("DELETE", "/v1/token/1001")

        assert answer.status_code == 404
        assert answer.json["error"]["code"] == "unknown_account"

    def test_removal_deletes_every_token_of_the_account(self, in_process: Hosting):
        """Else an older one would take its place, though it was reported gone."""
        gateway = in_process([written("1001", DAY_S), written("1001", 2 * DAY_S)])

        assert gateway.ask("DELETE", "/v1/token/1001").status_code == 200

        assert gateway.on_disk == [] and gateway.accounts() == {}

    def test_removal_deletes_a_token_just_written_to_the_file(
        self, in_process: Hosting
    ):
        gateway = in_process([written("1001", DAY_S)])
        gateway.path.write_text(json.dumps([written("1001", 2 * DAY_S)]))

        assert gateway.ask("DELETE", "/v1/token/1001").status_code == 200

        assert gateway.on_disk == [] and gateway.accounts() == {}

    @pytest.mark.parametrize("on_disk", [0, 1])
    def test_account_from_the_environment_cannot_be_removed(
        self, in_process: Hosting, on_disk: int
    ):
        """Also when the file has a newer one: the older would take its place."""
        file = [written("1001", 2 * DAY_S)] * on_disk
        gateway = in_process(file, tokens=(written("1001", DAY_S),))

        answer = gateway.ask("DELETE", "/v1/token/1001")

        assert answer.status_code == 400
        assert "HAILUO_TOKENS" in answer.json["error"]["message"]
        assert list(gateway.accounts()) == ["1001"]
        assert gateway.on_disk == file


class TestTokenSources:
    """The same account in file and environment: the later JWT wins."""

    @pytest.mark.parametrize("later", ["file", "environment"])
    def test_later_token_wins_between_file_and_environment(
        self, in_process: Hosting, later: str
    ):
        tokens = [written("1001", days * DAY_S) for days in (1, 2)]
        if later == "environment":
            tokens.reverse()
        gateway = in_process([tokens[1]], tokens=(tokens[0],))

        (account,) = gateway.parts.pool.accounts

        assert account.source == later
        assert account.identity.expires_at == pytest.approx(
            time.time() + 2 * DAY_S, abs=60
        )

    def test_token_in_file_and_environment_belongs_to_the_file(
        self, in_process: Hosting
    ):
        """The file can keep a new one of it."""
        token = written("1001")
        gateway = in_process([token], tokens=(token,))

        assert gateway.accounts()["1001"]["source"] == "file"

    def test_account_from_the_environment_accepts_a_newer_token(
        self, in_process: Hosting
    ):
        gateway = in_process([], tokens=(written("1001", DAY_S),))

        answer = post(gateway, new := written("1001", 2 * DAY_S))

        assert counts(answer) == (0, 1, 0, 1)
        assert gateway.on_disk == [new]
        assert gateway.accounts()["1001"]["source"] == "file"


class TestBrokenFile:
    """A file that cannot be understood, or a disk that cannot be written."""

    @pytest.fixture
    def broken(self, in_process: Hosting, path: Path) -> InProcessGateway:
        path.write_text("[oops")
        return in_process(tokens=(written("1001"),))

    def changes(self, gateway: InProcessGateway) -> Iterator[Any]:
        yield post(gateway, written("1002"))
        yield gateway.ask("GET", "/v1/token/refresh")
        yield gateway.ask("POST", "/v1/token/refresh")

    def test_changes_are_a_409_while_the_file_is_broken(self, broken: InProcessGateway):
        for answer in self.changes(broken):
            assert answer.status_code == 409
            assert answer.headers["x-should-retry"] == "false"
            error = answer.json["error"]
            assert (error["type"], error["code"]) == (
                "conflict_error",
                "tokens_file_invalid",
            )
            assert str(broken.path) in error["message"] and "line 1" in error["message"]
        assert broken.path.read_text() == "[oops"
        assert list(broken.accounts()) == ["1001"]

    def test_status_reports_a_broken_file(self, broken: InProcessGateway):
        for path in ("/v1/token", "/v1/refresh-status"):
            assert str(broken.path) in broken.ask("GET", path).json["problem"]

    def test_removal_is_a_409_while_the_file_is_broken(self, in_process: Hosting):
        gateway = in_process([written("1001")])
        gateway.path.write_text("[oops")

        assert gateway.ask("DELETE", "/v1/token/1001").status_code == 409
        assert gateway.path.read_text() == "[oops"
        assert list(gateway.accounts()) == ["1001"], "what was loaded goes on serving"

    def test_clients_own_token_is_served_while_the_file_is_broken(
        self, broken: InProcessGateway, upstream: Simulated
    ):
        upstream.script({"call": "chat", "text": "Hi"})
        assert broken.chat(upstream.token("6005")).status_code == 200

    def test_repaired_file_is_loaded_with_the_next_change(
        self, broken: InProcessGateway
    ):
        broken.path.write_text(json.dumps([written("1002")]))

        assert counts(post(broken, written("1003"))) == (1, 0, 0, 3)
        assert broken.ask("GET", "/v1/token").json["problem"] is None

    def test_status_reports_a_disk_that_cannot_be_written(
        self, in_process: Hosting, path: Path
    ):
        gateway = in_process([])
        (path.parent / ".tokens.json.new").mkdir()

        answer = post(gateway, written("1001"))

        assert counts(answer) == (1, 0, 0, 1)
        assert answer.json["persisted"] is False
        for each in ("/v1/token", "/v1/refresh-status"):
            assert gateway.ask("GET", each).json["persisted"] is False
        assert list(gateway.accounts()) == ["1001"], "it serves all the same"

        (path.parent / ".tokens.json.new").rmdir()
        gateway.parts.credential_store.poll()
        assert len(gateway.on_disk) == 1
        assert gateway.ask("GET", "/v1/token").json["persisted"] is True


def test_placeholders_are_logged_once_and_kept(
    in_process: Hosting, caplog: pytest.LogCaptureFixture
):
    """The original program's file holds three of them."""
    placeholders = [f"your_token_{number}" for number in (1, 2, 3)]
    gateway = in_process(placeholders)
    post(gateway, token := written("1001"))
    gateway.parts.credential_store.poll()

    said = [each.message for each in caplog.records if "credential" in each.message]
    assert len(said) == 1
    assert "your_token" not in said[0], "it might be somebody's secret"
    assert gateway.on_disk == [*placeholders, token]


def test_edited_file_replaces_the_accounts(in_process: Hosting):
    gateway = in_process([written("1001")])
    gateway.path.write_text(json.dumps([written("1002"), written("1003")]))

    gateway.parts.credential_store.poll()

    assert list(gateway.accounts()) == ["1002", "1003"]


def test_concurrent_additions_and_removals_lose_nothing(in_process: Hosting):
    """Tokens are added in threads while others are taken out."""
    gateway = in_process([written(str(user)) for user in range(100, 120)])

    def change(number: int) -> int:
        if number % 2:
            return gateway.ask("DELETE", f"/v1/token/{100 + number // 2}").status_code
        return post(gateway, [written(str(200 + number))]).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(change, range(40)))

    expected = {str(number) for number in range(200, 240, 2)}
    assert set(statuses) == {200}
    assert set(gateway.accounts()) == expected
    assert len(gateway.on_disk) == 20


class TestTokenCheck:
    """POST /token/check, as in the original program."""

    def test_owner_checks_an_account_by_its_name(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([upstream.token("6106"), written("6107")])
        lives = {
            name: gateway.ask("POST", "/token/check", json={"account": name}).json
            for name in ("6106", "6107")
        }
        assert lives == {"6106": {"live": True}, "6107": {"live": False}}

    def test_owner_checks_an_unknown_account(self, own: InProcessGateway):
        answer = own.ask("POST", "/token/check", json={"account": "6108"})
        assert answer.status_code == 404
        assert answer.json["error"]["code"] == "unknown_account"

    def test_others_cannot_name_an_account(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([upstream.token("6109")])
        body = {"account": "6109"}
        answer = gateway.ask("POST", "/token/check", json=body, headers={})
        assert answer.status_code == 400
        assert answer.json["error"]["param"] == "token"

    def check(self, gateway: InProcessGateway, token: Any) -> Any:
        return gateway.ask("POST", "/token/check", json={"token": token}, headers={})

    @pytest.mark.parametrize("address", ["/token/check", "/v1/token/check"])
    def test_token_check_needs_no_api_key(
        self, own: InProcessGateway, upstream: Simulated, address: str
    ):
        body = {"token": upstream.token("6101")}

        answer = own.ask("POST", address, json=body, headers={})

        assert (answer.status_code, answer.json) == (200, {"live": True})

    @pytest.mark.parametrize(
        "token",
        [written("6102"), written("6102", -DAY_S), "sk-none", "x"],
        ids=["forged", "expired", "key", "letter"],
    )
    def test_rejected_token_is_not_live(
        self, own: InProcessGateway, upstream: Simulated, token: str
    ):
        assert self.check(own, token).json == {"live": False}

    def test_token_check_is_cached(self, own: InProcessGateway, upstream: Simulated):
        token = upstream.token("6103")
        assert [self.check(own, token).json["live"] for _ in range(3)] == [True] * 3
        upstream.wait("requests", call="info", exactly=1)

        upstream.revoke(token=token)

        assert self.check(own, token).json == {"live": True}
        upstream.wait("requests", call="info", exactly=1)

    @pytest.mark.parametrize(
        "fault",
        [
            {"http": {"status": 502}},
            {"drop": "reset", "times": 2},  # since it is repeated
            {"refuse": {"code": 1}},
            {"http": {"status": 200, "body": "<html>"}},
        ],
        ids=str,
    )
    def test_failed_token_check_is_a_502_and_not_cached(
        self, own: InProcessGateway, upstream: Simulated, fault: dict[str, Any]
    ):
        token = upstream.token("6104")
        upstream.script({"call": "info", **fault})

        answer = self.check(own, token)
        assert answer.status_code == 502
        assert answer.json["error"]["code"] == "upstream_unreachable"

        assert self.check(own, token).json == {"live": True}

    @pytest.mark.parametrize("token", [None, "", "  ", 5, ["a"]])
    def test_token_check_of_an_empty_token_is_a_400(
        self, own: InProcessGateway, token: Any
    ):
        answer = self.check(own, token)

        assert answer.status_code == 400
        assert answer.json["error"]["param"] == "token"

    def test_token_check_keeps_no_oversized_token(
        self, own: InProcessGateway, upstream: Simulated
    ):
        """It takes no key: what is no token, or too long for one, is not kept."""
        for number in range(20):
            self.check(own, f"{number}" * 1_000_000)
            self.check(own, written("6105", x=f"{number}" * 100_000))

        assert sum(map(len, own.parts.catalog._proofs._accepted._entries)) < 100_000
        upstream.wait("requests", exactly=0)


def test_tokens_without_a_user_get_distinct_names(own: InProcessGateway):
    """Tokens that name nobody are accounts of their own, each with a name."""
    post(own, [written(None) for _ in range(5)])

    names = sorted(own.accounts())
    assert len(names) == 5
    assert all(a != b for a, b in pairwise(names))
