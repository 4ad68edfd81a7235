"""The way out: one pool of connections, and what is sent over it.

http = Http(proxy="")
response = http.send("GET", url, headers=…, auth=…)      # a short call
with http.stream("POST", url, headers=…, watch=watch) as stream:
    for received in stream:                              # b"" when a beat is due
        …
"""

import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from ..errors import GatewayError
from ..watch import Watch
from .foreign import FOREIGN, translated
from .stream import Stream
from .tidying import CROWD, QUIET_S, Tidying

CONNECT_S = 5.0
HEADERS_S = 10.0  # *assumed* enough: no source says how long the service may think
Count = Callable[[str, str, str], None]

Field = str | tuple[str, bytes, str]  # text, or a file's name, bytes and type
Form = Sequence[tuple[str, Field]]  # multipart fields, in order

CONNECTIONS = 4096  # kept at most for a host: as many as there may be streams


class Http:
    """One pool of connections for every call to every upstream.

    proxy: address of a proxy all calls go through; "" for none.
    count: is told of each call to a service: which service's, which call, what came.
    """

    def __init__(
        self, proxy: str = "", count: Count | None = None, quiet_s: float = QUIET_S
    ) -> None:
        self._count = count or (lambda *_: None)
        self._session = requests.Session()
        self._session.trust_env = False  # no netrc, no proxies of the environment
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.proxies = {"http": proxy, "https": proxy} if proxy else {}
        self._adapter = HTTPAdapter(pool_maxsize=CONNECTIONS)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._adapter)
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()
        self._tidying = Tidying(lambda: len(self._streams), self._let_go, quiet_s)

    @property
    def session(self) -> requests.Session:
        """The connections, for a library that brings calls of its own."""
        return self._session

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        data: bytes | None = None,
        auth: AuthBase | None = None,
        stream: bool = False,
        wait_s: float = HEADERS_S,
    ) -> requests.Response:
        """Make a call; with *stream* the body is still to be read.

        url: as it is sent; sendable() makes one of what is not ours.
        wait_s: for the headers, and between the bytes of a body.
        raises: TimedOut when no headers come in time, Unreachable for all else.
        """
        self._tidying.used()
        # Only what is not known yet, and past the session: what these would parse,
        # merge, follow and remember is nothing here, and a sixth of a request's CPU.
        request = requests.PreparedRequest()
        request.method, request.url = method, url
        try:
            request.prepare_headers(headers)
            request.prepare_body(data, None)
            request.prepare_auth(auth)
            response = self._adapter.send(
                request,
                stream=stream,
                timeout=(CONNECT_S, wait_s),
                proxies=self._session.proxies,
            )
            if not stream:
                _ = response.content  # read, while failing still is ours to translate
            return response
        except FOREIGN as error:
            raise translated(error) from error

    def stream(
        self,
        method: str,
        url: str,
        *,
        watch: Watch,
        check: Callable[[Stream], None] = lambda _: None,
        **call: Any,
    ) -> Stream:
        """Make a call whose answer is read as it arrives.

        check: looks whether it is what was asked for, else raises.
        raises: as send(), and what *check* does.
        """
        stream = Stream(self.send(method, url, stream=True, **call), watch)
        self._streams.add(stream)
        try:
            check(stream)
        except GatewayError:
            stream.close()
            raise
        return stream

    @property
    def idle(self) -> int:
        """How many connections wait to be used again."""
        managers = (self._adapter.poolmanager, *self._adapter.proxy_manager.values())
        pools = [each.pools.get(key) for each in managers for key in each.pools.keys()]
        waiting = [list(each.pool.queue) for each in pools if each and each.pool]
        return sum(connection is not None for each in waiting for connection in each)

    def _let_go(self) -> None:
        """Of those that wait, which those in use do not notice."""
        if self.idle > CROWD:
            self._adapter.close()

    @contextmanager
    def counting(self, kind: str, path: str, calls: Collection[str]) -> Iterator[None]:
        """Count a call, as "ok" or by the code of the failure it ends in.

        kind: of the service; calls: the names it has for its calls.
        """
        call = call_name(path, calls)
        try:
            yield
        except GatewayError as error:
            self._count(kind, call, error.code or error.type)
            raise
        self._count(kind, call, "ok")

    def hang_up(self) -> None:
        """Cut every answer that is being read; its reader sees it break off."""
        for stream in list(self._streams):
            stream.hang_up()


def sendable(address: str) -> str:
    """An address that somebody else gave, as it is sent. raises: Unreachable."""
    request = requests.PreparedRequest()
    try:
        request.prepare_url(address, None)
    except FOREIGN as error:
        raise translated(error) from error
    return str(request.url)


def multipart(form: Form) -> tuple[bytes, str]:
    """A form's bytes, and their Content-Type."""
    return urllib3.encode_multipart_formdata(form)


def call_name(path: str, calls: Collection[str]) -> str:
    """Return what a service calls a call: `/v1/api/chat/history/42?a=…` → `history`.

    Only names that are known before: ids in a path are the service's or a client's, and
    would become labels without end.
    """
    parts = path.partition("?")[0].split("/")
    return next((part for part in reversed(parts) if part in calls), "other")


def retry_after_s(response: requests.Response) -> float | None:
    """Return the seconds of an answer's Retry-After; a date there is not read."""
    value = response.headers.get("Retry-After", "").strip()
    return float(value) if value.isascii() and value.isdigit() else None
