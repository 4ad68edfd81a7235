"""One line for each request, when it is over: how it went, and nothing of what was
said (when all tests are done the logs are searched for that, see secret_leaks)."""

import errno
import json
import logging
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hailuo.errors import Unreachable
from hailuo.logs import DisconnectFilter, JsonFormatter, TextFormatter, redact
from tests.accounts.conftest import InProcessGateway
from tests.conftest import SECRET, Caller
from tests.files.site import Site
from tests.served import KEY, Served
from tests.simulated import Simulated

from .conftest import LoggedRequest

FIELDS = (
    "time level logger message id method path status upstream account first_s total_s "
    "pieces bytes ended"
).split()
BUSY = {"code": 1, "message": SECRET}
HELD = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}]}


def test_access_log_of_a_whole_answer(
    upstream: Simulated, account: Caller, logged: LoggedRequest
):
    upstream.script({"call": "chat", "pieces": ["a", SECRET]})
    body = logged.by(account, whole=True).content

    line = logged.line
    assert list(line) == FIELDS
    assert line["level"] == "info"
    assert (line["method"], line["path"]) == ("POST", "/v1/chat/completions")
    assert (line["status"], line["ended"]) == (200, "done")
    assert (line["upstream"], line["account"]) == ("web", account.users[0])
    assert 0 < line["first_s"] <= line["total_s"] < 60
    assert line["pieces"] >= 1
    assert line["bytes"] == len(body)


def test_access_log_of_a_stream(
    upstream: Simulated, account: Caller, logged: LoggedRequest
):
    wait = {"after": 1, "do": "wait", "for_s": 0.05}
    upstream.script({"call": "chat", "pieces": ["a", "b", "c"], "then": [wait]})
    body = logged.by(account).content

    line = logged.line
    assert (line["status"], line["ended"]) == (200, "done")
    assert line["total_s"] - line["first_s"] > 0.048  # each is rounded to 0.001
    assert line["pieces"] >= 2
    assert line["bytes"] == len(body)


def test_access_log_in_text_format(
    upstream: Simulated, caller: Callable[..., Caller], gateway
):
    account = caller()
    upstream.script({"call": "chat", "text": "a"})
    logged = LoggedRequest(gateway)
    logged.by(account)
    (line,) = logged.lines
    assert re.fullmatch(
        rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d,\d{{3}} INFO {logged.id} "
        rf"POST /v1/chat/completions 200 web {account.users[0]} "
        r"first_s=0\.\d+ total_s=0\.\d+ pieces=[1-9] bytes=\d+ done",
        line,
    )


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_access_log_of_a_disconnected_client(
    upstream: Simulated, account: Caller, logged: LoggedRequest, stream: bool
):
    upstream.script({"call": "chat", **HELD})
    if stream:
        with account.stream(extra_headers={"x-request-id": logged.id}) as answer:
            next(answer)
            upstream.wait("held", exactly=1)
    else:
        with pytest.raises(Exception, match="timed out"):
            logged.by(account, whole=True, timeout=0.1)
    assert logged.line["ended"] == "client_left"


FAULTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "refused": ({"refuse": BUSY}, 503, "upstream_busy"),
    "no connection": ({"drop": "reset"}, 502, "upstream_unreachable"),
    "not understood": (
        {"then": [{"after": 0, "do": "garbage"}]},
        502,
        "upstream_protocol",
    ),
    "nothing said": ({"text": ""}, 502, "upstream_empty"),
    "silent": ({"then": [{"after": 0, "do": "silence"}]}, 504, "upstream_timeout"),
    "token refused": ({"http": {"status": 401}}, 401, "invalid_api_key"),
}


@pytest.mark.parametrize(("fault", "status", "code"), FAULTS.values(), ids=FAULTS)
def test_access_log_of_a_failure_before_the_first_byte(
    upstream: Simulated,
    caller: Callable[..., Caller],
    logged: LoggedRequest,
    fault: dict[str, Any],
    status: int,
    code: str,
):
    upstream.script({"call": "chat", "times": None, **fault})
    account = caller(3, served=logged.gateway)
    logged.by(account)
    line = logged.line
    assert (line["status"], line["ended"]) == (status, code)
    assert line["account"] in account.users
    assert (line["pieces"], line["first_s"]) == (0, None)


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ({"do": "error", **BUSY}, "upstream_busy"),
        ({"do": "reset"}, "upstream_unreachable"),
        ({"do": "end"}, "upstream_protocol"),
        ({"do": "silence"}, "upstream_timeout"),
    ],
    ids=lambda value: value if isinstance(value, str) else value["do"],
)
def test_access_log_of_a_failure_in_mid_stream(
    upstream: Simulated,
    account: Caller,
    logged: LoggedRequest,
    step: dict[str, Any],
    code: str,
):
    upstream.script(
        {"call": "chat", "pieces": ["a", "b"], "then": [{"after": 1, **step}]}
    )
    logged.by(account)
    line = logged.line
    assert (line["status"], line["ended"]) == (200, code)


def test_access_log_of_a_queue_timeout(
    upstream: Simulated, account: Caller, logged: LoggedRequest
):
    upstream.script({"call": "chat", **HELD})
    with account.stream() as running:
        next(running)
        logged.by(account)
        upstream.release()
    line = logged.line
    assert (line["status"], line["ended"]) == (429, "accounts_busy")
    assert line["account"] is None


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("POST", "/v1/chat/completions", {"json": {}}, 401, "invalid_api_key"),
        ("POST", "/v1/token/check", {"data": "{"}, 400, "invalid_json"),
        ("GET", "/v1/models/none", {}, 404, "model_not_found"),
        ("GET", "/nowhere", {}, 404, "unknown_route"),
        ("PUT", "/v1/models", {}, 405, "method_not_allowed"),
        ("OPTIONS", "/v1/models", {}, 204, "done"),
        ("HEAD", "/", {}, 200, "done"),
        ("GET", "/ping", {}, 200, "done"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_access_log_of_other_requests(
    logged: LoggedRequest, method: str, path: str, sent: Any, status: int, code: str
):
    logged.send(method, path, **sent)
    line = logged.line
    assert (line["method"], line["path"]) == (method, path)
    assert (line["status"], line["ended"]) == (status, code)


def test_access_log_of_a_wrong_key(logged: LoggedRequest):
    """The default key opens nothing here, so it is as wrong as any."""
    logged.send("POST", "/v1/chat/completions", key="sk-secret-typo", json={})
    assert logged.line["ended"] == "invalid_api_key"


class TestSpeech:
    """They break off as chat does, and say so."""

    SPEECH = {"model": "x", "input": f"{SECRET}.", "voice": "alloy"}

    @pytest.fixture(autouse=True)
    def tone(self, upstream: Simulated):
        upstream.script({"call": "chat", "times": None})
        upstream.script({"call": "msg_tts", "times": None, "sound": "tone"})

    def test_access_log_of_a_speech(self, account: Caller, logged: LoggedRequest):
        logged.send("POST", "/v1/audio/speech", key=account.key, json=self.SPEECH)
        line = logged.line
        assert (line["status"], line["ended"]) == (200, "done")
        assert line["account"] == account.users[0]
        assert line["first_s"] and line["bytes"] > 1_000

    @pytest.mark.parametrize("form", ["audio", "sse"])
    def test_access_log_of_a_speech_that_breaks_off(
        self, upstream: Simulated, account: Caller, logged: LoggedRequest, form: str
    ):
        upstream.script({"call": "audio"}, {"call": "audio", "cut_at": 100, "times": 9})
        upstream.script({"call": "msg_tts", "times": 9, "sound": "tone", "parts": 3})
        body = {**self.SPEECH, "stream_format": form}
        try:
            logged.send("POST", "/v1/audio/speech", key=account.key, json=body)
        except OSError:
            assert form == "audio"
        assert logged.line["ended"] == "upstream_unreachable"
        assert "Traceback" not in logged.gateway.log()


class TestRequestId:
    @pytest.mark.parametrize("id", ["a", "7f:b-._", "x" * 100, "task-7f3a", "desk-1"])
    def test_valid_request_id_is_kept(self, gateway: Served, id: str):
        answer = gateway.request("GET", "/ping", headers={"x-request-id": id})
        assert answer.headers["x-request-id"] == id

    @pytest.mark.parametrize(
        "id",
        ["", "x" * 101, "a b", "a\tb", 'a"b', "a{b", "\xe9", "a;b", "eyJ " + "a" * 30],
        ids=range(9),
    )
    def test_invalid_request_id_is_replaced(self, gateway: Served, id: str):
        headers = {"x-request-id": id.encode("latin-1")}
        answer = gateway.request("GET", "/ping", headers=headers)
        assert re.fullmatch("req_[0-9a-f]{32}", answer.headers["x-request-id"])

    @pytest.mark.parametrize(
        "id",
        ["sk-secret-of-somebody", "sk-api-a1", "sk-cp-a1", "a:sk-a1", "eyJa.eyJb.c"],
    )
    def test_request_id_that_looks_like_a_credential_is_replaced(
        self, logged: LoggedRequest, id: str
    ):
        """It is nobody's id; the log and the answer would tell it."""
        before = len(logged.gateway.log())
        answer = logged.send("GET", "/ping", headers={"x-request-id": id})
        ours = answer.headers["x-request-id"]
        assert re.fullmatch("req_[0-9a-f]{32}", ours)
        logged.id = ours
        assert logged.line["path"] == "/ping"
        assert id not in logged.gateway.log()[before:]

    def test_every_response_has_a_request_id(self, gateway: Served):
        for method, path in (("GET", "/none"), ("OPTIONS", "/x"), ("PUT", "/ping")):
            assert gateway.request(method, path).headers["x-request-id"]


class TestLoggedPath:
    @pytest.mark.parametrize(
        "path",
        ["/%0a2026-01-01 INFO evil", "/%0d%0aevil", "/%e2%80%a8evil", "/%1b[2Jevil"],
    )
    def test_path_with_line_breaks_is_logged_on_one_line(
        self, logged: LoggedRequest, path: str
    ):
        logged.send("GET", path)
        line = logged.line
        assert line["path"].isascii() and line["path"].isprintable()
        assert "evil" in line["path"]

    def test_path_of_bytes_is_logged_quoted(self, logged: LoggedRequest):
        logged.send("GET", "/v1/models/%E6%B5%B7%ff")
        assert logged.line["path"] == "/v1/models/%E6%B5%B7%FF"

    def test_logged_path_is_truncated(self, logged: LoggedRequest):
        logged.send("GET", "/" + "a" * 3_000)
        assert len(logged.line["path"]) == 200

    def test_token_in_a_path_is_masked(self, logged: LoggedRequest, account: Caller):
        """Of a client that puts the token in the path, and behind a `?`."""
        logged.send("DELETE", f"/v1/token/{account.key}?key={account.key}", key=KEY)
        assert logged.line["path"] == "/v1/token/***"

    def test_key_in_a_path_is_masked(self, logged: LoggedRequest):
        logged.send("GET", "/v1/models/sk-secret-of-somebody/more")
        assert logged.line["path"] == "/v1/models/***/more"


def test_worker_that_cannot_start_logs_its_traceback(tmp_path: Path):
    """Even where it is an OSError, which of a caller is no news."""
    (tmp_path / "broken.py").write_text("raise OSError('no disk at all')")
    command = ("-m", "gunicorn", "--pythonpath", str(tmp_path), "broken:app")
    with pytest.raises(RuntimeError) as raised:
        Served(tmp_path, command)
    said = str(raised.value)
    assert "Exception in worker process" in said
    assert "Traceback" in said and "OSError: no disk at all" in said


@pytest.mark.parametrize(
    ("error", "news"),
    [
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), False),
        (TimeoutError("timed out"), False),
        (OSError(errno.EBADF, "closed by another greenlet"), False),
        (Unreachable("broken off"), False),
        (OSError(errno.ENOSPC, "No space left"), True),
        (OSError(errno.EMFILE, "Too many open files"), True),
        (ValueError("ours"), True),
    ],
    ids=repr,
)
def test_disconnect_errors_are_filtered_from_the_log(error: Exception, news: bool):
    said, why = "Socket error processing request.", (type(error), error, None)
    record = logging.LogRecord("gunicorn.error", logging.ERROR, "", 0, said, (), why)
    assert DisconnectFilter().filter(record) is news


def test_malformed_header_warning_does_not_log_a_signed_address(
    upstream: Simulated, serve: Callable[..., Served]
):
    """urllib3 warns of a line without a colon, with the address it came from."""
    token = upstream.tokens[0]
    open_to_all = serve(HAILUO_ALLOW_PRIVATE_URLS=1, HAILUO_TOKENS=token)
    before = len(open_to_all.log())
    upstream.script({"call": "chat", "text": "Read"})
    strange = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno colon\r\n\r\nHi"

    with Site(lambda: [strange]) as site:
        address = site.url("/a.txt?OSSAccessKeyId=a&Signature=b")
        parts = [{"type": "file", "file_url": {"url": address}}]
        logged = LoggedRequest(open_to_all)
        messages = [{"role": "user", "content": parts}]
        path, body = "/v1/chat/completions", {"messages": messages}
        answer = logged.send("POST", path, key=KEY, json=body)

    assert answer.json()["choices"][0]["message"]["content"] == "Read"
    assert len(logged.lines) == 1
    assert not re.search("Signature=|AccessKeyId", open_to_all.log()[before:])


class TestForeignTextInTheLog:
    """An upstream's message, a library's error: one line, and no secret in it."""

    SAID = "no\n2026-01-01 INFO evil\u2028\x1b[2J eyJhbGci.eyJleHAi.c2ln sk-api-a-b 忙"

    LOGGED = r"no\n2026-01-01 INFO evil\u2028\x1b[2J *** *** 忙"

    def test_renewal_failure_is_logged_on_one_line_without_secrets(
        self, upstream: Simulated, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ):
        refused = {"code": 1, "message": self.SAID}
        upstream.script({"call": "renewal", "refuse": refused})
        file = tmp_path / "tokens.json"
        file.write_text(json.dumps([upstream.token("6110")]))
        gateway = InProcessGateway(file, origin=upstream.origin)
        gateway.ask("POST", "/v1/token/refresh")

        (record,) = (each for each in caplog.records if "not renewed" in each.msg)
        line = TextFormatter().format(record)
        assert line.endswith(self.LOGGED) and "\n" not in line

    @pytest.mark.parametrize("form", [TextFormatter, JsonFormatter])
    def test_message_is_logged_on_one_line_without_secrets(
        self, form: Callable[[], logging.Formatter]
    ):
        record = logging.LogRecord("a", logging.INFO, "", 0, "%s", (self.SAID,), None)
        said = form().format(record)
        assert said.isprintable()
        if form is JsonFormatter:
            said = json.loads(said)["message"]
        assert said.endswith(self.LOGGED)

    @pytest.mark.parametrize("form", [TextFormatter, JsonFormatter])
    def test_traceback_is_logged_without_secrets(
        self, form: Callable[[], logging.Formatter]
    ):
        try:
            raise ValueError("eyJhbGci.eyJleHAi of http://a.b/c?Signature=d'")
        except ValueError:
            why = sys.exc_info()
        record = logging.LogRecord("a", logging.ERROR, "", 0, "%s", ("sk-api-a",), why)
        said = form().format(record)
        if form is JsonFormatter:
            said = json.loads(said)["traceback"]
        assert len(said.splitlines()) > 3
        assert said.endswith("ValueError: *** of http://a.b/c***'")
        assert "sk-" not in form().format(record)

    @pytest.mark.parametrize(
        "before", ["", " ", "'", "=", "%20", "%0a", r"\n", r"\u200e", "Bearer", "1"]
    )
    @pytest.mark.parametrize("secret", ["sk-a", "sk-api-A-b_1", "eyJa", "eyJa.eyJb.-_"])
    def test_secret_is_masked_after_any_prefix(self, before: str, secret: str):
        assert redact(f"a {before}{secret}, b") == f"a {before}***, b"

    @pytest.mark.parametrize(
        "word", ["task-1", "eyJ", "why?", "disk-full", "a=b", "不好?", "a sk"]
    )
    def test_ordinary_word_is_not_masked(self, word: str):
        assert redact(word) == word


def test_json_log_has_only_json_lines(machine: Served):
    """gunicorn's own lines too."""
    for line in machine.log().splitlines():
        assert {"time", "level", "logger", "message"} <= set(json.loads(line))


def test_disconnected_clients_are_not_logged_as_errors(
    upstream: Simulated, caller: Callable[..., Caller], gateway: Served
):
    """gunicorn logs a traceback for each of them."""
    wait = {"after": 1, "do": "wait", "for_s": 0.05}
    before = gateway.log()
    for _ in range(3):
        upstream.script({"call": "chat", "pieces": ["x" * 50_000] * 20, "then": [wait]})
        with caller().stream() as answer:
            next(answer)
    upstream.wait("open_answers", exactly=0)
    time.sleep(0.1)
    said = gateway.log().removeprefix(before)
    assert "Traceback" not in said and " ERROR " not in said


def test_log_level_error_silences_everything_else(tmp_path: Path):
    """gunicorn's own words included."""
    with Served(tmp_path, HAILUO_LOG_LEVEL="error") as gateway:
        assert gateway.request("GET", "/ping").ok
        assert gateway.stop() == 0
        assert gateway.log() == ""
