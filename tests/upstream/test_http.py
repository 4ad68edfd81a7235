"""HTTP client, on real sockets: every framing, every cut, every silence."""

import gzip
import queue
import select
import socket
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import requests

from hailuo.concurrency.watch import HEARTBEAT, Heartbeat, Watch
from hailuo.errors import (
    ClientDisconnected,
    Unreachable,
    UpstreamProtocolError,
    UpstreamTimeout,
)
from hailuo.net import batch
from hailuo.net.client import HttpClient
from hailuo.net.decompression import PIECE
from hailuo.net.transport_errors import map_transport_error
from hailuo.units import MB
from tests.upstream.service import (
    CHUNKED,
    END,
    UNTIL_CLOSE,
    Answer,
    Service,
    chunk,
    server_context,
    trusting,
)

HEADERS = {"Accept-Encoding": "gzip, deflate"}
WIRES = ("chunked", "until close", "content-length")


def framed(wire: str, *parts: bytes) -> bytes:
    if wire == "chunked":
        return CHUNKED + b"".join(map(chunk, parts)) + END
    body = b"".join(parts)
    if wire == "until close":
        return UNTIL_CLOSE + body
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@contextmanager
def answering(
    *parts: bytes, close: bool = False, watch: Watch | None = None, http: Any = None
) -> Iterator[Any]:
    """A stream of exactly these parts, written one after the other."""

    def answer(sock: socket.socket) -> None:
        for part in parts:
            sock.sendall(part)
        if close:
            sock.shutdown(socket.SHUT_RDWR)

    with (
        Service(answer) as service,
        (http or HttpClient()).stream(
            "GET", service.url, headers=HEADERS, watch=watch or Watch()
        ) as stream,
    ):
        yield stream


def read(stream: Iterable[bytes | Heartbeat]) -> bytes:
    return b"".join(part for part in stream if part is not HEARTBEAT)


class TestFraming:
    @pytest.mark.parametrize("wire", WIRES)
    def test_body_is_read_in_every_framing(self, wire: str):
        data = framed(wire, b"data: a\n\n", b"data: b\n\n")
        with answering(data, close=wire == "until close") as stream:
            assert read(stream) == b"data: a\n\ndata: b\n\n"

    @pytest.mark.parametrize("wire", WIRES)
    def test_body_is_read_however_cut(self, wire: str):
        """Headers that come with half of the body, chunks in halves, ends in thirds."""
        data = framed(wire, b"data: a\n\n", b"x" * 40)
        start = data.index(b"\r\n\r\n") - 3
        for at in range(start, len(data)):
            with answering(data[:at], data[at:], close=wire == "until close") as stream:
                assert read(stream) == b"data: a\n\n" + b"x" * 40, at

    @pytest.mark.parametrize("wire", WIRES)
    def test_body_larger_than_a_batch_is_read(self, wire: str):
        body = b"0123456789" * 200_000
        data = framed(wire, body[:1_500_000], body[1_500_000:])
        with answering(data, close=wire == "until close") as stream:
            assert read(stream) == body

    @pytest.mark.parametrize("status", [b"204 No Content", b"200 OK"])
    def test_empty_body_is_read(self, status: bytes):
        with answering(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % status) as stream:
            assert read(stream) == b""

    @pytest.mark.parametrize("encoding", ["gzip", "deflate"])
    def test_compressed_body_is_decompressed(self, encoding: str):
        pack = gzip.compress if encoding == "gzip" else zlib.compress
        packed = pack(b"data: a\n\n" * 100)
        head = CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: %b\r\n\r\n")
        head %= encoding.encode()
        with answering(
            head, chunk(packed[:10]), chunk(packed[10:20]), chunk(packed[20:]), END
        ) as stream:
            assert read(stream) == b"data: a\n\n" * 100

    def test_highly_compressed_body_is_read_completely(self):
        """More than a batch from a few bytes; none of it stays behind."""
        packed = gzip.compress(b"x" * 3_000_000)
        head = CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
        with answering(head + chunk(packed), END) as stream:
            assert read(stream) == b"x" * 3_000_000

    def test_compressed_pieces_are_given_one_by_one(self):
        packer = zlib.compressobj(wbits=31)
        pieces = [b"data: a\n\n", b"data: b\n\n"]
        packed = [
            packer.compress(each) + packer.flush(zlib.Z_SYNC_FLUSH) for each in pieces
        ]
        head = CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
        go = threading.Event()

        def answer(sock: socket.socket) -> None:
            sock.sendall(head + chunk(packed[0]))
            go.wait(30)
            sock.sendall(chunk(packed[1] + packer.flush()) + END)

        with (
            Service(answer) as service,
            HttpClient().stream(
                "GET", service.url, headers=HEADERS, watch=Watch()
            ) as stream,
        ):
            parts = iter(stream)
            assert next(parts) == pieces[0]
            go.set()
            assert read(parts) == pieces[1]
            stream.drain()


class TestPieces:
    """A piece is yielded the moment it arrives."""

    @trusting()
    @pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
    @pytest.mark.parametrize("wire", ["chunked", "until close"])
    def test_each_piece_is_given_as_it_arrives(self, wire: str, tls: bool):
        """The next one is written only when the one before has been read."""
        go: queue.Queue[bytes] = queue.Queue()

        def answer(sock: socket.socket) -> None:
            sock.sendall(CHUNKED if wire == "chunked" else UNTIL_CLOSE)
            while part := go.get():
                sock.sendall(chunk(part) if wire == "chunked" else part)
            if wire == "chunked":
                sock.sendall(END)
            else:
                sock.close()

        with Service(answer, server_context() if tls else None) as service:
            watch = Watch(idle_s=5)
            with HttpClient().stream(
                "GET", service.url, headers={}, watch=watch
            ) as stream:
                arriving: Iterator[Any] = iter(stream)
                for part in (b"a", b"data: b\n\n", b"c" * 50_000, b"d"):
                    go.put(part)
                    received = b""
                    while len(received) < len(part):
                        received += next(arriving)
                    assert received == part
                go.put(b"")
                assert list(arriving) == []

    def test_buffered_pieces_are_given_together(self):
        """So that of several events only the newest need be understood."""
        with answering(framed("chunked", b"a", b"b", b"c")) as stream:
            assert list(stream) == [b"abc"]

    def test_large_backlog_is_given_in_batches(self):
        """No stream keeps the others waiting for ever."""
        many = [b"x" * 10_000] * 600
        with answering(framed("chunked", *many)) as stream:
            parts = list(stream)
        assert sum(map(len, parts)) == 6_000_000
        assert max(map(len, parts)) < 3_000_000

    @trusting()
    def test_tls_stream_is_read_however_cut(self):
        """Records that hold several chunks, and chunks over several records."""
        data = framed("chunked", b"a" * 30, b"b" * 20_000, b"c")

        def answer(sock: socket.socket) -> None:
            for at in range(0, len(data), 777):
                sock.sendall(data[at : at + 777])

        with Service(answer, server_context()) as service:
            with HttpClient().stream(
                "GET", service.url, headers={}, watch=Watch()
            ) as stream:
                assert read(stream) == b"a" * 30 + b"b" * 20_000 + b"c"

    @trusting()
    def test_tls_record_is_read_whole_at_the_end_of_a_batch(
        self, monkeypatch: pytest.MonkeyPatch
    ):
        """What is left of it in the TLS library would not be polled for."""
        monkeypatch.setattr(batch, "MAX_BATCH", 100_000)
        monkeypatch.setattr(batch, "_free", [])
        sent, records = threading.Event(), [b"x" * 16_000] * 13

        def answer(sock: socket.socket) -> None:
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 208000\r\n\r\n")
            for record in records:
                sock.sendall(record)
            sent.set()

        with (
            Service(answer, server_context()) as service,
            HttpClient().stream(
                "GET", service.url, headers={}, watch=Watch(idle_s=5)
            ) as stream,
        ):
            assert sent.wait(30)
            assert read(stream) == b"".join(records)


class TestBrokenStream:
    @pytest.mark.parametrize(
        "rest",
        [b"", b"5", b"5\r", b"5\r\n", b"5\r\nab", b"5\r\nabcde", b"nonsense\r\n"],
        ids=repr,
    )
    def test_connection_cut_between_or_inside_chunks_is_unreachable(self, rest: bytes):
        """What came before it is given first."""
        with answering(CHUNKED + chunk(b"before"), rest, close=True) as stream:
            received = b""
            with pytest.raises(Unreachable):
                for part in stream:
                    received += part
            assert received[:6] == b"before" and len(received) <= 11

    def test_body_shorter_than_its_content_length_is_unreachable(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
        with answering(head + b"before", close=True) as stream:
            parts = iter(stream)
            assert next(parts) == b"before"
            with pytest.raises(Unreachable):
                next(parts)

    def test_connection_reset_is_unreachable(self):
        def answer(sock: socket.socket) -> None:
            sock.sendall(CHUNKED + chunk(b"before"))
            read_first.wait(30)
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            sock.close()

        read_first = threading.Event()
        with (
            Service(answer) as service,
            HttpClient().stream(
                "GET", service.url, headers={}, watch=Watch()
            ) as stream,
        ):
            parts = iter(stream)
            assert next(parts) == b"before"
            read_first.set()
            with pytest.raises(Unreachable):
                next(parts)

    def test_connection_reset_behind_the_headers_is_unreachable(self):
        """Before anybody has looked whether something of the body is here."""

        def answer(sock: socket.socket) -> None:
            sock.sendall(CHUNKED)
            headers_read.wait(30)
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            sock.close()

        headers_read = threading.Event()
        with Service(answer) as service:
            with HttpClient().stream(
                "GET", service.url, headers={}, watch=Watch()
            ) as stream:
                headers_read.set()
                with pytest.raises(Unreachable):
                    read(stream)

    def test_abort_streams_ends_a_stream_at_once(self):
        http = HttpClient()
        with answering(CHUNKED + chunk(b"before"), http=http) as stream:
            parts = iter(stream)
            assert next(parts) == b"before"
            threading.Timer(0.05, http.abort_streams).start()
            began = time.monotonic()
            with pytest.raises(Unreachable):
                next(parts)
            assert time.monotonic() - began < 20

    @pytest.mark.parametrize("wire", ["chunked", "until close"])
    def test_aborted_stream_is_no_proper_end(self, wire: str):
        """Of an answer without framing it looks like one: then the text decides."""
        http = HttpClient()
        begun = CHUNKED + chunk(b"a") if wire == "chunked" else UNTIL_CLOSE + b"a"
        with answering(begun, http=http) as stream:
            parts = iter(stream)
            assert next(parts) == b"a"
            http.abort_streams()
            if wire == "until close":
                assert read(parts) == b""
            else:
                with pytest.raises(Unreachable):
                    read(parts)

    def test_abort_streams_ignores_finished_streams(self):
        http = HttpClient()
        with answering(framed("chunked", b"a"), http=http) as stream:
            assert read(stream) == b"a"
            stream.close()
            http.abort_streams()


class TestSilence:
    @pytest.mark.parametrize(
        "rest",
        [b"", b"5", b"5\r\n", b"5\r\nab", b"5\r\nabcde", b"5\r\nabcde\r"],
        ids=repr,
    )
    def test_silent_stream_times_out_anywhere_in_its_framing(self, rest: bytes):
        """Wherever in the framing it falls silent; never a false clean end."""
        watch = Watch()
        with answering(CHUNKED + chunk(b"before"), rest, watch=watch) as stream:
            received = b""
            with pytest.raises(UpstreamTimeout):
                for part in stream:
                    received += part
                    watch.idle_s = 0.1
        assert received[:6] == b"before"

    def test_dripping_stream_does_not_time_out(self):
        data = framed("chunked", b"abc")

        def answer(sock: socket.socket) -> None:
            for byte in data:
                sock.sendall(bytes([byte]))
                time.sleep(0.005)

        with (
            Service(answer) as service,
            HttpClient().stream(
                "GET", service.url, headers={}, watch=Watch(idle_s=1)
            ) as stream,
        ):
            assert read(stream) == b"abc"

    # What arrives apart, and is half of a chunk's size, is waited for without beats.
    @pytest.mark.parametrize(
        ("rest", "together"),
        [
            (b"", True),
            (b"\r", True),
            (b"5", True),
            (b"5\r\n", True),
            (b"5\r\nab", True),
            (b"", False),
            (b"5\r\nab", False),
        ],
    )
    def test_silent_stream_yields_heartbeats(self, rest: bytes, together: bool):
        """Wherever in the framing it falls silent, and what came before is given."""
        watch = Watch(heartbeat_s=0.05, idle_s=30)
        parts = (
            [CHUNKED + chunk(b"a") + rest] if together else [CHUNKED, chunk(b"a"), rest]
        )
        with answering(*parts, watch=watch) as stream:
            pieces = (part for part in stream if part != b"ab")
            texts = (part for part in pieces if part is not HEARTBEAT)
            assert next(texts)[:1] == b"a"
            assert next(pieces) is HEARTBEAT
            watch.heartbeat_sent()
            assert next(pieces) is HEARTBEAT

    @pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nX: y\r\n"], ids=repr)
    def test_missing_headers_time_out(self, begun: bytes):
        with answering(begun, watch=Watch(idle_s=0.1)) as stream:
            with pytest.raises(UpstreamTimeout):
                read(stream)

    def test_heartbeats_come_while_headers_are_awaited(self):
        go = threading.Event()

        def answer(sock: socket.socket) -> None:
            sock.sendall(b"HTTP/1.1 200 OK\r\n")
            go.wait(30)
            sock.sendall(b"Content-Length: 1\r\n\r\na")

        watch = Watch(heartbeat_s=0.01)
        with (
            Service(answer) as service,
            HttpClient().stream("GET", service.url, headers={}, watch=watch) as stream,
        ):
            parts = iter(stream)
            for _ in range(2):
                assert next(parts) is HEARTBEAT
                watch.heartbeat_sent()
            go.set()
            received = b""
            for part in parts:
                if part is HEARTBEAT:
                    watch.heartbeat_sent()
                else:
                    received += part
            assert received == b"a"

    def test_abort_streams_ends_the_wait_for_headers(self):
        http = HttpClient()
        with answering(http=http) as stream:
            threading.Timer(0.05, http.abort_streams).start()
            with pytest.raises(Unreachable):
                read(stream)

    def test_library_timeouts_are_mapped_to_our_errors(self):
        assert isinstance(map_transport_error(requests.ReadTimeout()), UpstreamTimeout)
        assert isinstance(map_transport_error(requests.ConnectTimeout()), Unreachable)


class TestBounds:
    """Limits on what a peer may send."""

    def flood(self, head: bytes, piece: bytes) -> Service:
        def answer(sock: socket.socket) -> None:
            sock.sendall(head)
            while True:
                sock.sendall(piece)

        return Service(answer)

    @pytest.mark.parametrize(
        ("head", "piece"),
        [
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
            (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1_000),
            (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 10_000),
        ],
        ids=["interim responses", "headers", "a header"],
    )
    def test_headers_of_more_than_64_kb_are_refused(self, head: bytes, piece: bytes):
        with self.flood(head, piece) as service:
            with pytest.raises(UpstreamProtocolError):
                HttpClient().send("GET", service.url, headers={})

    def test_interim_responses_are_skipped(self):
        interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
        with answering(interim + framed("content-length", b"a")) as stream:
            assert read(stream) == b"a"

    def test_json_response_of_more_than_32_mb_is_refused(self):
        head = CHUNKED.replace(
            b"\r\n\r\n", b"\r\nContent-Type: application/json\r\n\r\n"
        )
        with self.flood(head, chunk(b" " * 1_000_000)) as service:
            with pytest.raises(UpstreamProtocolError):
                HttpClient().send("GET", service.url, headers={})

    def test_endlessly_dripping_response_times_out(self):
        """Each byte is early enough, but all of them are not."""

        def answer(sock: socket.socket) -> None:
            sock.sendall(CHUNKED)
            while True:
                sock.sendall(chunk(b" "))
                time.sleep(0.01)

        with Service(answer) as service:
            with pytest.raises(UpstreamTimeout):
                HttpClient().send("GET", service.url, headers={}, total_s=0.2)
            watch = Watch()
            with HttpClient().stream(
                "GET", service.url, headers={}, watch=watch
            ) as stream:
                assert next(iter(stream))
                watch.idle_s = 0.2
                with pytest.raises(UpstreamTimeout):
                    stream.read_all()


class CountingWatch(Watch):
    """Watch that counts its waits."""

    waits = 0

    def wait(self, *until: Any, **more: Any) -> bool:
        self.waits += 1
        return super().wait(*until, **more)


class TestClient:
    @pytest.fixture
    def caller(self) -> Iterator[tuple[socket.socket, socket.socket]]:
        ours, theirs = socket.socketpair()
        yield ours, theirs
        ours.close()
        theirs.close()

    @pytest.mark.parametrize(
        "rest",
        [b"", b"5", b"5\r\nab"],
        ids=["between chunks", "in a size", "in a chunk"],
    )
    def test_disconnect_ends_a_stream(self, caller: Any, rest: bytes):
        ours, theirs = caller
        with answering(CHUNKED + chunk(b"before"), rest, watch=Watch(ours)) as stream:
            parts = iter(stream)
            assert next(parts)[:6] == b"before"
            threading.Timer(0.05, theirs.close).start()
            began = time.monotonic()
            with pytest.raises(ClientDisconnected):
                while time.monotonic() - began < 20:
                    next(parts)
            assert time.monotonic() - began < 20

    def test_disconnect_ends_the_reading_of_an_error_body(self, caller: Any):
        """Which nobody can be told to wait for: there are no beats."""
        ours, theirs = caller
        watch = CountingWatch(ours, heartbeat_s=0.01)
        with answering(CHUNKED + chunk(b"{"), watch=watch) as stream:
            threading.Timer(0.1, theirs.close).start()
            began = time.monotonic()
            with pytest.raises(ClientDisconnected):
                stream.read_all()
            assert time.monotonic() - began < 20
            assert watch.waits <= 3

    @pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\n"], ids=repr)
    def test_disconnect_ends_the_wait_for_headers(self, caller: Any, begun: bytes):
        """Of a short call, too."""
        ours, theirs = caller

        def answer(sock: socket.socket) -> None:
            sock.sendall(begun)
            theirs.close()

        with Service(answer) as service, pytest.raises(ClientDisconnected):
            HttpClient().send("GET", service.url, headers={}, watch=Watch(ours))

    def test_disconnect_ends_the_sending_of_a_body(self, caller: Any):
        ours, theirs = caller
        theirs.close()
        with Service(lambda sock: None) as service, pytest.raises(ClientDisconnected):
            HttpClient().send(
                "POST", service.url, headers={}, data=b"x" * 100_000, watch=Watch(ours)
            )

    def test_pipelined_bytes_are_no_disconnect(self, caller: Any):
        ours, theirs = caller
        theirs.sendall(b"GET / HTTP/1.1\r\n")
        with answering(framed("chunked", b"a"), watch=Watch(ours)) as stream:
            assert read(stream) == b"a"


class TestConnections:
    def exchange(self, service: Service, http: HttpClient, *, drain: bool) -> None:
        with http.stream("GET", service.url, headers={}, watch=Watch()) as stream:
            first = next(iter(stream))
            assert first is not HEARTBEAT and first.startswith(b"end")
            if drain:
                stream.drain()

    def service(self, *parts: bytes, pause: bool = False) -> Service:
        def answer(sock: socket.socket) -> None:
            for part in parts:
                sock.sendall(part)
                if pause:
                    time.sleep(0.02)

        return Service(answer)

    def test_arrived_bytes_are_read_although_their_time_is_over(self):
        """A late machine must not lose what the service has sent in time."""
        with answering(framed("chunked", b"a")) as stream:
            select.select([stream._socket], [], [])
            assert read(stream.remaining(0)) == b"a"

    def test_rest_of_a_decompression_bomb_is_not_read_when_its_time_is_over(self):
        head = CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
        packed = gzip.compress(bytes(10 * MB))
        with answering(head + chunk(packed) + END) as stream:
            select.select([stream._socket], [], [])
            assert read(stream.remaining(0)) == bytes(PIECE)

    @pytest.mark.parametrize("value", ["a\r\nX-B: c", "a\r\n b", "a\0"])
    def test_header_with_a_control_character_is_not_sent(self, value: str):
        with Service(lambda sock: None) as service:
            with pytest.raises(Unreachable):
                HttpClient().send("GET", service.url, headers={"Token": value})
            assert not service.connections

    def test_drained_connection_is_reused(self):
        """The end of an answer is known before its last bytes are here."""
        http = HttpClient()
        with self.service(
            CHUNKED, chunk(b"end"), chunk(b"8"), END, pause=True
        ) as service:
            for _ in range(3):
                self.exchange(service, http, drain=True)
            assert service.connections == 1

    @trusting()
    def test_tls_connection_is_reused(self):
        """A handshake costs more than an answer."""
        answer = framed("chunked", b"end")
        http = HttpClient()
        with Service(lambda sock: sock.sendall(answer), server_context()) as service:
            for _ in range(3):
                with http.stream(
                    "GET", service.url, headers={}, watch=Watch()
                ) as stream:
                    assert read(stream) == b"end"
            assert service.connections == 1

    def test_idle_connections_are_bounded(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("hailuo.net.connection.MAX_IDLE_CONNECTIONS", 16)
        http, peak = HttpClient(), 16 + 2
        with self.service(framed("chunked", b"end")) as service:
            for _ in range(2):
                with ExitStack() as streams:
                    for _ in range(peak):
                        stream = streams.enter_context(
                            http.stream("GET", service.url, headers={}, watch=Watch())
                        )
                        assert next(iter(stream)) == b"end"
            assert service.connections == peak + 2

    def answering_once(self) -> Service:
        """Return a service that closes a connection when it is used again."""
        answered: list[socket.socket] = []

        def answer(sock: socket.socket) -> None:
            if sock in answered:
                sock.shutdown(socket.SHUT_RDWR)
            else:
                answered.append(sock)
                sock.sendall(framed("content-length", b"end"))

        return Service(answer)

    def test_get_is_repeated_if_its_idle_connection_was_closed(self):
        http = HttpClient()
        with self.answering_once() as service:
            for _ in range(3):
                response = http.send("GET", service.url, headers={})
                assert response.content == b"end"
            assert service.connections == 3
            assert len(service.requests) == 5

    def test_post_is_not_repeated_if_its_idle_connection_was_closed(self):
        """It may have had its effect."""
        http = HttpClient()
        with self.answering_once() as service:
            http.send("POST", service.url, headers={})
            with pytest.raises(Unreachable):
                http.send("POST", service.url, headers={})
            assert len(service.requests) == 2

    def test_aborted_get_is_not_repeated(self):
        http, asked, ended = HttpClient(), threading.Event(), threading.Event()

        def answer(sock: socket.socket) -> None:
            if len(service.requests) == 1:
                sock.sendall(framed("content-length", b"end"))
            else:
                asked.set()

        def abort() -> None:
            asked.wait(30)
            while not ended.wait(0.01):  # it may not be known as a stream yet
                http.abort_streams()

        with Service(answer) as service:
            http.send("GET", service.url, headers={}, watch=Watch())
            aborting = threading.Thread(target=abort)
            aborting.start()
            with pytest.raises(Unreachable):
                http.send("GET", service.url, headers={}, watch=Watch())
            ended.set()
            aborting.join()
            assert len(service.requests) == 2

    def test_get_is_not_repeated_on_a_new_connection(self):
        with Service(lambda sock: sock.shutdown(socket.SHUT_RDWR)) as service:
            with pytest.raises(Unreachable):
                HttpClient().send("GET", service.url, headers={})
            assert service.connections == 1

    def test_bytes_behind_the_end_close_the_connection(self):
        """The next answer must not begin with the end of this one."""
        http = HttpClient()
        with self.service(framed("chunked", b"end") + b"more") as service:
            for _ in range(2):
                self.exchange(service, http, drain=True)
            assert service.connections == 2

    def test_fully_read_response_returns_its_connection(self):
        body = b'{"statusInfo": {"code": 1}}'
        http = HttpClient()
        with self.service(framed("content-length", body), pause=True) as service:
            for _ in range(2):
                with http.stream(
                    "GET", service.url, headers={}, watch=Watch()
                ) as stream:
                    assert stream.read_all().content == body
            assert service.connections == 1

    def test_connection_of_an_unfinished_response_is_closed(self):
        http = HttpClient()
        with self.service(CHUNKED, chunk(b"end")) as service:
            for _ in range(2):
                self.exchange(service, http, drain=False)
            assert service.connections == 2

    @pytest.mark.parametrize("rest", [b"", b"5\r\nab"], ids=["silence", "half a chunk"])
    def test_draining_a_response_is_bounded_in_time(self, rest: bytes):
        http = HttpClient()
        with self.service(CHUNKED, chunk(b"end"), rest) as service:
            began = time.monotonic()
            self.exchange(service, http, drain=True)
            assert time.monotonic() - began < 20

    def test_draining_a_flood_is_bounded_in_time(self):
        def answer(sock: socket.socket) -> None:
            sock.sendall(CHUNKED + chunk(b"end"))
            while True:
                sock.sendall(chunk(b"x" * 100_000))

        with Service(answer) as service:
            began = time.monotonic()
            with HttpClient().stream(
                "GET", service.url, headers={}, watch=Watch()
            ) as stream:
                next(iter(stream))
                stream.drain()
            assert time.monotonic() - began < 20

    @trusting()
    @pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
    def test_connection_closed_by_the_upstream_is_replaced(self, tls: bool):
        closed = threading.Event()

        def answer(sock: socket.socket) -> None:
            sock.sendall(framed("chunked", b"end"))
            sock.close()
            closed.set()

        http = HttpClient()
        with Service(answer, server_context() if tls else None) as service:
            for _ in range(3):
                self.exchange(service, http, drain=True)
                assert closed.wait(5)
                closed.clear()

    def test_cookies_are_neither_kept_nor_sent(self):
        head = (
            b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n"
        )
        http = HttpClient()
        with self.service(head) as service:
            for _ in range(2):
                http.send("GET", service.url, headers={})
            assert all(b"ookie" not in request for request in service.requests)

    def test_redirects_are_not_followed(self):
        head = (
            b"HTTP/1.1 302 Found\r\nLocation: http://localhost:9/\r\n"
            b"Content-Length: 0\r\n\r\n"
        )
        with self.service(head) as service:
            assert HttpClient().send("GET", service.url, headers={}).status_code == 302

    @pytest.mark.parametrize(
        "answer",
        [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 2", b"HTTP/1.1 abc OK\r\n\r\n"],
        ids=repr,
    )
    def test_response_that_is_not_http_is_unreachable(self, answer: bytes):
        def reply(sock: socket.socket) -> None:
            sock.sendall(answer)
            sock.shutdown(socket.SHUT_RDWR)

        with Service(reply) as service, pytest.raises(Unreachable):
            HttpClient().send("GET", service.url, headers={})

    def test_refused_connection_is_unreachable(self):
        with socket.create_server(("127.0.0.1", 0)) as gone:
            port = gone.getsockname()[1]
        with pytest.raises(Unreachable):
            HttpClient().send("GET", f"http://127.0.0.1:{port}/", headers={})

    def test_untrusted_certificate_is_refused(self):
        answer: Answer = lambda sock: None  # noqa: E731 - it never comes so far
        with Service(answer, server_context()) as service, pytest.raises(Unreachable):
            HttpClient().send("GET", service.url, headers={})
