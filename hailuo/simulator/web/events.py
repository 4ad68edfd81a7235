"""The events of a chat answer, as bytes (protocol.md 4).

Every message_result repeats the whole answer so far. So that long answers stay cheap, a
text is escaped once and each event takes its beginning: nothing is encoded per event.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from .envelope import status_info

SEND_RESULT = 1  # assumed: the page names types 3 and 8 only
MESSAGE_RESULT = 2  # assumed
HEARTBEAT = 3
OVER = 8

SURROGATE = re.compile("[\ud800-\udfff]")
Parts = tuple[bytes | memoryview, ...]


class Style(NamedTuple):
    """How an event is written: see "Chat, how it looks on the wire" in `script`.

    That `event:` lines come before the `data:` is assumed.
    """

    event_lines: bool = True
    newline: str = "\n"
    data_lines: bool = False

    def event(self, data: Any, name: str | None = None) -> bytes:
        """An event whose data is the JSON of *data*, or *data* itself when bytes."""
        text = data if isinstance(data, bytes) else encoded(data)
        if self.data_lines and not isinstance(data, bytes):
            text = encoded(data, indent=0)
        start, end = self.around(name)
        return start + text.replace(b"\n", self._line() + b"data: ") + end

    def around(self, name: str | None) -> tuple[bytes, bytes]:
        """What stands before and after an event's data."""
        naming = b"event: %b" % name.encode() + self._line() if name else b""
        start = (naming if self.event_lines else b"") + b"data: "
        return start, self._line() * 2

    def _line(self) -> bytes:
        return self.newline.encode()


def encoded(data: Any, indent: int | None = None) -> bytes:
    """JSON with non-ASCII kept, except lone surrogates: those are \\udXXX escapes."""
    separators = (",", ":")
    text = json.dumps(data, ensure_ascii=False, separators=separators, indent=indent)
    return SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def decoded(data: bytes) -> Any:
    return json.loads(data)


def _escaped(text: str) -> bytes:
    """*text* as it stands between the quotes of a JSON string."""
    return encoded(text)[1:-1]


@lru_cache(64)
def _by_characters(text: str, size: int) -> tuple[memoryview, list[int]]:
    return _grown([text[i : i + size] for i in range(0, len(text), size)])


def _grown(pieces: list[str]) -> tuple[memoryview, list[int]]:
    """The escaped whole, and where each piece ends in it."""
    ends, whole = [], bytearray()
    for piece in pieces:
        whole += _escaped(piece)
        ends.append(len(whole))
    return memoryview(bytes(whole)), ends


def contents_by_size(text: str, size: int) -> list[memoryview]:
    whole, ends = _by_characters(text, size)
    return [whole[:end] for end in ends]


def contents_by_pieces(pieces: list[str]) -> list[memoryview]:
    whole, ends = _grown(pieces)
    return [whole[:end] for end in ends]


def contents_as_given(contents: list[str]) -> list[memoryview]:
    return [memoryview(_escaped(content)) for content in contents]


def send_result(chat_id: str) -> dict[str, Any]:
    result = {"sendResult": {"chatID": chat_id}}
    return {"type": SEND_RESULT, "statusInfo": status_info(), "data": result}


def over() -> dict[str, Any]:
    return {"type": OVER, "statusInfo": status_info(), "data": {}}


def message_results(
    style: Style,
    ids: tuple[str, str],
    contents: list[memoryview],
    *,
    is_end: bool = True,
    links: list[dict[str, str]] | None = None,
    links_at: int | None = None,
) -> Iterator[Parts]:
    """One event for each content, in parts that are to be joined.

    ids: chatID and msgID; is_end: whether the last one says so, with isEnd 0.
    """
    start, end = style.around("message_result")
    chat_id, message_id = ids
    before = start + (
        encoded({"type": MESSAGE_RESULT, "statusInfo": status_info()})[:-1]
        + b',"data":{"messageResult":{"chatID":"%b","msgID":"%b","content":"'
        % (chat_id.encode(), message_id.encode())
    )
    for number, content in enumerate(contents, 1):
        ended = is_end and number == len(contents)
        linked = links if links and links_at in (None, number) else None
        yield before, content, _tail(ended, linked) + end


def _tail(ended: bool, links: list[dict[str, str]] | None) -> bytes:
    extra = {"netSearchStatus": {"linkDetail": links}} if links else {}
    flag = b"0" if ended else b"1"
    return b'","isEnd":%b,"extra":%b}}}' % (flag, encoded(extra))
