"""Work for strangers: who brings a credential that no service has confirmed makes the
gateway call nobody often, keep nothing, fetch nothing and open nothing."""

import base64
import json
import resource
import selectors
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from flask import Request
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from hailuo.endpoints import rate_limit
from hailuo.endpoints.middleware import request_body
from hailuo.endpoints.middleware.request_body import (
    BodyStream,
    Deadlines,
    RequestTimeout,
)
from hailuo.endpoints.rate_limit import Refusals
from hailuo.spool import Spool, SpoolFull
from tests.accounts.conftest import written
from tests.conftest import Caller
from tests.files.site import Site, answer
from tests.platform.paper import pdf
from tests.served import Served
from tests.simulated import Simulated
from tests.voice import sounds

from .conftest import OWN_KEY
from .hostile import PATIENCE_S, Response, ask, connect, new_address, pings
from .process import children, worker

CHAT = "/v1/chat/completions"
SPEECH = "/v1/audio/speech"
TRANSCRIPTIONS = "/v1/audio/transcriptions"
VOICES = "/v1/audio/voices"
CHECK = "/token/check"
FORM = {"Content_Type": "multipart/form-data; boundary=x"}
HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
HELD = {"call": "chat", "text": "Hello", "hold_headers": True}
DOCUMENT = base64.b64encode(pdf("Rising sales")).decode()


def form(data: bytes) -> bytes:
    disposition = b'Content-Disposition: form-data; name="file"; filename="a"'
    return b"--x\r\n%b\r\n\r\n%b\r\n--x--\r\n" % (disposition, data)


def chat(*parts: Any) -> dict[str, Any]:
    words = {"type": "text", "text": "What is it?"}
    return {"messages": [{"role": "user", "content": [*parts, words]}]}


def at(address: str) -> dict[str, Any]:
    return {"type": "file", "file_url": {"url": address}}


def forged(count: int) -> str:
    return ",".join(written(f"66{number:02}") for number in range(count))


def invented(count: int) -> str:
    return ",".join(f"sk-api-invented-{number}" for number in range(count))


def calls(upstream: Simulated) -> list[str]:
    return [each["call"] for each in upstream.report()["requests"]]


HEAVY: dict[str, tuple[str, Any, dict[str, str]]] = {
    "an upload": (TRANSCRIPTIONS, form(sounds.wav(sounds.tone(1))), FORM),
    "an image": ("/v1/images/edits", form(b"\x89PNG\r\n\x1a\n"), FORM),
    "a conversion": (SPEECH, {"input": "Hello", "response_format": "aac"}, {}),
    "a document": (
        CHAT,
        chat({"type": "file", "file": {"file_data": DOCUMENT}}),
        {},
    ),
    "a large question": (CHAT, {**HELLO, "user": "a" * 1_000_000}, {}),
    "a large text": (SPEECH, {"input": "Hello. " * 14_000}, {}),
    "voices": (VOICES, None, {}),
}


def send(frontend: Served, heavy: str, key: str, address: str = "") -> Response:
    path, body, headers = HEAVY[heavy]
    method = "POST" if body else "GET"
    return ask(frontend, method, path, key, address, body, **headers)


class TestCredentials:
    @pytest.mark.parametrize("path", [CHAT, SPEECH, VOICES])
    @pytest.mark.parametrize("many", [forged, invented])
    def test_more_than_twenty_credentials_are_refused(
        self,
        upstream: Simulated,
        frontend: Served,
        path: str,
        many: Callable[[int], str],
    ):
        method = "GET" if path == VOICES else "POST"
        said = ask(frontend, method, path, many(21), body=HELLO)
        assert (said.status, said.error["code"]) == (400, "too_many_credentials")
        assert "20" in said.error["message"]
        assert calls(upstream) == []

    @pytest.mark.parametrize("heavy", HEAVY)
    @pytest.mark.parametrize("many", [forged, invented])
    def test_forged_credentials_are_checked_once_and_cause_no_work(
        self,
        upstream: Simulated,
        frontend: Served,
        heavy: str,
        many: Callable[[int], str],
    ):
        said = send(frontend, heavy, many(20))
        assert said.status == 401
        asked = calls(upstream)
        assert upstream.work() == [] and len(asked) <= 20, asked

    def test_good_credential_serves_beside_forged_ones(
        self, upstream: Simulated, frontend: Served
    ):
        upstream.script({"call": "chat", "text": "Read"})
        good = upstream.token("6701")
        said = send(frontend, "a document", f"{forged(3)},{good},{forged(3)}")
        assert said.status == 200
        assert [each["call"] for each in upstream.work()].count("chat") == 1

    def test_no_credential_is_checked_after_the_client_disconnected(
        self, upstream: Simulated, attacked: Served
    ):
        upstream.script({"call": "info", "hold_headers": True})
        connection = connect(attacked, new_address())
        path, body, _ = HEAVY["a document"]
        headers = {"Authorization": f"Bearer {upstream.token('6709')},{forged(10)}"}
        headers |= {"x-request-id": "is-gone"}
        connection.request("POST", path, json.dumps(body), headers)
        upstream.wait("held", exactly=1)
        connection.close()
        upstream.release()
        _await_log(attacked, "is-gone")
        assert calls(upstream) == ["register", "info"]


def _await_log(gateway: Served, word: str) -> str:
    """The line with *word*."""
    for _ in range(1_000):
        lines = gateway.log().split("\n")[:-1]  # what follows is not whole yet
        if found := [line for line in lines if word in line]:
            return found[0]
        threading.Event().wait(0.01)
    raise AssertionError(f"nothing was logged of {word}")


class TestProofBeforeWork:
    @pytest.mark.parametrize("heavy", ["an upload", "a document", "a conversion"])
    def test_credential_is_checked_once(
        self, upstream: Simulated, frontend: Served, heavy: str
    ):
        upstream.script(
            {"call": "chat", "text": "Hello", "times": None},
            {"call": "msg_tts", "times": None, "sound": "tone"},
        )
        token = upstream.token("6702")
        assert [send(frontend, heavy, token).status for _ in range(2)] == [200, 200]
        assert calls(upstream).count("info") == 1

    def test_answer_proves_the_credential(self, upstream: Simulated, attacked: Served):
        upstream.script({"call": "chat", "text": "Hello", "times": None})
        token = upstream.token("6703")
        assert ask(attacked, "POST", CHAT, token, body=HELLO).status == 200
        assert send(attacked, "a document", token).status == 200
        assert "info" not in calls(upstream)

    def test_body_of_an_unproven_client_is_not_awaited(
        self, upstream: Simulated, attacked: Served
    ):
        """It is refused although nothing of its 50 MB has come."""
        for path in (TRANSCRIPTIONS, CHAT, SPEECH):
            with socket.create_connection(("127.0.0.1", attacked.port)) as sock:
                sock.settimeout(PATIENCE_S)
                token = forged(1).encode()
                sock.sendall(
                    b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000"
                    b"\r\nX-Forwarded-For: %b\r\nAuthorization: Bearer %b\r\n\r\n"
                    % (path.encode(), new_address().encode(), token)
                )
                assert sock.recv(100).startswith(b"HTTP/1.1 401 ")
        assert upstream.work() == []

    def test_address_is_not_fetched_for_an_unproven_client(
        self, upstream: Simulated, opened: Served
    ):
        with Site(answer(b"words")) as site:
            said = ask(opened, "POST", CHAT, forged(1), body=chat(at(site.url())))
            assert said.status == 401
            assert site.requests == []

    def test_document_is_not_opened_for_an_unproven_client(
        self, upstream: Simulated, attacked: Served
    ):
        upstream.script(
            {"call": "models", "hold_headers": True},
            {"call": "completion", "text": "Read"},
        )
        before = children(worker(attacked))
        with ThreadPoolExecutor(1) as threads:
            said = threads.submit(send, attacked, "a document", "sk-api-sim-6710")
            upstream.wait("held", exactly=1)
            assert children(worker(attacked)) == before
            upstream.release()
            assert said.result().status == 200

    def test_failed_credential_check_is_a_502(
        self, upstream: Simulated, frontend: Served
    ):
        upstream.script({"call": "info", "http": {"status": 500}})
        token = upstream.token("6704")
        assert send(frontend, "a document", token).status == 502
        assert upstream.work() == []


class TestWorkerSlots:
    def test_one_client_cannot_occupy_every_audio_slot(
        self, upstream: Simulated, caller: Callable[..., Caller], attacked: Served
    ):
        """Nine conversions of one client are held by the service, eight of them in
        places; the first of another one is answered."""
        upstream.script(
            {"call": "chat", "text": "Hello", "times": None},
            {"call": "msg_tts", "times": None, "sound": "tone", "polls": 0},
        )
        first, second = caller(9), caller(1)
        for user in first.users:
            upstream.script({**HELD, "user": user})
        with ThreadPoolExecutor(9) as threads:
            held = [
                threads.submit(send, attacked, "a conversion", first.key)
                for _ in range(9)
            ]
            upstream.wait("held", exactly=8)
            with pings(attacked):
                assert send(attacked, "a conversion", second.key).status == 200
            assert not any(each.done() for each in held)
            upstream.release()
            upstream.wait("held", exactly=1)
            upstream.release()
            assert {each.result().status for each in held} == {200}


class TestClientTokensDisabled:
    @pytest.mark.parametrize("path", [CHAT, SPEECH, TRANSCRIPTIONS, VOICES, CHECK])
    def test_tokens_and_platform_keys_are_refused_when_disabled(
        self, upstream: Simulated, closed: Served, path: str
    ):
        for key in (upstream.token("6705"), "sk-api-sim-6706"):
            method = "GET" if path == VOICES else "POST"
            said = ask(closed, method, path, key, body={"token": key})
            assert (said.status, said.error["code"]) == (401, "invalid_api_key")
        assert calls(upstream) == []

    def test_api_keys_are_served_when_client_tokens_are_disabled(
        self, upstream: Simulated, closed: Served
    ):
        upstream.script({"call": "chat", "text": "Yes"})
        assert ask(closed, "POST", CHAT, OWN_KEY, body=HELLO).status == 200
        said = ask(closed, "POST", CHECK, OWN_KEY, body={"token": "x"})
        assert json.loads(said.body) == {"live": False}


class TestPrivateAddresses:
    def test_private_addresses_are_fetched_for_api_keys_only(
        self, upstream: Simulated, opened: Served
    ):
        upstream.script({"call": "chat", "text": "Read"})
        with Site(answer(b"words")) as site:
            body = chat(at(site.url("/a.txt")))
            said = ask(opened, "POST", CHAT, upstream.token("6707"), body=body)
            assert (said.status, said.error["code"]) == (400, "file_unavailable")
            assert site.requests == []
            assert ask(opened, "POST", CHAT, OWN_KEY, body=body).status == 200
            assert len(site.requests) == 1


def refuse(frontend: Served, address: str, times: int) -> list[int]:
    """The statuses of requests with a wrong key."""
    return [ask(frontend, "POST", CHAT, "wrong", address).status for _ in range(times)]


class TestRefusalLimit:
    def test_twenty_refusals_a_minute_are_followed_by_429(self, frontend: Served):
        address = new_address()
        assert refuse(frontend, address, 22) == [401] * 20 + [429] * 2
        said = ask(frontend, "POST", CHAT, "wrong", address)
        assert said.error["code"] == "too_many_refusals"
        assert 1 <= int(said.headers["Retry-After"]) <= 60
        assert refuse(frontend, new_address(), 1) == [401], "others are not slowed"

    def test_log_names_the_refused_address(self, attacked: Served):
        address = new_address()
        ask(attacked, "POST", CHAT, "wrong", address, x_request_id="is-refused")
        line = _await_log(attacked, "is-refused")
        assert line.endswith(f"from={address} invalid_api_key")
        refuse(attacked, address, 19)
        assert _await_log(attacked, f"{address} is limited")

    def test_valid_key_is_served_from_a_limited_address(
        self, upstream: Simulated, frontend: Served
    ):
        upstream.script({"call": "chat", "text": "Yes", "times": None})
        address, token = new_address(), upstream.token("6708")
        assert ask(frontend, "POST", CHAT, token, address, HELLO).status == 200
        refuse(frontend, address, 20)
        for key in (OWN_KEY, token):
            assert ask(frontend, "POST", CHAT, key, address, HELLO).status == 200
            said = ask(frontend, "POST", CHECK, key, address, {"token": token})
            assert json.loads(said.body) == {"live": True}

    def test_unproven_credential_is_not_checked_from_a_limited_address(
        self, upstream: Simulated, frontend: Served
    ):
        address = new_address()
        refuse(frontend, address, 20)
        for heavy in HEAVY:
            assert send(frontend, heavy, forged(20), address).status == 429
        assert ask(frontend, "POST", CHAT, forged(1), address, HELLO).status == 429
        assert ask(frontend, "POST", CHECK, "", address, {"token": "x"}).status == 429
        assert calls(upstream) == []

    def test_dead_tokens_count_as_refusals(self, upstream: Simulated, frontend: Served):
        address = new_address()
        statuses = [
            ask(frontend, "POST", CHECK, "", address, {"token": forged(1)}).status
            for _ in range(22)
        ]
        assert statuses == [200] * 20 + [429] * 2
        assert len(calls(upstream)) == 20

    def test_client_behind_nginx_cannot_claim_another_address(
        self, attacked: Served, behind_nginx: Callable[[], Served]
    ):
        address = new_address()
        statuses = [
            ask(
                behind_nginx(),
                "POST",
                CHAT,
                "x",
                address,
                X_Forwarded_For=new_address(),
            ).status
            for _ in range(22)
        ]
        assert statuses == [401] * 20 + [429] * 2

    @pytest.mark.parametrize(
        ("peer", "forwarded", "address"),
        [
            ("127.0.0.1", "", "127.0.0.1"),
            ("127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
            ("10.1.2.3", "203.0.113.7", "203.0.113.7"),
            ("::ffff:10.1.2.3", "203.0.113.7", "203.0.113.7"),
            ("8.8.8.8", "203.0.113.7", "8.8.8.8"),
            ("127.0.0.1", "somebody", "127.0.0.1"),
            ("", "203.0.113.7", "203.0.113.7"),
            ("2606:4700:1:2:3:4:5:6", "", "2606:4700:1:2::/64"),
            ("@", "", "unknown"),
        ],
    )
    def test_forwarded_address_is_believed_only_from_a_proxy(
        self, peer: str, forwarded: str, address: str
    ):
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        request = _request(peer, headers)
        assert rate_limit.address(request) == address

    def test_refusals_expire_after_a_minute_and_are_bounded(self):
        now = [0.0]
        refusals = Refusals(lambda: now[0])
        for second in range(20):
            assert refusals.wait_s("a") == 0
            now[0] = second
            refusals.add("a")
        assert refusals.wait_s("a") == 60 - 19
        now[0] = 60
        assert refusals.wait_s("a") == 0
        for number in range(3 * rate_limit.MAX_ADDRESSES):
            refusals.add(str(number))
        assert len(refusals._times) == rate_limit.MAX_ADDRESSES


def _request(peer: str, headers: dict[str, str]) -> Any:
    environ = EnvironBuilder(headers=Headers(headers)).get_environ()
    return Request({**environ, "REMOTE_ADDR": peer})


class TestDrippingBodies:
    def test_dripping_body_of_an_unproven_client_times_out_as_a_whole(
        self, monkeypatch: pytest.MonkeyPatch
    ):
        """However small its pauses are."""
        monkeypatch.setattr(request_body, "UNAUTHENTICATED_TIMEOUT_S", 0.2)
        monkeypatch.setattr(request_body, "POLL_INTERVAL_S", 0.02)
        ours, theirs = socket.socketpair()
        with ours, theirs, ours.makefile("rb") as stream:
            ours.settimeout(PATIENCE_S)
            body = BodyStream(
                {"wsgi.input": stream, "CONTENT_LENGTH": "1000000"}, ours, Deadlines()
            )
            over = threading.Event()

            def drip() -> None:
                with suppress(BrokenPipeError):  # nobody listens any more
                    while not over.wait(0.01):
                        theirs.send(b"x")

            thread = threading.Thread(target=drip)
            thread.start()
            with pytest.raises(RequestTimeout, match="longer than"):
                body.read()
            over.set()
            thread.join()

    def test_body_of_a_proven_client_has_no_total_timeout(
        self, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(request_body, "UNAUTHENTICATED_TIMEOUT_S", 0.0)
        ours, theirs = socket.socketpair()
        with ours, theirs, ours.makefile("rb") as stream:
            deadlines = Deadlines()
            environ = {"wsgi.input": stream, "CONTENT_LENGTH": "2"}
            body = BodyStream(environ, ours, deadlines)
            body.mark_authenticated()
            theirs.send(b"ab")
            assert body.read(2) == b"ab"
            assert not deadlines._running

    @pytest.fixture
    def dripping(self, attacked: Served) -> Iterator[Callable[[str], list[Any]]]:
        """dripping(path): two more bodies that have begun than there may be."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        head = b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n{"
        here = ("127.0.0.1", attacked.port)
        with ExitStack() as stack:

            def begun(path: str) -> socket.socket:
                sock = socket.create_connection(here, PATIENCE_S)
                sock.sendall(head % path.encode())
                return stack.enter_context(sock)

            yield lambda path: [
                begun(path) for _ in range(request_body.MAX_UNAUTHENTICATED + 2)
            ]
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def test_oldest_of_too_many_dripping_bodies_is_cut_off(
        self, attacked: Served, dripping: Callable[[str], list[Any]]
    ):
        with pings(attacked):
            refused = _first_answer(dripping(CHECK))
        assert refused.startswith(b"HTTP/1.1 408 ")


class TestSpool:
    def test_spooled_files_share_one_limit(self):
        spool = Spool(limit_bytes=100)
        with spool.file() as one, spool.file() as other:
            one.write(b"x" * 60)
            other.write(b"x" * 40)
            with pytest.raises(SpoolFull):
                other.write(b"x")
            one.close()
            other.write(b"x" * 60)
        del one, other
        assert spool.used_bytes == 0

    def test_unclosed_spooled_file_returns_its_space(self):
        spool = Spool(limit_bytes=100)
        with warnings.catch_warnings(action="ignore"):
            spool.file().write(b"x" * 60)
        assert spool.used_bytes == 0

    def test_spool_keeps_some_disk_space_free(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("hailuo.spool.MIN_FREE_BYTES", 1 << 62)
        spool = Spool(limit_bytes=100)
        with spool.file() as file, pytest.raises(SpoolFull):
            file.write(b"x")
        assert spool.used_bytes == 0

    def test_unfinished_uploads_are_bounded_together(
        self, upstream: Simulated, closed: Served
    ):
        """21 uploads of 1 MB that never end, of which 20 fit."""
        data = form(bytes(1 << 20))[:-10]
        head = (
            b"POST %b HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %b\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n"
            b"Content-Length: %d\r\n\r\n"
            % (TRANSCRIPTIONS.encode(), OWN_KEY.encode(), len(data) + 10)
        )
        with ExitStack() as stack, pings(closed):
            sockets = [
                stack.enter_context(
                    socket.create_connection(("127.0.0.1", closed.port), PATIENCE_S)
                )
                for _ in range(22)
            ]
            for sock in sockets:
                sock.sendall(head + data)
            refused = _first_answer(sockets)
            assert refused.startswith(b"HTTP/1.1 503 "), refused
            assert b"no_room_for_files" in refused


def _first_answer(sockets: list[socket.socket]) -> bytes:
    """The first that comes to any of them, b"" for an end."""
    with selectors.DefaultSelector() as selector:
        for sock in sockets:
            selector.register(sock, selectors.EVENT_READ)
        first = selector.select(PATIENCE_S)[0][0].fileobj
    assert isinstance(first, socket.socket)
    said = b""
    while not said.endswith(b"}\n") and (part := first.recv(65_536)):
        said += part
    return said
