"""The bare relay: the least that anything in the gateway's place has to do.

A WSGI application for the gateway's own gunicorn configuration. It takes a chat
completion, asks the upstream on an account that is free, passes the bytes of the answer
through untouched, and has the conversation removed. It checks, translates, retries and
waits for nothing; the same two upstream calls, over the same library, are all it has in
common with the gateway. Its environment: BENCH_ORIGIN, BENCH_TOKENS_FILE.
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
    def __init__(self, origin: str, tokens: list[str]) -> None:
        self._origin = origin
        self._free = deque(tokens)
        self._devices: dict[str, web.Device] = {}
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.mount("http://", HTTPAdapter(pool_maxsize=4096))
        self.extensions = {"hailuo": self}  # what the configuration tells to leave

    def leave(self) -> bool:
        """There is nothing to finish."""
        return True

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        if environ["REQUEST_METHOD"] == "GET":
            start_response("200 OK", [("Content-Length", "4")])
            return iter((b"pong",))
        asked = json.loads(environ["wsgi.input"].read())
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return self._answer(asked["messages"][0]["content"])

    def _answer(self, message: str) -> Iterator[bytes]:
        token = self._free.popleft()
        device = self._device(token)
        chat_id = b""
        with self._send(web.chat(device, message)) as response:
            for received in response.iter_content(None):
                if not chat_id and (found := CHAT_ID.search(received)):
                    chat_id = found[1]
                yield received
        self._free.append(token)
        removal = web.delete(device, chat_id.decode())
        threading.Thread(target=self._remove, args=(removal,)).start()

    def _remove(self, removal: web.Call) -> None:
        self._send(removal).close()

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
            self._devices[token] = web.register(self._origin, token)
        return self._devices[token]


def create_app() -> Relay:
    tokens = json.loads(Path(os.environ["BENCH_TOKENS_FILE"]).read_text())
    return Relay(os.environ["BENCH_ORIGIN"], tokens)
