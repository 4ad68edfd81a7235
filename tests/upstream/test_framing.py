"""Bodies out of their framing, however the bytes are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.net.framing import MAX_STEPS, Chunked, Head, HeadTooLarge, Sized
from tests.upstream.service import END, chunk


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.lists(st.binary(min_size=1, max_size=40)), st.lists(st.integers(0, 999)))
def test_chunked_body_is_read_however_cut(chunks: list[bytes], places: list[int]):
    body = Chunked()
    parts = cut(b"".join(map(chunk, chunks)) + END, places)
    assert b"".join(map(body.feed, parts)) == b"".join(chunks)
    assert body.ended and body.whole


def test_partial_chunk_is_given_at_once():
    body = Chunked()
    assert body.feed(b"5\r\nab") == b"ab"
    assert body.feed(b"cde\r") == b"cde"
    assert body.whole and not body.ended


@pytest.mark.parametrize(
    "head",
    [b"A\r\n", b"a\r\n", b"0000a\r\n", b"a;name=value\r\n", b'a ; x="\r"\r\n'],
    ids=repr,
)
def test_chunk_size_is_read_in_every_form(head: bytes):
    body = Chunked()
    assert body.feed(head + b"0123456789\r\n" + END) == b"0123456789"
    assert body.ended and body.whole


def test_chunked_trailers_are_skipped():
    body = Chunked()
    for byte in chunk(b"a") + b"0\r\nExpires: never\r\nX: y\r\n":
        body.feed(bytes([byte]))
    assert body.whole and not body.ended
    body.feed(b"\r\n")
    assert body.whole and body.ended


@pytest.mark.parametrize(
    "wrong",
    [
        b"nonsense\r\n",
        b"-1\r\n",
        b"0x5\r\n",
        b"\r\n",
        b"1" * 16 + b"\r\n",
        b"5\n01234\n",
        b"5\r\n01234567",
        b"5;" + b"x" * 20_000,
        b"0\r\n" + b"Trailer: x\r\n" * 7_000,
    ],
    ids=lambda wrong: repr(wrong[:20]),
)
def test_invalid_chunk_ends_the_body_unfinished(wrong: bytes):
    """The data before it is given all the same."""
    body = Chunked()
    assert body.feed(chunk(b"before") + wrong).startswith(b"before")
    assert not body.whole and not body.ended


def test_sized_body_ends_at_its_size():
    body = Sized(5)
    assert body.feed(b"abc") == b"abc" and not body.ended
    assert body.feed(b"de") == b"de" and body.ended and body.whole


@pytest.mark.parametrize(
    ("body", "data"),
    [(Sized(3), b"abc"), (Chunked(), chunk(b"abc") + END)],
    ids=["of a size", "in chunks"],
)
def test_bytes_behind_a_body_are_noticed(body: Sized | Chunked, data: bytes):
    assert body.feed(data + b"HTTP/1.1") == b"abc"
    assert body.ended and not body.whole


def test_unsized_body_ends_with_its_connection():
    body = Sized(None)
    assert body.feed(b"abc") == b"abc"
    assert body.endless and not body.ended


def test_many_small_chunks_are_read_in_steps():
    """Each takes but a few milliseconds."""
    body = Chunked()
    data = [body.feed(b"1\r\na\r\n" * (3 * MAX_STEPS) + END)]
    assert len(data[0]) == MAX_STEPS and body.more and body.whole
    while body.more:
        data.append(body.feed(b""))
    assert b"".join(data) == b"a" * (3 * MAX_STEPS)
    assert body.ended and body.whole


HEAD = b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n"


@given(st.lists(st.integers(0, 999)), st.sampled_from([b"", b"HTTP/1.1 103 Wait\n\n"]))
def test_response_head_is_read_however_cut(places: list[int], interim: bytes):
    head = Head()
    for part in cut(interim + HEAD + b"body", places):
        if found := head.feed(part):
            break
    assert found and found[0] == HEAD and b"body".startswith(found[1])


def test_response_head_of_more_than_64_kb_is_refused():
    head = Head()
    assert head.feed(b"X: " + b"y" * 65_533) is None
    with pytest.raises(HeadTooLarge):
        head.feed(b"y")
    with pytest.raises(HeadTooLarge):
        Head().feed(b"HTTP/1.1 100 Continue\r\n\r\n" * 3_000 + HEAD)
