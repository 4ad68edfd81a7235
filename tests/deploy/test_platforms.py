"""Deployment files of each platform, and the gateway's behaviour under them."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Caller, text_of
from tests.served import ROOT, STOP_S, Served
from tests.simulated import Simulated

COMMAND = "gunicorn wsgi:app"
LEAVING_S = 26  # docs/deploy.md: how long the gateway takes at most
UNIT = ROOT / "deploy" / "hailuo.service"


def read(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def workers(gateway: Served) -> list[int]:
    pid = gateway.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("NO /proc HERE: that there is one worker is NOT TESTED")
    return [int(pid) for pid in children.read_text().split()]


def test_gateway_runs_one_worker_despite_web_concurrency(
    serve: Callable[..., Served],
):
    """Heroku sets it from the memory of the dyno; several would be several pools."""
    assert len(workers(serve(HAILUO_API_KEY="sk-secret-own", WEB_CONCURRENCY=3))) == 1


def test_streams_end_when_every_process_is_signalled(
    upstream: Simulated, caller: Callable[..., Caller], tmp_path: Path
):
    """Heroku's dynos do: the worker hears SIGTERM from it and from gunicorn."""
    held = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}]}
    upstream.script({"call": "chat", **held})
    with Served(tmp_path, HAILUO_ORIGIN=upstream.origin) as gateway:
        with caller(served=gateway).stream() as stream:
            assert next(text for chunk in stream if (text := text_of(chunk))) == "a"
            for pid in workers(gateway):
                os.kill(pid, signal.SIGTERM)
            gateway.process.send_signal(signal.SIGTERM)
            upstream.release()
            assert "".join(map(text_of, stream)) == "b"
        assert gateway.process.wait(STOP_S) == 0


@pytest.mark.parametrize(
    ("path", "start"),
    [
        ("Procfile", f"web: {COMMAND}\n"),
        ("render.yaml", f"startCommand: {COMMAND}\n"),
        (
            "deploy/hailuo.service",
            f"/{COMMAND.replace(' ', ' --bind 127.0.0.1:8000 ')}\n",
        ),
        ("deploy/Dockerfile", 'CMD ["gunicorn", "wsgi:app"]\n'),
    ],
    ids=lambda value: value.split("/")[-1] if "\n" not in value else "",
)
def test_every_platform_starts_the_same_command(path: str, start: str):
    assert start in read(path)


def test_every_platform_uses_the_same_python():
    version = read(".python-version").strip()
    assert read("deploy/Dockerfile").count(f"FROM python:{version}-slim") == 2
    least = re.search(r"python_requires = >=(\d+\.\d+)", read("setup.cfg"))
    assert least and numbers(version) >= numbers(least[1])


def test_every_platform_waits_for_the_graceful_shutdown():
    unit = re.search(r"^TimeoutStopSec=(\d+)$", read("deploy/hailuo.service"), re.M)
    compose = re.search(r"stop_grace_period: (\d+)s", read("deploy/compose.yaml"))
    assert unit and int(unit[1]) > LEAVING_S + 4
    assert compose and int(compose[1]) > LEAVING_S + 4


def test_container_requires_an_api_key():
    assert "HAILUO_API_KEY: ${HAILUO_API_KEY:?" in read("deploy/compose.yaml")


def test_every_setting_reaches_the_container():
    """Those of deploy/.env do; only what belongs to the container is said beside it."""
    compose = read("deploy/compose.yaml")
    assert "\n    env_file: .env" in compose
    (named,) = re.findall(r"\n    environment:\n((?: {6}.*\n)+)", compose)
    names = re.findall(r"^ {6}(\w+):", named, re.M)
    assert names == ["HAILUO_API_KEY", "PORT", "HAILUO_TOKENS_FILE"]


def test_temporary_files_are_not_on_the_tokens_volume():
    """Uploads that fill it would keep a renewed token from being written."""
    image, compose = read("deploy/Dockerfile"), read("deploy/compose.yaml")
    tokens = re.search(r"HAILUO_TOKENS_FILE=(\S+)/tokens.json", image)
    temporary = re.search(r"TMPDIR=(\S+)", image)
    assert tokens and temporary and "TMPDIR" not in compose
    mounts = dict(re.findall(r"^ {6}- (\w+):(/\w+)$", compose, re.M))
    assert mounts == {"tokens": tokens[1], "spool": temporary[1]}
    assert f"{tokens[1]} {temporary[1]}\n" in image, "they must belong to its user"

    unit = UNIT.read_text()
    assert "HAILUO_TOKENS_FILE=/var/lib/hailuo/" in unit and "TMPDIR=/var/tmp" in unit


def test_platforms_limit_memory_and_processes():
    unit = UNIT.read_text()
    assert re.search(r"^MemoryMax=\d+%$", unit, re.M)
    assert re.search(r"^TasksMax=\d+$", unit, re.M)
    assert "\nOOMPolicy=continue\n" in unit, "a killed child must not stop the rest"
    assert re.search(r"^ {4}pids_limit: \d+$", read("deploy/compose.yaml"), re.M)


def test_container_health_check_detects_a_missing_gateway(gateway: Served):
    """It succeeds beside a gateway, and fails beside none."""
    (check,) = re.findall(r'CMD \["python", "-c", "(.+)"\]', read("deploy/Dockerfile"))
    code = check.replace('\\"', '"')
    assert probe(code, gateway.port) == 0
    assert probe(code, 9) != 0


def probe(code: str, port: int) -> int:
    environment = {**os.environ, "PORT": str(port)}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env=environment, stderr=subprocess.DEVNULL
    ).returncode


def test_settings_in_platform_files_exist():
    """Those that start with HAILUO_, in whatever file."""
    files = (
        "render.yaml",
        "deploy/compose.yaml",
        "deploy/hailuo.service",
        "SECURITY.md",
        "docs/deploy.md",
    )
    named = {name for path in files for name in re.findall(r"HAILUO_\w+", read(path))}
    documented = read("docs/configuration.md")
    assert {name for name in named if f"| `{name}` |" not in documented} == set()


class TestSystemdUnit:
    @pytest.fixture(autouse=True)
    def analyze(self):
        if shutil.which("systemd-analyze") is None:
            pytest.skip("NO systemd-analyze HERE: the unit is NOT TESTED")

    def test_systemd_accepts_the_unit(self, tmp_path: Path):
        """Down to its command, for which there is another program here."""
        command = re.search(r"ExecStart=(\S+)", UNIT.read_text())
        assert command
        unit = tmp_path / UNIT.name
        unit.write_text(UNIT.read_text().replace(command[1], sys.executable))
        assert analyzed("verify", str(unit)) == ""

    def test_systemd_rates_the_unit_as_locked_down(self):
        if "--offline" not in analyzed("--help"):
            pytest.skip("systemd-analyze IS TOO OLD: how locked down is NOT TESTED")
        said = analyzed("security", "--offline=true", "--threshold=20", str(UNIT))
        assert "Overall exposure level for hailuo.service" in said


def analyzed(*arguments: str) -> str:
    """Return the output of systemd-analyze, which must succeed."""
    run = subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    return run.stdout


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
