"""The way out: one pool of connections, and what is sent over it.

http = Http(proxy="")
response = http.send("GET", url, headers=…, watch=watch)      # a short call
with http.stream("POST", url, headers=…, watch=watch) as stream:
    for received in stream:                                   # b"" when a beat is due
        …
"""

import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache, partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from ..concurrency.fairness import fairly
from ..concurrency.watch import Watch
from ..errors import GatewayError
from .connection import CONNECT_S, Adapter
from .safe_connect import ConnectPolicy, leads_inside
from .stream import Stream, Terms
from .transport_errors import TRANSPORT_ERRORS, map_transport_error

CALL_S = 30.0  # for a short call in all: no source says how long the service may take
PIECE = 65_536  # bytes of a body that are sent at once
Count = Callable[[str, str, str], None]

Field = str | tuple[str, bytes, str]  # text, or a file's name, bytes and type
Form = Sequence[tuple[str, Field]]  # multipart fields, in order


class _Body:
    """A long body, sent in pieces, each of which the service must take in CONNECT_S.

    raises, where it is sent: ClientDisconnected.
    """

    def __init__(self, data: bytes, watch: Watch) -> None:
        self._data = data
        self._watch = watch

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[bytes]:
        for at in fairly(range(0, len(self._data), PIECE)):
            self._watch.raise_if_disconnected()
            yield self._data[at : at + PIECE]


class ReadingAdapter(Adapter):
    """Reads an answer before it is given to a library that makes calls of its own."""

    def send(
        self, request: requests.PreparedRequest, *arguments: Any, **options: Any
    ) -> requests.Response:
        """raises: as Http.send()."""
        response = super().send(request, *arguments, **options)
        watch = Watch(idle_s=CALL_S)
        with Stream(response, watch, Terms(total_s=CALL_S)) as stream:
            return stream.read_all()


class HttpClient:
    """One pool of connections for every call to every upstream.

    proxy: address of a proxy all calls go through; "" for none.
    count: is told of each call to a service: which service's, which call, what came.
    dialling: tells where connections may go; None for anywhere.
    session: for a library that makes calls of its own.
    """

    def __init__(
        self,
        proxy: str = "",
        count: Count | None = None,
        dialling: Callable[[], ConnectPolicy] | None = None,
    ) -> None:
        self._count = count or (lambda *_: None)
        self._proxy = proxy
        self._adapter = Adapter(dialling)
        self._session = _session(proxy, self._adapter)
        self.session = _session(proxy, ReadingAdapter(dialling))
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()

    def elsewhere(self, origin: str) -> "HttpClient":
        """The way to addresses that the service at *origin* names: public ones.

        Where the service itself is in a private network, so may they be.
        """

        @cache
        def dialling() -> ConnectPolicy:
            parts, anywhere = urlsplit(origin), ConnectPolicy()
            inside = leads_inside(parts.hostname or "", parts.port or 0, anywhere)
            return ConnectPolicy(allow_private=inside)

        return HttpClient(self._proxy, self._count, dialling=dialling)

    def send(
        self,
        method: str,
        url: str,
        *,
        watch: Watch | None = None,
        total_s: float = CALL_S,
        **call: Any,
    ) -> requests.Response:
        """Make a call, and read all of its answer.

        watch: of the client that waits for it, if one does: then a client that leaves,
            and hang_up(), end it.
        total_s: how long it may take.
        raises: UpstreamTimeout, Unreachable; UpstreamProtocolError for more than 32 MB; ClientDisconnected.
        """
        call["total_s"] = total_s
        opened = self.stream if watch else self._opened
        with opened(method, url, watch=watch or Watch(), **call) as stream:
            return stream.read_all()

    def stream(self, method: str, url: str, *, watch: Watch, **call: Any) -> Stream:
        """Make a call whose answer is read as it arrives, its headers included.

        call: as of _opened().
        raises: Unreachable.
        """
        stream = self._opened(method, url, watch=watch, **call)
        self._streams.add(stream)
        return stream

    def _opened(
        self,
        method: str,
        url: str,
        *,
        watch: Watch,
        headers: Mapping[str, str],
        data: bytes | None = None,
        auth: AuthBase | None = None,
        counted: tuple[str, str, Collection[str]] | None = None,
        **terms: Any,
    ) -> Stream:
        """Send a request.

        counted: the arguments of counting(), to have the call's opening counted.
        terms: of the answer (stream.Terms).
        """
        opening = partial(self.count_call, *counted) if counted else nullcontext
        try:
            response = self._session.request(
                method,
                url,
                headers=headers,
                data=_Body(data, watch) if data and len(data) > PIECE else data,
                auth=auth,
                stream=True,
                timeout=CONNECT_S,
                allow_redirects=False,
            )
            return Stream(response, watch, Terms(opening=opening, **terms))
        except TRANSPORT_ERRORS as error:
            failure = map_transport_error(error)
            with opening():
                raise failure from error

    @contextmanager
    def count_call(
        self, kind: str, path: str, calls: Collection[str]
    ) -> Iterator[None]:
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

    def abort_streams(self) -> None:
        """Cut every answer that is being read; its reader sees it break off."""
        for stream in list(self._streams):
            stream.abort()


def _session(proxy: str, adapter: requests.adapters.HTTPAdapter) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no netrc, no proxies of the environment
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.proxies = {"http": proxy, "https": proxy} if proxy else {}
    session.headers.clear()  # what is sent is ours to say
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session


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
