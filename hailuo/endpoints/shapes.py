"""OpenAI's answers: chat.completion, its chunks, the lines of their stream (pure).

source: openai-api.md 1.2, 1.3 and, for what clients can read, 2.1.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from .. import errors
from ..upstream import Link

# The tokens are counted where the model runs, so the seed promised fixed numbers.
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}

PING = b": ping\n\n"
DONE = b"data: [DONE]\n\n"
LINE_CHARACTERS = 8_000  # one-api reads lines of less than 64 KiB


def completion(
    id: str, model: str, created: int, text: str, links: Sequence[Link]
) -> dict[str, Any]:
    """A whole answer."""
    cited = {"annotations": annotations(links, len(text))} if links else {}
    return {
        "id": id,
        "model": model,
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": text,
                    "refusal": None,
                    **cited,
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
        "created": created,
    }


def annotations(links: Sequence[Link], length: int) -> list[dict[str, Any]]:
    """The pages the service has read; it does not say where in the text of *length*."""
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "start_index": 0,
                "end_index": length,
                "url": link.url,
                "title": link.title,
            },
        }
        for link in links
    ]


def event(data: Any) -> bytes:
    """One event of a stream: exactly `data: `, one line, one JSON."""
    return b"data: " + orjson.dumps(data) + b"\n\n"


def error(failure: errors.GatewayError) -> bytes:
    """A failure in mid-stream, as the official libraries understand it."""
    return event(errors.body(failure))


class Chunks:
    """The chunks of one answer, all with the same id and time.

    What is the same in each is written once: a piece costs little more than its text.
    """

    def __init__(self, id: str, model: str, created: int, include_usage: bool) -> None:
        self._head = {
            "id": id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
        }
        self._usage = {"usage": None} if include_usage else {}
        around = self._chunk({"content": ""}).split(b'""')
        self._before, self._after = b'""'.join(around[:-1]), around[-1]

    def begin(self) -> bytes:
        return self._chunk({"role": "assistant", "content": ""})

    def text(self, text: str) -> bytes:
        """The chunks of a piece: one, unless it is too long for a line."""
        parts = range(0, len(text), LINE_CHARACTERS)
        return b"".join(
            self._before + orjson.dumps(text[at : at + LINE_CHARACTERS]) + self._after
            for at in parts
        )

    def end(self, length: int, links: Sequence[Link]) -> bytes:
        """The sources, the finish, the usage if asked for, and the stream's end.

        length: characters of the whole answer.
        """
        cited = annotations(links, length)
        last = [
            self._chunk({"annotations": cited}) if cited else b"",
            self._chunk({}, "stop"),
        ]
        if self._usage:
            last.append(event({**self._head, "choices": [], "usage": USAGE}))
        return b"".join([*last, DONE])

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {
            "index": 0,
            "delta": delta,
            "logprobs": None,
            "finish_reason": finish_reason,
        }
        return event({**self._head, "choices": [choice], **self._usage})
