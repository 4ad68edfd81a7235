"""Calls to the web service: addressed, signed, and their envelopes opened.

    client = Client(http, "https://hailuoai.com")
    data = client.ask("GET", USER_INFO, account.token)
    response = client.open_stream(CHAT, account.token, form, digest=…, watch=watch)

Each token has a device, registered when first needed (protocol.md 2).
"""

import json
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import orjson
import requests

from ...errors import NotUnderstood, Refused, TokenRejected, Unreachable, UpstreamError
from ...kept import Kept
from ...watch import Watch
from ..http import Form, Http, multipart, retry_after_s
from ..stream import Stream
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


class Device(NamedTuple):
    """What a token's calls come from: uuid is made by us, id given by the service."""

    uuid: str
    id: str


class Client:
    """Speaks for any token; knows the devices of those it has spoken for."""

    def __init__(self, http: Http, origin: str) -> None:
        self._http = http
        self._origin = origin
        self._devices = Kept(self._register, DEVICE_LIFETIME_S)

    def ask(
        self, method: str, path: str, token: str, body: Mapping[str, Any] | None = None
    ) -> Any:
        """Make a JSON call and give what its envelope holds.

        raises: TokenRejected, Refused, NotUnderstood; Unreachable, TimedOut.
        """
        device = self._devices.of(token)
        with self.counting(path):
            return self._ask(method, path, token, device, body)

    def counting(self, path: str) -> AbstractContextManager[None]:
        """Have a call counted that is made in here."""
        return self._http.counting(KIND, path, CALLS)

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

        raises: as ask(); a stream that is none is an answer of the other kind.
        """
        device = self._devices.of(token)
        watch.check()  # that may have taken its time
        data, kind = multipart(form)
        with self.counting(path):
            return self._http.stream(
                "POST",
                self._origin + address(path, device.uuid, device.id),
                headers={**HEADERS, **headers, "Token": token, "Content-Type": kind},
                data=data,
                auth=Signature(digest),
                watch=watch,
                check=_check_stream,
            )

    def _ask(
        self,
        method: str,
        path: str,
        token: str,
        device: Device,
        body: Mapping[str, Any] | None,
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
        )
        return opened(response)

    def _register(self, token: str) -> Device:
        """source: protocol.md 2; the uuid is ours, the id is the service's."""
        fresh = Device(str(uuid.uuid4()), "")
        with self.counting(REGISTER):
            data = self._ask("POST", REGISTER, token, fresh, {"uuid": fresh.uuid})
        if not isinstance(data, Mapping) or not data.get("deviceIDStr"):
            raise NotUnderstood("the upstream has registered no device")
        return fresh._replace(id=str(data["deviceIDStr"]))


def stringified(body: Mapping[str, Any]) -> bytes:
    """As JavaScript's JSON.stringify writes it: no spaces, nothing escaped."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def check(status_info: Mapping[str, Any]) -> None:
    """raises: TokenRejected or Refused, in the service's words, unless the code is 0;
    NotUnderstood for one that is no number.

    source: protocol.md 1, "Envelope of JSON answers".
    """
    code = status_info.get("code")
    if code != 0:
        raise refusal(code, status_info.get("message"))


def refusal(code: Any, message: Any) -> UpstreamError:
    """The failure that a code other than 0 means, in the service's words."""
    if not isinstance(code, int):
        return NotUnderstood("a status code of the upstream is not a whole number")
    said = f"the upstream says: {message or 'no'} ({code})"
    return TokenRejected(said) if code in DEAD_TOKEN_CODES else Refused(said)


def opened(response: requests.Response) -> Any:
    """What a JSON answer's envelope holds; an answer without one is passed through."""
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        answer = None
    if isinstance(answer, dict) and isinstance(answer.get("statusInfo"), dict):
        check(answer["statusInfo"])
        _check_status(response)
        return answer.get("data")
    _check_status(response)
    if answer is None:
        raise NotUnderstood("the upstream's answer is not JSON")
    return answer


def _check_stream(stream: Stream) -> None:
    response = stream.response
    kind = response.headers.get("Content-Type", "")
    if kind.startswith("text/event-stream") and response.ok:
        return
    if kind.startswith("application/json"):
        opened(stream.whole())
    _check_status(response)
    raise NotUnderstood(f"the upstream's answer is no event stream but {kind or '?'}")


def _check_status(response: requests.Response) -> None:
    """What the HTTP status says where no envelope says it (protocol.md 1)."""
    status = response.status_code
    said = f"the upstream answers with HTTP {status}"
    if status == 401:
        raise TokenRejected(said)
    if status == 429:
        raise Refused(said, retry_after_s=retry_after_s(response))
    if status >= 500:
        raise Unreachable(said)
    if status >= 300:
        raise NotUnderstood(said)
