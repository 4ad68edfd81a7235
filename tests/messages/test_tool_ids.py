"""Ids of calls on their way to a client and back."""

import re

from hypothesis import given
from hypothesis import strategies as st

from hailuo.endpoints.messages.tool_ids import from_client, to_client

IDS = st.one_of(
    st.text(min_size=1, max_size=20),
    st.from_regex(r"call_(hex_)?[A-Za-z0-9_-]{1,20}", fullmatch=True),
    st.from_regex(r"toolu_[A-Za-z0-9_-]{1,20}", fullmatch=True),
)


@given(IDS)
def test_id_returns_as_it_was(id: str):
    assert from_client(to_client(id)) == id


@given(IDS)
def test_id_has_the_form_of_anthropics(id: str):
    assert re.fullmatch(r"toolu_[A-Za-z0-9_-]+", to_client(id))


@given(IDS, IDS)
def test_different_ids_stay_different(one: str, other: str):
    assert (to_client(one) == to_client(other)) == (one == other)


def test_usual_id_differs_by_its_prefix_only():
    assert to_client("call_function_7f3a_1") == "toolu_function_7f3a_1"


def test_missing_id_is_made_up():
    assert to_client("") != to_client("")


@given(st.text(max_size=20))
def test_id_of_another_api_is_a_text(id: str):
    assert isinstance(from_client(id), str)
    assert isinstance(from_client(f"toolu_hex_{id}"), str)
