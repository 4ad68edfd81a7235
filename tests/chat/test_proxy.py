"""Upstream calls go through HAILUO_PROXY, and through no other."""

from pathlib import Path

import pytest

from tests.accounts.conftest import InProcessGateway
from tests.proxy import Proxy
from tests.served import free_port
from tests.simulated import Simulated


@pytest.fixture
def nowhere() -> str:
    """Return an address at which nothing listens."""
    return f"http://127.0.0.1:{free_port()}"


def test_every_upstream_call_uses_the_configured_proxy(
    upstream: Simulated, tmp_path: Path
):
    upstream.script({"call": "chat", "pieces": ["a", "b"]})
    with Proxy() as proxy:
        terms = {"origin": upstream.origin, "proxy": proxy.address}
        gateway = InProcessGateway(tmp_path / "tokens.json", **terms)
        answer = gateway.chat(upstream.token("6981"))
        assert answer.json["choices"][0]["message"]["content"] == "ab"
        upstream.wait("conversations", exactly=0)

        calls = [(r["method"], r["path"]) for r in upstream.report()["requests"]]
        assert proxy.seen == [(m, upstream.origin + path) for m, path in calls]
        assert len(calls) == 3


def test_proxies_and_netrc_of_the_environment_are_ignored(
    upstream: Simulated,
    tmp_path: Path,
    nowhere: str,
    monkeypatch: pytest.MonkeyPatch,
):
    upstream.script({"call": "chat", "text": "direct"})
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, nowhere)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "")
    gateway = InProcessGateway(tmp_path / "tokens.json", origin=upstream.origin)
    answer = gateway.chat(upstream.token("6982"))
    assert answer.json["choices"][0]["message"]["content"] == "direct"


def test_unreachable_upstream_is_a_502(
    upstream: Simulated, tmp_path: Path, nowhere: str
):
    gateway = InProcessGateway(tmp_path / "tokens.json", origin=nowhere)
    tokens = [upstream.token(user) for user in ("6983", "6984", "6985")]
    answer = gateway.chat(",".join(tokens))
    assert answer.status_code == 502
    assert answer.json["error"]["code"] == "upstream_unreachable"
    assert answer.headers["x-should-retry"] == "false"
