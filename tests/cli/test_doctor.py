"""`hailuo doctor`: each finding names its cure."""

import errno
import os
import sys
import time
from collections.abc import Callable
from email.utils import formatdate
from importlib import metadata
from pathlib import Path
from socket import create_server
from typing import Any

import pytest

from hailuo.cli.doctor import bounded, configuration, installation
from hailuo.settings import Settings
from tests.accounts.conftest import DAY_S, written
from tests.cli.conftest import CommandLine, Outcome, taken
from tests.served import Served
from tests.shared_pool.conftest import redis_url as redis_url
from tests.simulated import Simulated
from tests.upstream.service import Service

OWNED = {"HAILUO_API_KEY": "OWNERS-KEY-of-32-characters-1234"}


def finding(outcome: Outcome, check: str, status: str = "error") -> dict[str, Any]:
    """Return the only finding of a check with a status."""
    (found,) = (
        each
        for each in outcome.json["findings"]
        if (each["check"], each["status"]) == (check, status)
    )
    return found


@pytest.fixture
def examine(command: CommandLine) -> Callable[..., Outcome]:
    """examine(HAILUO_X=…): the doctor's findings as JSON."""
    return lambda **settings: command("doctor", "--json", **{**OWNED, **settings})


Examine = Callable[..., Outcome]


def test_sound_installation_has_nothing_to_repair(
    command: CommandLine, examine: Examine, upstream: Simulated
):
    command.write(upstream.token("6901"))

    outcome = examine()

    assert outcome.code == 0
    assert outcome.json["ok"] is True
    assert {each["status"] for each in outcome.json["findings"]} == {"ok"}
    checks = [each["check"] for each in outcome.json["findings"]]
    assert checks == [
        *("versions", "dependencies", "settings", "key", "tokens file", "port"),
        *("web service", "platform service", "clock", "account 6901"),
    ]


def test_findings_are_printed_with_their_cures(command: CommandLine):
    command.tokens_file.write_text('["OWNERS-KEY"')
    outcome = command("doctor", **OWNED)
    lines = outcome.out.splitlines()
    (at,) = (n for n, line in enumerate(lines) if line.startswith("✗ tokens file:"))
    assert str(command.tokens_file) in lines[at]
    assert "array of strings" in lines[at + 1]
    assert lines[-1] == "To repair: 1; warnings: 0"


def test_dead_token_names_its_cure(
    command: CommandLine, examine: Examine, upstream: Simulated
):
    command.write(upstream.token("6902"), written("6903"), written("6904", -DAY_S))

    outcome = examine()

    assert outcome.code == 1
    dead = finding(outcome, "account 6903")
    assert "does not accept" in dead["message"]
    assert "hailuo tokens add" in dead["cure"]
    assert "expired 1 day ago" in finding(outcome, "account 6904")["message"]
    assert finding(outcome, "account 6902", "ok")


def test_ending_token_of_the_environment_is_a_warning(
    examine: Examine, upstream: Simulated
):
    outcome = examine(HAILUO_TOKENS=upstream.token("6905", 2 * DAY_S))
    found = finding(outcome, "account 6905", "warning")
    assert "in 1 day" in found["message"]
    assert "hailuo tokens add" in found["cure"]
    assert outcome.code == 0


@pytest.mark.parametrize(("interval_s", "status"), [(0, "warning"), (3600, "ok")])
def test_ending_token_of_the_file_is_a_warning_if_it_is_not_renewed(
    command: CommandLine,
    examine: Examine,
    upstream: Simulated,
    interval_s: int,
    status: str,
):
    command.write(upstream.token("6912", 2 * DAY_S))
    outcome = examine(HAILUO_TOKEN_REFRESH_INTERVAL_S=interval_s)
    assert finding(outcome, "account 6912", status)


def test_no_network_names_its_cure(command: CommandLine, examine: Examine):
    command.write(written("6906"))

    outcome = examine(HAILUO_ORIGIN="https://hailuoai.invalid")

    found = finding(outcome, "web service")
    assert "its name is not known" in found["message"]
    assert "HAILUO_ORIGIN" in found["cure"]
    assert "not checked" in finding(outcome, "account 6906", "warning")["message"]
    assert outcome.code == 1


def test_unused_service_that_is_down_is_a_warning(
    command: CommandLine, examine: Examine, upstream: Simulated
):
    command.write(upstream.token("6907"))
    down = f"http://127.0.0.1:{command.port}"
    outcome = examine(HAILUO_PLATFORM_ORIGIN=down)
    found = finding(outcome, "platform service", "warning")
    assert "does not accept connections" in found["message"]
    assert "firewall" in found["cure"]


def test_proxy_that_is_down_names_its_cure(command: CommandLine, examine: Examine):
    proxy = f"http://user:OWNERS-KEY@127.0.0.1:{command.port}"
    outcome = examine(HAILUO_PROXY=proxy)
    assert "HAILUO_PROXY" in finding(outcome, "web service")["cure"]


def answering(head: str) -> Service:
    answer = f"HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n".encode()
    return Service(lambda sock: sock.sendall(answer))


def test_wrong_clock_names_its_cure(examine: Examine):
    ahead = formatdate(time.time() + 7200, usegmt=True)
    with answering(f"200 OK\r\nDate: {ahead}") as service:
        url = service.url.rstrip("/")
        outcome = examine(HAILUO_ORIGIN=url, HAILUO_PLATFORM_ORIGIN=url)
    found = finding(outcome, "clock")
    assert "1 hour slow" in found["message"] and "set-ntp" in found["cure"]


def test_service_that_is_out_of_order_is_named(examine: Examine):
    with answering("503 Service Unavailable") as service:
        outcome = examine(HAILUO_ORIGIN=service.url.rstrip("/"))
    assert "HTTP 503" in finding(outcome, "web service")["message"]


def test_wrong_settings_are_named_with_their_defaults(examine: Examine):
    outcome = examine(HAILUO_HEARTBEAT_S="soon", HAILUO_TOKEN="x", HAILUO_PREFER="a\nb")

    wrong = [each for each in outcome.json["findings"] if each["check"] == "settings"]
    by_name = {each["message"].split()[0].strip(":"): each for each in wrong}
    assert "default is 10" in by_name["HAILUO_HEARTBEAT_S"]["cure"]
    assert "one of auto, web, platform" in by_name["HAILUO_PREFER"]["message"]
    assert by_name["HAILUO_TOKEN"]["cure"] == "rename it to HAILUO_TOKENS"
    assert outcome.code == 1
    assert finding(outcome, "web service", "ok"), "the examination goes on"


def test_stray_character_of_a_key_is_a_warning(examine: Examine):
    outcome = examine(HAILUO_API_KEY="‘OWNERS-KEY-of-32-characters")
    assert "HAILUO_API_KEY" in finding(outcome, "settings", "warning")["message"]


def test_credential_that_is_none_is_named_by_its_number(
    command: CommandLine, examine: Examine, upstream: Simulated
):
    command.write(upstream.token("6908"), "OWNERS-KEY")
    outcome = examine(HAILUO_TOKENS="eyJonly.half")
    assert "number 2 is no token" in finding(outcome, "tokens file")["message"]
    assert "HAILUO_TOKENS: number 1" in finding(outcome, "settings")["message"]


def test_unreadable_file_names_its_cure(
    command: CommandLine, examine: Examine, monkeypatch: pytest.MonkeyPatch
):
    """Root can read everything, so the system's answers are replaced."""
    read_text = Path.read_text

    def refuse(path: Path, *arguments: Any, **options: Any) -> str:
        if path == command.tokens_file:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return read_text(path, *arguments, **options)

    command.write(written("6909"))
    monkeypatch.setattr(Path, "read_text", refuse)
    monkeypatch.setattr(os, "access", lambda *_: False)
    outcome = examine()
    found = finding(outcome, "tokens file")
    assert "Permission denied" in found["message"]
    assert "chown" in found["cure"]
    checks = [each["check"] for each in outcome.json["findings"]]
    assert "accounts" not in checks, "it is not known whether there are any"


def test_folder_in_place_of_the_file_names_its_cure(
    command: CommandLine, examine: Examine
):
    command.tokens_file.mkdir()
    found = finding(examine(), "tokens file")
    assert "HAILUO_TOKENS_FILE" in found["cure"]


def test_read_only_folder_names_its_cure(
    command: CommandLine, examine: Examine, monkeypatch: pytest.MonkeyPatch
):
    """Root can write everywhere, so the system's answer is replaced."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = finding(examine(), "tokens file")
    assert "cannot be replaced" in found["message"]
    assert "write access" in found["cure"]


def test_missing_folder_names_its_cure(
    command: CommandLine, examine: Examine, tmp_path: Path
):
    outcome = examine(HAILUO_TOKENS_FILE=tmp_path / "none" / "tokens.json")
    assert f"mkdir -p {tmp_path / 'none'}" in finding(outcome, "tokens file")["cure"]


def test_file_that_others_may_read_is_a_warning(
    command: CommandLine, examine: Examine, upstream: Simulated
):
    command.write(upstream.token("6910"))
    command.tokens_file.chmod(0o644)
    assert "chmod 600" in finding(examine(), "tokens file", "warning")["cure"]


class TestGateway:
    def test_running_gateway_is_examined(
        self, command: CommandLine, examine: Examine, gateway: Served
    ):
        command.use(gateway)
        outcome = examine(HAILUO_API_KEY="sk-hailuofreeapi")
        assert finding(outcome, "gateway", "ok")
        assert finding(outcome, "gateway key", "ok")
        assert "3" in finding(outcome, "gateway pool", "ok")["message"]

    def test_wrong_key_names_its_cure(
        self, command: CommandLine, examine: Examine, gateway: Served
    ):
        command.use(gateway)
        found = finding(examine(), "gateway key")
        assert "HAILUO_API_KEY" in found["cure"]

    def test_dead_account_of_the_gateway_names_its_cure(
        self,
        command: CommandLine,
        examine: Examine,
        owned: Callable[..., Served],
        upstream: Simulated,
    ):
        owned(written("6911"), **OWNED)
        assert command("tokens", "refresh", **OWNED).code == 1
        found = finding(examine(), "gateway pool")
        assert "6911" in found["message"] and "tokens add" in found["cure"]

    def test_simulated_gateway_is_a_warning(
        self, command: CommandLine, examine: Examine, owned: Callable[..., Served]
    ):
        """The commands on tokens tell it, too."""
        owned(written("6913"), HAILUO_SIMULATED=1, **OWNED)
        outcome = examine()
        found = finding(outcome, "gateway", "warning")
        assert "simulator" in found["message"] and "start it again" in found["cure"]
        checks = [each["check"] for each in outcome.json["findings"]]
        assert "gateway pool" not in checks
        shown = command("tokens", "list", **OWNED)
        assert "simulator" in shown.err and "restart" in shown.err

    def test_given_address_without_a_gateway_is_an_error(
        self, command: CommandLine, examine: Examine
    ):
        outcome = examine(HAILUO_URL=f"http://127.0.0.1:{command.port}")
        assert "hailuo serve" in finding(outcome, "gateway")["cure"]

    def test_port_of_another_program_names_its_cure(self, examine: Examine):
        with answering("200 OK") as service:
            port = service.url.rstrip("/").rpartition(":")[2]
            found = finding(examine(PORT=port), "gateway")
        assert "no hailuo gateway" in found["message"]
        assert "stop the program" in found["cure"]

    def test_port_that_is_taken_names_its_cure(
        self, command: CommandLine, examine: Examine
    ):
        with taken(command.port):
            found = finding(examine(), "port")
        assert "another program" in found["message"]
        assert "set PORT" in found["cure"]


class TestSharedPool:
    def test_server_that_runs_can_be_reached(self, examine: Examine, redis_url: str):
        outcome = examine(HAILUO_REDIS_URL=redis_url)
        assert finding(outcome, "shared pool", "ok")

    def test_server_that_is_down_names_its_cure(
        self, command: CommandLine, examine: Examine
    ):
        url = f"redis://:OWNERS-KEY@127.0.0.1:{command.port}"
        found = finding(examine(HAILUO_REDIS_URL=url), "shared pool")
        assert "cannot be reached" in found["message"]
        assert "HAILUO_REDIS_URL" in found["cure"]

    def test_missing_library_names_its_cure(
        self, examine: Examine, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setitem(sys.modules, "redis", None)
        outcome = examine(HAILUO_REDIS_URL="redis://localhost")
        assert "hailuo[redis]" in finding(outcome, "dependencies")["cure"]


def keys(environ: dict[str, str], *api_keys: str) -> tuple[str, str]:
    settings = Settings(api_keys=api_keys) if api_keys else Settings()
    (found,) = configuration.key_findings(settings, environ)
    return found.status, found.message + found.cure


def test_default_key_on_a_hosting_platform_is_a_warning():
    status, text = keys({"RENDER": "true"})
    assert status == "warning"
    assert "proxy" in text and "HAILUO_API_KEY" in text


def test_default_key_beside_a_web_server_is_a_warning(
    monkeypatch: pytest.MonkeyPatch,
):
    with create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(configuration, "WEB_SERVER_PORTS", (port,))
        monkeypatch.setattr(configuration, "CONTAINER_MARKS", ())
        assert keys({})[0] == "warning"
    assert keys({})[0] == "ok"


def test_short_key_is_a_warning():
    assert keys({}, "secret")[0] == "warning"
    assert keys({}, "s" * 32)[0] == "ok"


def test_dependency_out_of_bounds_names_its_cure(monkeypatch: pytest.MonkeyPatch):
    version = metadata.version
    monkeypatch.setattr(
        metadata, "version", lambda name: "99.0" if name == "av" else version(name)
    )
    errors = [each for each in installation.findings() if each.status == "error"]
    (found,) = errors
    assert "av 99.0" in found.message
    assert found.cure.startswith("run pip install 'av")


def test_hanging_task_is_given_up():
    with create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        assert bounded.run([server.accept, lambda: "done"], 0.2) == [None, "done"]


def test_exception_of_a_task_is_raised():
    with pytest.raises(ZeroDivisionError):
        bounded.run([lambda: 1 / 0], 30)


def test_no_tasks_have_no_results():
    assert bounded.run([], 0) == []


def test_findings_are_stable_json(examine: Examine):
    outcome = examine()
    assert set(outcome.json) == {"ok", "findings"}
    for each in outcome.json["findings"]:
        assert set(each) == {"check", "status", "message", "cure"}
