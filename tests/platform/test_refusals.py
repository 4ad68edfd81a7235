"""The platform's failures, in each form it has for them (platform.md, Errors)."""

from typing import Any

import pytest

from hailuo import errors
from hailuo.upstream.platform.refusals import refusal

CODES = {
    1000: errors.Unreachable,
    1013: errors.Unreachable,
    1024: errors.Unreachable,
    1033: errors.Unreachable,
    1001: errors.TimedOut,
    1002: errors.RateLimited,
    1039: errors.RateLimited,
    1041: errors.RateLimited,
    2045: errors.RateLimited,
    1004: errors.TokenRejected,
    2049: errors.TokenRejected,
    1008: errors.QuotaExhausted,
    2056: errors.QuotaExhausted,
    1026: errors.Filtered,
    1027: errors.Filtered,
    1042: errors.BadRequest,
    2013: errors.BadRequest,
    20132: errors.BadRequest,
    2037: errors.BadRequest,
    2048: errors.BadRequest,
    2038: errors.Forbidden,
    2042: errors.Forbidden,
    2061: errors.Forbidden,
    9999: errors.Refused,
}
ANSWERS = {
    errors.Unreachable: (502, "upstream_error", "upstream_unreachable"),
    errors.TimedOut: (504, "upstream_error", "upstream_timeout"),
    errors.RateLimited: (429, "rate_limit_error", "rate_limit_exceeded"),
    errors.TokenRejected: (401, "authentication_error", "invalid_api_key"),
    errors.QuotaExhausted: (429, "rate_limit_error", "insufficient_quota"),
    errors.Filtered: (400, "invalid_request_error", "content_filter"),
    errors.BadRequest: (400, "invalid_request_error", "invalid_value"),
    errors.Forbidden: (403, "permission_error", "permission_denied"),
    errors.Refused: (503, "upstream_error", "upstream_busy"),
}


def with_status(code: int) -> tuple[Any, int]:
    error = {"type": "some_error", "message": f"told so ({code})", "http_code": "418"}
    return {"type": "error", "error": error}, 418


def in_stream(code: int) -> tuple[Any, int]:
    return with_status(code)[0], 200


def in_base_resp(code: int) -> tuple[Any, int]:
    base = {"status_code": code, "status_msg": "told so"}
    return {"data": None, "base_resp": base}, 200


@pytest.mark.parametrize("form", [with_status, in_stream, in_base_resp])
@pytest.mark.parametrize(("code", "failure"), CODES.items())
def test_a_code_means_the_same_in_every_form(
    code: int, failure: type[errors.GatewayError], form: Any
) -> None:
    found = refusal(*form(code))

    if code == 9999 and form is not in_base_resp:
        failure = errors.Refused  # what no table knows is a no
    assert type(found) is failure
    assert found.message == f"the platform says: told so ({code})"
    assert (found.status, found.type, found.code) == ANSWERS[failure]


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (400, errors.BadRequest),
        (401, errors.TokenRejected),
        (402, errors.QuotaExhausted),
        (403, errors.Forbidden),
        (404, errors.NotUnderstood),
        (413, errors.TooLarge),
        (422, errors.BadRequest),
        (429, errors.RateLimited),
        (500, errors.Unreachable),
        (504, errors.TimedOut),
        (302, errors.NotUnderstood),
    ],
)
def test_without_a_code_the_status_tells(
    status: int, failure: type[errors.GatewayError]
) -> None:
    said = {"error": {"message": "told so"}}

    for answer in (said, {}, [], None):
        assert type(refusal(answer, status)) is failure


def test_in_a_stream_the_error_says_its_status_itself() -> None:
    said = {"error": {"message": "slow down", "http_code": "429"}}

    assert type(refusal(said)) is errors.RateLimited


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": [], "base_resp": {"status_code": 0, "status_msg": "success"}},
        {"choices": [], "error": None},
        {"choices": [], "base_resp": None},
        [],
    ],
)
def test_nothing_is_wrong(answer: Any) -> None:
    assert refusal(answer) is None


def test_a_key_without_balance_rests_and_is_not_tried_again() -> None:
    assert issubclass(errors.QuotaExhausted, errors.Refused)
    assert errors.QuotaExhausted("x").headers == {"x-should-retry": "false"}


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("temperature is outside 0..2", "temperature"),
        ("invalid params, chat content is empty", "messages"),
        ("invalid params, tool_choice needs a tool", "tool_choice"),
        ("unknown model 'x'", "model"),
        ("invalid params, voice_id wrong", "voice"),
        ("contents and modelling", None),
        ("", None),
    ],
)
def test_a_wrong_field_is_named_as_the_caller_names_it(
    message: str, param: str | None
) -> None:
    error = {"error": {"message": f"{message} (2013)", "http_code": "400"}}
    base = {"base_resp": {"status_code": 2013, "status_msg": message}}

    for found in (refusal(error, 400), refusal(error), refusal(base)):
        assert (found.param, found.code) == (param, "invalid_value")


def test_the_field_that_the_platform_names_counts() -> None:
    error = {"message": "the content is wrong (2013)", "param": "tools[0].function"}

    assert refusal({"error": error}, 400).param == "tools"


def test_a_long_message_is_cut_and_keeps_its_code() -> None:
    found = refusal({"error": {"message": "x" * 100_000 + " (1004)"}}, 401)

    assert isinstance(found, errors.TokenRejected)
    assert len(found.message) < 1_100 and found.message.endswith("(1004)")
