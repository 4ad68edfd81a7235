"""Words for clients that nobody knows: connections of a chosen address, and what must
go on beside them.

    with pings(gateway) as answered:
        …                                 # raises when somebody else is not answered

The address of a client is one of the loopback's 16 million, so that a test has one (or
a thousand) of its own, directly and behind nginx.
"""

import http.client
import itertools
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from tests.served import Served

PATIENCE_S = 60.0  # a frozen worker answers nobody for longer; 10 ms are usual

_addresses = itertools.count(1)


def new_address() -> str:
    """An address of the loopback that no request has come from."""
    number = next(_addresses)
    return f"127.66.{number // 250}.{1 + number % 250}"


class Response(NamedTuple):
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        return json.loads(self.body)["error"]


def connect(gateway: Served, address: str) -> http.client.HTTPConnection:
    here = (address, 0)
    return http.client.HTTPConnection(
        "127.0.0.1", gateway.port, timeout=PATIENCE_S, source_address=here
    )


def ask(
    gateway: Served,
    method: str,
    path: str,
    key: str = "",
    address: str = "",
    body: Any = None,
    **headers: str,
) -> Response:
    """body: bytes, or what is sent as JSON. headers: with _ for -."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if key:
        sent["Authorization"] = f"Bearer {key}"
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    connection = connect(gateway, address or new_address())
    try:
        connection.request(method, path, data, sent)
        answer = connection.getresponse()
        return Response(answer.status, dict(answer.headers), answer.read())
    finally:
        connection.close()


@contextmanager
def pings(gateway: Served) -> Iterator[None]:
    """Meanwhile somebody else asks for /ping, again and again, and is answered.

    raises: TimeoutError when an answer does not come.
    """
    over, failures = threading.Event(), []

    def ping() -> None:
        try:
            while True:
                said = ask(gateway, "GET", "/ping")
                assert said.body == b"pong", said
                if over.wait(0.01):
                    return
        except (OSError, AssertionError) as error:
            failures.append(error)

    thread = threading.Thread(target=ping)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failures:
        raise failures[0]
