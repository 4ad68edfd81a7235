"""Parse a streamed answer of the web service (protocol.md 4).

    parser = AnswerParser()
    parser.feed(received)
    piece = parser.take()         # what is new since the last call

Each content repeats all of the answer so far. If one does not, that is an
UpstreamProtocolError, since text that was streamed cannot be taken back. In an answer
that is read as a whole, the last content is the answer; it must be a revision of the
earlier ones, not the next part of a stream that turns out to be incremental.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import orjson

from ...concurrency.fairness import TimeSlice
from ...concurrency.watch import HEARTBEAT
from ...errors import EmptyAnswer, UpstreamError, UpstreamProtocolError
from ...net import sse, untrusted_json
from ...net.stream import Stream
from ...net.untrusted_json import mapping
from .. import Link, Piece
from .client import raise_for_status_info
from .protocol import END_TYPE, HEARTBEAT_TYPE, LAST_IS_END

CHAT_ID_WAIT_S = 0.75  # for the id of a conversation; its account is held meanwhile
MAX_EVENTS = 100  # parsed before the clock is read, in some 2 ms
HALF = "\ufffd"  # half of a character, which a later event completes
MIN_PROOF_CHARACTERS = 24  # this much text repeated by the next content is no accident

_CONTENT = b'"content":"'
_AFTER_CONTENT = b'","isEnd":'  # a quote in the content itself would be escaped


class AnswerParser:
    """Parser of one answer's events.

    chat_id: the conversation's id, "" until it is known.
    message_id: the answer's own id, "" until it is known.
    ended: whether the answer is complete.

    streamed: whether each piece is passed on as it arrives. If not, the first piece
        only marks the beginning of the answer, and the last one has all of its text.
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
        self._taken = 0  # characters of the content that were returned by take()
        self._links: tuple[Link, ...] = ()
        # The newest event, before and after the end of its content; b"" if the next one
        # is to be parsed whole.
        self._before, self._after = b"", b""
        self._events = sse.Parser()

    def feed(self, received: bytes) -> None:
        """Parse bytes, which may be cut anywhere. raises: as read().

        Each event repeats the whole answer so far, so only the newest of several events
        is parsed. Parsing all of them costs half as much CPU again for an answer of
        2,000 pieces in one burst (1.8 instead of 1.2 times the bare relay's).
        """
        events = self._events.feed(received)
        if len(events) == 1:
            self.read(events[0])
            return
        skipped, time_slice = b"", TimeSlice()
        for number, (event, newer) in enumerate(pairwise((*events, b"")), 1):
            if number % MAX_EVENTS == 0:
                time_slice.yield_if_over()
            if newer and is_superseded(event, newer):
                skipped = event
                continue
            if skipped and not (self._streamed or self._proven):
                self.read(skipped)  # the proof must not depend on how bytes are cut
            try:
                self.read(event)
            except UpstreamProtocolError:
                if skipped:
                    self.read(skipped)  # its text precedes the failure
                raise
            skipped = b""

    def read(self, event: bytes) -> None:
        """Parse the data of one event; ignore it if the answer is complete.

        raises: TokenRejected or UpstreamBusy for a statusInfo with such a code;
            UpstreamProtocolError; EmptyAnswer for an end without any text.
        """
        if self.ended or self._read_continuation(event):
            return
        self._before = b""
        fields = untrusted_json.parse_object(event)
        if fields.get("type") == HEARTBEAT_TYPE:
            return  # its statusInfo has no meaning
        if status := mapping(fields, "statusInfo"):
            raise_for_status_info(status)
        data = mapping(fields, "data")
        message = mapping(data, "messageResult")
        result = message or mapping(data, "sendResult")
        self.chat_id = self.chat_id or untrusted_json.identifier(result, "chatID")
        self.message_id = untrusted_json.identifier(message, "msgID") or self.message_id
        content = untrusted_json.text(message, "content")
        self._read_content(content)
        self._links = _links(message) or self._links
        if fields.get("type") == END_TYPE or message.get("isEnd") == LAST_IS_END:
            self._end()
        else:
            self._expect_continuation(event, content)

    def end(self) -> None:
        """Raise UpstreamProtocolError: the stream ended before the answer."""
        raise UpstreamProtocolError("the upstream's answer stopped before its end")

    def take(self) -> Piece | None:
        """Return what is new since the last call; None for nothing."""
        if self.ended:
            text = self._content[self._taken :]
            self._taken = len(self._content)
            return Piece(text, links=self._links, finish="stop", id=self.chat_id)
        end = self._sound_end()
        if end <= self._taken:
            return None
        if not self._streamed:
            is_first, self._begun = not self._begun, True
            return Piece(id=self.chat_id) if is_first else None
        text = self._content[self._taken : end]
        self._taken = end
        return Piece(text, id=self.chat_id)

    def _read_continuation(self, event: bytes) -> bool:
        """Read an event that adds to the content of the one before, and nothing else.

        Return whether it is one. Only the added text is parsed, so that a piece of a
        long answer costs hardly more than one of a short answer.
        """
        start, end = len(self._before), len(event) - len(self._after)
        if not (
            self._before
            and start <= end
            and event.startswith(self._before)
            and event.endswith(self._after)
        ):
            return False
        added = _unquoted(event[start:end])
        if added is None:
            return False
        self._before = event[:end]
        self._accept(self._content + added)
        return True

    def _expect_continuation(self, event: bytes, content: str) -> None:
        """Keep the event around its content, if it has one, and all was accepted."""
        if not content or event.count(_CONTENT) != 1:
            return
        before, _, after = event.rpartition(_AFTER_CONTENT)
        quoted = before.rpartition(_CONTENT)[2]
        if content == self._latest == self._content == _unquoted(quoted):
            self._before, self._after = before, _AFTER_CONTENT + after

    def _accept(self, content: str) -> None:
        """Accept a content that continues the previous one."""
        self._proven = self._proven or len(self._content) >= MIN_PROOF_CHARACTERS
        self._content = self._latest = content

    def _sound_end(self) -> int:
        """Return the length of the content up to the first half of a character."""
        half = self._content.find(HALF, self._taken)
        return half if half >= 0 else len(self._content)

    def _read_content(self, content: str) -> None:
        """Accept a content that repeats the previous one and continues it.

        A content that is merely shorter is ignored, since a longer one may follow.
        """
        if not content:
            return
        self._latest = content
        if content.startswith(self._content) or content.startswith(
            self._content[: self._sound_end()]
        ):  # not compared by length: two halves may become one character
            self._accept(content)
        elif not self._content.startswith(content.partition(HALF)[0]):
            self._revise(content)

    def _revise(self, content: str) -> None:
        """Accept a content that contradicts the previous one, if none was streamed.

        raises: UpstreamProtocolError.
        """
        first_half = self._content[: (len(self._content) + 1) // 2]
        if self._streamed or not (self._proven or content.startswith(first_half)):
            raise UpstreamProtocolError(
                "the upstream's answer contradicts the text sent before"
            )
        self._content = content

    def _end(self) -> None:
        """Complete the answer.

        raises: EmptyAnswer if it has no text; UpstreamProtocolError if more than blanks
            was streamed beyond the final text.
        """
        if not self._content:
            raise EmptyAnswer("the upstream returned an empty answer")
        if not self._streamed:
            self._content = self._latest
        elif not self._latest.startswith(self._content[: self._sound_end()].rstrip()):
            raise UpstreamProtocolError(
                "the upstream's final answer is shorter than the text sent before"
            )
        self.ended = True


def _unquoted(quoted: bytes) -> str | None:
    """Return the text of a JSON string without its quotes; None if it is not valid."""
    try:
        text: str = orjson.loads(b'"%b"' % quoted)
    except orjson.JSONDecodeError:
        return None
    return text


def is_superseded(event: bytes, newer: bytes) -> bool:
    """Return whether *newer* differs from *event* only by a longer content.

    It then has the same beginning, content included, and the same ending after the
    content. Links, an error or the end of the answer would be a difference.
    """
    content_end = event.rfind(_AFTER_CONTENT)
    if content_end < 0:
        return False
    same_ending = newer.endswith(event[content_end:])
    return same_ending and newer.startswith(event[:content_end])


def _links(result: Mapping[str, Any]) -> tuple[Link, ...]:
    """Return the web pages that were read.

    source: protocol.md 4, extra.netSearchStatus.linkDetail.
    """
    extra = mapping(result, "extra")
    if not extra:
        return ()
    status = mapping(extra, "netSearchStatus")
    details = status.get("linkDetail") or []
    if not isinstance(details, list):
        raise UpstreamProtocolError("the upstream's linkDetail is not a list")
    links = [_link(detail) for detail in details if isinstance(detail, dict)]
    return tuple(link for link in links if link.url)


def _link(detail: Mapping[str, Any]) -> Link:
    """Return a web page; its url is "" if that is not text."""
    url = detail.get("url")
    if not isinstance(url, str):
        url = ""
    return Link(untrusted_json.message(detail.get("detail")) or url, url)


def read_chat_id(stream: Stream, parser: AnswerParser) -> None:
    """Read on to the conversation's id after the client disconnected, to delete it.

    The service has received the question, so the conversation exists even if the client
    disconnected before the answer's headers. The id arrives at once, unless the service
    is slow.
    """
    if parser.chat_id:
        return
    for received in stream.remaining(CHAT_ID_WAIT_S):
        if received is HEARTBEAT:
            continue
        try:
            parser.feed(received)
        except UpstreamError:
            return
        if parser.chat_id:
            return
