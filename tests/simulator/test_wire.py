"""Each fault that a test can ask for, as it looks on the wire."""

import base64
import json
import re
import socket
from typing import Any

import pytest

from tests.simulated import Simulated
from tests.simulator.browser import Answer, Browser, events

BUSY = "抱歉，服务器开小差了，请稍等一会儿再试。"
CLOSING = {"Connection": "close"}


class Scripted:
    """One browser whose next chat follows an instruction."""

    def __init__(self, simulated: Simulated, browser: Browser) -> None:
        self.simulated = simulated
        self.browser = browser

    def instruct(self, **keys: Any) -> None:
        self.simulated.script({"call": "chat", **keys})

    def chat(self, **keys: Any) -> Answer:
        self.instruct(**keys)
        return self.browser.chat()

    def raw(self, **keys: Any) -> bytes:
        """Everything on the wire, until the server closes or has answered."""
        self.instruct(**keys)
        return self.browser.raw(self.browser.chat_request("Hello", headers=CLOSING))

    def body(self, **keys: Any) -> bytes:
        return self.raw(**keys).partition(b"\r\n\r\n")[2]

    def how(self) -> str:
        """How the last answer ended."""
        self.simulated.wait("ended", at_least=1)
        return self.simulated.report()["answers"][-1]["how"]


@pytest.fixture
def scripted(simulated: Simulated, browser: Browser) -> Scripted:
    return Scripted(simulated, browser)


def unchunked(body: bytes) -> list[bytes]:
    """The chunks of a body that may break off."""
    chunks = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        chunks.append(rest[: int(size, 16)])
        body = rest[int(size, 16) + 2 :]
    return chunks


def types(answer: Answer) -> list[int]:
    return [event["type"] for event in answer.events]


def test_scripted_text_is_cut_into_pieces(scripted: Scripted):
    answer = scripted.chat(text="天气很好😀!", piece=2)
    assert answer.contents == ["天气", "天气很好", "天气很好😀!"]


def test_scripted_pieces_are_sent(scripted: Scripted):
    assert scripted.chat(pieces=["a", '"b\n', ""]).contents == ["a", 'a"b\n', 'a"b\n']


def test_scripted_contents_are_sent_unchanged(scripted: Scripted):
    contents = ["Hel", "He\ufffd", "Hello", "", "Hi"]
    assert scripted.chat(contents=contents).contents == contents


def test_lone_surrogates_are_escaped_on_the_wire(scripted: Scripted):
    body = scripted.body(contents=["a\ud83d", "a\ud83d\ude00"])
    assert rb'"content":"a\ud83d"' in body
    assert '"content":"a😀"'.encode() in body


def test_event_is_one_http_chunk(scripted: Scripted):
    chunks = unchunked(scripted.body(text="abcd", piece=2))
    assert len(chunks) == 5
    assert chunks[-1] == b""
    assert all(chunk.endswith(b"\n\n") for chunk in chunks[:-1])


def test_event_lines_name_the_events(scripted: Scripted):
    body = scripted.body(text="abcd", framing="close")
    assert re.findall(rb"event: (\w+)", body) == [b"send_result", b"message_result"]
    assert b"event:" not in scripted.body(text="abcd", event_lines=False)


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_scripted_line_ends_are_used(scripted: Scripted, newline: str):
    body = scripted.body(text="abcd", newline=newline, framing="close")
    assert events(body.replace(newline.encode(), b"\n"))[-1]["type"] == 8
    assert b"\n" not in body.replace(newline.encode(), b"")


def test_event_may_have_several_data_lines(scripted: Scripted):
    body = scripted.body(text="ab\ncd", piece=9, data_lines=True, framing="close")
    event = body.split(b"\n\n")[1].split(b"\n")[1:]
    assert len(event) > 5
    data = b"\n".join(line.removeprefix(b"data: ") for line in event)
    assert json.loads(data)["data"]["messageResult"]["content"] == "ab\ncd"


def test_scripted_body_ends_with_its_connection(scripted: Scripted):
    head, _, body = scripted.raw(text="abcd", framing="close").partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert b"Content-Length" not in head
    assert b"Connection: close" in head
    assert events(body)[-1]["type"] == 8


def test_scripted_links_come_with_every_event_or_one(scripted: Scripted):
    links = [{"detail": "Title", "url": "https://example.com"}]
    search = {"netSearchStatus": {"linkDetail": links}}

    def extras(answer: Answer) -> list[Any]:
        results = [event["data"].get("messageResult") for event in answer.events]
        return [result["extra"] for result in results if result]

    assert extras(scripted.chat(text="abcdefgh", links=links)) == [search, search]
    answer = scripted.chat(text="abcdefgh", links=links, links_at=1)
    assert extras(answer) == [search, {}]


def test_scripted_ends_of_an_answer(scripted: Scripted):
    def ends(**keys: Any) -> tuple[list[int], int | None]:
        answer = scripted.chat(text="abcdefgh", **keys)
        results = [event["data"].get("messageResult") for event in answer.events]
        flags = [result["isEnd"] for result in results if result]
        return flags, answer.events[-1]["type"]

    assert ends() == ([1, 0], 8)
    assert ends(is_end=False) == ([1, 1], 8)
    assert ends(end_apart=True) == ([1, 1, 0], 8)
    assert ends(type8=False) == ([1, 0], 2)


def test_scripted_answer_without_content(scripted: Scripted):
    assert types(scripted.chat(text="")) == [1, 8]
    assert types(scripted.chat(text="", send_result=False)) == [8]


def test_scripted_heartbeats_are_sent(scripted: Scripted):
    beat = {"after": 1, "do": "heartbeat"}
    odd = {"after": 1, "do": "heartbeat", "statusInfo": {"code": 7}}
    beats = scripted.chat(text="abcdefgh", then=[beat, odd]).events[2:4]
    assert [event["type"] for event in beats] == [3, 3]
    assert "statusInfo" not in beats[0]
    assert beats[1]["statusInfo"] == {"code": 7}


def test_scripted_error_event_in_mid_stream(scripted: Scripted):
    error = {"after": 1, "do": "error", "code": 42, "message": "no"}
    answer = scripted.chat(text="abcdefgh", then=[error, {"after": 1, "do": "end"}])
    assert types(answer)[:2] == [1, 2]
    status = answer.events[-1]["statusInfo"]
    assert (status["code"], status["message"]) == (42, "no")
    assert scripted.how() == "cut"


def test_scripted_error_event_defaults_to_busy(scripted: Scripted):
    answer = scripted.chat(text="abcd", then=[{"after": 0, "do": "error"}])
    assert answer.events[1]["statusInfo"]["message"] == BUSY


def test_scripted_garbage_events_and_bytes_are_sent(scripted: Scripted):
    then = [
        {"after": 0, "do": "garbage"},
        {"after": 0, "do": "garbage", "data": "<html>"},
        {"after": "last", "do": "event", "data": {"x": "é"}, "name": "odd"},
        {"after": "all", "do": "bytes", "base64": "/w=="},
        {"after": "all", "do": "bytes", "text": ": end\n\n"},
    ]
    chunks = unchunked(scripted.body(text="abcd", then=then))
    assert chunks[1] == b'data: {"type":2,"statusInfo":{"co\n\n'
    assert chunks[2] == b"data: <html>\n\n"
    assert chunks[4] == 'event: odd\ndata: {"x":"é"}\n\n'.encode()
    assert chunks[6:8] == [b"\xff", b": end\n\n"]


def test_scripted_early_end_is_clean(scripted: Scripted):
    body = scripted.body(text="abcdefgh", then=[{"after": 1, "do": "end"}])
    assert body.endswith(b"0\r\n\r\n")
    assert len(unchunked(body)) == 3


def test_scripted_close_ends_the_connection(scripted: Scripted):
    body = scripted.body(text="abcdefgh", then=[{"after": 1, "do": "close"}])
    assert len(unchunked(body)) == 2
    assert scripted.how() == "cut"


def test_scripted_close_inside_a_chunk(scripted: Scripted):
    cut = {"after": 1, "do": "close", "inside": "chunk"}
    body = scripted.body(text="abcdefgh", then=[cut])
    rest, _, last = body.rpartition(b"\r\n")
    size = rest.rpartition(b"\r\n")[2]
    assert last.startswith(b"event: message_result\ndata: {")
    assert not last.endswith(b"\n")
    assert int(size, 16) > len(last)


@pytest.mark.parametrize("inside", [None, "chunk"])
def test_scripted_reset_resets_the_connection(scripted: Scripted, inside: str | None):
    reset = {"after": 1, "do": "reset", "inside": inside}
    with pytest.raises(ConnectionResetError):
        scripted.raw(text="abcdefgh", then=[reset])
    assert scripted.simulated.report()["answers"][-1]["events"] == 1


def test_bytes_before_a_scripted_reset_can_be_read(scripted: Scripted):
    scripted.instruct(text="abcdefgh", then=[{"after": 1, "do": "reset"}])
    with scripted.browser.connect(scripted.browser.chat_request("Hello")) as connection:
        received = b""
        with pytest.raises(ConnectionResetError):
            while data := connection.recv(65_536):
                received += data
    assert len(events(received)) == 2


@pytest.mark.parametrize(
    ("cuts", "expected"),
    [
        ({"at": [1, 4]}, [b"a", b"bcd", b"efgh"]),
        ({"every": 3}, [b"abc", b"def", b"gh"]),
        ({"every": 4, "at": [1]}, [b"a", b"bcd", b"efgh"]),
    ],
)
def test_scripted_body_cuts_are_made(
    scripted: Scripted, cuts: dict[str, Any], expected: list[bytes]
):
    recording = {"text": "abcdefgh"}
    chunks = unchunked(scripted.body(recording=recording, cuts=cuts))
    assert chunks == [*expected, b""]


def test_scripted_wire_cuts_are_made(scripted: Scripted):
    cuts = {"at": [1, 5], "of": "wire", "pause_s": 0.02}
    scripted.instruct(recording={"text": "abcdefgh"}, cuts=cuts)
    with scripted.browser.connect(
        scripted.browser.chat_request("Hello", headers=CLOSING)
    ) as connection:
        reads = list(iter(lambda: connection.recv(65_536), b""))
    assert b"".join(reads).endswith(b"\r\n\r\n8\r\nabcdefgh\r\n0\r\n\r\n")
    assert b"\r\nab" in reads


def test_recording_is_played_byte_for_byte(scripted: Scripted):
    recorded = (
        b'data: {"data":{"messageResult":{"chatID":"123456789012345678"}}}\xff\n\n'
    )
    recording = {"base64": base64.b64encode(recorded).decode()}
    assert scripted.body(recording=recording, framing="close") == recorded
    assert scripted.simulated.report()["conversations"] == {
        "1001": ["123456789012345678"]
    }


@pytest.mark.parametrize(
    ("http", "kind", "body"),
    [
        ({"status": 500}, "text/html", b""),
        ({"status": 429, "body": {"a": 1}}, "application/json", b'{"a": 1}'),
        ({"status": 200, "body": "<html>"}, "text/html", b"<html>"),
        ({"body": "x", "content_type": "text/event-stream"}, "text/event-stream", b"x"),
    ],
    ids=["500", "429", "HTML page", "other stream"],
)
def test_scripted_http_answer_is_sent(
    scripted: Scripted, http: dict[str, Any], kind: str, body: bytes
):
    answer = scripted.chat(http={**http, "headers": {"Retry-After": "3"}})
    assert answer.status == http.get("status", 200)
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["Retry-After"] == "3"
    assert answer.body == body
    assert scripted.how() == "refused"


def test_scripted_refusal_in_an_envelope(scripted: Scripted):
    answer = scripted.chat(refuse={"code": 1000021, "message": "no", "status": 401})
    assert (answer.status, answer.code) == (401, 1000021)
    assert answer.json["statusInfo"]["message"] == "no"
    assert scripted.how() == "refused"


def test_scripted_refusal_as_an_event(scripted: Scripted):
    answer = scripted.chat(refuse={"code": 5, "as": "event"})
    assert answer.headers["Content-Type"] == "text/event-stream"
    (event,) = answer.events
    assert (event["statusInfo"]["code"], event["statusInfo"]["message"]) == (5, BUSY)


def test_scripted_drop_before_any_answer(scripted: Scripted):
    assert scripted.raw(drop="close") == b""
    with pytest.raises(ConnectionResetError):
        scripted.raw(drop="reset")
    assert scripted.how() == "cut"


def test_scripted_close_after_the_answer(scripted: Scripted):
    scripted.instruct(text="abcd", close=True)
    raw = scripted.browser.raw(scripted.browser.chat_request("Hello"))
    assert b"Connection: close" not in raw
    assert raw.endswith(b"0\r\n\r\n")


def test_simulator_keeps_connections_alive(scripted: Scripted):
    browser = scripted.browser
    scripted.instruct(times=2, text="abcd")
    request = browser.chat_request("Hello")
    with browser.connect(request + request) as connection:
        received = b""
        while received.count(b"0\r\n\r\n") < 2:
            received += connection.recv(65_536)
    assert len(events(received)) == 6


def test_scripted_delays_follow_a_schedule(scripted: Scripted):
    scripted.chat(text="abcdefgh", piece=1, delay_s=0.01, first_delay_s=0.01)
    (answer,) = scripted.simulated.report()["answers"]
    assert 0.08 <= answer["ended"] - answer["started"] < 8


def test_held_answer_waits_for_release(scripted: Scripted):
    scripted.instruct(text="abcdefgh", then=[{"after": 1, "do": "hold"}])
    with scripted.browser.connect(scripted.browser.chat_request("Hello")) as connection:
        scripted.simulated.wait("held", exactly=1)
        assert len(events(connection.recv(65_536))) == 2
        assert scripted.simulated.release() == 1
        scripted.simulated.wait("ended", exactly=1)
        assert len(events(connection.recv(65_536))) == 2
    assert scripted.how() == "done"


def test_held_headers_wait_for_release(scripted: Scripted):
    scripted.instruct(text="abcd", hold_headers=True)
    with scripted.browser.connect(scripted.browser.chat_request("Hello")) as connection:
        scripted.simulated.wait("held", exactly=1)
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
        scripted.simulated.release()
        scripted.simulated.wait("ended", exactly=1)


@pytest.mark.parametrize("step", ["silence", "hold"])
def test_simulator_notices_a_disconnect_at_once(scripted: Scripted, step: str):
    scripted.instruct(text="abcdefgh", then=[{"after": "last", "do": step}])
    with scripted.browser.connect(scripted.browser.chat_request("Hello")) as connection:
        while b'"isEnd":0' not in connection.recv(65_536):
            pass
        assert scripted.simulated.report()["open_answers"] == 1
    scripted.simulated.wait("open_answers", exactly=0, timeout_s=1)
    (answer,) = scripted.simulated.report()["answers"]
    assert answer["how"] == "client left"
    assert answer["left_at"] == answer["ended"]
    assert scripted.chat(text="abcd").contents[-1] == "abcd"


def test_simulator_counts_a_half_closed_connection_as_a_disconnect(scripted: Scripted):
    scripted.instruct(text="abcd", then=[{"after": 0, "do": "silence"}])
    with scripted.browser.connect(scripted.browser.chat_request("Hello")) as connection:
        scripted.simulated.wait("open_answers", exactly=1)
        connection.shutdown(socket.SHUT_WR)
        scripted.simulated.wait("open_answers", exactly=0)
    assert scripted.how() == "client left"


def test_simulated_account_is_free_when_its_last_client_closes(scripted: Scripted):
    for _ in range(5):
        scripted.instruct(text="abcd", then=[{"after": 0, "do": "silence"}])
        chat = scripted.browser.chat_request("Hello")
        with scripted.browser.connect(chat) as connection:
            connection.recv(65_536)
        assert scripted.chat(text="abcd").contents
    assert scripted.simulated.report()["violations"] == []
