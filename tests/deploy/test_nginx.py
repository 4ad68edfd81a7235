"""The gateway behind a real nginx with the site that is shipped."""

import json
import socket
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection

import openai
import pytest

from tests.conftest import SECRET, Caller, text_of
from tests.served import KEY, Served, free_port
from tests.simulated import Simulated

from .conftest import OWN_KEY
from .nginx import Nginx

PATIENCE_S = 300  # with large bodies, on a machine that is busy with others
HELD = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}]}
SILENT = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "silence"}]}
MESSAGES = [{"role": "user", "content": SECRET}]


@pytest.fixture
def account(caller: Callable[..., Caller], site: Nginx) -> Caller:
    """Somebody with one account, who comes through nginx."""
    return caller(served=site)


def test_nginx_passes_pieces_on_unbuffered(upstream: Simulated, account: Caller):
    """The client has a piece while the service holds the next, compressed or not."""
    upstream.script({"call": "chat", **HELD})
    with account.stream(extra_headers={"Accept-Encoding": "gzip"}) as stream:
        assert next(text for chunk in stream if (text := text_of(chunk))) == "a"
        upstream.wait("held", exactly=1)
        assert "content-encoding" not in stream.response.headers
        upstream.release()
        assert "".join(map(text_of, stream)) == "b"


def test_nginx_passes_pings_on_during_silence(
    upstream: Simulated,
    caller: Callable[..., Caller],
    serve: Callable[..., Served],
    nginx: Callable[..., Nginx],
):
    lively = nginx(gateway_port=serve(HAILUO_HEARTBEAT_S=0.15).port)
    upstream.script({"call": "chat", "then": [{"after": 0, "do": "hold"}]})
    create = caller(
        served=lively
    ).client.chat.completions.with_streaming_response.create
    with create(model="any", messages=MESSAGES, stream=True) as answer:
        assert next(answer.iter_bytes()).startswith(b": ping\n\n")
        upstream.release()


@pytest.mark.parametrize("form", [True, False], ids=["streamed", "whole"])
def test_disconnect_behind_nginx_frees_the_account(
    upstream: Simulated, account: Caller, form: bool
):
    upstream.script({"call": "chat", **SILENT}, {"call": "chat", "text": "Next"})
    content = json.dumps({"messages": MESSAGES, "stream": form}).encode()
    with socket.create_connection(("127.0.0.1", account.gateway.port)) as sock:
        sock.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
            % (account.key.encode(), len(content), content)
        )
        upstream.wait("conversations", at_least=1)

    upstream.wait("open_answers", exactly=0)  # long before its silence would end it
    (answer,) = upstream.report()["answers"]
    assert answer["how"] == "client left"
    assert account.ask() == "Next"


class TestForwardedClient:
    def test_forwarded_client_cannot_use_the_default_key(self, site: Nginx):
        with pytest.raises(openai.AuthenticationError) as raised:
            site.client(KEY).chat.completions.create(model="any", messages=MESSAGES)
        assert raised.value.code == "default_api_key_is_local_only"

    @pytest.mark.parametrize("path", ["/v1/token", "/v1/refresh-status", "/metrics"])
    def test_forwarded_client_cannot_use_owner_endpoints_with_the_default_key(
        self, site: Nginx, path: str
    ):
        headers = {"Authorization": f"Bearer {KEY}"}
        assert site.request("GET", path, headers=headers).status_code == 401

    def test_forwarded_client_cannot_see_metrics_without_a_key(
        self, site: Nginx, behind: Served
    ):
        assert behind.request("GET", "/metrics").status_code == 200
        assert site.request("GET", "/metrics").status_code == 401

    def test_forwarded_client_can_use_a_configured_key(self, site: Nginx):
        headers = {"Authorization": f"Bearer {OWN_KEY}"}
        for path in ("/v1/token", "/metrics"):
            assert site.request("GET", path, headers=headers).status_code == 200

    def test_front_page_shows_the_public_address(self, site: Nginx):
        said = site.request("GET", "/", headers={"Accept": "application/json"}).json()
        assert said["base_url"] == site.base_url

    def test_page_does_not_offer_the_default_key(self, site: Nginx, behind: Served):
        offer = f'id="default-key" value="{KEY}"'
        html = {"Accept": "text/html"}
        assert offer in behind.request("GET", "/", headers=html).text
        assert offer not in site.request("GET", "/", headers=html).text


class TestBodySizes:
    def test_body_of_30_mb_passes_nginx(self, upstream: Simulated, account: Caller):
        upstream.script({"call": "chat", "text": "Yes"})
        body = {"messages": MESSAGES, "metadata": {"x": "x" * 30 * 1_048_576}}
        answer = account.send(json=body, timeout=PATIENCE_S)
        assert answer.status_code == 200

    def test_gateway_itself_refuses_an_oversized_body(self, account: Caller):
        data = b" " * 33 * 1_048_576
        answer = account.send(json=None, data=data, timeout=PATIENCE_S)
        assert answer.status_code == 413
        assert "HAILUO_MAX_BODY_MB" in answer.json()["error"]["message"]

    @pytest.mark.parametrize(
        ("megabytes", "status", "says"),
        [(100, 400, "audio"), (101, 413, "HAILUO_MAX_FILE_MB")],
        ids=["passes", "is too large for the gateway"],
    )
    def test_upload_up_to_the_limit_passes_nginx(
        self, account: Caller, megabytes: int, status: int, says: str
    ):
        """Of nothing but zeros, so that it is looked at but not recognised."""
        files = {"file": ("a.mp3", b"\0" * megabytes * 1_048_576)}
        path = "/v1/audio/transcriptions"
        answer = account.send(path, json=None, files=files, timeout=PATIENCE_S)
        assert answer.status_code == status
        assert says in answer.json()["error"]["message"]

    def test_nginx_refuses_an_oversized_body_in_the_gateways_words(self, site: Nginx):
        """Told by its length alone, before a byte of it was sent."""
        with closing(HTTPConnection("127.0.0.1", site.port, timeout=10)) as connection:
            connection.putrequest("POST", "/v1/chat/completions")
            connection.putheader("Content-Length", "200000000")
            connection.endheaders()
            answer = connection.getresponse()
            assert answer.status == 413
            assert json.load(answer)["error"]["code"] == "file_too_large"

    def test_header_of_many_tokens_passes_nginx(
        self, upstream: Simulated, caller: Callable[..., Caller], site: Nginx
    ):
        many = caller(20, served=site)
        many.tokens *= 5  # each of them counts once
        assert len(many.key) > 16_384
        upstream.script({"call": "chat", "text": "Yes"})
        assert many.ask() == "Yes"


class TestSlowClients:
    """Cut off by nginx; the site's 10 s are 1 s here."""

    @pytest.mark.parametrize(
        "sent",
        [
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: loc",
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            b'Content-Length: 99\r\n\r\n{"mess',
        ],
        ids=["in the headers", "in the body"],
    )
    def test_nginx_cuts_off_a_client_that_stops_sending(
        self, nginx: Callable[..., Nginx], sent: bytes
    ):
        address = ("127.0.0.1", nginx(patience_s=1).port)
        with socket.create_connection(address, timeout=10) as sock:
            sock.sendall(sent)
            assert ended(sock)

    def test_nginx_cuts_off_a_client_that_sends_endless_headers(
        self, nginx: Callable[..., Nginx]
    ):
        address = ("127.0.0.1", nginx(patience_s=1).port)
        begun_at = time.monotonic()
        with socket.create_connection(address, timeout=0.1) as sock:
            sock.sendall(b"GET /ping HTTP/1.1\r\nX-Long: ")
            while not ended(sock):
                assert time.monotonic() - begun_at < 60, "nobody cuts it off"
                sock.sendall(b"x")

    def test_nginx_passes_on_only_complete_bodies(self, nginx: Callable[..., Nginx]):
        """Until then the gateway never hears of it."""
        with socket.create_server(("127.0.0.1", 0)) as gateway:
            address = ("127.0.0.1", nginx(gateway_port=gateway.getsockname()[1]).port)
            with socket.create_connection(address) as sock:
                sock.sendall(
                    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{"
                )
                gateway.settimeout(0.1)
                with pytest.raises(TimeoutError):
                    gateway.accept()
                sock.sendall(b"}")
                gateway.settimeout(10)
                passed, _ = gateway.accept()
                with passed:
                    assert passed.recv(65_536).startswith(b"POST / ")


def ended(sock: socket.socket) -> bool:
    """Return whether the other side ends the connection before the socket's timeout."""
    try:
        while sock.recv(65_536):
            pass
    except TimeoutError:
        return False
    except ConnectionResetError:
        pass
    return True


def test_nginx_answers_for_a_missing_gateway_with_the_error_body(
    nginx: Callable[..., Nginx],
):
    answer = nginx(gateway_port=free_port()).request("GET", "/v1/models")
    assert answer.status_code == 502
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert answer.headers["Retry-After"]


def test_nginx_passes_gateway_errors_on_unchanged(upstream: Simulated, account: Caller):
    upstream.script({"call": "chat", "drop": "close", "times": None})
    answer = account.send()
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "upstream_unreachable"
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["x-request-id"]
