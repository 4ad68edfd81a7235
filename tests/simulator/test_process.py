"""How the simulator starts and ends."""

import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.simulated import Simulated
from tests.simulator.browser import Browser

COMMAND = [sys.executable, "-m", "hailuo.simulator"]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def ready(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout
    return json.loads(process.stdout.readline())


def test_simulator_prints_its_address_and_tokens():
    with start("--accounts=5", "--until-stdin-closes") as process:
        said = ready(process)
        process.communicate(timeout=10)
    assert str(said["origin"]).startswith("http://127.0.0.1:")
    assert len(set(said["tokens"])) == 5


def test_simulator_ends_with_its_standard_input():
    with start("--until-stdin-closes") as process:
        ready(process)
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
        process.communicate(timeout=10)
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_simulator_ends_on_a_signal(number: signal.Signals):
    with start() as process:
        ready(process)
        process.send_signal(number)
        process.wait(timeout=10)
    assert process.returncode == 0


def test_simulator_ends_with_answers_open():
    with Simulated() as simulated:
        browser = Browser(simulated.origin, simulated.tokens[0])
        browser.register()
        simulated.script({"call": "chat", "then": [{"after": 0, "do": "silence"}]})
        connection = browser.connect(browser.chat_request("Hello"))
        simulated.wait("open_answers", exactly=1)
    with connection:
        while connection.recv(65_536):
            pass


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_simulator_serves_tls(tmp_path: Path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
        + ["ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=IP:127.0.0.1"]
        + ["-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )
    with start(f"--cert={cert}", f"--key={key}", "--until-stdin-closes") as process:
        address = urlsplit(str(ready(process)["origin"]))
        context = ssl.create_default_context(cafile=str(cert))
        plain = socket.create_connection((address.hostname, address.port), timeout=10)
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            connection.sendall(b"GET /simulator/report HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK\r\n")
        process.communicate(timeout=10)
    assert address.scheme == "https"
