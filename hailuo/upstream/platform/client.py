"""HTTP calls to the platform: addresses, authorization and errors.

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
from ...net.client import CALL_S, Form, HttpClient, multipart, retry_after_s
from ...net.stream import Stream
from .error_mapping import error_for_code
from .protocol import CALLS, KIND


class Client:
    """HTTP client of the platform, for any key.

    origin: the platform's address.
    """

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
        total_s: float = CALL_S,
    ) -> Any:
        """Make a call and return the JSON of its answer.

        watch: of the client that waits for it, if one does.
        total_s: maximum time for the call.
        raises: as error_for_code(), UpstreamProtocolError, Unreachable,
            UpstreamTimeout; ClientDisconnected.
        """
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        data = None if body is None else orjson.dumps(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        address = self._origin + path
        with self._http.count_call(KIND, path, CALLS):
            return unwrap(
                self._http.send(
                    method,
                    address,
                    headers=headers,
                    data=data,
                    watch=watch,
                    total_s=total_s,
                )
            )

    def open_stream(
        self, path: str, key: str, body: Mapping[str, Any], *, watch: Watch
    ) -> Stream:
        """Post JSON whose answer is an event stream.

        Reading it raises as ask(), and for an answer that is no event stream.
        """
        return self._open(
            path,
            key,
            {"Content-Type": "application/json"},
            data=to_json(body),
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
        data, content_type = multipart(form)
        own_headers = {"Authorization": f"Bearer {key}", "Content-Type": content_type}
        with self._http.count_call(KIND, path, CALLS):
            response = self._http.send(
                "POST",
                self._origin + path,
                headers={**own_headers, **headers},
                data=data,
                watch=watch,
                total_s=2 * watch.idle_s,  # the body may take as long as the headers
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
        """Post multipart fields whose answer is an event stream, as open_stream()."""
        data, content_type = multipart(form)
        headers = {"Content-Type": content_type, **headers}
        return self._open(path, key, headers, data=data, watch=watch)

    def _open(
        self, path: str, key: str, headers: Mapping[str, str], **call: Any
    ) -> Stream:
        own_headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
        return self._http.stream(
            "POST",
            self._origin + path,
            headers={**own_headers, **headers},
            check=_check_stream,
            counted=(KIND, path, CALLS),
            timed_out=PaidTimeout,
            **call,
        )


def unwrap(response: requests.Response) -> Any:
    """Return the JSON of an answer.

    raises: as Client.ask().
    """
    try:
        answer = untrusted_json.parse(response.content)
    except UpstreamProtocolError:
        answer = None
    if error := error_for_code(answer, response.status_code):
        if isinstance(error, UpstreamError):
            error.retry_after_s = retry_after_s(response)
        raise error
    if answer is None:
        raise UpstreamProtocolError("the platform's answer is not JSON")
    return answer


def _check_stream(stream: Stream) -> None:
    response = stream.response
    content_type = response.headers.get("Content-Type", "")
    if response.status_code == 200 and content_type.startswith("text/event-stream"):
        return
    unwrap(stream.read_all())
    raise UpstreamProtocolError(
        f"the platform's answer is not an event stream but {content_type or 'untyped'}"
    )


def to_json(body: Mapping[str, Any]) -> bytes:
    """Return the JSON to post.

    raises: BadRequest, naming the field, for one that is nested too deep: parsing goes
        deeper than writing.
    """
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        param = next((name for name in body if not _is_writable(body[name])), None)
        message = f"{param} is nested too deep"
        raise BadRequest(message, param=param, code="invalid_value") from None


def _is_writable(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return True
