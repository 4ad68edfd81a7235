"""Bare relay: the minimum that anything in the gateway's place has to do.

A WSGI application for the gateway's own gunicorn configuration. It takes a chat
completion, asks the upstream on a free account, passes the bytes of the answer through
unchanged and deletes the conversation. It does not check, translate, retry or wait; it
shares with the gateway only the two upstream calls and the library that makes them.
Environment: BENCH_ORIGIN, BENCH_TOKENS_FILE; over TLS BENCH_CERTIFICATE and
BENCH_AUTHORITIES, two files.
"""

import json
import os
import re
import threading
from collections import deque
from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from . import web

CHAT_ID = re.compile(rb'"chatID":"(\d+)"')


class Relay:
    """WSGI application; tokens: one for each concurrent request."""

    def __init__(self, origin: str, tokens: list[str], certificate: str) -> None:
        self._origin = origin
        self._certificate = certificate
        self._free = deque(tokens)
        self._devices: dict[str, web.Device] = {}
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.mount(origin, HTTPAdapter(pool_maxsize=4096))
        self._session.verify = os.environ.get("BENCH_AUTHORITIES") or True
        self.extensions = {"hailuo": self}  # for hailuo/gunicorn_config.py

    def shut_down(self) -> bool:
        """Return True at once: there is nothing to finish."""
        return True

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        if environ["REQUEST_METHOD"] == "GET":
            start_response("200 OK", [("Content-Length", "4")])
            return iter((b"pong",))
        completion = json.loads(environ["wsgi.input"].read())
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return self._answer(completion["messages"][0]["content"])

    def _answer(self, message: str) -> Iterator[bytes]:
        token = self._free.popleft()
        device = self._device(token)
        chat_id = b""
        with self._send(web.chat(device, message)) as response:
            for received in response.iter_content(None):
                if not chat_id and (match := CHAT_ID.search(received)):
                    chat_id = match[1]
                yield received
        self._free.append(token)
        deletion = web.delete(device, chat_id.decode())
        threading.Thread(target=self._delete, args=(deletion,)).start()

    def _delete(self, deletion: web.Call) -> None:
        self._send(deletion).close()

    def _send(self, call: web.Call) -> requests.Response:
        return self._session.request(
            call.method,
            self._origin + call.path,
            headers=call.headers,
            data=call.body or None,
            stream=bool(call.body),
            timeout=30,
        )

    def _device(self, token: str) -> web.Device:
        if token not in self._devices:
            self._devices[token] = web.register(self._origin, token, self._certificate)
        return self._devices[token]


def create_app() -> Relay:
    tokens = json.loads(Path(os.environ["BENCH_TOKENS_FILE"]).read_text())
    certificate = os.environ.get("BENCH_CERTIFICATE", "")
    return Relay(os.environ["BENCH_ORIGIN"], tokens, certificate)
