"""A text/event-stream, cut anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.errors import UpstreamProtocolError
from hailuo.net.sse import MAX_EVENT, Event, Parser

# name: (bytes of a stream, data of its events)
STREAMS: dict[str, tuple[bytes, list[bytes]]] = {
    "one event": (b"data: a\n\n", [b"a"]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
    "CR": (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
    "line ends in any mixture": (b"data: a\r\n\ndata: b\n\rdata: c\r\r\n", [*b"abc"]),
    "several lines of data": (b"data: a\ndata\ndata:b\ndata:  c\n\n", [b"a\n\nb\n c"]),
    "no space": (b"data:a\n\n", [b"a"]),
    "other fields": (b"event: x\nid: 1\nretry: 5\nfoo\ndata: a\n\n", [b"a"]),
    "comments": (b": ping\n\n:data: no\ndata: a\n\n", [b"a"]),
    "empty lines": (b"\n\n\ndata: a\n\n\n\n", [b"a"]),
    "a mark at the start": (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
    "separators inside": (
        "data: \u2028\u2029\x85\x0b\x0c\x1c\n\n".encode(),
        ["\u2028\u2029\x85\x0b\x0c\x1c".encode()],
    ),
    "half an event at the end": (b"data: a\n\ndata: b\n", [b"a"]),
    "nothing": (b"", []),
}
STREAMS = {
    name: (data, [bytes([e]) if isinstance(e, int) else e for e in events])
    for name, (data, events) in STREAMS.items()
}


def fed(*parts: bytes) -> list[bytes]:
    return [event.data for event in parsed(*parts)]


def parsed(*parts: bytes) -> list[Event]:
    parser = Parser()
    return [event for part in parts for event in parser.events(part)]


@pytest.mark.parametrize(("data", "events"), STREAMS.values(), ids=STREAMS)
class TestStream:
    def test_stream_is_parsed_whole(self, data: bytes, events: list[bytes]):
        assert fed(data) == events

    def test_stream_is_parsed_byte_by_byte(self, data: bytes, events: list[bytes]):
        assert fed(*(bytes([byte]) for byte in data)) == events

    def test_stream_is_parsed_cut_at_every_position(
        self, data: bytes, events: list[bytes]
    ):
        for at in range(len(data) + 1):
            assert fed(data[:at], data[at:]) == events, at


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_event_is_given_with_its_last_byte(end: bytes):
    """Or, where LF may follow CR, not later than that."""
    parser = Parser()
    assert [parser.feed(bytes([byte])) for byte in b"data: a" + end[:-1]].count([]) >= 7
    assert parser.feed(end[-1:]) == [b"a"] or end == b"\r\n\r\n"


PARTS = [
    b"data: a",
    b"data",
    b":",
    b"\n",
    b"\r",
    b"\r\n",
    b"event: b\n",
    b"data: c\n\n",
]


@given(st.lists(st.sampled_from([*PARTS, b"event: b\ndata: c\n\n"])))
def test_event_stream_is_parsed_however_cut(parts: list[bytes]):
    """An event that arrives alone is parsed in another way than one that does not."""
    whole = b"".join(parts)
    assert parsed(*parts) == parsed(whole) == parsed(*(bytes([b]) for b in whole))


@pytest.mark.parametrize(
    "piece", [b"x" * 65_536, b"data: x\n" * 8_192], ids=["in a line", "in many"]
)
def test_event_of_more_than_8_mb_is_refused(piece: bytes):
    parser = Parser()
    assert parser.feed(b"data: a\n\ndata: ") == [b"a"]
    with pytest.raises(UpstreamProtocolError):
        for _ in range(MAX_EVENT // len(piece) + 1):
            assert parser.feed(piece) == []


def test_event_of_almost_8_mb_is_read():
    parser, text = Parser(), b"x" * (MAX_EVENT - 100)
    assert parser.feed(b"data: " + text + b"\n\ndata: b\n\n") == [text, b"b"]
