"""Calls to the platform: addressed, with their bearer, their failures made ours.

client = Client(http, "https://api.minimax.io")
answer = client.ask("GET", MODELS, key)
stream = client.open_stream(CHAT, key, body, watch=watch)
"""

from collections.abc import Mapping
from typing import Any

import orjson
import requests

from ...concurrency.watch import Watch
from ...errors import BadRequest, PaidTimeout, UpstreamError, UpstreamProtocolError
from ...net import untrusted_json
from ...net.client import Form, HttpClient, multipart, retry_after_s
from ...net.stream import Stream
from .error_mapping import error_for_code
from .protocol import CALLS, KIND


class Client:
    """Speaks for any key."""

    def __init__(self, http: HttpClient, origin: str) -> None:
        self._http = http
        self._origin = origin.rstrip("/")

    def ask(
        self,
        method: str,
        path: str,
        key: str,
        body: Mapping[str, Any] | None = None,
        *,
        watch: Watch | None = None,
    ) -> Any:
        """Make a call and give the JSON it answers with.

        watch: of the client that waits for it, if one does.
        raises: what refusal() tells of, UpstreamProtocolError, Unreachable, UpstreamTimeout;
            ClientDisconnected.
        """
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        data = None if body is None else orjson.dumps(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        address = self._origin + path
        with self._http.count_call(KIND, path, CALLS):
            return unwrap(
                self._http.send(
                    method, address, headers=headers, data=data, watch=watch
                )
            )

    def open_stream(
        self, path: str, key: str, body: Mapping[str, Any], *, watch: Watch
    ) -> Stream:
        """Post JSON whose answer is an event stream.

        Reading it raises what ask() does, when it is an answer of the other kind.
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
        watch: Watch,
    ) -> Any:
        """Post multipart fields whose answer is JSON. raises: as ask()."""
        data, kind = multipart(form)
        known = {"Authorization": f"Bearer {key}", "Content-Type": kind}
        with self._http.count_call(KIND, path, CALLS):
            response = self._http.send(
                "POST",
                self._origin + path,
                headers={**known, **headers},
                data=data,
                watch=watch,
                total_s=2 * watch.idle_s,  # as much for its body as for its headers
                timed_out=PaidTimeout,
            )
            return unwrap(response)

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
        return self._http.stream(
            "POST",
            self._origin + path,
            headers={**known, **headers},
            check=_check_stream,
            counted=(KIND, path, CALLS),
            timed_out=PaidTimeout,
            **call,
        )


def unwrap(response: requests.Response) -> Any:
    """The JSON of an answer that is no refusal.

    raises: as Client.ask().
    """
    try:
        answer = untrusted_json.parse(response.content)
    except UpstreamProtocolError:
        answer = None
    if failure := error_for_code(answer, response.status_code):
        if isinstance(failure, UpstreamError):
            failure.retry_after_s = retry_after_s(response)
        raise failure
    if answer is None:
        raise UpstreamProtocolError("the platform's answer is not JSON")
    return answer


def _check_stream(stream: Stream) -> None:
    response = stream.response
    kind = response.headers.get("Content-Type", "")
    if response.status_code == 200 and kind.startswith("text/event-stream"):
        return
    unwrap(stream.read_all())
    raise UpstreamProtocolError(
        f"the platform's answer is no event stream but {kind or '?'}"
    )


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
