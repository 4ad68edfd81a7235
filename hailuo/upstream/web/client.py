"""Calls to the web service: addressed, signed, and their envelopes opened.

    client = Client(http, "https://hailuoai.com")
    data = client.ask("GET", USER_INFO, account.token)
    response = client.open_stream(CHAT, account.token, form, digest=…, watch=watch)

Each token has a device, registered when first needed (protocol.md 2).
"""

import json
import re
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import requests

from ...concurrency.cache import SingleFlightCache
from ...concurrency.watch import Watch
from ...errors import (
    TokenRejected,
    Unreachable,
    UpstreamBusy,
    UpstreamError,
    UpstreamProtocolError,
)
from ...net import untrusted_json
from ...net.client import CALL_S, Form, HttpClient, multipart, retry_after_s
from ...net.stream import Stream
from .protocol import (
    CALLS,
    DEAD_TOKEN_CODES,
    DEVICE_LIFETIME_S,
    HEADERS,
    KIND,
    REGISTER,
    address,
)
from .signing import Signature

_SANE_DEVICE_ID = re.compile(r"[\w.~-]+", re.ASCII)


class Device(NamedTuple):
    """What a token's calls come from: uuid is made by us, id given by the service."""

    uuid: str
    id: str


class Client:
    """Speaks for any token; knows the devices of those it has spoken for."""

    def __init__(self, http: HttpClient, origin: str) -> None:
        self._http = http
        self._origin = origin
        self._devices = SingleFlightCache(self._register, DEVICE_LIFETIME_S)

    def ask(
        self,
        method: str,
        path: str,
        token: str,
        body: Mapping[str, Any] | None = None,
        *,
        watch: Watch | None = None,
        total_s: float = CALL_S,
    ) -> Any:
        """Make a JSON call and give what its envelope holds.

        watch: of the client that waits for it, if one does.
        total_s: how long it may take.
        raises: TokenRejected, Refused, UpstreamProtocolError; Unreachable, UpstreamTimeout;
            ClientDisconnected.
        """
        device = self._devices.get(token, watch)
        terms = {"watch": watch, "total_s": total_s}
        with self.count_call(path):
            return self._ask(method, path, token, device, body, **terms)

    def count_call(self, path: str) -> AbstractContextManager[None]:
        """Have a call counted that is made in here."""
        return self._http.count_call(KIND, path, CALLS)

    def open_stream(
        self,
        path: str,
        token: str,
        form: Form,
        *,
        digest: str,
        watch: Watch,
        headers: Mapping[str, str],
    ) -> Stream:
        """Post a form whose answer is an event stream.

        Reading it raises what ask() does, when it is an answer of the other kind.
        """
        device = self._devices.get(token, watch)
        data, kind = multipart(form)
        return self._http.stream(
            "POST",
            self._origin + address(path, device.uuid, device.id),
            headers={**HEADERS, **headers, "Token": token, "Content-Type": kind},
            data=data,
            auth=Signature(digest),
            watch=watch,
            check=_check_stream,
            counted=(KIND, path, CALLS),
        )

    def _ask(
        self,
        method: str,
        path: str,
        token: str,
        device: Device,
        body: Mapping[str, Any] | None,
        **terms: Any,
    ) -> Any:
        headers = {**HEADERS, "Token": token}
        if body is not None:
            headers["Content-Type"] = "application/json"
        response = self._http.send(
            method,
            self._origin + address(path, device.uuid, device.id),
            headers=headers,
            data=None if body is None else stringified(body),
            auth=Signature(),
            **terms,
        )
        return unwrap(response)

    def _register(self, token: str) -> Device:
        """source: protocol.md 2; the uuid is ours, the id is the service's."""
        fresh = Device(str(uuid.uuid4()), "")
        with self.count_call(REGISTER):
            data = self._ask("POST", REGISTER, token, fresh, {"uuid": fresh.uuid})
        return fresh._replace(id=_device_id(data))


def _device_id(data: Any) -> str:
    """Return the id of a registered device, which becomes a part of every address.

    raises: UpstreamProtocolError for what is none, or could not stand there as it is.
    """
    fields = data if isinstance(data, Mapping) else {}
    device_id = untrusted_json.identifier(fields, "deviceIDStr")
    if not _SANE_DEVICE_ID.fullmatch(device_id):
        raise UpstreamProtocolError("the upstream has registered no device")
    return device_id


def stringified(body: Mapping[str, Any]) -> bytes:
    """As JavaScript's JSON.stringify writes it: no spaces, nothing escaped."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def raise_for_status_info(status_info: Mapping[str, Any]) -> None:
    """raises: TokenRejected or Refused, in the service's words, unless the code is 0;
    UpstreamProtocolError for one that is no number.

    source: protocol.md 1, "Envelope of JSON answers".
    """
    code = status_info.get("code")
    if code != 0:
        raise error_for_code(code, status_info.get("message"))


def error_for_code(code: Any, message: Any) -> UpstreamError:
    """The failure that a code other than 0 means, in the service's words."""
    if not isinstance(code, int):
        return UpstreamProtocolError(
            "a status code of the upstream is not a whole number"
        )
    said = f"the upstream says: {untrusted_json.message(message) or 'no'} ({code})"
    return TokenRejected(said) if code in DEAD_TOKEN_CODES else UpstreamBusy(said)


def unwrap(response: requests.Response) -> Any:
    """What a JSON answer's envelope holds; an answer without one is passed through."""
    try:
        answer = untrusted_json.parse(response.content)
    except UpstreamProtocolError:
        answer = None
    if isinstance(answer, dict) and isinstance(answer.get("statusInfo"), dict):
        raise_for_status_info(answer["statusInfo"])
        _check_status(response)
        return answer.get("data")
    _check_status(response)
    if answer is None:
        raise UpstreamProtocolError("the upstream's answer is not JSON")
    return answer


def _check_stream(stream: Stream) -> None:
    response = stream.response
    kind = response.headers.get("Content-Type", "")
    if kind.startswith("text/event-stream") and response.ok:
        return
    if kind.startswith("application/json"):
        unwrap(stream.read_all())
    _check_status(response)
    raise UpstreamProtocolError(
        f"the upstream's answer is no event stream but {kind or '?'}"
    )


def _check_status(response: requests.Response) -> None:
    """What the HTTP status says where no envelope says it (protocol.md 1)."""
    status = response.status_code
    said = f"the upstream answers with HTTP {status}"
    if status == 401:
        raise TokenRejected(said)
    if status == 429:
        raise UpstreamBusy(said, retry_after_s=retry_after_s(response))
    if status >= 500:
        raise Unreachable(said)
    if status >= 300:
        raise UpstreamProtocolError(said)
