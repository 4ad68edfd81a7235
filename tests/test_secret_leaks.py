"""Tests of the search for secrets in logs (secret_leaks)."""

from pathlib import Path

import pytest

from tests.deploy.nginx import PROGRAM, Nginx
from tests.secret_leaks import KEY, LOGS, SECRET, Logs, secrets
from tests.served import Served, free_port

TELLING = {
    "a token": ["Bearer eyJhbGciOi", "b'\\r\\nX: eyJhbGci", "/v1/token/eyJhbGci.eyJl"],
    "a key": [KEY, "sk-cp-a", "sk-api-sim-7001", "api-key: sk-secret", "k=\\nsk-a"],
    "a question or an answer": [f'"content": "{SECRET}"'],
    "a signed address": ["/a?Signature=b", "OSSAccessKeyId=a", "x-oss-date", "/a?yy=b"],
}
GREETING = f'  -H "Authorization: Bearer {KEY}" \\'


@pytest.mark.parametrize(
    ("kind", "words"),
    [(kind, words) for kind in TELLING for words in TELLING[kind]],
)
def test_every_kind_of_secret_is_found(kind: str, words: str):
    line = f"2026-01-01 INFO GET {words} 200"
    assert (kind, line) in list(secrets(f"before\n{line}\nbehind\n"))


def test_text_greeting_is_no_leak():
    greeting = f"INFO Answers come from x. Try:\ncurl x \\\n{GREETING}\n  -d 'y'\n"
    assert list(secrets(greeting)) == []
    for leak in (f"INFO {KEY}", f"INFO {GREETING}", f"{GREETING} {KEY}"):
        assert list(secrets(greeting + leak)) == [("a key", leak)]


def test_json_greeting_is_no_leak():
    rest = f'"message": "Answers come from x. Try:\\ncurl x -H \\"Bearer {KEY}\\""}}'
    assert list(secrets('{"level": "info", "logger": "hailuo.wsgi", ' + rest)) == []
    leak = '{"level": "info", "logger": "hailuo", ' + rest
    assert list(secrets(leak)) == [("a key", leak)]


def test_ordinary_words_are_no_secrets():
    assert list(secrets("task-1 desk-lamp eyJ sk- design=1 a?b=c signature")) == []


def test_deleted_gateway_log_is_searched(tmp_path: Path):
    """Also one that never came to serve."""

    class SeparatelyWatched(Served):
        logs = Logs()

    with pytest.raises(RuntimeError, match="does not serve"):
        SeparatelyWatched(tmp_path, ("-c", "print('so: sk-api-somebody', flush=True)"))
    for log in tmp_path.glob("*.log"):
        log.unlink()

    (leak,) = SeparatelyWatched.logs.leaks()

    assert leak.startswith("a key is in the log of")
    assert leak.endswith(": so: sk-api-somebody")
    assert str(tmp_path) in leak


@pytest.mark.skipif(PROGRAM is None, reason="NO NGINX HERE: its log is NOT TESTED")
def test_nginx_log_is_searched(tmp_path: Path):
    """It tells of a request that it cannot pass on, with its path."""

    class SeparatelyWatched(Nginx):
        logs = Logs()

    with SeparatelyWatched(tmp_path, free_port()) as site:
        site.request("GET", "/v1/models/sk-secret-of-somebody")

    assert {leak.partition(" is in")[0] for leak in SeparatelyWatched.logs.leaks()} == {
        "a key"
    }


def test_session_searches_logs_of_gateways_and_nginx(gateway: Served):
    assert Served.logs is Nginx.logs is LOGS
