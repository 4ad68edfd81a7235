"""Encoder of a chat answer's events (protocol.md 4).

Every message_result repeats the whole answer so far. To keep long answers cheap, a text
is escaped once, and each event takes a prefix of it: nothing is encoded per event.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from .envelope import status_info

SEND_RESULT = 1  # *assumed*: protocol.md names types 3 and 8 only
MESSAGE_RESULT = 2  # *assumed*
HEARTBEAT = 3
END = 8

SURROGATE = re.compile("[\ud800-\udfff]")
Parts = tuple[bytes | memoryview, ...]


class Style(NamedTuple):
    """Wire format of events: see "Chat, wire format" in `script`.

    That `event:` lines precede `data:` is *assumed*.
    """

    event_lines: bool = True
    newline: str = "\n"
    data_lines: bool = False

    def event(self, data: Any, name: str | None = None) -> bytes:
        """Return an event with *data* as JSON, or unchanged if it is bytes."""
        text = data if isinstance(data, bytes) else encode(data)
        if self.data_lines and not isinstance(data, bytes):
            text = encode(data, indent=0)
        start, end = self.frame(name)
        return start + text.replace(b"\n", self._newline() + b"data: ") + end

    def frame(self, name: str | None) -> tuple[bytes, bytes]:
        """Return the bytes before and after an event's data."""
        event_line = b"event: %b" % name.encode() + self._newline() if name else b""
        start = (event_line if self.event_lines else b"") + b"data: "
        return start, self._newline() * 2

    def _newline(self) -> bytes:
        return self.newline.encode()


def encode(data: Any, indent: int | None = None) -> bytes:
    """Return JSON in UTF-8, with lone surrogates as \\udXXX escapes."""
    separators = (",", ":")
    text = json.dumps(data, ensure_ascii=False, separators=separators, indent=indent)
    return SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode()


def _escaped(text: str) -> bytes:
    """Escape *text* for a JSON string, without the quotes."""
    return encode(text)[1:-1]


@lru_cache(64)
def _escaped_by_size(text: str, size: int) -> tuple[memoryview, list[int]]:
    return _escaped_pieces([text[i : i + size] for i in range(0, len(text), size)])


def _escaped_pieces(pieces: list[str]) -> tuple[memoryview, list[int]]:
    """Return the whole text, escaped, and the end of each piece in it."""
    ends, whole = [], bytearray()
    for piece in pieces:
        whole += _escaped(piece)
        ends.append(len(whole))
    return memoryview(bytes(whole)), ends


def contents_by_size(text: str, size: int) -> list[memoryview]:
    whole, ends = _escaped_by_size(text, size)
    return [whole[:end] for end in ends]


def contents_by_pieces(pieces: list[str]) -> list[memoryview]:
    whole, ends = _escaped_pieces(pieces)
    return [whole[:end] for end in ends]


def contents_unchanged(contents: list[str]) -> list[memoryview]:
    return [memoryview(_escaped(content)) for content in contents]


def send_result(chat_id: str) -> dict[str, Any]:
    result = {"sendResult": {"chatID": chat_id}}
    return {"type": SEND_RESULT, "statusInfo": status_info(), "data": result}


def end_of_answer() -> dict[str, Any]:
    return {"type": END, "statusInfo": status_info(), "data": {}}


def message_results(
    style: Style,
    ids: tuple[str, str],
    contents: list[memoryview],
    *,
    is_end: bool = True,
    links: list[dict[str, str]] | None = None,
    links_at: int | None = None,
) -> Iterator[Parts]:
    """Yield an event for each content, in parts to be joined.

    ids: chatID and msgID; is_end: whether the last event has isEnd 0.
    """
    start, end = style.frame("message_result")
    chat_id, message_id = ids
    before = start + (
        encode({"type": MESSAGE_RESULT, "statusInfo": status_info()})[:-1]
        + b',"data":{"messageResult":{"chatID":"%b","msgID":"%b","content":"'
        % (chat_id.encode(), message_id.encode())
    )
    for number, content in enumerate(contents, 1):
        last = is_end and number == len(contents)
        event_links = links if links and links_at in (None, number) else None
        yield before, content, _tail(last, event_links) + end


def _tail(last: bool, links: list[dict[str, str]] | None) -> bytes:
    extra = {"netSearchStatus": {"linkDetail": links}} if links else {}
    flag = b"0" if last else b"1"
    return b'","isEnd":%b,"extra":%b}}}' % (flag, encode(extra))
