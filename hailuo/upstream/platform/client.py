"""Calls to the platform: addressed, with their bearer, their failures made ours.

client = Client(http, "https://api.minimax.io")
answer = client.ask("GET", MODELS, key)
stream = client.open_stream(CHAT, key, body, watch=watch)
"""

from collections.abc import Mapping
from typing import Any

import orjson
import requests

from ...errors import BadRequest, NotUnderstood, UpstreamError
from ...watch import Watch
from ..http import Form, Http, multipart, retry_after_s
from ..stream import Stream
from .protocol import CALLS, KIND
from .refusals import refusal


class Client:
    """Speaks for any key."""

    def __init__(self, http: Http, origin: str) -> None:
        self._http = http
        self._origin = origin.rstrip("/")

    def ask(
        self, method: str, path: str, key: str, body: Mapping[str, Any] | None = None
    ) -> Any:
        """Make a call and give the JSON it answers with.

        raises: what refusal() tells of, NotUnderstood, Unreachable, TimedOut.
        """
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        data = None if body is None else orjson.dumps(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        address = self._origin + path
        with self._http.counting(KIND, path, CALLS):
            return opened(self._http.send(method, address, headers=headers, data=data))

    def open_stream(
        self, path: str, key: str, body: Mapping[str, Any], *, watch: Watch
    ) -> Stream:
        """Post JSON whose answer is an event stream.

        raises: as ask(); a stream that is none is an answer of the other kind.
        """
        return self._opened(
            path,
            key,
            {"Content-Type": "application/json"},
            data=written(body),
            watch=watch,
        )

    def ask_form(
        self,
        path: str,
        key: str,
        form: Form,
        *,
        headers: Mapping[str, str],
        wait_s: float,
    ) -> Any:
        """Post multipart fields whose answer is JSON. raises: as ask().

        wait_s: how long the platform may think.
        """
        data, kind = multipart(form)
        known = {"Authorization": f"Bearer {key}", "Content-Type": kind}
        with self._http.counting(KIND, path, CALLS):
            response = self._http.send(
                "POST",
                self._origin + path,
                headers={**known, **headers},
                data=data,
                wait_s=wait_s,
            )
            return opened(response)

    def open_form_stream(
        self,
        path: str,
        key: str,
        form: Form,
        *,
        headers: Mapping[str, str],
        watch: Watch,
    ) -> Stream:
        """Post multipart fields, and go on as open_stream() does."""
        data, kind = multipart(form)
        headers = {"Content-Type": kind, **headers}
        return self._opened(path, key, headers, data=data, watch=watch)

    def _opened(
        self, path: str, key: str, headers: Mapping[str, str], **call: Any
    ) -> Stream:
        known = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
        with self._http.counting(KIND, path, CALLS):
            return self._http.stream(
                "POST",
                self._origin + path,
                headers={**known, **headers},
                check=_check_stream,
                **call,
            )


def opened(response: requests.Response) -> Any:
    """The JSON of an answer that is no refusal.

    raises: as Client.ask().
    """
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        answer = None
    if failure := refusal(answer, response.status_code):
        if isinstance(failure, UpstreamError):
            failure.retry_after_s = retry_after_s(response)
        raise failure
    if answer is None:
        raise NotUnderstood("the platform's answer is not JSON")
    return answer


def _check_stream(stream: Stream) -> None:
    response = stream.response
    kind = response.headers.get("Content-Type", "")
    if response.status_code == 200 and kind.startswith("text/event-stream"):
        return
    opened(stream.whole())
    raise NotUnderstood(f"the platform's answer is no event stream but {kind or '?'}")


def written(body: Mapping[str, Any]) -> bytes:
    """JSON to post.

    raises: BadRequest, naming the field, for what was read but is nested too deep to be
        written again.
    """
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        param = next((name for name in body if not _writable(body[name])), None)
        message = f"{param} is nested too deep to be passed on"
        raise BadRequest(message, param=param, code="invalid_value") from None


def _writable(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return True
