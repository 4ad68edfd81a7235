"""A real nginx with the site that is shipped, in front of a gateway.

    with Nginx(directory, gateway.port) as site:
        site.request("GET", "/ping")

Only what a test cannot have is changed in the site: its ports, and, where one asks for
it, how patient it is.
"""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.served import ROOT, START_S, Served, free_port

SITE = ROOT / "deploy" / "nginx.conf"
PROGRAM = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
AROUND = """
daemon off;
worker_processes 1;
{user}
pid {folder}/pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    gzip on;
    gzip_types *;
    {site}
}}
"""


def site(
    port: int, gateway_port: int, patience_s: int = 10, second_port: int = 0
) -> str:
    """The shipped site on other ports; around it everything that could be told to is
    compressed, as a machine's own nginx.conf may well say.

    second_port: that of a second gateway, 0 for none.
    """
    text = SITE.read_text()
    gateways = f"server 127.0.0.1:{gateway_port};"
    if second_port:
        gateways += f" server 127.0.0.1:{second_port};"
    for old, new, times in (
        ("server 127.0.0.1:8000;", gateways, 1),
        ("listen 80 default_server;", f"listen 127.0.0.1:{port} default_server;", 1),
        ("listen [::]:80 default_server;", "", 1),
        ("_timeout 10s;", f"_timeout {patience_s}s;", 2),
    ):
        assert text.count(old) == times, f"the site no longer says {old}"
        text = text.replace(old, new)
    return text


class Nginx(Served):
    """nginx, spoken to like the gateway behind it."""

    def __init__(self, directory: Path, gateway_port: int, **terms: int) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.base_url = f"{self.address}/v1"
        self._clients = {}
        self._asked = False
        self._log = directory / "nginx.err"
        conf = directory / "nginx.conf"
        conf.write_text(
            AROUND.format(
                folder=directory,
                user="user root;" if os.geteuid() == 0 else "",
                site=site(self.port, gateway_port, **terms),
            )
        )
        assert PROGRAM
        with self._log.open("wb") as log:
            self.logs.watch(self._log, str(self._log))
            self.process = subprocess.Popen(
                [PROGRAM, "-c", str(conf), "-e", "stderr"],
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        self._await_start()

    def _await_start(self) -> None:
        until = time.monotonic() + START_S
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.02)
        raise RuntimeError(f"nginx does not serve:\n{self.log()}")
