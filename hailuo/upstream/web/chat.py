"""An answer of the web service: from its events to pieces (protocol.md 4).

    transcript = Transcript()
    transcript.feed(bytes_that_arrived)
    piece = transcript.take()         # what is new since the last time

Pure: bytes in, pieces out, so a recording is as good as the service.

Each content repeats all of the answer so far. Where one does not, what was streamed
cannot be taken back: that is UpstreamProtocolError. In an answer that is read as a whole the
last content is the answer, if it is a new version of what was said rather than the next
part of a stream that turns out to be incremental.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from ...concurrency.fairness import fairly
from ...concurrency.watch import HEARTBEAT
from ...errors import EmptyAnswer, UpstreamError, UpstreamProtocolError
from ...net import sse, untrusted_json
from ...net.stream import Stream
from ...net.untrusted_json import mapping
from .. import Link, Piece
from .client import raise_for_status_info
from .protocol import END_TYPE, HEARTBEAT_TYPE, IS_LAST

HALF = "\ufffd"  # a character cut in half, which a later event completes
PROOF_CHARACTERS = 24  # repeated at the start of a content, they are no chance

_BEHIND_CONTENT = b'","isEnd":'  # a quote in the content itself would be escaped


class AnswerParser:
    """What the service has said so far.

    chat_id: the conversation's id, "" until it is known.
    message_id: the answer's own id within it, "" until it is known.
    ended: whether the answer is over.
    streamed: whether each piece is passed on as it comes. Else the first piece only
        says that the answer has begun, and the last one has all of it.
    """

    def __init__(self, *, streamed: bool = True) -> None:
        self.chat_id = ""
        self.message_id = ""
        self.ended = False
        self._streamed = streamed
        self._content = ""  # the longest so far
        self._latest = ""  # the content of the newest event that has any
        self._proven = False  # whether contents are known to be cumulative
        self._begun = False
        self._given = 0  # characters of the content that have been taken
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
            if passed and not (self._streamed or self._proven):
                self.read(passed)  # a continuation counts, however the bytes were cut
            try:
                self.read(event)
            except UpstreamProtocolError:
                if passed:
                    self.read(passed)  # what it brings comes before the failure
                raise
            passed = b""

    def read(self, event: bytes) -> None:
        """Take in the data of one event; after the end, nothing counts any more.

        raises: TokenRejected or Refused for a statusInfo that says so, UpstreamProtocolError
            for what is not the protocol, EmptyAnswer for an end without a word.
        """
        if self.ended:
            return
        said = sse.event_json(event)
        if said.get("type") == HEARTBEAT_TYPE:
            return  # its statusInfo may be anything
        if status := mapping(said, "statusInfo"):
            raise_for_status_info(status)
        data = mapping(said, "data")
        message = mapping(data, "messageResult")
        result = message or mapping(data, "sendResult")
        self.chat_id = self.chat_id or untrusted_json.identifier(result, "chatID")
        self.message_id = untrusted_json.identifier(message, "msgID") or self.message_id
        self._read_content(untrusted_json.text(message, "content"))
        self._links = _links(message) or self._links
        if said.get("type") == END_TYPE or message.get("isEnd") == IS_LAST:
            self._end()

    def end(self) -> None:
        """raises: UpstreamProtocolError, since the end of the stream is not the answer's."""
        raise UpstreamProtocolError("the upstream's answer stopped before its end")

    def take(self) -> Piece | None:
        """What is new, None when nothing is."""
        if self.ended:
            text = self._content[self._given :]
            self._given = len(self._content)
            return Piece(text, links=self._links, finish="stop", id=self.chat_id)
        end = self._sound_end()
        if end <= self._given:
            return None
        if not self._streamed:
            begins, self._begun = not self._begun, True
            return Piece(id=self.chat_id) if begins else None
        text = self._content[self._given : end]
        self._given = end
        return Piece(text, id=self.chat_id)

    def _sound_end(self) -> int:
        """Where the content ends, or the first character cut in half begins."""
        half = self._content.find(HALF, self._given)
        return half if half >= 0 else len(self._content)

    def _read_content(self, content: str) -> None:
        """Take in a content, which repeats the one before and goes on.

        One that is only shorter brings nothing, and may be made up for.
        """
        if not content:
            return
        self._latest = content
        if content.startswith(self._content[: self._sound_end()]):
            # Two marks may become one character.
            self._proven = self._proven or len(self._content) >= PROOF_CHARACTERS
            self._content = content
        elif not self._content.startswith(content.partition(HALF)[0]):
            self._revise(content)

    def _revise(self, content: str) -> None:
        """Take a content that contradicts the one before, where that can be done.

        raises: UpstreamProtocolError.
        """
        half = self._content[: (len(self._content) + 1) // 2]
        if self._streamed or not (self._proven or content.startswith(half)):
            raise UpstreamProtocolError(
                "the upstream's content does not continue what it has said before"
            )
        self._content = content

    def _end(self) -> None:
        """The answer is over.

        raises: EmptyAnswer for an end without a word; UpstreamProtocolError when more was said
            than there is in the end, but for blanks.
        """
        if not self._content:
            raise EmptyAnswer("the upstream ended its answer without a word")
        if not self._streamed:
            self._content = self._latest
        elif not self._latest.startswith(self._content[: self._sound_end()].rstrip()):
            raise UpstreamProtocolError(
                "the upstream has taken back the end of its answer"
            )
        self.ended = True


def repeated(event: bytes, newer: bytes) -> bool:
    """Whether *newer* says all that *event* does, and but more of the content.

    So it is when they differ in nothing else: same beginning, content included, and
    same ending behind the content. Links, an error or the end would be a difference.
    """
    end = event.rfind(_BEHIND_CONTENT)
    if end < 0:
        return False
    return newer.endswith(event[end:]) and newer.startswith(event[:end])


def _links(result: Mapping[str, Any]) -> tuple[Link, ...]:
    """source: protocol.md 4, extra.netSearchStatus.linkDetail."""
    status = mapping(mapping(result, "extra"), "netSearchStatus")
    details = status.get("linkDetail") or []
    if not isinstance(details, list):
        raise UpstreamProtocolError("linkDetail of the upstream's event is not a list")
    found = [_link(detail) for detail in details if isinstance(detail, dict)]
    return tuple(link for link in found if link.url)


def _link(detail: Mapping[str, Any]) -> Link:
    """Return a page; one whose address is not text has none."""
    url = detail.get("url")
    if not isinstance(url, str):
        url = ""
    return Link(untrusted_json.message(detail.get("detail")) or url, url)


def read_chat_id(stream: Stream, parser: AnswerParser) -> None:
    """Read the id of a conversation whose client disconnected, to delete it.

    It exists even if the client left early. A moment is all this takes; a client that
    left while the headers were awaited left before the conversation began.
    """
    for received in () if parser.chat_id else stream.remaining():
        if received is HEARTBEAT:
            continue
        try:
            parser.feed(received)
        except UpstreamError:
            return
        if parser.chat_id:
            return
