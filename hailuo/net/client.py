"""HTTP client for all calls to upstreams: one pool of connections, no cookies.

http = HttpClient(proxy="")
response = http.send("GET", url, headers=…, watch=watch)      # a short call
with http.stream("POST", url, headers=…, watch=watch) as stream:
    for received in stream:                                   # or HEARTBEAT
        …
"""

import time
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache, partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any, cast
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from ..concurrency.fairness import fairly
from ..concurrency.watch import Watch
from ..errors import GatewayError, Unreachable
from .connection import Adapter
from .safe_connect import CONNECT_S, ConnectPolicy, is_private_host
from .stream import Stream, Terms
from .transport_errors import TRANSPORT_ERRORS, map_transport_error

REPEAT_PAUSE_S = 0.2  # a call that polls must not be made twice at once
CALL_S = 30.0  # for a short call in all; *assumed*, no source gives a time
PIECE = 65_536  # bytes of a body that are sent at once
Count = Callable[[str, str, str], None]

Field = str | tuple[str, bytes, str]  # text, or a file's name, bytes and type
Form = Sequence[tuple[str, Field]]  # multipart fields, in order


class _Body:
    """Long request body, sent in pieces, each within CONNECT_S.

    Sending raises ClientDisconnected.
    """

    def __init__(self, data: bytes, watch: Watch) -> None:
        self._data = data
        self._watch = watch

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[bytes]:
        for start in fairly(range(0, len(self._data), PIECE)):
            self._watch.raise_if_disconnected()
            yield self._data[start : start + PIECE]


class ReadingAdapter(Adapter):
    """Adapter for libraries with calls of their own: it reads whole answers."""

    def send(
        self, request: requests.PreparedRequest, *arguments: Any, **options: Any
    ) -> requests.Response:
        """Send a request and read its answer.

        raises: as HttpClient.send().
        """
        response = super().send(request, *arguments, **options)
        watch = Watch(idle_s=CALL_S)
        with Stream(response, watch, Terms(total_s=CALL_S)) as stream:
            return stream.read_all()


class HttpClient:
    """One pool of connections for all calls to upstreams.

    proxy: URL of a proxy for all calls; "" for none.
    count: called after each call to an upstream with its kind, the call's name and
        its outcome.
    connect_policy: returns where connections may go; None for anywhere.
    session: for libraries that make calls of their own.
    """

    def __init__(
        self,
        proxy: str = "",
        count: Count | None = None,
        connect_policy: Callable[[], ConnectPolicy] | None = None,
    ) -> None:
        self._count = count or (lambda *_: None)
        self._proxy = proxy
        self._session = _session(proxy, Adapter(connect_policy))
        self.session = _session(proxy, ReadingAdapter(connect_policy))
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()

    def for_untrusted_urls(self, origin: str) -> "HttpClient":
        """Return a client for URLs that the service at *origin* names.

        It connects to public addresses only, unless the service itself is in a private
        network.
        """

        @cache
        def connect_policy() -> ConnectPolicy:
            parts = urlsplit(origin)
            is_private = is_private_host(
                parts.hostname or "", parts.port or 0, ConnectPolicy()
            )
            return ConnectPolicy(allow_private=is_private)

        return HttpClient(self._proxy, self._count, connect_policy=connect_policy)

    def send(
        self,
        method: str,
        url: str,
        *,
        watch: Watch | None = None,
        total_s: float = CALL_S,
        **call: Any,
    ) -> requests.Response:
        """Make a call and read all of its answer.

        A GET is repeated, once, if the server closed an idle connection at the moment
        it was used again.

        watch: of the client that waits for it, if one does: then its disconnect, and
            abort_streams(), end the call.
        total_s: maximum time for the call, and again if it is repeated.
        raises: UpstreamTimeout, Unreachable; UpstreamProtocolError for more than 32 MB;
            ClientDisconnected.
        """
        call["total_s"] = total_s
        open_stream = self.stream if watch else self._open
        watch = watch or Watch()
        may_repeat = method == "GET"
        while True:
            with open_stream(method, url, watch=watch, **call) as stream:
                try:
                    return stream.read_all()
                except Unreachable:
                    if not (may_repeat and stream.lost_reused_connection):
                        raise
            may_repeat = False
            time.sleep(REPEAT_PAUSE_S)
            watch.raise_if_disconnected()

    def stream(self, method: str, url: str, *, watch: Watch, **call: Any) -> Stream:
        """Make a call whose answer, headers included, is read as it arrives.

        call: keyword arguments of _open().
        raises: Unreachable.
        """
        stream = self._open(method, url, watch=watch, **call)
        self._streams.add(stream)
        return stream

    def _open(
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

        counted: arguments of count_call(), to count the call by its opening.
        terms: fields of stream.Terms.
        """
        opening = partial(self.count_call, *counted) if counted else nullcontext
        try:
            body = _Body(data, watch) if data and len(data) > PIECE else data
            response = self._session.send(
                _prepared(method, url, headers, body, auth),
                stream=True,
                timeout=CONNECT_S,
                allow_redirects=False,
                proxies=self._session.proxies,
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
        """Count a call, as "ok" or by its error's code.

        kind: of the upstream.
        calls: the upstream's names for its calls.
        """
        call = call_name(path, calls)
        try:
            yield
        except GatewayError as error:
            self._count(kind, call, error.code or error.type)
            raise
        self._count(kind, call, "ok")

    def abort_streams(self) -> None:
        """Abort every answer that is being read; its reader raises Unreachable."""
        for stream in list(self._streams):
            stream.abort()


def _session(proxy: str, adapter: requests.adapters.HTTPAdapter) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no netrc, no proxies of the environment
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.proxies = {"http": proxy, "https": proxy} if proxy else {}
    session.headers.clear()  # requests' own, such as User-Agent
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session


def _prepared(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | _Body | None,
    auth: AuthBase | None,
) -> requests.PreparedRequest:
    """Return a request that is ready to be sent.

    Its parts are prepared one by one, since there are neither cookies nor settings of
    the session to merge. Its headers stay a plain dict, of which `requests` would make
    one that ignores case (performance.md, What a request and a piece cost).
    raises: InvalidHeader for a control character, which could begin another header.
    """
    if not all(map(str.isprintable, headers.values())):
        raise requests.exceptions.InvalidHeader("a header has a control character")
    request = requests.PreparedRequest()
    request.prepare_method(method)
    request.prepare_url(url, "")
    request.headers = cast(Any, dict(headers))
    request.prepare_body(body, None)
    request.prepare_auth(auth)
    return request


def multipart(form: Form) -> tuple[bytes, str]:
    """Return a form's bytes and their Content-Type."""
    return urllib3.encode_multipart_formdata(form)


def call_name(path: str, calls: Collection[str]) -> str:
    """Return an upstream's name for a call: `/v1/api/chat/history/42?a=…` → `history`.

    Only known names become labels of a metric: ids in a path are without number.
    """
    parts = path.partition("?")[0].split("/")
    return next((part for part in reversed(parts) if part in calls), "other")


def retry_after_s(response: requests.Response) -> float | None:
    """Return the seconds of an answer's Retry-After; a date is ignored."""
    value = response.headers.get("Retry-After", "").strip()
    return float(value) if value.isascii() and value.isdigit() else None
