"""The gateway as deployments run it: by a user who is not root.

Its memory is closed to other processes of that user, keys and tokens in it; the kernel
then gives its files in /proc to root, and everything has to work all the same.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import Caller
from tests.served import Served
from tests.simulated import Simulated
from tests.voice import sounds

NOBODY = 65_534
PR_CAPBSET_DROP = 24  # source: linux/prctl.h
CAPABILITIES = 64  # more than there are
EXEC = "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
AS_NOBODY = (
    "import os, sys; os.setgroups([]); "
    f"os.setgid({NOBODY}); os.setuid({NOBODY}); {EXEC}"
)
# Where nobody may run this Python: root without any of root's powers.
POWERLESS = (
    "import ctypes, os, sys; drop = ctypes.CDLL(None).prctl; "
    f"[drop({PR_CAPBSET_DROP}, n, 0, 0, 0) for n in range({CAPABILITIES})]; {EXEC}"
)

LOOK = """
import os, sys
for path in sys.argv[1:]:
    try:
        (os.readlink if "/fd/" in path else open)(path)
        print("open")
    except OSError as error:
        print(type(error).__name__)
"""


@cache
def demotion() -> tuple[str, ...]:
    """Return Python's arguments for going on as a user who is not root."""
    if os.geteuid():
        return ()
    return next(
        ("-c", code)
        for code in (AS_NOBODY, POWERLESS)
        if not subprocess.run(
            [sys.executable, "-c", code, "-c", "import flask"], capture_output=True
        ).returncode
    )


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run *code* in another process of the gateway's user."""
    command = [sys.executable, *demotion(), "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def demoted(
    simulator: Simulated, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    if not sys.platform.startswith("linux"):
        pytest.skip("NO LINUX HERE: that memory is private is NOT TESTED")
    with Served(
        tmp_path_factory.mktemp("demoted"),
        (*demotion(), "-m", "gunicorn", "wsgi:app"),
        HAILUO_ORIGIN=simulator.origin,
        HAILUO_PLATFORM_ORIGIN=simulator.origin,
        HAILUO_TOKENS=simulator.token("6301"),
        HAILUO_TOKENS_FILE="/nowhere/tokens.json",
        HAILUO_LOG_LEVEL="debug",
        TMPDIR="/tmp",
    ) as gateway:
        yield gateway


@pytest.fixture
def account(caller: Callable[..., Caller], demoted: Served) -> Caller:
    return caller(served=demoted)


def processes(gateway: Served) -> list[int]:
    pid = gateway.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def test_memory_is_closed_to_processes_of_the_same_user(demoted: Served):
    """Of gunicorn's main process, which has the environment, and of its worker."""
    files = ("environ", "mem", "maps", "fd/0")
    own = [f"/proc/self/{file}" for file in files]
    others = [f"/proc/{pid}/{file}" for pid in processes(demoted) for file in files]
    found = run(LOOK, *own, *others).stdout.splitlines()
    assert found == len(own) * ["open"] + len(others) * ["PermissionError"]


def test_recording_is_transcribed_without_privileges(
    upstream: Simulated, account: Caller
):
    """By a child process, which takes no descriptor of the server's along."""
    upstream.script({"call": "phone", "text": "Hello"})
    files = {"file": ("a.wav", sounds.wav(sounds.tone(1)))}
    answer = account.send("/v1/audio/transcriptions", json=None, files=files)
    assert answer.json() == {"text": "Hello"}, account.gateway.log()


def test_failing_audio_child_is_logged_without_privileges(
    upstream: Simulated, account: Caller
):
    files = {"file": ("a.wav", b"no audio")}
    answer = account.send("/v1/audio/transcriptions", json=None, files=files)
    assert answer.status_code == 400
    assert "Unreadable at ffmpeg.py" in account.gateway.log()


def test_document_is_read_without_privileges(
    upstream: Simulated, caller: Callable[..., Caller], demoted
):
    account = caller(served=demoted, kind="platform")
    upstream.script({"call": account.call, "text": "Read"})
    data = "data:text/plain;base64,SGVsbG8="
    part = {"type": "file", "file": {"file_data": data, "filename": "a.txt"}}
    body = {"messages": [{"role": "user", "content": [part]}]}
    assert account.send(json=body).status_code == 200, demoted.log()


def test_process_metrics_are_reported_without_privileges(demoted: Served):
    told = demoted.request("GET", "/metrics").text
    assert "\nprocess_open_fds " in told
    assert "\nprocess_resident_memory_bytes " in told
