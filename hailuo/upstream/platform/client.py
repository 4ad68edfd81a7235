"""HTTP calls to the platform: addresses, authorization and errors.

client = Client(http, "https://api.minimax.io")
answer = client.ask("GET", MODELS, key)
stream = client.open_stream(CHAT, key, body, watch=watch)
"""

import io
from collections.abc import Generator, Mapping
from typing import Any

import orjson
import requests

from ...concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ...errors import (
    BadRequest,
    PaidTimeout,
    Unreachable,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamTimeout,
)
from ...net import untrusted_json
from ...net.client import CALL_S, Form, HttpClient, multipart, retry_after_s
from ...net.stream import MAX_WHOLE_MB, Stream
from ...units import MB
from .. import ImagesMissing
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

    def ask_for_images(
        self,
        path: str,
        key: str,
        body: Mapping[str, Any],
        *,
        idle_s: float,
        watch: Watch,
    ) -> Generator[Heartbeat, None, Any]:
        """Post JSON whose answer is JSON that may be late; yield heartbeats meanwhile.

        idle_s: how long the platform may be silent, if that is more than usual.
        raises: as ask(); but once the body was sent, an answer that does not arrive is
            ImagesMissing or PaidTimeout: the platform may work, and charge, already.
        """
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        with self._http.count_call(KIND, path, CALLS), watch.patient(idle_s):
            stream = self._http.stream(
                "POST",
                self._origin + path,
                headers={**headers, "Content-Type": "application/json"},
                data=to_json(body),
                watch=watch,
                timed_out=PaidTimeout,
            )
            try:
                with stream:
                    response = yield from _read(stream)
            except (Unreachable, UpstreamProtocolError) as error:
                raise _images_missing(error) from error
            return _unwrap_images(response)

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


def _read(stream: Stream) -> Generator[Heartbeat, None, requests.Response]:
    """Return the response with its body; yield heartbeats meanwhile."""
    body = io.BytesIO()
    for part in stream:
        if part is HEARTBEAT:
            yield HEARTBEAT
        elif body.tell() + len(part) > MAX_WHOLE_MB * MB:
            message = f"the platform's answer is larger than {MAX_WHOLE_MB} MB"
            raise UpstreamProtocolError(message)
        else:
            body.write(part)
    body.seek(0)
    stream.response.raw = body
    return stream.response


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


def _unwrap_images(response: requests.Response) -> Any:
    """Return the JSON of an answer; what the platform refuses clearly is not paid.

    raises: as Client.ask_for_images().
    """
    try:
        return unwrap(response)
    except UpstreamProtocolError as error:
        raise _images_missing(error) from error
    except UpstreamTimeout as error:
        raise PaidTimeout(error.message) from error


def _images_missing(error: UpstreamError) -> ImagesMissing:
    return ImagesMissing(
        f"{error.message}; the images may have been made, and charged, so they are not "
        "asked for again"
    )


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
