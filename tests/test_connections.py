"""Connections of clients: kept for as long as they like, and no longer than needed."""

import re
import runpy
import signal
import socket
from pathlib import Path

import pytest

from tests.served import ROOT, Served
from tests.simulated import Simulated

CONFIGURATION = ROOT / "gunicorn.conf.py"
PING = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
PATIENCE_S = 30.0


@pytest.fixture
def kept(gateway: Served) -> socket.socket:
    return connection(gateway)


def connection(gateway: Served) -> socket.socket:
    """One that has been used, and is kept."""
    address = ("127.0.0.1", gateway.port)
    sock = socket.create_connection(address, timeout=PATIENCE_S)
    sock.sendall(PING)
    received = b""
    while not received.endswith(b"pong"):
        received += sock.recv(4_096)
    return sock


def test_keepalive_outlasts_nginxs():
    """A question sent into a connection that is being closed would be lost."""
    kept_s = runpy.run_path(str(CONFIGURATION))["keepalive"]
    site = (ROOT / "deploy" / "nginx.conf").read_text()
    (nginx_s,) = re.findall(r"keepalive 64;.*?keepalive_timeout (\d+)s;", site, re.S)
    assert int(nginx_s) < kept_s == 75


@pytest.mark.slow
def test_incomplete_request_on_a_kept_connection_times_out(kept: socket.socket):
    """Within 10 s, though the connection may be idle for longer."""
    with kept:
        kept.sendall(PING[:10])
        assert kept.recv(1) == b""


def test_idle_connections_do_not_delay_shutdown(upstream: Simulated, tmp_path: Path):
    with Served(tmp_path, HAILUO_ORIGIN=upstream.origin) as gateway:
        idle = [connection(gateway) for _ in range(20)]
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(20) == 0  # with answers it takes up to 28 s
        for sock in idle:
            sock.close()
