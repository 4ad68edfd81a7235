"""Tokens are renewed on time, and no new one is lost."""

import errno
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hailuo.accounts.account import CHAT, Account, Slot
from hailuo.accounts.cooldowns import Cooldowns
from hailuo.accounts.renewal_schedule import Schedule
from hailuo.accounts.tokens_file import Change
from hailuo.errors import AccountsBusy, UpstreamBusy
from hailuo.upstream.registry import identify
from tests.accounts.conftest import DAY_S, InProcessGateway, written
from tests.conftest import SECRET
from tests.served import KEY, Served
from tests.simulated import Simulated

Hosting = Callable[..., InProcessGateway]
RENEWAL = {"call": "renewal"}


def refresh(gateway: InProcessGateway, method: str = "POST") -> Any:
    return gateway.ask(method, "/v1/token/refresh")


def outcomes(answer: Any) -> dict[str, Any]:
    """Return the error of each account, None for a renewed one."""
    return {each["account"]: each["error"] for each in answer.json["accounts"]}


def renewed(upstream: Simulated) -> list[str]:
    """The accounts that a renewal was asked for, in order."""
    seen = upstream.report()["requests"]
    return [each["user"] for each in seen if each["call"] == "renewal"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_refresh_renews_every_token_now(
    in_process: Hosting, upstream: Simulated, method: str
):
    old = [upstream.token(user) for user in ("6201", "6202")]
    gateway = in_process(old)

    answer = refresh(gateway, method)

    assert answer.status_code == 200
    assert (answer.json["success"], answer.json["failed"]) == (2, 0)
    assert outcomes(answer) == {"6201": None, "6202": None}
    assert abs(answer.json["last_refresh"] - time.time()) < 5
    assert len(gateway.on_disk) == 2 and not set(gateway.on_disk) & set(old)
    upstream.script({"call": "chat", "text": "Hi", "times": 2})
    assert [gateway.chat().status_code for _ in "12"] == [200, 200]


def test_refresh_status_reports_the_last_refresh(
    in_process: Hosting, upstream: Simulated
):
    gateway = in_process([upstream.token("6203")])
    before = gateway.ask("GET", "/v1/refresh-status").json
    done = refresh(gateway).json

    after = gateway.ask("GET", "/v1/refresh-status").json

    assert (before["last_refresh"], before["success"]) == (None, 0)
    assert {name: after[name] for name in done} == done
    assert after["interval_s"] == 604_800
    assert abs(after["next_refresh"] - time.time() - 604_800) < 60
    assert after["persisted"] is True


def test_refresh_status_reports_a_running_refresh(
    in_process: Hosting, upstream: Simulated
):
    gateway = in_process([upstream.token("6241"), upstream.token("6242")])
    upstream.script({"call": "renewal", "user": "6242", "hold_headers": True})
    thread = threading.Thread(target=refresh, args=(gateway,))
    thread.start()
    upstream.wait("requests", call="renewal", user="6242", exactly=1)

    during = gateway.ask("GET", "/v1/refresh-status").json["running"]
    upstream.release()
    thread.join()

    assert during == {"done": 1, "total": 2}
    assert gateway.ask("GET", "/v1/refresh-status").json["running"] is None


def test_refresh_reads_an_edited_file_first(in_process: Hosting, upstream: Simulated):
    """An owner who edits the file and refreshes at once expects the edit to count."""
    gateway = in_process([])
    gateway.path.write_text(json.dumps([upstream.token("6204")]))

    assert outcomes(refresh(gateway)) == {"6204": None}
    assert list(gateway.accounts()) == ["6204"]


def test_failed_renewal_does_not_stop_the_others(
    in_process: Hosting, upstream: Simulated
):
    users = ["6211", "6212", "6213", "6214"]
    gateway = in_process([written("6210"), *map(upstream.token, users)])
    upstream.script(
        {**RENEWAL, "user": "6211", "http": {"status": 500}},
        {**RENEWAL, "user": "6212", "data": {"token": "no token"}},
        {**RENEWAL, "user": "6213", "refuse": {"code": 1, "message": "忙"}},
    )

    answer = refresh(gateway)

    failed = outcomes(answer)
    assert [user for user, error in failed.items() if not error] == ["6214"]
    assert (answer.json["success"], answer.json["failed"]) == (1, 4)
    assert "忙" in failed["6213"]
    states = {user: told["state"] for user, told in gateway.accounts().items()}
    assert states == {"6210": "dead", **dict.fromkeys(users, "idle")}


def test_unexpected_error_in_a_renewal_does_not_stop_the_others(
    in_process: Hosting, upstream: Simulated, caplog: pytest.LogCaptureFixture
):
    """A fault of our own, played by an upstream that has one."""
    gateway = in_process([upstream.token("6215"), token := upstream.token("6216")])
    upstreams = gateway.parts.refresher._upstreams

    class Faulty:
        def renew(self, account: Account) -> str:
            if account.name == "6215":
                raise ZeroDivisionError(account.token)
            return web.renew(account)

    web, upstreams["web"] = upstreams["web"], Faulty()
    answer = refresh(gateway)

    assert outcomes(answer) == {"6215": "an internal error", "6216": None}
    assert token not in gateway.on_disk
    assert any(record.exc_info for record in caplog.records)


def test_concurrent_refreshes_share_one_run(in_process: Hosting, upstream: Simulated):
    gateway = in_process([upstream.token("6217")])
    upstream.script({**RENEWAL, "hold_headers": True})

    with ThreadPoolExecutor() as threads:
        first = threads.submit(refresh, gateway)
        upstream.wait("held", exactly=1)
        others = [threads.submit(refresh, gateway, "GET") for _ in range(3)]
        time.sleep(0.5)  # until they have joined
        upstream.release()
        told = [each.result().json for each in (first, *others)]

    assert all(each == told[0] for each in told)
    assert renewed(upstream) == ["6217"]


def test_concurrent_refreshes_share_a_failure(in_process: Hosting, path: Path):
    gateway = in_process([])
    path.write_text("[oops")

    with ThreadPoolExecutor() as threads:
        answers = list(threads.map(lambda _: refresh(gateway), range(4)))

    assert [each.status_code for each in answers] == [409] * 4


def test_refresh_renews_only_accounts_of_the_file(
    in_process: Hosting, upstream: Simulated
):
    gateway = in_process(
        [upstream.token("6221"), "sk-api-0123456789abcdef0123456789"],
        tokens=(upstream.token("6222"),),
    )

    assert outcomes(refresh(gateway)) == {"6221": None}
    assert renewed(upstream) == ["6221"]


def test_account_does_not_answer_during_its_renewal(
    in_process: Hosting, upstream: Simulated
):
    gateway = in_process([upstream.token("6223")])
    upstream.script({**RENEWAL, "hold_headers": True}, {"call": "chat", "text": "Hi"})

    with ThreadPoolExecutor() as threads:
        done = threads.submit(refresh, gateway)
        upstream.wait("held", exactly=1)
        chat = threads.submit(gateway.chat)
        await_waiting(gateway)
        assert gateway.accounts()["6223"]["state"] == "answering"
        upstream.wait("answers", exactly=0)
        upstream.release()
        assert done.result().json["success"] == 1
        assert chat.result().status_code == 200


def test_account_is_not_renewed_during_an_answer(
    in_process: Hosting, upstream: Simulated
):
    gateway = in_process([upstream.token("6224")])
    upstream.script(
        {"call": "chat", "text": "Hi", "then": [{"after": 0, "do": "hold"}]}
    )

    with ThreadPoolExecutor() as threads:
        chat = threads.submit(gateway.chat)
        upstream.wait("held", exactly=1)
        done = threads.submit(refresh, gateway)
        await_waiting(gateway)
        assert renewed(upstream) == []
        upstream.release()
        assert chat.result().status_code == 200
        assert done.result().json["success"] == 1


def test_account_in_cooldown_is_renewed(in_process: Hosting, upstream: Simulated):
    gateway = in_process([upstream.token("6225")])
    gateway.parts.pool.accounts[0].refused(UpstreamBusy("busy"), CHAT)

    assert refresh(gateway).json["success"] == 1


def test_token_added_during_a_renewal_wins_over_its_outcome(
    in_process: Hosting, upstream: Simulated
):
    """A newer token handed in during a renewal is not overwritten by its outcome."""
    gateway = in_process([upstream.token("6226")])
    upstream.script({**RENEWAL, "hold_headers": True})
    newer = upstream.token("6226", 60 * DAY_S)

    with ThreadPoolExecutor() as threads:
        done = threads.submit(refresh, gateway)
        upstream.wait("held", exactly=1)
        gateway.ask("POST", "/v1/token", json={"tokens": newer})
        upstream.release()
        assert done.result().status_code == 200

    assert gateway.on_disk == [newer]
    assert gateway.parts.pool.accounts[0].token == newer


def test_account_removed_during_a_refresh_stays_removed(
    in_process: Hosting, upstream: Simulated
):
    gateway = in_process([upstream.token("6227"), upstream.token("6228")])
    upstream.script({**RENEWAL, "hold_headers": True})

    with ThreadPoolExecutor() as threads:
        done = threads.submit(refresh, gateway)
        upstream.wait("held", exactly=1)
        for user in ("6227", "6228"):
            assert gateway.ask("DELETE", f"/v1/token/{user}").status_code == 200
        upstream.release()
        done.result()

    assert gateway.on_disk == [] and gateway.accounts() == {}
    assert renewed(upstream) == ["6227"]


def test_file_broken_during_a_refresh_loses_no_token(
    in_process: Hosting, upstream: Simulated
):
    """The one in flight is kept; the others are not asked for."""
    old = [upstream.token(user) for user in ("6231", "6232")]
    gateway = in_process(old)
    upstream.script({**RENEWAL, "hold_headers": True})

    with ThreadPoolExecutor() as threads:
        done = threads.submit(refresh, gateway)
        upstream.wait("held", exactly=1)
        gateway.path.write_text("[oops")
        upstream.release()
        failed = outcomes(done.result())

    assert "in memory only" in failed["6231"] and "not JSON" in failed["6232"]
    assert renewed(upstream) == ["6231"]
    assert gateway.path.read_text() == "[oops"
    assert gateway.ask("GET", "/v1/refresh-status").json["persisted"] is False

    gateway.path.write_text(json.dumps(old))
    gateway.parts.credential_store.poll()
    assert gateway.on_disk[1] == old[1] and gateway.on_disk[0] != old[0]
    upstream.script({"call": "chat", "text": "Hi", "times": 2})
    assert [gateway.chat().status_code for _ in "12"] == [200, 200]


class TestUnwritableFile:
    """A token is asked for only where it can be kept, and is not lost if it cannot."""

    def test_no_token_is_renewed_while_the_file_cannot_be_written(
        self, in_process: Hosting, upstream: Simulated, path: Path
    ):
        gateway = in_process([token := upstream.token("6233")])
        (path.parent / ".tokens.json.new").mkdir()

        answer = refresh(gateway)

        assert answer.json["failed"] == 1
        assert "cannot be written" in outcomes(answer)["6233"]
        assert renewed(upstream) == []
        assert gateway.on_disk == [token]
        status = gateway.ask("GET", "/v1/refresh-status").json
        assert "cannot be written" in status["problem"]
        assert status["next_refresh"] - time.time() == pytest.approx(60, abs=5)

        (path.parent / ".tokens.json.new").rmdir()
        assert refresh(gateway).json["success"] == 1
        assert gateway.ask("GET", "/v1/refresh-status").json["problem"] is None

    def test_no_token_is_renewed_while_the_file_cannot_be_replaced(
        self,
        in_process: Hosting,
        upstream: Simulated,
        path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ):
        """As one that is mounted by itself into a container."""

        def busy(source: Path, target: Path) -> None:
            raise OSError(errno.EBUSY, "Device or resource busy")

        gateway = in_process([token := upstream.token("6235")])
        monkeypatch.setattr("os.replace", busy)

        assert "resource busy" in outcomes(refresh(gateway))["6235"]
        assert renewed(upstream) == []
        assert gateway.on_disk == [token]
        assert [each.name for each in path.parent.iterdir()] == ["tokens.json"]

    def test_token_that_could_not_be_saved_is_used_and_reported(
        self,
        in_process: Hosting,
        upstream: Simulated,
        path: Path,
        caplog: pytest.LogCaptureFixture,
    ):
        gateway = in_process([old := upstream.token("6236")])
        upstream.script({**RENEWAL, "hold_headers": True})
        draft = path.parent / ".tokens.json.new"

        with ThreadPoolExecutor() as threads:
            done = threads.submit(refresh, gateway)
            upstream.wait("held", exactly=1)
            assert draft.stat().st_size > path.stat().st_size, "its place is reserved"
            draft.unlink()
            draft.mkdir()
            upstream.release()
            error = outcomes(done.result())["6236"]

        assert "in memory only" in error and "cannot be written" in error
        (account,) = gateway.parts.pool.accounts
        assert account.token != old and gateway.on_disk == [old]
        upstream.script({"call": "chat", "text": "Hi"})
        assert gateway.chat().status_code == 200
        health = gateway.ask("GET", "/health")
        assert health.status_code == 200, "a restart would lose it"
        assert health.json["status"] == "degraded" and "in memory" in health.text
        assert refresh(gateway).json["failed"] == 1
        assert renewed(upstream) == ["6236"], "it is not asked for again"

        draft.rmdir()
        gateway.parts.credential_store.poll()
        assert gateway.on_disk == [account.token]
        assert gateway.ask("GET", "/health").json["status"] == "ok"

    def test_unsaved_token_is_logged_every_minute_until_it_is_saved(
        self, in_process: Hosting, path: Path, caplog: pytest.LogCaptureFixture
    ):
        gateway = in_process([written("6237")])
        refresher, file = gateway.parts.refresher, gateway.parts.credential_store.file
        (path.parent / ".tokens.json.new").mkdir()
        file.apply([Change(None, written("6238"))])

        for _ in range(3):
            refresher._warn_of_unkept()
        refresher._unkept_logged_at -= 61
        refresher._warn_of_unkept()
        (path.parent / ".tokens.json.new").rmdir()
        file.apply()
        refresher._unkept_logged_at -= 61
        refresher._warn_of_unkept()

        said = [each.getMessage() for each in caplog.records]
        assert len(said) == 2 and all("in memory only" in each for each in said)
        assert "623" not in "".join(said).replace(str(path), "")

    def test_failed_renewal_leaves_no_draft(
        self, in_process: Hosting, upstream: Simulated, path: Path
    ):
        gateway = in_process([upstream.token("6239")])
        upstream.script({**RENEWAL, "http": {"status": 500}})

        assert refresh(gateway).json["failed"] == 1

        assert [each.name for each in path.parent.iterdir()] == ["tokens.json"]

    def test_token_added_during_a_renewal_is_kept_beside_it(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([upstream.token("6240")])
        upstream.script({**RENEWAL, "hold_headers": True})
        with ThreadPoolExecutor() as threads:
            done = threads.submit(refresh, gateway)
            upstream.wait("held", exactly=1)
            added = written("6241")
            gateway.ask("POST", "/v1/token", json={"token": added})
            upstream.release()
            assert done.result().json["success"] == 1
        tokens = [account.token for account in gateway.parts.pool.accounts]
        assert gateway.on_disk == tokens and added in tokens


class TestDueTime:
    """When an account is renewed next."""

    def due_in(self, gateway: InProcessGateway) -> Any:
        (account,) = gateway.parts.pool.accounts
        at = gateway.parts.refresher.due_at(account)
        return None if at is None else at - time.time()

    def test_renewal_is_due_after_the_interval(self, in_process: Hosting):
        gateway = in_process([written("1001")], token_refresh_interval_s=1_000.0)
        assert self.due_in(gateway) == pytest.approx(1_000, abs=5)

    def test_renewal_is_due_three_days_before_the_token_expires(
        self, in_process: Hosting
    ):
        gateway = in_process([written("1001", 4 * DAY_S)])
        assert self.due_in(gateway) == pytest.approx(DAY_S, abs=5)

    def test_renewal_is_never_due_when_the_interval_is_zero(self, in_process: Hosting):
        gateway = in_process([written("1001")], token_refresh_interval_s=0.0)
        assert self.due_in(gateway) is None
        assert gateway.ask("GET", "/v1/refresh-status").json["next_refresh"] is None

    def test_renewal_is_due_an_interval_after_the_last_one(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([upstream.token("6241", DAY_S)])
        assert self.due_in(gateway) < 0

        refresh(gateway)

        assert self.due_in(gateway) == pytest.approx(604_800, abs=5)

    def test_renewal_waits_an_hour_when_the_new_token_expires_soon(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([upstream.token("6243", DAY_S)])
        short = upstream.token("6243", DAY_S + 1)
        upstream.script({**RENEWAL, "data": {"token": short}})

        refresh(gateway)

        assert self.due_in(gateway) == pytest.approx(3_600, abs=5)

    def test_renewal_is_never_due_for_a_platform_key(self, in_process: Hosting):
        """Also an older one, a JWT that ends: nobody gives a new one."""
        gateway = in_process([written(None, DAY_S, iss="minimax")])
        assert self.due_in(gateway) is None
        refreshed = gateway.ask("POST", "/v1/token/refresh").json
        assert refreshed["accounts"] == []

    def test_renewal_is_due_a_minute_after_a_busy_account(self, in_process: Hosting):
        gateway = in_process([written("1001", DAY_S)])
        (account,) = gateway.parts.pool.accounts
        gateway.parts.refresher._failed(account, AccountsBusy("answering"))
        assert self.due_in(gateway) == pytest.approx(60, abs=5)

    def test_renewal_is_due_an_hour_after_a_failure(
        self, in_process: Hosting, upstream: Simulated
    ):
        gateway = in_process([upstream.token("6242", DAY_S)])
        upstream.script({**RENEWAL, "http": {"status": 500}})

        refresh(gateway)
        assert self.due_in(gateway) == pytest.approx(3_600, abs=5)

        refresh(gateway)
        assert self.due_in(gateway) == pytest.approx(604_800, abs=5)

    @pytest.mark.parametrize(
        ("source", "interval_s"), [("environment", 604_800.0), ("file", 0.0)]
    )
    def test_expiring_token_without_renewal_is_warned_about_once(
        self,
        in_process: Hosting,
        caplog: pytest.LogCaptureFixture,
        source: str,
        interval_s: float,
    ):
        ending, lasting = written("1001", 2 * DAY_S), written("1002")
        sources: dict[str, list[str]] = {"file": [], "environment": []} | {
            source: [ending, lasting]
        }
        gateway = in_process(
            sources["file"],
            tokens=tuple(sources["environment"]),
            token_refresh_interval_s=interval_s,
        )

        for _ in range(2):
            gateway.parts.refresher._warn_of_expiry()

        (said,) = [each.getMessage() for each in caplog.records]
        assert "1001" in said and source in said
        status = gateway.ask("GET", "/v1/refresh-status").json
        assert status["ending_soon"] == ["1001"]

    def test_expiring_token_with_renewal_is_not_warned_about(
        self, in_process: Hosting, caplog: pytest.LogCaptureFixture
    ):
        gateway = in_process([written("1001", 2 * DAY_S)])

        gateway.parts.refresher._warn_of_expiry()

        assert caplog.records == []
        status = gateway.ask("GET", "/v1/refresh-status").json
        assert status["ending_soon"] == []


class Clocks:
    """A wall clock that jumps when it is told to, and one that does not."""

    def __init__(self) -> None:
        self.wall, self.monotonic = time.time(), 1_000.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    def schedule(self, interval_s: float = 604_800.0) -> Schedule:
        return Schedule(interval_s, lambda: self.wall, lambda: self.monotonic)


class TestClockJumps:
    YEAR_S = 365 * DAY_S

    def account(self, ends_in_s: float) -> Account:
        token = written("1001", ends_in_s)
        identity = identify(token)
        assert identity
        return Account(token, identity, Slot(1), Cooldowns(), "file")

    @pytest.mark.parametrize("jump_s", [YEAR_S, -YEAR_S, -50 * YEAR_S])
    def test_interval_is_kept_when_the_wall_clock_jumps(self, jump_s: float):
        clocks, account = Clocks(), self.account(40 * DAY_S)
        schedule = clocks.schedule()
        assert schedule.left_s(account) == 604_800
        clocks.wall += jump_s
        assert schedule.left_s(account) == 604_800
        clocks.pass_by(1_000)
        assert schedule.left_s(account) == 603_800

    @pytest.mark.parametrize("jump_s", [YEAR_S, -YEAR_S])
    def test_expiry_is_kept_when_the_wall_clock_jumps(self, jump_s: float):
        clocks, account = Clocks(), self.account(4 * DAY_S)
        schedule = clocks.schedule()
        assert schedule.left_s(account) == pytest.approx(DAY_S, abs=2)
        clocks.wall += jump_s
        clocks.pass_by(DAY_S / 2)
        assert schedule.left_s(account) == pytest.approx(DAY_S / 2, abs=2)

    def test_retry_is_kept_when_the_wall_clock_jumps(self):
        clocks, account = Clocks(), self.account(DAY_S)
        schedule = clocks.schedule()
        schedule.retry(account)
        clocks.wall -= self.YEAR_S
        assert schedule.left_s(account) == 3_600

    def test_corrected_wall_clock_counts_within_a_day(self):
        """It was decades behind at the start, as where no battery keeps the time."""
        clocks, account = Clocks(), self.account(2 * DAY_S)
        clocks.wall -= 50 * self.YEAR_S
        schedule = clocks.schedule()
        assert schedule.left_s(account) == 604_800
        clocks.wall += 50 * self.YEAR_S
        clocks.pass_by(DAY_S)
        assert (schedule.left_s(account) or 0) < 0

    def test_suspended_time_counts_within_a_day(self):
        """The monotonic clock stood still for 39 days."""
        clocks, account = Clocks(), self.account(41 * DAY_S)
        schedule = clocks.schedule(60 * DAY_S)
        assert schedule.left_s(account) == pytest.approx(38 * DAY_S, abs=2)
        clocks.wall += 39 * DAY_S
        clocks.pass_by(DAY_S)
        assert (schedule.left_s(account) or 0) < 0

    def test_expiry_of_a_new_token_counts_at_once(self):
        clocks, account = Clocks(), self.account(4 * DAY_S)
        schedule = clocks.schedule()
        schedule.left_s(account)
        schedule.renewed(account)
        newer = self.account(30 * DAY_S)
        account.replace_token(newer.token, newer.identity, "file")
        assert schedule.left_s(account) == 604_800

    def test_clock_far_ahead_renews_at_most_hourly(self):
        clocks, account = Clocks(), self.account(40 * DAY_S)
        clocks.wall += self.YEAR_S
        schedule = clocks.schedule()
        assert (schedule.left_s(account) or 0) < 0
        schedule.renewed(account)
        assert schedule.left_s(account) == 3_600


def test_create_app_starts_no_thread(in_process: Hosting, upstream: Simulated):
    before = threading.active_count()
    in_process([upstream.token("6243", DAY_S)])

    assert threading.active_count() == before


@pytest.mark.slow
def test_periodic_renewal_survives_a_broken_file_and_fails_no_request(
    upstream: Simulated, tmp_path: Path
):
    """A real gateway whose accounts are renewed every half a second, in traffic.

    The simulator invalidates the old token. On the way the file breaks, is mended, and
    gets an account by hand.
    """
    users = ["6251", "6252", "6253"]
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps([upstream.token(user) for user in users]))
    upstream.script({"call": "chat", "text": "Hi", "first_delay_s": 0.1, "times": None})
    settings: dict[str, Any] = {
        "HAILUO_ORIGIN": upstream.origin,
        "HAILUO_TOKENS_FILE": path,
        "HAILUO_TOKEN_REFRESH_INTERVAL_S": "0.5",
    }
    done = threading.Event()
    body = {"model": "x", "messages": [{"role": "user", "content": SECRET}]}

    def ask(_: int) -> list[int]:
        statuses = []
        headers = {"Authorization": f"Bearer {KEY}"}
        while not done.is_set():
            answer = gateway.request(
                "POST", "/v1/chat/completions", json=body, headers=headers
            )
            statuses.append(answer.status_code)
        return statuses

    with Served(tmp_path, **settings) as gateway, ThreadPoolExecutor() as threads:
        traffic = [threads.submit(ask, number) for number in range(4)]
        try:
            upstream.wait("finished", call="renewal", at_least=3)
            save(path, "[oops")
            await_log(gateway, "is not JSON")
            # Not what it held before: one of these may have been renewed meanwhile.
            save(path, json.dumps([upstream.token(user) for user in [*users, "6254"]]))
            upstream.wait("finished", call="renewal", user="6254", at_least=1)
        finally:
            done.set()
        statuses = [status for each in traffic for status in each.result()]

    assert set(statuses) == {200} and len(statuses) > 20
    assert gateway.log().count("is not JSON") == 1, "it is said once"
    assert max(upstream.report()["most_open_by_account"].values()) == 1


def save(path: Path, text: str) -> None:
    """As an editor does: whole or not at all."""
    saved = path.with_name("saved")
    saved.write_text(text)
    saved.replace(path)


def await_waiting(gateway: InProcessGateway) -> None:
    """Somebody is in line."""
    until = time.monotonic() + 30
    while not gateway.parts.pool.waiting:
        assert time.monotonic() < until
        time.sleep(0.005)


def await_log(gateway: Served, words: str) -> None:
    until = time.monotonic() + 30
    while words not in gateway.log():
        assert time.monotonic() < until, f"the log never says {words}"
        time.sleep(0.05)
