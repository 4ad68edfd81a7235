"""Any JSON of an upstream is understood, or is an upstream error."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.errors import GatewayError, UpstreamProtocolError
from hailuo.net.sse import Event
from hailuo.upstream.platform import answer_parser as platform
from hailuo.upstream.platform.error_mapping import error_for_code
from hailuo.upstream.web import chat as web
from hailuo.upstream.web.client import raise_for_status_info
from hailuo.upstream.web.transcription import recognized_text

NAMES = st.sampled_from(
    "type statusInfo code message data messageResult sendResult msgID chatID content "
    "isEnd extra netSearchStatus linkDetail detail url status_code err_message text id "
    "base_resp status_msg error http_code choices delta index finish_reason usage "
    "prompt_tokens completion_tokens tool_calls function name arguments "
    "reasoning_content reasoning_details".split()
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-2, 9)
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(["stop", "http://a.b", f"({'1' * 5_000})"])
)
ODD = st.dictionaries(
    NAMES,
    st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
        ),
        max_leaves=9,
    ),
    max_size=4,
)


@given(st.lists(ODD, max_size=3))
def test_random_stream_event_is_parsed_or_an_upstream_error(events: list[Any]):
    for transcript in (web.AnswerParser(), platform.AnswerParser()):
        for event in events:
            try:
                transcript.read(json.dumps(event).encode())
                transcript.take()
            except GatewayError:
                pass


@given(ODD)
def test_random_recognition_or_refusal_is_parsed_or_an_upstream_error(
    said: dict[str, Any],
):
    error_for_code(said)
    for read in (
        lambda: recognized_text(Event("", json.dumps(said).encode())),
        lambda: raise_for_status_info(said),
    ):
        try:
            read()
        except GatewayError:
            pass


@pytest.mark.parametrize("links", [1, True, "a", {"url": "a"}], ids=repr)
def test_links_that_are_no_list_are_an_upstream_error(links: Any):
    found = {"extra": {"netSearchStatus": {"linkDetail": links}}}
    event = json.dumps({"data": {"messageResult": found}}).encode()
    with pytest.raises(UpstreamProtocolError):
        web.AnswerParser().read(event)


@pytest.mark.parametrize("code", [[], {}, "1", None, 1.5], ids=repr)
def test_status_code_that_is_no_number_is_an_upstream_error(code: Any):
    with pytest.raises(UpstreamProtocolError):
        raise_for_status_info({"code": code})


@pytest.mark.parametrize("code", [[1], {"a": 1}, "1", 1.5], ids=repr)
def test_recognition_status_that_is_no_number_is_an_upstream_error(code: Any):
    with pytest.raises(UpstreamProtocolError):
        recognized_text(Event("", json.dumps({"status_code": code}).encode()))
