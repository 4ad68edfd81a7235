"""The platform's short JSON calls: what is sent, and what is made of the answers."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import responses
from responses import matchers

from hailuo.errors import BadRequest, TokenRejected, Unreachable
from hailuo.upstream.platform import Platform, protocol
from hailuo.upstream.platform.client import to_json
from tests.plain_http import PlainHttp

ORIGIN = "https://api.minimax.io"


class Key(NamedTuple):
    token: str = "sk-api-unit"
    name: str = "somebody"


@pytest.fixture
def service() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as service:
        yield service


@pytest.fixture
def platform() -> Platform:
    return Platform(PlainHttp(), ORIGIN, "MiniMax-M3")


def test_get_voice_lists_the_voices_of_a_key(
    service: responses.RequestsMock, platform: Platform
):
    service.post(
        ORIGIN + protocol.VOICES,
        json={
            "system_voice": [{"voice_id": "narrator", "voice_name": "Narrator"}],
            "voice_cloning": [{"voice_id": "my-own"}],
            "base_resp": {"status_code": 0},
        },
        match=[matchers.header_matcher({"Authorization": "Bearer sk-api-unit"})],
    )

    voices = [voice.id for voice in platform.account_voices(Key())]

    assert set(voices) >= {"narrator", "my-own"}
    assert [call.request.method for call in service.calls] == ["POST"]


def test_models_of_a_key_are_listed(
    service: responses.RequestsMock, platform: Platform
):
    service.get(ORIGIN + protocol.MODELS, json={"data": [{"id": "MiniMax-M4"}]})
    assert platform.models([Key()]) == ["MiniMax-M4"]


def test_rejected_key_is_not_valid(service: responses.RequestsMock, platform: Platform):
    refusal = {"base_resp": {"status_code": 1004, "status_msg": "log in"}}
    service.get(ORIGIN + protocol.MODELS, json=refusal)
    assert platform.is_token_valid("sk-api-unit") is False


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ({"json": {"base_resp": {"status_code": 1004}}}, TokenRejected),
        ({"json": {}, "status": 401}, TokenRejected),
        ({"body": "<html>", "status": 502}, Unreachable),
    ],
    ids=["code", "401", "502"],
)
def test_refused_call_raises_its_error_class(
    service: responses.RequestsMock, platform: Platform, answer: Any, failure: Any
):
    service.get(ORIGIN + protocol.MODELS, **answer)
    with pytest.raises(failure):
        platform.models([Key()])


def test_too_deeply_nested_field_is_refused_by_name():
    """It can be read that deep, but not written again."""
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    with pytest.raises(BadRequest) as raised:
        to_json({"model": "m", "tools": deep})
    assert raised.value.param == "tools"
