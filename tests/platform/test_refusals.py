"""The platform's failures, in each form it has for them (platform.md, Errors)."""

from typing import Any

import pytest

from hailuo import errors
from hailuo.upstream.platform.error_mapping import error_for_code

CODES = {
    1000: errors.Unreachable,
    1013: errors.Unreachable,
    1024: errors.Unreachable,
    1033: errors.Unreachable,
    1001: errors.UpstreamTimeout,
    1002: errors.RateLimited,
    1039: errors.RateLimited,
    1041: errors.RateLimited,
    2045: errors.RateLimited,
    1004: errors.TokenRejected,
    2049: errors.TokenRejected,
    1008: errors.QuotaExhausted,
    2056: errors.PlanUsedUp,
    1026: errors.ContentFiltered,
    1027: errors.ContentFiltered,
    1042: errors.BadRequest,
    2013: errors.BadRequest,
    20132: errors.BadRequest,
    2037: errors.BadRequest,
    2048: errors.BadRequest,
    2038: errors.Forbidden,
    2042: errors.Forbidden,
    2061: errors.Forbidden,
    9999: errors.UpstreamBusy,
}
ANSWERS = {
    errors.Unreachable: (502, "upstream_error", "upstream_unreachable"),
    errors.UpstreamTimeout: (504, "upstream_error", "upstream_timeout"),
    errors.RateLimited: (429, "rate_limit_error", "rate_limit_exceeded"),
    errors.TokenRejected: (401, "authentication_error", "invalid_api_key"),
    errors.QuotaExhausted: (429, "rate_limit_error", "insufficient_quota"),
    errors.PlanUsedUp: (429, "rate_limit_error", "insufficient_quota"),
    errors.ContentFiltered: (400, "invalid_request_error", "content_filter"),
    errors.BadRequest: (400, "invalid_request_error", "invalid_value"),
    errors.Forbidden: (403, "permission_error", "permission_denied"),
    errors.UpstreamBusy: (503, "upstream_error", "upstream_busy"),
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
def test_error_code_means_the_same_in_every_form(
    code: int, failure: type[errors.GatewayError], form: Any
) -> None:
    found = error_for_code(*form(code))

    if code == 9999 and form is not in_base_resp:
        failure = errors.UpstreamBusy  # what no table knows is a no
    assert type(found) is failure
    assert found.message.startswith(f"the platform says: told so ({code})")
    assert (found.status, found.type, found.code) == ANSWERS[failure]


@pytest.mark.parametrize("form", [with_status, in_stream, in_base_resp])
def test_key_of_another_region_is_told_where_it_works(form: Any) -> None:
    found = error_for_code(*form(2049))

    assert found is not None
    assert "HAILUO_PLATFORM_ORIGIN" in found.message
    for origin in ("https://api.minimax.io", "https://api.minimaxi.com"):
        assert origin in found.message
    assert "HAILUO" not in str(error_for_code(*form(1004)))


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (400, errors.BadRequest),
        (401, errors.TokenRejected),
        (402, errors.QuotaExhausted),
        (403, errors.Forbidden),
        (404, errors.UpstreamProtocolError),
        (413, errors.TooLarge),
        (422, errors.BadRequest),
        (429, errors.RateLimited),
        (500, errors.Unreachable),
        (504, errors.UpstreamTimeout),
        (302, errors.UpstreamProtocolError),
    ],
)
def test_http_status_decides_without_an_error_code(
    status: int, failure: type[errors.GatewayError]
) -> None:
    said = {"error": {"message": "told so"}}

    answers: list[Any] = [said, {}, [], None]
    for answer in answers:
        assert type(error_for_code(answer, status)) is failure


def test_error_in_a_stream_carries_its_own_status() -> None:
    said = {"error": {"message": "slow down", "http_code": "429"}}

    assert type(error_for_code(said)) is errors.RateLimited


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": [], "base_resp": {"status_code": 0, "status_msg": "success"}},
        {"choices": [], "error": None},
        {"choices": [], "base_resp": None},
        [],
    ],
)
def test_successful_response_is_no_error(answer: Any) -> None:
    assert error_for_code(answer) is None


def test_exhausted_quota_is_final() -> None:
    assert issubclass(errors.QuotaExhausted, errors.UpstreamBusy)
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
def test_refused_field_has_the_clients_name(message: str, param: str | None) -> None:
    error = {"error": {"message": f"{message} (2013)", "http_code": "400"}}
    base = {"base_resp": {"status_code": 2013, "status_msg": message}}

    for found in (
        error_for_code(error, 400),
        error_for_code(error),
        error_for_code(base),
    ):
        assert found and (found.param, found.code) == (param, "invalid_value")


def test_field_named_by_the_platform_is_used() -> None:
    error = {"message": "the content is wrong (2013)", "param": "tools[0].function"}

    found = error_for_code({"error": error}, 400)

    assert found and found.param == "tools"


def test_long_error_message_is_cut_and_keeps_its_code() -> None:
    found = error_for_code({"error": {"message": "x" * 100_000 + " (1004)"}}, 401)

    assert isinstance(found, errors.TokenRejected)
    assert len(found.message) < 1_100 and found.message.endswith("(1004)")
