"""POST /v1/chat/completions with `stream`, through the official library and by byte."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from hailuo.gateway.retry import POLICY
from tests.conftest import BOTH, SECRET, Caller, text_of
from tests.served import Served
from tests.simulated import Simulated

LINK = {"detail": "Eins", "url": "https://example.com/1"}


def events(body: bytes) -> list[Any]:
    """The JSON of each event, and the mark at the end as it is."""
    blocks = body.decode().removesuffix("\n\n").split("\n\n")
    said = [block.removeprefix("data: ") for block in blocks]
    return [each if each == "[DONE]" else json.loads(each) for each in said]


@BOTH
def test_stream_chunks_match_the_specification(upstream: Simulated, account: Caller):
    upstream.script({"call": account.call, "pieces": ["Hello"]})

    *chunks, done = events(account.send().content)

    assert done == "[DONE]"
    choices = [chunk.pop("choices") for chunk in chunks]
    assert choices == [
        [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]
        for delta, reason in (
            ({"role": "assistant", "content": ""}, None),
            ({"content": "Hello"}, None),
            ({}, "stop"),
        )
    ]
    first = chunks[0]
    assert set(first) == {"id", "object", "created", "model"}, "no usage unasked"
    assert first["object"] == "chat.completion.chunk" and first["id"]
    assert all(chunk == first for chunk in chunks)


def test_stream_id_is_the_conversation_id(upstream: Simulated, account: Caller):
    upstream.script({"call": "chat", "text": "Hello"})
    first = events(account.send().content)[0]
    assert first["id"] == upstream.report()["answers"][0]["chat_id"]


def test_stream_usage_comes_last_when_requested(upstream: Simulated, account: Caller):
    upstream.script({"call": "chat", "text": "Hello"})

    with account.stream(stream_options={"include_usage": True}) as stream:
        *others, last = list(stream)

    assert last.choices == []
    assert last.usage.total_tokens == 2
    assert all("usage" in each.model_fields_set for each in others)
    assert all(each.usage is None for each in others)
    assert others[-1].choices[0].finish_reason == "stop"


def test_stream_citations_come_in_a_late_chunk(upstream: Simulated, account: Caller):
    upstream.script({"call": "chat", "text": "海螺", "links": [LINK], "links_at": 1})

    with account.stream() as stream:
        deltas = [chunk.choices[0].delta for chunk in stream]

    (cited,) = [each.annotations for each in deltas if hasattr(each, "annotations")]
    assert cited == [
        {
            "type": "url_citation",
            "url_citation": {
                "start_index": 0,
                "end_index": 2,
                "url": "https://example.com/1",
                "title": "Eins",
            },
        }
    ]


@BOTH
def test_stream_headers_forbid_buffering_and_caching(
    upstream: Simulated, account: Caller
):
    upstream.script({"call": account.call, "text": "Hello"})

    headers = account.send().headers

    assert headers["Content-Type"].startswith("text/event-stream")
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["Cache-Control"] == "no-cache, no-store"
    assert "Content-Length" not in headers


@BOTH
def test_stream_is_valid_for_strict_sse_parsers(upstream: Simulated, account: Caller):
    """One `data: ` line an event, LF, one JSON (client-apis.md 2.1)."""
    text = "a\r\nb\u2028c\x85 data: x\n\n: no"
    upstream.script({"call": account.call, "text": text, "piece": 3})

    body = account.send().content

    assert b"\r" not in body and body.endswith(b"\n\ndata: [DONE]\n\n")
    blocks = body.split(b"\n\n")[:-1]
    assert all(
        block.startswith(b"data: ") and b"\n" not in block.rstrip() for block in blocks
    )
    deltas = [chunk["choices"][0]["delta"] for chunk in events(body)[:-1]]
    assert "".join(delta.get("content", "") for delta in deltas) == text


@BOTH
def test_stream_sends_each_piece_as_it_arrives(upstream: Simulated, account: Caller):
    """The second piece is held upstream until the first has been read here."""
    then = [{"after": n, "do": "hold"} for n in (1, 2)]
    upstream.script(
        {"call": account.call, "pieces": ["one", "two", "three"], "then": then}
    )

    with account.stream() as stream:
        texts = (text for chunk in stream if (text := text_of(chunk)))
        for expected in ("one", "two"):
            assert next(texts) == expected
            upstream.wait("held", exactly=1)
            upstream.release()
        assert list(texts) == ["three"]


def test_error_behind_send_result_is_a_status(upstream: Simulated, account: Caller):
    """The status waits for the first text: an error behind send_result is a status."""
    error = {"after": 0, "do": "error", "message": "忙"}
    upstream.script({"call": "chat", "then": [error], "times": POLICY.attempts})
    assert account.send().status_code == 503


def test_streamed_and_whole_answers_have_the_same_text(
    upstream: Simulated, account: Caller
):
    half = ["A", "A\ufffd", "A海", "A海\ud83d", "A海🐚", "A海🐚 ", "A海🐚 z"]
    upstream.script({"call": "chat", "contents": half, "times": 2})
    assert "".join(account.pieces()) == account.ask() == "A海🐚 z"


WIRES: dict[str, dict[str, Any]] = {
    "in bytes": {"cuts": {"every": 1, "pause_s": 0}},
    "in bytes of the framing": {"cuts": {"every": 1, "of": "wire", "pause_s": 0}},
    "in sevens apart": {"cuts": {"every": 101, "of": "wire"}},
    "until the connection ends": {"framing": "close"},
    "with CRLF": {"newline": "\r\n"},
    "with CR": {"newline": "\r"},
    "over several data lines": {"data_lines": True},
}
WEB_WIRES: dict[str, dict[str, Any]] = {
    "with CR and no type 8": {"newline": "\r", "type8": False},
    "without names of events": {"event_lines": False},
    "without send_result": {"send_result": False},
    "without type 8": {"type8": False},
    "without isEnd 0": {"is_end": False},
    "with isEnd 0 apart": {"end_apart": True},
    "with heartbeats": {
        "then": [
            {"after": n, "do": "heartbeat", "statusInfo": {"code": 5}}
            for n in (0, 1, "last")
        ]
    },
}


PLATFORM_WIRES: dict[str, dict[str, Any]] = {
    "without [DONE]": {"done": False},
    "with the whole message beside": {"whole": True},
}
WAYS = [("web", each) for each in (WIRES | WEB_WIRES).items()]
WAYS += [("platform", each) for each in (WIRES | PLATFORM_WIRES).items()]


@pytest.mark.parametrize(
    ("kind", "wire"),
    [(kind, wire) for kind, (_, wire) in WAYS],
    ids=[f"{kind} {name}" for kind, (name, _) in WAYS],
)
def test_answer_is_read_in_every_wire_format(
    upstream: Simulated, account: Caller, wire: dict[str, Any]
):
    text = "Snails 蜗牛 🐌"
    upstream.script({"call": account.call, "text": text, "times": 2, **wire})
    assert "".join(account.pieces()) == text
    assert account.ask() == text


def test_stream_lines_never_exceed_64_kib(upstream: Simulated, account: Caller):
    """One-api reads no longer ones; control characters take six bytes each."""
    text = "\x01" * 20_000 + "蜗" * 50_000
    link = {"detail": "蜗" * 500, "url": "https://example.com/" + "x" * 2_000}
    upstream.script(
        {"call": "chat", "pieces": [text], "links": [link] * 40, "links_at": 1}
    )

    body = account.send().content

    assert max(map(len, body.split(b"\n"))) < 65_536
    deltas = [chunk["choices"][0]["delta"] for chunk in events(body)[:-1]]
    assert "".join(delta.get("content", "") for delta in deltas) == text
    assert sum(len(delta.get("annotations", ())) for delta in deltas) == 40


@BOTH
def test_stop_sequence_ends_the_stream_and_closes_upstream(
    upstream: Simulated, account: Caller
):
    upstream.script(
        {
            "call": account.call,
            "pieces": ["One, tw", "o, thr", "ee, four"],
            "then": [{"after": 2, "do": "silence"}],
        }
    )

    began = time.monotonic()
    with account.stream(stop=["two", "nothing"]) as stream:
        chunks = list(stream)

    assert time.monotonic() - began < 30
    assert "".join(map(text_of, chunks)) == "One, "
    assert chunks[-1].choices[0].finish_reason == "stop"
    upstream.wait("open_answers", exactly=0)
    assert upstream.report()["answers"][0]["how"] == "client left"


@BOTH
def test_incomplete_stop_sequence_is_sent_as_text(upstream: Simulated, account: Caller):
    upstream.script(
        {"call": account.call, "pieces": ["a", "END", "E", "!"], "times": 2}
    )
    assert account.ask(stop="ENDED") == "aENDE!"
    assert "".join(account.pieces(stop=["ENDED", ""])) == "aENDE!"


@BOTH
def test_upstream_connections_are_reused(upstream: Simulated, account: Caller):
    upstream.script({"call": account.call, "text": "Hello", "times": None})
    account.ask()
    upstream.wait("conversations", exactly=0)
    before = upstream.report()["connections"]["total"]

    for _ in range(4):
        account.ask()
        account.pieces()
        upstream.wait("conversations", exactly=0)

    # One may be busy removing a conversation while the next answer begins.
    assert upstream.report()["connections"]["total"] - before <= 1


@BOTH
def test_streams_are_chunked_so_that_connections_are_reused(
    upstream: Simulated, account: Caller, gateway: Served
):
    """Streams are chunked: the caller's connection lives on."""
    upstream.script({"call": account.call, "text": "Hello", "times": 2})
    for _ in range(2):
        assert account.send().headers["Transfer-Encoding"] == "chunked"


def test_two_clients_of_one_account_take_turns(
    upstream: Simulated, caller: Callable[..., Caller]
):
    """The lock is the account's, whichever of its tokens a caller brings."""
    one, other = caller(), caller()
    other.tokens = [upstream.token(one.users[0])]
    upstream.script(
        {"call": "chat", "pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}]},
        {"call": "chat", "text": "second"},
    )

    with one.stream() as first:
        texts = (text for chunk in first if (text := text_of(chunk)))
        assert next(texts) == "a"
        with pytest.raises(Exception, match="timed out"):
            other.client.with_options(timeout=0.3).chat.completions.create(
                model="hailuo", messages=[{"role": "user", "content": SECRET}]
            )
        upstream.release()
        assert list(texts) == ["b"]

    assert other.ask() == "second"
    assert upstream.report()["most_open_by_account"] == {one.users[0]: 1}
