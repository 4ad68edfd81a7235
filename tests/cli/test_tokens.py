"""`hailuo tokens`: on the file, and in a running gateway."""

import json
import os
import pty
import signal
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.accounts.conftest import written
from tests.cli.conftest import CommandLine, listed
from tests.served import KEY, Served
from tests.simulated import Simulated

PLATFORM_KEY = "sk-api-0123456789abcdef0123456789"
Owned = Callable[..., Served]


def read_until(terminal: int, text: str) -> str:
    """Return what is shown on a terminal, up to some text."""
    shown = b""
    while text.encode() not in shown:
        shown += os.read(terminal, 1024)
    return shown.decode()


class TestTokensFile:
    """Commands while no gateway runs."""

    def test_list_shows_the_accounts_of_the_file(self, command: CommandLine):
        token = written("1001")
        command.write(token)

        outcome = command("tokens", "list")

        assert outcome.code == 0
        assert f"tokens file {command.tokens_file}" in outcome.err
        (row,) = outcome.out.splitlines()[1:]
        ends = f"{token[:4]}…{token[-4:]}"
        assert row.split()[:4] == ["1001", "web", "idle", ends]
        assert "in 39 days" in row

    def test_list_of_an_empty_pool_says_how_to_add(self, command: CommandLine):
        outcome = command("tokens", "list")
        assert outcome.code == 0
        assert "hailuo tokens add" in outcome.err

    def test_list_as_json(self, command: CommandLine):
        command.write(written("1001"))

        outcome = command("tokens", "list", "--json")

        assert outcome.json["via"] == "file"
        assert outcome.json["at"] == str(command.tokens_file)
        assert [each["account"] for each in outcome.json["data"]] == ["1001"]
        assert outcome.json["problem"] is None
        assert outcome.err == ""

    @pytest.mark.parametrize("separator", [" ", "\n", ",", " ,\n"])
    def test_add_reads_standard_input(self, command: CommandLine, separator: str):
        tokens = [written("1001"), PLATFORM_KEY]

        outcome = command("tokens", "add", "-", stdin=separator.join(tokens))

        assert (outcome.code, command.on_disk) == (0, tokens)
        assert outcome.out == "2 added, 0 updated, 0 unchanged; 2 in all\n"

    def test_add_takes_arguments(self, command: CommandLine):
        token = written("1001")

        outcome = command("tokens", "add", token, "--json")

        assert command.on_disk == [token]
        counts = {name: outcome.json[name] for name in ("added", "total", "via")}
        assert counts == {"added": 1, "total": 1, "via": "file"}

    @pytest.mark.parametrize("stdin", ["", " \n"])
    def test_add_without_a_token_fails(self, command: CommandLine, stdin: str):
        outcome = command("tokens", "add", stdin=stdin)
        assert (outcome.code, outcome.out) == (1, "")
        assert "no token" in outcome.err

    def test_add_refuses_what_is_no_credential(self, command: CommandLine):
        command.write(written("1001"))
        before = command.on_disk

        outcome = command("tokens", "add", written("1002"), "OWNERS")

        assert (outcome.code, command.on_disk) == (1, before)
        assert "tokens[1]" in outcome.err and "whole token" in outcome.err

    def test_prompt_does_not_show_the_token(self, command: CommandLine):
        token = written("1001")
        terminal, stdio = pty.openpty()
        process = command.start(
            "tokens",
            "add",
            stdin=stdio,
            stdout=stdio,
            stderr=stdio,
            start_new_session=True,
        )
        os.close(stdio)
        shown = read_until(terminal, "Token:")
        while termios.tcgetattr(terminal)[3] & termios.ECHO:
            time.sleep(0.01)  # input is discarded until the echo is off
        os.write(terminal, f"{token}\n".encode())
        shown += read_until(terminal, "1 in all")
        assert process.wait(30) == 0
        os.close(terminal)
        assert command.on_disk == [token]
        assert token[:12] not in shown

    def test_remove_asks_first(self, command: CommandLine):
        command.write(written("1001"), written("1002"))

        outcome = command("tokens", "remove", "1001", stdin="n\n")

        assert outcome.code == 1
        assert "Remove 1001?" in outcome.err and "nothing was removed" in outcome.err
        assert len(command.on_disk) == 2

    def test_remove_without_a_terminal_needs_an_option(self, command: CommandLine):
        command.write(written("1001"))
        outcome = command("tokens", "remove", "1001")
        assert outcome.code == 1
        assert "--yes" in outcome.err
        assert len(command.on_disk) == 1

    @pytest.mark.parametrize(("options", "stdin"), [(["--yes"], ""), ([], "y\n")])
    def test_remove(self, command: CommandLine, options: list[str], stdin: str):
        kept = written("1002")
        command.write(written("1001"), kept)

        outcome = command("tokens", "remove", "1001", *options, stdin=stdin)

        assert (outcome.code, command.on_disk) == (0, [kept])

    def test_remove_of_an_unknown_account_changes_nothing(self, command: CommandLine):
        command.write(written("1001"))

        outcome = command("tokens", "remove", "1001", "1009", "--yes")

        assert outcome.code == 1
        assert "no account 1009" in outcome.err
        assert len(command.on_disk) == 1

    def test_check_names_the_dead_token(
        self, command: CommandLine, upstream: Simulated
    ):
        command.write(upstream.token("6801"), written("6802"))

        outcome = command("tokens", "check", "--json")

        assert outcome.code == 1
        assert outcome.json["accounts"] == [
            {"account": "6801", "kind": "web", "live": True, "error": None},
            {"account": "6802", "kind": "web", "live": False, "error": None},
        ]

    def test_check_of_one_account(self, command: CommandLine, upstream: Simulated):
        command.write(upstream.token("6803"), written("6804"))

        outcome = command("tokens", "check", "6803")

        assert outcome.code == 0
        assert outcome.out.splitlines()[1].split() == ["6803", "web", "yes"]
        assert "6804" not in outcome.out

    def test_check_without_network_is_not_dead(self, command: CommandLine):
        command.write(written("6805"))
        nowhere = f"http://127.0.0.1:{command.port}"

        outcome = command("tokens", "check", "--json", HAILUO_ORIGIN=nowhere)

        (account,) = outcome.json["accounts"]
        assert (outcome.code, account["live"]) == (1, None)
        assert "cannot be reached" in account["error"]

    def test_refresh_renews_the_file(self, command: CommandLine, upstream: Simulated):
        old = [upstream.token("6806"), upstream.token("6807")]
        command.write(*old)

        outcome = command("tokens", "refresh")

        assert outcome.code == 0
        rows = [line.split() for line in outcome.out.splitlines()[1:]]
        assert rows == [["6806", "yes"], ["6807", "yes"]]
        assert len(command.on_disk) == 2 and not set(command.on_disk) & set(old)

    def test_interrupted_refresh_loses_no_token(
        self, command: CommandLine, upstream: Simulated
    ):
        command.write(old := upstream.token("6810"))
        upstream.script({"call": "renewal", "user": "6810", "hold_headers": True})
        process = command.start("tokens", "refresh", stderr=subprocess.PIPE)
        upstream.wait("requests", call="renewal", user="6810", exactly=1)

        process.send_signal(signal.SIGINT)

        assert process.stderr and "finished first" in process.stderr.readline()
        upstream.release()
        assert process.wait(30) == 130
        process.stderr.close()
        assert len(command.on_disk) == 1 and command.on_disk != [old]

    def test_failed_renewal_has_an_exit_code(
        self, command: CommandLine, upstream: Simulated
    ):
        command.write(upstream.token("6808"), dead := written("6809"))

        outcome = command("tokens", "refresh", "--json")

        assert outcome.code == 1
        assert (outcome.json["success"], outcome.json["failed"]) == (1, 1)
        assert dead in command.on_disk

    def test_change_that_is_not_saved_is_a_failure(
        self, command: CommandLine, tmp_path: Path
    ):
        """No process keeps the token in memory until it can be written."""
        command.write(written("1001"))
        (tmp_path / f".{command.tokens_file.name}.new").mkdir()

        added = command("tokens", "add", written("1002"))
        removed = command("tokens", "remove", "1001", "--yes")

        for outcome in (added, removed):
            assert (outcome.code, outcome.out) == (1, "")
            assert "nothing was changed" in outcome.err
            assert "cannot be written" in outcome.err

    @pytest.mark.parametrize("arguments", [["list"], ["check"], ["remove", "1001"]])
    def test_broken_file_is_named(self, command: CommandLine, arguments: list[str]):
        command.tokens_file.write_text("[")

        outcome = command("tokens", *arguments)

        assert outcome.code == (0 if arguments == ["list"] else 1)
        assert f"{command.tokens_file} is not JSON" in outcome.err
        assert "hailuo tokens add" not in outcome.err, "it would be refused"

    def test_broken_file_is_named_and_kept(self, command: CommandLine):
        command.tokens_file.write_text("[")

        outcome = command("tokens", "add", written("1001"))

        assert outcome.code == 1
        assert str(command.tokens_file) in outcome.err
        assert "repair it" in outcome.err
        assert command.tokens_file.read_text() == "["


class TestRunningGateway:
    """Commands while a gateway runs."""

    def test_change_reaches_the_gateway(
        self, command: CommandLine, owned: Owned, tmp_path: Path
    ):
        gateway = owned(written("1001"))

        added = command("tokens", "add", "-", stdin=written("1002"))
        assert f"The gateway at http://localhost:{gateway.port}" in added.err
        assert set(listed(gateway)) == {"1001", "1002"}
        shown = command("tokens", "list", "--json").json
        assert shown["via"] == "gateway"
        assert {each["account"] for each in shown["data"]} == {"1001", "1002"}

        assert command("tokens", "remove", "1001", "--yes").code == 0
        assert set(listed(gateway)) == {"1002"}

        (tmp_path / f".{command.tokens_file.name}.new").mkdir()
        unsaved = command("tokens", "add", written("1003"))
        assert unsaved.code == 0
        assert "only in the gateway" in unsaved.err
        assert set(listed(gateway)) == {"1002", "1003"}

    def test_check_and_refresh_in_the_gateway(
        self, command: CommandLine, owned: Owned, upstream: Simulated
    ):
        """A terminal shows the progress of the refresh."""
        owned(upstream.token("6811"), upstream.token("6812"), written("6813"))

        checked = command("tokens", "check", "--json")
        lives = {each["account"]: each["live"] for each in checked.json["accounts"]}
        assert lives == {"6811": True, "6812": True, "6813": False}

        upstream.script({"call": "renewal", "user": "6812", "hold_headers": True})
        terminal, stderr = pty.openpty()
        process = command.start(
            "tokens", "refresh", "--json", stdout=subprocess.PIPE, stderr=stderr
        )
        os.close(stderr)
        read_until(terminal, "1/3")
        upstream.release()
        out, _ = process.communicate(timeout=30)
        os.close(terminal)
        outcomes = {e["account"]: e["renewed"] for e in json.loads(out)["accounts"]}
        assert outcomes == {"6811": True, "6812": True, "6813": False}
        assert process.returncode == 1

    def test_wrong_key_names_its_cure(self, command: CommandLine, gateway: Served):
        command.use(gateway)
        outcome = command("tokens", "list", "--key", "OWNERS-KEY-1234")
        assert outcome.code == 1
        assert "HAILUO_API_KEY" in outcome.err

    def test_key_is_taken_from_the_environment(
        self, command: CommandLine, gateway: Served
    ):
        command.use(gateway)
        wrong = command("tokens", "list", HAILUO_API_KEY="OWNERS-KEY-2")
        right = command("tokens", "list", HAILUO_API_KEY=KEY)
        assert (wrong.code, right.code) == (1, 0)

    @pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
    def test_url_may_be_a_base_url(
        self, command: CommandLine, gateway: Served, path: str
    ):
        outcome = command("tokens", "list", "--json", "--url", gateway.address + path)
        assert outcome.json["via"] == "gateway"


def test_given_gateway_that_is_down_is_not_replaced_by_the_file(command: CommandLine):
    command.write(written("1001"))
    url = f"http://user:OWNERS-KEY@localhost:{command.port}"
    outcome = command("tokens", "list", HAILUO_URL=url)
    assert (outcome.code, outcome.out) == (1, "")
    assert "no gateway answers" in outcome.err and "--url" in outcome.err


def test_shared_pool_is_not_replaced_by_the_file(command: CommandLine):
    outcome = command("tokens", "list", HAILUO_REDIS_URL="redis://localhost:1")
    assert outcome.code == 1
    assert "HAILUO_REDIS_URL" in outcome.err and "hailuo serve" in outcome.err


def test_other_program_is_not_taken_for_a_gateway(
    command: CommandLine, simulator: Simulated
):
    outcome = command("tokens", "list", "--url", f"{simulator.origin}/simulator/x")
    assert outcome.code == 1
    assert "no hailuo gateway" in outcome.err


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", "http://"])
def test_invalid_url_is_named(command: CommandLine, url: str):
    outcome = command("tokens", "list", "--url", url)
    assert outcome.code == 1
    assert "http://" in outcome.err
