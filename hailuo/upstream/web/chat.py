"""An answer of the web service: from its events to pieces (protocol.md 4).

    transcript = Transcript()
    transcript.feed(bytes_that_arrived)
    piece = transcript.take()         # what is new since the last time

Pure: bytes in, pieces out, so a recording is as good as the service.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from ...errors import NothingSaid, NotUnderstood
from ...fairness import fairly
from .. import Link, Piece, sse
from .client import check
from .protocol import END_TYPE, HEARTBEAT_TYPE, IS_LAST

# A character cut in half, which a later event completes. orjson gives the first; what
# it rejects, half of a pair of surrogates, comes from the standard library.
_HALF = re.compile("[\ufffd\ud800-\udfff]")

_BEHIND_CONTENT = b'","isEnd":'  # a quote in the content itself would be escaped


class Transcript:
    """What the service has said so far.

    chat_id: the conversation's id, "" until it is known.
    message_id: the answer's own id within it, "" until it is known.
    ended: whether the answer is over.
    """

    def __init__(self) -> None:
        self.chat_id = ""
        self.message_id = ""
        self.ended = False
        self._content = ""
        self._given = 0  # characters of it that have been taken
        self._links: tuple[Link, ...] = ()
        self._parser = sse.Parser()

    def feed(self, received: bytes) -> None:
        """Take in what arrived, cut anywhere. raises: as read().

        Each event repeats the whole answer so far, so of several that are here already
        the newest says it all: parsing each as well makes an answer of 2,000 pieces in
        a burst half as dear again (1.8 times the bare relay's CPU, without it 1.2).
        """
        passed = b""
        events = (*self._parser.feed(received), b"")
        for event, newer in fairly(pairwise(events)):
            if repeated(event, newer):
                passed = event
                continue
            try:
                self.read(event)
            except NotUnderstood:
                if passed:
                    self.read(passed)  # what it brings comes before the failure
                raise
            passed = b""

    def read(self, event: bytes) -> None:
        """Take in the data of one event; after the end, nothing counts any more.

        raises: TokenRejected or Refused for a statusInfo that says so, NotUnderstood
            for what is not the protocol, NothingSaid for an end without a word.
        """
        if self.ended:
            return
        said = sse.said(event)
        if said.get("type") == HEARTBEAT_TYPE:
            return  # its statusInfo may be anything
        if status := _mapping(said, "statusInfo"):
            check(status)
        data = _mapping(said, "data")
        message = _mapping(data, "messageResult")
        self._read_id(message or _mapping(data, "sendResult"))
        self.message_id = str(message.get("msgID") or "") or self.message_id
        self._read_content(message)
        ends = said.get("type") == END_TYPE or message.get("isEnd") == IS_LAST
        if ends and not self._content:
            raise NothingSaid("the upstream ended its answer without a word")
        self.ended = ends

    def take(self) -> Piece | None:
        """What is new, None when nothing is."""
        if self.ended:
            text = _HALF.sub("\ufffd", self._content[self._given :])
            self._given = len(self._content)
            return Piece(text, links=self._links, finish="stop", id=self.chat_id)
        end = self._sound_end()
        text = self._content[self._given : end]
        self._given = max(self._given, end)
        return Piece(text, id=self.chat_id) if text else None

    def _sound_end(self) -> int:
        """Where the content ends, or the first character cut in half begins."""
        half = _HALF.search(self._content, self._given)
        return half.start() if half else len(self._content)

    def _read_id(self, result: Mapping[str, Any]) -> None:
        self.chat_id = self.chat_id or str(result.get("chatID") or "")

    def _read_content(self, result: Mapping[str, Any]) -> None:
        content = result.get("content") or ""
        if not isinstance(content, str):
            raise NotUnderstood("the upstream's content is not text")
        # Shorter than before adds nothing, but two marks may become one character.
        if len(content) >= len(self._content) or len(content) > self._sound_end():
            self._content = content
        self._links = _links(result) or self._links


def repeated(event: bytes, newer: bytes) -> bool:
    """Whether *newer* says all that *event* does, and but more of the content.

    So it is when they differ in nothing else: same beginning, content included, and
    same ending behind the content. Links, an error or the end would be a difference.
    """
    end = event.rfind(_BEHIND_CONTENT)
    if end < 0:
        return False
    return newer.endswith(event[end:]) and newer.startswith(event[:end])


def _mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A field that is an object or absent."""
    found = value.get(key) or {}
    if not isinstance(found, dict):
        raise NotUnderstood(f"{key} of the upstream's event is not an object")
    return found


def _links(result: Mapping[str, Any]) -> tuple[Link, ...]:
    """source: protocol.md 4, extra.netSearchStatus.linkDetail."""
    status = _mapping(_mapping(result, "extra"), "netSearchStatus")
    details = status.get("linkDetail") or []
    if not isinstance(details, list):
        raise NotUnderstood("linkDetail of the upstream's event is not a list")
    return tuple(
        Link(str(detail.get("detail") or detail["url"]), str(detail["url"]))
        for detail in details
        if isinstance(detail, dict) and detail.get("url")
    )
