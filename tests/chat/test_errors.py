"""Each failure in client-apis.md 3: its status, type, code and headers, and the
exception of the official library that it becomes."""

from collections.abc import Callable
from typing import Any

import openai
import pytest

from hailuo.gateway.retry import POLICY
from tests.conftest import BOTH, SECRET, Caller, text_of
from tests.served import Served
from tests.simulated import Simulated

MESSAGES = [{"role": "user", "content": SECRET}]
BUSY = {"code": 1, "message": "抱歉，服务器开小差了"}
ATTEMPTS = POLICY.attempts

Fault = tuple[dict[str, Any], int, str, int]

# What a service does, and what the caller hears when it does it again and again; each
# service's own ways to refuse are below and in test_platform.
FAULTS: dict[str, Fault] = {
    "500": (
        {"http": {"status": 500, "body": "?"}},
        502,
        "upstream_unreachable",
        ATTEMPTS,
    ),
    "a page": (
        {"http": {"status": 200, "body": "<html>"}},
        502,
        "upstream_protocol",
        ATTEMPTS,
    ),
    "a redirect": (
        {"http": {"status": 302, "headers": {"Location": "/elsewhere"}}},
        502,
        "upstream_protocol",
        ATTEMPTS,
    ),
    "no answer": ({"drop": "reset"}, 502, "upstream_unreachable", ATTEMPTS),
    "a connection closed": ({"drop": "close"}, 502, "upstream_unreachable", ATTEMPTS),
    "cut before a word": (
        {"then": [{"after": 0, "do": "reset"}]},
        502,
        "upstream_unreachable",
        ATTEMPTS,
    ),
    "cut inside a chunk": (
        {"then": [{"after": 0, "do": "close", "inside": "chunk"}]},
        502,
        "upstream_unreachable",
        ATTEMPTS,
    ),
    "garbage": (
        {"then": [{"after": 0, "do": "garbage"}]},
        502,
        "upstream_protocol",
        ATTEMPTS,
    ),
    "not a word": ({"text": ""}, 502, "upstream_empty", 2),
}
WEB_FAULTS: dict[str, Fault] = {
    "refused": ({"refuse": BUSY}, 503, "upstream_busy", ATTEMPTS),
    "refused in an event": (
        {"refuse": {**BUSY, "as": "event"}},
        503,
        "upstream_busy",
        ATTEMPTS,
    ),
    "refused with 429": ({"http": {"status": 429}}, 503, "upstream_busy", ATTEMPTS),
    "an end too early": (
        {"then": [{"after": 0, "do": "end"}]},
        502,
        "upstream_protocol",
        ATTEMPTS,
    ),
    "an end too early, no chunks": (
        {"framing": "close", "then": [{"after": 0, "do": "close"}]},
        502,
        "upstream_protocol",
        ATTEMPTS,
    ),
    "JSON that is none of ours": (
        {"then": [{"after": 0, "do": "event", "data": [1]}]},
        502,
        "upstream_protocol",
        ATTEMPTS,
    ),
    "type 8 alone": (
        {"contents": [], "send_result": False},
        502,
        "upstream_empty",
        2,
    ),
}
ALL = [("web", name, *fault) for name, fault in (FAULTS | WEB_FAULTS).items()]
ALL += [("platform", name, *fault) for name, fault in FAULTS.items()]


@pytest.mark.parametrize("form", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("kind", "name", "fault", "status", "code", "tries"), ALL)
def test_lasting_upstream_fault_becomes_an_error_after_every_attempt(
    upstream: Simulated,
    caller: Callable[..., Caller],
    name: str,
    fault: dict[str, Any],
    status: int,
    code: str,
    tries: int,
    form: bool,
):
    account = caller(ATTEMPTS)  # with one, there are pauses between the tries
    upstream.script({"call": account.call, "times": None, **fault})

    with pytest.raises(openai.InternalServerError) as raised:
        account.create(stream=form)

    error = raised.value
    assert (error.status_code, error.type, error.code) == (
        status,
        "upstream_error",
        code,
    )
    headers = error.response.headers
    assert ("retry-after" in headers) == (status == 503)
    assert headers.get("x-should-retry") == ("false" if status == 502 else None)
    assert error.request_id
    assert len(upstream.report()["answers"]) in (tries, 0)
    asked = [r for r in upstream.report()["requests"] if r["call"] == account.call]
    assert len(asked) == tries


@pytest.mark.parametrize(("kind", "fault"), [(each[0], each[2]) for each in ALL])
def test_passing_upstream_fault_is_retried_unnoticed(
    upstream: Simulated, caller: Callable[..., Caller], fault: dict[str, Any]
):
    both = caller(2)
    after_all = {"call": both.call, "text": "After all"}
    upstream.script({"call": both.call, **fault}, after_all)
    assert both.ask() == "After all"


@BOTH
def test_two_passing_upstream_faults_are_retried_unnoticed(
    upstream: Simulated, account: Caller
):
    upstream.script(
        {"call": account.call, "drop": "close"},
        {"call": account.call, "http": {"status": 500, "body": "?"}},
        {"call": account.call, "text": "After all"},
    )
    assert "".join(account.pieces()) == "After all"


@BOTH
def test_retry_asks_another_account(upstream: Simulated, caller: Callable[..., Caller]):
    both = caller(2)
    busy = {"code": 1002} if both.call == "completion" else BUSY
    yes = {"call": both.call, "text": "Yes"}
    upstream.script({"call": both.call, "refuse": busy}, yes)

    assert both.ask() == "Yes"

    asked = [r["user"] for r in upstream.report()["requests"] if r["call"] == both.call]
    assert sorted(asked) == both.users


def test_refused_account_cools_down(upstream: Simulated, caller: Callable[..., Caller]):
    both = caller(2)
    upstream.script({"call": "chat", "refuse": BUSY}, {"call": "chat", "times": None})
    both.ask()
    refused = upstream.report()["requests"]
    (resting,) = {
        r["user"] for r in refused if r["call"] == "chat" and r["status"] == 200
    } - {answer["user"] for answer in upstream.report()["answers"] if answer["events"]}

    for _ in range(3):
        both.ask()

    answers = upstream.report()["answers"]
    served = [answer["user"] for answer in answers if answer["events"]]
    assert len(served) == 4 and resting not in served


@pytest.mark.parametrize(
    "fault",
    [
        {"refuse": {"code": 1000021, "status": 401}},
        {"refuse": {"code": 1000021}},
        {"refuse": {"code": 1000021, "as": "event"}},
        {"http": {"status": 401}},
    ],
    ids=["401 and code", "code", "code in an event", "401 alone"],
)
def test_rejected_client_token_is_a_401(
    upstream: Simulated, account: Caller, fault: dict[str, Any]
):
    upstream.script({"call": "chat", "times": None, **fault})

    with pytest.raises(openai.AuthenticationError) as raised:
        account.ask()

    assert raised.value.type == "authentication_error"
    assert raised.value.code == "invalid_api_key"
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert len(upstream.report()["requests"]) == 2, "register, then one try"


def test_expired_client_token_is_reported_as_expired(
    upstream: Simulated, account: Caller
):
    account.tokens = [upstream.token(account.users[0], expires_in_s=-10)]
    with pytest.raises(openai.AuthenticationError) as raised:
        account.ask()
    assert raised.value.code == "token_expired"


def test_rejected_tokens_are_skipped_without_costing_attempts(
    upstream: Simulated, caller: Callable[..., Caller]
):
    """It is not counted among the tries."""
    many = caller(ATTEMPTS + 3)
    for user in many.users[:-1]:
        upstream.revoke(user=user)
    upstream.script({"call": "chat", "text": "The last"})
    assert many.ask() == "The last"


def test_rejected_token_at_device_registration_is_a_401(
    upstream: Simulated, account: Caller
):
    upstream.script({"call": "register", "refuse": {"code": 1000021}})
    with pytest.raises(openai.AuthenticationError):
        account.ask()


def test_failed_device_registration_is_retried(upstream: Simulated, account: Caller):
    upstream.script(
        {"call": "register", "http": {"status": 500, "body": "?"}},
        {"call": "register", "data": {"nothing": "of use"}},
        {"call": "chat", "text": "Hello"},
    )
    assert account.ask() == "Hello"


class TestFailureInMidStream:
    """After the first piece: one error event, then the end; no [DONE], no text."""

    ENDS: dict[str, tuple[dict[str, Any], str]] = {
        "error event": ({"do": "error", "code": 1, "message": "忙"}, "upstream_busy"),
        "token refused": (
            {"do": "error", "code": 1000021, "message": "异常"},
            "invalid_api_key",
        ),
        "reset": ({"do": "reset"}, "upstream_unreachable"),
        "cut in a chunk": ({"do": "close", "inside": "chunk"}, "upstream_unreachable"),
        "end": ({"do": "end"}, "upstream_protocol"),
        "garbage": ({"do": "garbage"}, "upstream_protocol"),
    }

    ON_BOTH = [("web", *end) for end in ENDS.values()]
    ON_BOTH += [("platform", *end) for end in list(ENDS.values())[2:]]
    ON_BOTH += [
        ("platform", {"do": "error", "code": 1002}, "rate_limit_exceeded"),
        ("platform", {"do": "error", "code": 1004}, "invalid_api_key"),
        ("platform", {"do": "error", "code": 1000}, "upstream_unreachable"),
    ]

    @pytest.mark.parametrize(("kind", "step", "code"), ON_BOTH)
    def test_stream_ends_with_one_error_event(
        self,
        upstream: Simulated,
        caller: Callable[..., Caller],
        kind: str,
        step: dict[str, Any],
        code: str,
    ):
        script = {"pieces": ["One", "Two"], "then": [{"after": 1, **step}]}
        upstream.script({"call": caller().call, **script, "times": 2})
        said = []

        with pytest.raises(openai.APIError) as raised, caller().stream() as stream:
            for chunk in stream:
                said.append(text_of(chunk))

        assert "".join(said) == "One"
        assert raised.value.code == code
        body = caller().send().content
        assert body.count(b'"error"') == 1 and b"[DONE]" not in body
        last = body.removesuffix(b"\n\n").rpartition(b"\n\n")[2]
        assert last.startswith(b'data: {"error":{"message":')

    @BOTH
    def test_whole_answer_that_breaks_off_is_an_error_status(
        self, upstream: Simulated, account: Caller
    ):
        cut = {"after": 1, "do": "reset"}
        upstream.script({"call": account.call, "pieces": ["One", "Two"], "then": [cut]})
        with pytest.raises(openai.InternalServerError) as raised:
            account.ask()
        assert raised.value.code == "upstream_unreachable"
        assert SECRET not in raised.value.message


class TestInvalidRequest:
    def test_missing_key_is_a_401(self, gateway: Served):
        answer = gateway.request(
            "POST", "/v1/chat/completions", json={"messages": MESSAGES}
        )
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "invalid_api_key"
        assert answer.headers["x-should-retry"] == "false"

    def test_wrong_key_is_never_sent_upstream(
        self, gateway: Served, upstream: Simulated
    ):
        with pytest.raises(openai.AuthenticationError) as raised:
            gateway.client("sk-secret-of-somebody").chat.completions.create(
                model="hailuo", messages=MESSAGES
            )
        assert raised.value.code == "invalid_api_key"
        assert "sk-secret" not in raised.value.message
        assert upstream.report()["requests"] == []

    def test_one_invalid_token_refuses_the_request(
        self, upstream: Simulated, account: Caller
    ):
        account.tokens.append("sk-secret-typo")
        with pytest.raises(openai.AuthenticationError):
            account.ask()
        assert upstream.report()["requests"] == []

    def test_wrong_field_is_named(self, upstream: Simulated, account: Caller):
        with pytest.raises(openai.BadRequestError) as raised:
            account.create(messages=[{"role": "user", "content": [{"type": "text"}]}])
        assert raised.value.param == "messages[0].content[0].text"
        assert raised.value.type == "invalid_request_error"

    def test_unknown_path_is_a_404(self, gateway: Served):
        with pytest.raises(openai.NotFoundError) as raised:
            gateway.client().embeddings.create(model="hailuo", input="Hi")
        assert raised.value.type == "invalid_request_error"

    def test_wrong_method_is_a_405_with_allow(self, gateway: Served):
        answer = gateway.request("PUT", "/v1/chat/completions")
        assert answer.status_code == 405
        assert {"POST", "OPTIONS"} <= set(answer.headers["Allow"].split(", "))
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}

    @pytest.mark.parametrize("form", ["with a length", "in chunks"])
    def test_oversized_body_is_a_413(
        self,
        serve: Callable[..., Served],
        caller: Callable[..., Caller],
        form: str,
    ):
        """Small enough to be sent whole before the answer is read."""
        small = serve(HAILUO_MAX_BODY_MB=1)
        body = b'{"messages": [{"role": "user", "content": "%b"}]}' % (b"x" * 1_100_000)
        sent = body if form == "with a length" else iter([body])

        answer = caller(served=small).send(json=None, data=sent)

        assert answer.status_code == 413
        error = answer.json()["error"]
        assert (error["type"], error["code"]) == (
            "invalid_request_error",
            "file_too_large",
        )
        assert "1 MB" in error["message"] and "HAILUO_MAX_BODY_MB" in error["message"]


class TestUnavailablePool:
    def test_busy_accounts_are_a_429(
        self,
        upstream: Simulated,
        serve: Callable[..., Served],
        caller: Callable[..., Caller],
    ):
        impatient = serve(HAILUO_QUEUE_TIMEOUT_S=0.3)
        account = caller(served=impatient)
        upstream.script(
            {"call": "chat", "pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}]}
        )
        with account.stream() as running:
            next(iter(running))
            with pytest.raises(openai.RateLimitError) as raised:
                account.ask()
            upstream.release()
        assert raised.value.code == "accounts_busy"
        assert 1 <= int(raised.value.response.headers["retry-after"]) <= 60

    def test_account_in_cooldown_is_a_503_with_retry_after(
        self,
        upstream: Simulated,
        serve: Callable[..., Served],
        caller: Callable[..., Caller],
    ):
        account = caller(served=serve(HAILUO_QUEUE_TIMEOUT_S=0.3))
        upstream.script({"call": "chat", "refuse": BUSY, "times": 2 * ATTEMPTS})
        for question in ("One", "Two", "Three"):
            with pytest.raises(openai.InternalServerError) as raised:
                account.ask(question)
            assert raised.value.code == "upstream_busy"
            assert str(BUSY["message"]) in raised.value.message
            rests = (
                question != "One"
            )  # with one question it may be the question's fault
            assert rests <= int(raised.value.response.headers["retry-after"]) <= 60
        asked = len(upstream.report()["answers"])
        assert asked == 2 * ATTEMPTS, "the third one only waited"

    def test_empty_pool_is_a_503(self, serve: Callable[..., Served]):
        with pytest.raises(openai.InternalServerError) as raised:
            serve(HAILUO_QUEUE_TIMEOUT_S=0.3).client().chat.completions.create(
                model="hailuo", messages=MESSAGES
            )
        assert raised.value.status_code == 503
        assert raised.value.code == "no_live_account"
        assert raised.value.response.headers["x-should-retry"] == "false"
