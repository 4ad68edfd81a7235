"""Calls to the platform: addressed, with their bearer, their failures made ours.

client = Client(http, "https://api.minimax.io")
answer = client.ask("GET", MODELS, key)
stream = client.open_stream(CHAT, key, body, watch=watch)
"""

from collections.abc import Mapping
from typing import Any

import orjson
import requests

from ...errors import GatewayError, NotUnderstood
from ...watch import Watch
from ..http import FOREIGN, Http, Stream, translated
from .refusals import refusal

# A stream is read from its socket, past the place where it would be decompressed.
_PLAIN = {"Accept-Encoding": "identity"}


class Client:
    """Speaks for any key."""

    def __init__(self, http: Http, origin: str) -> None:
        self._http = http
        self._origin = origin.rstrip("/")

    def ask(self, method: str, path: str, key: str) -> Any:
        """Make a call and give the JSON it answers with.

        raises: what refusal() tells of, NotUnderstood, Unreachable, TimedOut.
        """
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        return opened(self._http.send(method, self._origin + path, headers=headers))

    def open_stream(
        self, path: str, key: str, body: Mapping[str, Any], *, watch: Watch
    ) -> Stream:
        """Post JSON whose answer is an event stream.

        raises: as ask(); a stream that is none is an answer of the other kind.
        """
        stream = self._http.stream(
            "POST",
            self._origin + path,
            headers={
                "Authorization": f"Bearer {key}",
                "Content-Type": "application/json",
                "Accept": "text/event-stream",
                **_PLAIN,
            },
            data=orjson.dumps(body),
            watch=watch,
        )
        try:
            _check_stream(stream.response)
        except GatewayError:
            stream.close()
            raise
        return stream


def opened(response: requests.Response) -> Any:
    """The JSON of an answer that is no refusal.

    raises: as Client.ask(); the body of a stream's refusal is still to be read.
    """
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        answer = None
    except FOREIGN as error:
        raise translated(error) from error
    if failure := refusal(answer, response.status_code):
        raise failure
    if answer is None:
        raise NotUnderstood("the platform's answer is not JSON")
    return answer


def _check_stream(response: requests.Response) -> None:
    kind = response.headers.get("Content-Type", "")
    if response.status_code == 200 and kind.startswith("text/event-stream"):
        return
    opened(response)
    raise NotUnderstood(f"the platform's answer is no event stream but {kind or '?'}")
