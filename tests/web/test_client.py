"""The web service's short JSON calls: what is sent, and how its envelope is opened."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import responses
from responses import matchers

from hailuo.errors import (
    TokenRejected,
    Unreachable,
    UpstreamBusy,
    UpstreamProtocolError,
)
from hailuo.upstream.web import Web, protocol
from hailuo.upstream.web.client import Client
from hailuo.upstream.web.oss import UploadPolicy
from tests.accounts.conftest import written
from tests.plain_http import PlainHttp

ORIGIN = "https://hailuoai.com"
POLICY = {
    **dict.fromkeys(("accessKeyId", "accessKeySecret", "securityToken"), "a"),
    "dir": "cdn",
    "bucketName": "files",
    "endpoint": "oss-cn-x.aliyuncs.com",
    "expiration": "2999-01-01T00:00:00Z",
}


class Account(NamedTuple):
    token: str = "the token"
    name: str = "somebody"


def at(path: str) -> "re.Pattern[str]":
    """Match a path with whatever query the protocol adds."""
    return re.compile(re.escape(ORIGIN + path) + r"[?&]")


def envelope(data: Any = None, code: int = 0, message: str = "") -> dict[str, Any]:
    return {"statusInfo": {"code": code, "message": message}, "data": data}


@pytest.fixture
def service() -> Iterator[responses.RequestsMock]:
    """The web service, which registers devices."""
    with responses.RequestsMock() as service:
        service.post(at(protocol.REGISTER), json=envelope({"deviceIDStr": "7"}))
        yield service


@pytest.fixture
def client() -> Client:
    return Client(PlainHttp(), ORIGIN)


@pytest.fixture
def web() -> Web:
    return Web(PlainHttp(), ORIGIN)


def test_device_is_registered_before_the_first_call_only(
    service: responses.RequestsMock, client: Client
):
    service.get(at(protocol.USER_INFO), json=envelope({"userInfo": {}}))

    for _ in range(2):
        client.ask("GET", protocol.USER_INFO, "the token")

    registration, *calls = (call.request for call in service.calls)
    uuid = json.loads(registration.body or "")["uuid"]
    assert f"&uuid={uuid}&" in str(registration.url)
    assert "device_id" not in str(registration.url)
    assert len(calls) == 2
    assert all(f"&uuid={uuid}&device_id=7&" in str(each.url) for each in calls)


def test_calls_carry_token_and_signature(
    service: responses.RequestsMock, client: Client
):
    service.get(at(protocol.USER_INFO), json=envelope({"userInfo": {}}))

    client.ask("GET", protocol.USER_INFO, "the token")

    for call in service.calls:
        assert call.request.headers["Token"] == "the token"
        assert re.fullmatch("[0-9a-f]{32}", call.request.headers["Yy"])


@pytest.mark.parametrize(
    ("answer", "valid"),
    [
        (envelope({"userInfo": {"id": "1"}}), True),
        (envelope({"userInfo": None}), False),
        (envelope(code=1000021, message="log in"), False),
    ],
    ids=["user", "no user", "rejected"],
)
def test_user_info_tells_whether_a_token_is_valid(
    service: responses.RequestsMock, web: Web, answer: Any, valid: bool
):
    service.get(at(protocol.USER_INFO), json=answer)
    assert web.is_token_valid("the token") is valid


def test_renewal_returns_the_new_token(service: responses.RequestsMock, web: Web):
    new = written("42")
    service.post(
        at(protocol.RENEWAL),
        json=envelope({"token": new}),
        match=[matchers.json_params_matcher({})],
    )
    assert web.renew(Account()) == new


def test_renewal_without_a_token_is_an_upstream_error(
    service: responses.RequestsMock, web: Web
):
    service.post(at(protocol.RENEWAL), json=envelope({"token": "no JWT"}))
    with pytest.raises(UpstreamProtocolError):
        web.renew(Account())


def test_upload_policy_is_requested(service: responses.RequestsMock, client: Client):
    service.get(at(protocol.REQUEST_POLICY), json=envelope(POLICY))

    policy = UploadPolicy.parse(client.ask("GET", protocol.REQUEST_POLICY, "the token"))

    assert (policy.bucket, policy.region) == ("files", "cn-x")


def test_conversation_is_deleted_by_its_id(service: responses.RequestsMock, web: Web):
    service.delete(at(f"{protocol.HISTORY}12"), json=envelope())

    web._removals.add(Account(), "12")

    assert web.drain(30) == 0
    assert [call.request.method for call in service.calls] == ["POST", "DELETE"]


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ({"json": envelope(code=1000021, message="log in")}, TokenRejected),
        ({"json": envelope(code=1, message="busy")}, UpstreamBusy),
        ({"json": {}, "status": 401}, TokenRejected),
        ({"json": {}, "status": 429}, UpstreamBusy),
        ({"json": {}, "status": 502}, Unreachable),
        ({"body": "<html>"}, UpstreamProtocolError),
        ({"json": {}, "status": 302}, UpstreamProtocolError),
    ],
    ids=["rejected", "busy", "401", "429", "502", "a page", "a redirect"],
)
def test_refused_call_raises_its_error_class(
    service: responses.RequestsMock, client: Client, answer: Any, failure: Any
):
    service.get(at(protocol.USER_INFO), **answer)
    with pytest.raises(failure) as raised:
        client.ask("GET", protocol.USER_INFO, "the token")
    assert type(raised.value) is failure
