"""Credentials that clients bring: proven by their service before others are touched."""

from collections.abc import Callable

import pytest

from hailuo.errors import CallerLeft, Unauthorized, UpstreamError
from hailuo.watch import Watch
from tests.accounts.conftest import Inside, written
from tests.simulated import Simulated

Hosting = Callable[..., Inside]


class DisconnectedWatch(Watch):
    """The watch of a request whose client has disconnected."""

    def check(self) -> None:
        raise CallerLeft("gone")


def prove(gateway: Inside, *tokens: str, watch: Watch | None = None) -> None:
    candidates = gateway.parts.pool.visitors(tokens)
    gateway.parts.gateway.prove(candidates, watch or Watch())


def calls(upstream: Simulated) -> list[str]:
    return [each["call"] for each in upstream.report()["requests"]]


class TestProve:
    """`Gateway.prove`, for what strangers must not cause."""

    def test_accepted_token_is_asked_about_once(
        self, inside: Hosting, upstream: Simulated
    ):
        gateway, token = inside([]), upstream.token("6301")
        for _ in range(3):
            prove(gateway, token)
        assert calls(upstream) == ["register", "info"]

    def test_platform_key_is_asked_about_once(
        self, inside: Hosting, upstream: Simulated
    ):
        gateway = inside([], platform_origin=upstream.origin)
        for _ in range(3):
            prove(gateway, "sk-api-sim-6302")
        assert calls(upstream) == ["models"]

    def test_proof_is_shared_with_token_check(
        self, inside: Hosting, upstream: Simulated
    ):
        gateway, token = inside([]), upstream.token("6303")
        prove(gateway, token)
        assert gateway.ask("POST", "/token/check", json={"token": token}).json["live"]
        assert calls(upstream) == ["register", "info"]

    def test_rejected_tokens_are_unauthorized(
        self, inside: Hosting, upstream: Simulated
    ):
        gateway, forged = inside([]), [written("6304"), written("6305")]
        for _ in range(2):
            with pytest.raises(Unauthorized):
                prove(gateway, *forged)
        assert calls(upstream) == ["register"] * 2, "rejections are remembered, too"

    def test_one_accepted_token_is_enough(self, inside: Hosting, upstream: Simulated):
        gateway = inside([])
        good = [upstream.token(user) for user in ("6306", "6307")]
        prove(gateway, written("6308"), *good)
        assert calls(upstream) == ["register", "register", "info"]

    def test_service_that_fails_proves_nothing(
        self, inside: Hosting, upstream: Simulated
    ):
        gateway, token = inside([]), upstream.token("6309")
        upstream.script({"call": "info", "http": {"status": 500}})
        with pytest.raises(UpstreamError) as raised:
            prove(gateway, token)
        assert raised.value.status == 502
        prove(gateway, token)

    def test_pool_needs_no_proof(self, inside: Hosting, upstream: Simulated):
        gateway = inside([upstream.token("6310")])
        everybody = gateway.parts.pool.everybody()
        gateway.parts.gateway.prove(everybody, Watch())
        assert calls(upstream) == []

    def test_nobody_is_asked_after_the_client_disconnected(
        self, inside: Hosting, upstream: Simulated
    ):
        with pytest.raises(CallerLeft):
            prove(inside([]), upstream.token("6311"), watch=DisconnectedWatch())
        assert calls(upstream) == []
