"""The stream of a chat completion, as a client of the gateway reads it.

source: client-apis.md 1.3.
"""

import json
from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

from ..concurrency.watch import HEARTBEAT, Watch
from ..errors import UpstreamError
from ..net import sse
from ..net.stream import Stream
from .gateways import Failure, RunningGateway, checked, lost, refusal

SILENCE_S = 900.0  # before the first byte: a queue, and three attempts
END = b"[DONE]"


class Part(NamedTuple):
    """A part of an answer; any field may be empty.

    fields: further fields of the answer, which come with some part of it: its id, its
        model, how it ended, its usage.
    sources: titles and addresses of pages that were read.
    """

    text: str = ""
    reasoning: str = ""
    sources: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[str, Any], ...] = ()


class Answer:
    """An answer, put together from its parts.

    text: the parts of its text.
    sources: titles and addresses of pages that were read.
    """

    def __init__(self) -> None:
        self.text: list[str] = []
        self.sources: list[tuple[str, str]] = []
        self._reasoning: list[str] = []
        self._fields: dict[str, Any] = {}

    @property
    def ending(self) -> str:
        """The reason of the answer's end; "stop" for its natural one."""
        return str(self._fields.get("finish_reason", ""))

    def add(self, part: Part) -> None:
        if part.text:
            self.text.append(part.text)
        self.sources += part.sources
        self._reasoning.append(part.reasoning)
        self._fields.update(part.fields)

    def described(self) -> dict[str, Any]:
        """Return it for JSON, always with the same keys."""
        return {
            "id": self._fields.get("id"),
            "model": self._fields.get("model"),
            "text": "".join(self.text),
            "reasoning": "".join(self._reasoning),
            "sources": [{"title": title, "url": url} for title, url in self.sources],
            "finish_reason": self.ending or None,
            "usage": self._fields.get("usage"),
        }


def ask(
    gateway: RunningGateway, model: str, content: Any
) -> Generator[Part, None, None]:
    """Yield the answer to a message.

    raises: Failure if it fails or breaks off.
    """
    body = {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }

    def check(stream: Stream) -> None:
        if not stream.response.ok:
            answer = stream.read_all()
            checked(answer.status_code, answer.content, gateway.at)

    try:
        with gateway.http.stream(
            "POST",
            f"{gateway.address}/v1/chat/completions",
            headers=gateway.headers,
            data=json.dumps(body).encode("ascii"),
            watch=Watch(idle_s=SILENCE_S),
            check=check,
        ) as stream:
            yield from _parts(stream, gateway.at)
    except UpstreamError as error:
        raise lost(gateway.at, error) from None


def _parts(stream: Stream, address: str) -> Iterator[Part]:
    parser = sse.Parser()
    for received in stream:
        if received is HEARTBEAT:
            continue
        for data in parser.feed(received):
            if data == END:
                return
            yield _part(data, address)
    raise Failure(f"the answer of {address} broke off before its end")


def _part(data: bytes, address: str) -> Part:
    """Return the part in an event. raises: Failure for an error, or no chunk at all."""
    try:
        chunk = json.loads(data)
        if "error" in chunk:
            raise refusal(chunk["error"], address)
        fields = {name: chunk[name] for name in ("id", "model")}
        if chunk.get("usage"):
            fields["usage"] = chunk["usage"]
        if not chunk["choices"]:
            return Part(fields=tuple(fields.items()))
        choice = chunk["choices"][0]
        if choice.get("finish_reason"):
            fields["finish_reason"] = choice["finish_reason"]
        delta = choice["delta"]
        cited = (each["url_citation"] for each in delta.get("annotations", ()))
        return Part(
            text=delta.get("content") or "",
            reasoning=delta.get("reasoning_content") or "",
            sources=tuple((page["title"], page["url"]) for page in cited),
            fields=tuple(fields.items()),
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        raise Failure(f"the answer of {address} is not that of a gateway") from None
