"""Upstream calls go through HAILUO_PROXY, and through no other."""

from pathlib import Path
from typing import Any

import openai
import pytest

from tests.conftest import Caller
from tests.proxy import Proxy
from tests.served import Served, free_port
from tests.simulated import Simulated


def test_every_upstream_call_uses_the_configured_proxy(
    upstream: Simulated, tmp_path: Path
):
    upstream.script({"call": "chat", "pieces": ["a", "b"]})
    with (
        Proxy() as proxy,
        Served(
            tmp_path, HAILUO_ORIGIN=upstream.origin, HAILUO_PROXY=proxy.address
        ) as gateway,
    ):
        assert Caller(gateway, upstream, 1).ask() == "ab"
        upstream.wait("conversations", exactly=0)

        calls = [(r["method"], r["path"]) for r in upstream.report()["requests"]]
        assert proxy.seen == [(m, upstream.origin + path) for m, path in calls]
        assert len(calls) == 3


def test_proxies_and_netrc_of_the_environment_are_ignored(
    upstream: Simulated, tmp_path: Path
):
    upstream.script({"call": "chat", "text": "direct"})
    nowhere = f"http://127.0.0.1:{free_port()}"
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    names = ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY")
    environ: dict[str, Any] = {
        **dict.fromkeys(names, nowhere),
        "HOME": str(tmp_path),
        "no_proxy": "",
    }
    with Served(tmp_path, HAILUO_ORIGIN=upstream.origin, **environ) as gateway:
        assert Caller(gateway, upstream, 1).ask() == "direct"


def test_unreachable_upstream_is_a_502(upstream: Simulated, tmp_path: Path):
    nowhere = f"http://127.0.0.1:{free_port()}"
    with Served(tmp_path, HAILUO_ORIGIN=nowhere) as gateway:
        with pytest.raises(openai.InternalServerError) as raised:
            Caller(gateway, upstream, 3).ask()
        error = raised.value
        assert (error.status_code, error.code) == (502, "upstream_unreachable")
        assert error.response.headers["x-should-retry"] == "false"
