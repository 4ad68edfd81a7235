"""JSON of an upstream that is odd in any way: an answer or a 502, never a 500."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.errors import GatewayError, UpstreamProtocolError
from hailuo.net import untrusted_json
from hailuo.upstream.platform.transcription import timed
from tests.conftest import BOTH, Caller, text_of
from tests.served import KEY, Served
from tests.simulated import Simulated

HALF = "\ud83d"
MENDED = "\ufffd"
DEPTHS = [untrusted_json.MAX_DEPTH + 1, 900, 5_000, 100_000]


def plain(value: Any) -> dict[str, Any]:
    """An answer that is this JSON, halves of pairs escaped."""
    body, kind = json.dumps(value), "application/json"
    return {"status": 200, "body": body, "content_type": kind}


class TestParse:
    @pytest.mark.parametrize("opening", [b"[", b'{"a":'], ids=["lists", "objects"])
    @pytest.mark.parametrize("depth", DEPTHS)
    @pytest.mark.parametrize("keep_halves", [False, True])
    def test_deeply_nested_json_is_an_upstream_error(
        self, opening: bytes, depth: int, keep_halves: bool
    ):
        closing = {b"[": b"]", b'{"a":': b"}"}[opening]
        for half in (b"1", b'"\\ud83d"'):
            data = opening * (depth + 1) + half + closing * (depth + 1)
            with pytest.raises(UpstreamProtocolError):
                untrusted_json.parse(data, keep_halves=keep_halves)

    def test_deepest_accepted_json_can_be_serialised(self):
        deepest = b"[" * untrusted_json.MAX_DEPTH + b"]" * untrusted_json.MAX_DEPTH
        assert json.dumps(untrusted_json.parse(deepest)).encode() == deepest

    @pytest.mark.parametrize(
        "data", [b"", b"{", b"NaN", b"1e999", b"9" * 5_000, b'"\\ud83d" NaN', b'{"a":}']
    )
    @pytest.mark.parametrize("keep_halves", [False, True])
    def test_invalid_json_is_an_upstream_error(self, data: bytes, keep_halves: bool):
        with pytest.raises(UpstreamProtocolError):
            untrusted_json.parse(data, keep_halves=keep_halves)

    @pytest.mark.parametrize(
        ("data", "value"),
        [
            (rb'"a\ud83d"', "a\ufffd"),
            (rb'"\udc1aa\ud83d\udc1a"', "\ufffda🐚"),
            (rb'"\\ud83d \\\udc1a"', "\\ud83d \\\ufffd"),
            (rb'{"\ud83d": ["\udc1a"]}', {"\ufffd": ["\ufffd"]}),
            (b'"a\xff"', "a\ufffd"),
            (b'\xef\xbb\xbf"a"', "a"),
        ],
    )
    def test_lone_surrogates_are_replaced_everywhere(self, data: bytes, value: Any):
        assert untrusted_json.parse(data) == value

    def test_large_json_with_lone_surrogates_is_refused(self):
        data = b'["\\ud83d",' + b"1," * untrusted_json.MAX_INVALID_BYTES + b"1]"
        with pytest.raises(UpstreamProtocolError):
            untrusted_json.parse(data)

    @given(st.binary(max_size=40) | st.text('\\ud83c1a"[]{}:,0').map(str.encode))
    def test_random_bytes_are_valid_json_or_an_upstream_error(self, data: bytes):
        for keep_halves in (False, True):
            try:
                value = untrusted_json.parse(data, keep_halves=keep_halves)
            except UpstreamProtocolError:
                continue
            if not keep_halves:
                json.dumps(value, ensure_ascii=False).encode()

    @given(st.text(st.characters(codec=None), max_size=9))
    def test_mended_text_can_be_encoded(self, text: str):
        untrusted_json.mend(text).encode()


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("a"), inner),
)


@given(ODD)
def test_field_of_any_type_is_read_or_an_upstream_error(value: Any):
    fields = {"a": value}
    for read in (
        untrusted_json.mapping,
        untrusted_json.objects,
        untrusted_json.text,
        untrusted_json.identifier,
    ):
        try:
            read(fields, "a")
        except GatewayError as error:
            assert error.status == 502
    assert isinstance(untrusted_json.message(value), str)


@pytest.mark.parametrize(
    "value", [-1, 1e300, True, "1", "inf", None, [1], float("nan")], ids=repr
)
def test_invalid_segment_time_is_an_upstream_error(value: Any):
    """`"inf"` became Infinity, which is not JSON."""
    answer = {"segments": [{"text": "a", "start": 0, "end": value}]}
    with pytest.raises(UpstreamProtocolError):
        timed(answer, 1.0)


@BOTH
@pytest.mark.parametrize("depth", [100, 900, 100_000])
def test_deeply_nested_event_is_a_502(upstream: Simulated, account: Caller, depth: int):
    deep = (
        f'{{"data": {"[" * depth}{"]" * depth}, "choices": {"[" * depth}{"]" * depth}}}'
    )
    steps = [{"after": 1, "do": "garbage", "data": deep}]
    script = {"call": account.call, "pieces": ["a", "b"], "then": steps}
    upstream.script(script, script)

    assert error_of(account) == (502, "upstream_protocol")
    with (
        pytest.raises(openai.APIError) as failed,
        account.stream() as stream,
    ):
        assert text_of(next(stream)) + text_of(next(stream)) == "a"
        list(stream)
    assert failed.value.code == "upstream_protocol"


@BOTH
def test_deeply_nested_json_answer_is_a_502(upstream: Simulated, account: Caller):
    deep = "[" * 100_000 + "]" * 100_000
    answer = {"status": 200, "body": deep, "content_type": "application/json"}
    upstream.script({"call": account.call, "http": answer, "times": None})
    assert error_of(account) == (502, "upstream_protocol")


def test_odd_device_id_is_a_502(upstream: Simulated, caller: Callable[..., Caller]):
    """All are tried at once, since each is asked for three times, with pauses."""
    odd = [
        "a b",
        "a&b=c",
        "a\nb",
        "海螺",
        HALF,
        ["a"],
        {"a": 1},
        1.5,
        True,
        "a" * 10_000,
    ]
    accounts = [caller() for _ in odd]
    for account, device_id in zip(accounts, odd, strict=True):
        data = {"statusInfo": {"code": 0}, "data": {"deviceIDStr": device_id}}
        answer = {"token": account.key, "http": plain(data), "times": None}
        upstream.script({"call": "register", **answer})
    with ThreadPoolExecutor(len(accounts)) as threads:
        codes = list(threads.map(error_of, accounts))
    assert codes == [(502, "upstream_protocol")] * len(odd)


def error_of(account: Caller) -> tuple[int, str | None]:
    """Return the status and the code of a question's error."""
    with pytest.raises(openai.InternalServerError) as raised:
        account.create()
    return raised.value.status_code, raised.value.code


def test_lone_surrogate_in_a_link_is_replaced(upstream: Simulated, account: Caller):
    links = [{"detail": f"a{HALF}", "url": "https://example.com/"}]
    upstream.script({"call": "chat", "text": "Yes.", "links": links, "times": 2})

    message = account.create().choices[0].message
    assert message.content == "Yes."
    assert message.annotations[0].url_citation.title == f"a{MENDED}"
    with account.stream() as stream:
        assert "".join(map(text_of, stream)) == "Yes."


@BOTH
@pytest.mark.parametrize("said", ["json", "event"])
def test_lone_surrogate_in_a_refusal_is_replaced(
    upstream: Simulated, account: Caller, kind: str, said: str
):
    message = f"no {HALF}!"
    steps = [{"after": 0, "do": "error", "code": 1000, "message": message}]
    if said == "json":
        base = {"status_code": 1000, "status_msg": message}
        status = {"code": 1000, "message": message}
        body = {"statusInfo": status, "base_resp": base}
        script: dict[str, Any] = {"http": plain(body)}
    else:
        script = {"text": "a", "then": steps}
    upstream.script({"call": account.call, "times": None, **script})
    with pytest.raises(openai.InternalServerError) as raised:
        account.create()
    assert raised.value.status_code in (502, 503)
    assert f"no {MENDED}!" in raised.value.message


def test_lone_surrogate_in_a_refusal_is_replaced_in_the_account_listing(
    upstream: Simulated, serve: Callable[..., Served]
):
    gateway = serve(HAILUO_TOKENS=upstream.token("6801"))
    status = {"statusInfo": {"code": 7, "message": f"no {HALF}!"}}
    refused = {"call": "chat", "user": "6801", "http": plain(status), "times": None}
    upstream.script(refused)
    with pytest.raises(openai.InternalServerError):
        gateway.client().chat.completions.create(
            model="hailuo", messages=[{"role": "user", "content": "Hello"}]
        )

    headers = {"Authorization": f"Bearer {KEY}"}
    shown = gateway.request("GET", "/v1/token", headers=headers)
    assert shown.status_code == 200
    assert MENDED in shown.text


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


HEAD = encoded('{"alg":"HS256","typ":"JWT"}')


def test_token_with_an_odd_user_id_is_simply_rejected(
    upstream: Simulated, gateway: Served
):
    """Anybody can write one: its id may be nested as deep as a JWT is long."""
    for user in ("[" * 900 + "]" * 900, '"\\ud83d"', "1e999", "9" * 5_000):
        claims = f'{{"user": {{"id": {user}}}}}'
        token = f"{HEAD}.{encoded(claims)}.x"
        headers = {"Authorization": f"Bearer {token}"}
        body = {"messages": [{"role": "user", "content": "Hello"}]}
        answer = gateway.request(
            "POST", "/v1/chat/completions", headers=headers, json=body
        )
        assert answer.status_code == 401, user[:20]
