"""Stored responses: later requests refer to them, with the same credential."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.accounts.conftest import InProcessGateway
from tests.conftest import BOTH, SECRET, Caller
from tests.responses import checked
from tests.responses.test_answers import create, events, words_asked
from tests.simulated import Simulated


@BOTH
class TestStored:
    def test_previous_response_brings_its_history(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script(
            {"call": account.call, "text": "First answer"},
            {"call": account.call, "text": "Second answer"},
            {"call": account.call, "text": "Third answer"},
        )
        first = create(account, f"One {SECRET}", instructions="Only for the first")
        second = create(account, f"Two {SECRET}", previous_response_id=first.id)
        third = events(account, f"Three {SECRET}", previous_response_id=second.id)

        assert third[-1].response.previous_response_id == second.id
        asked = words_asked(upstream)
        texts = ["One", "First answer", "Two", "Second answer", "Three"]
        places = [asked.index(text) for text in texts]
        assert places == sorted(places)
        assert "Only for the first" not in asked

    def test_item_reference_brings_its_item(self, upstream: Simulated, account: Caller):
        """As the AI SDK sends them; the `type` may be missing."""
        upstream.script(
            {"call": account.call, "text": "First answer"},
            {"call": account.call, "text": "Second answer"},
        )
        first = create(account)
        references = [{"type": "item_reference", "id": i.id} for i in first.output]
        del references[0]["type"]
        create(account, [*references, {"role": "user", "content": f"Two {SECRET}"}])
        assert "First answer" in words_asked(upstream)

    def test_response_can_be_read_and_deleted(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": account.call, "text": "Hello"})
        response, responses = create(account), account.client.responses

        raw = responses.with_raw_response.retrieve(response.id)
        assert checked.response(raw.content) == response
        deleted = responses.with_raw_response.delete(response.id).http_response.json()
        assert deleted == {"id": response.id, "object": "response", "deleted": True}
        for call in (responses.retrieve, responses.delete):
            with pytest.raises(openai.NotFoundError) as refused:
                call(response.id)
            assert refused.value.code == "response_not_found"
        with pytest.raises(openai.BadRequestError) as unknown:
            create(account, previous_response_id=response.id)
        assert unknown.value.code == "previous_response_not_found"


def test_response_exists_for_its_own_credential_alone(
    upstream: Simulated, caller: Callable[..., Caller]
):
    upstream.script({"call": "chat", "text": "Hello"})
    response = create(caller())
    other = caller()
    with pytest.raises(openai.NotFoundError):
        other.client.responses.retrieve(response.id)
    with pytest.raises(openai.BadRequestError) as refused:
        create(other, previous_response_id=response.id)
    assert refused.value.code == "previous_response_not_found"
    with pytest.raises(openai.BadRequestError) as refused:
        create(other, [{"type": "item_reference", "id": response.output[0].id}])
    assert refused.value.param == "input[0]"


def test_list_of_tokens_owns_its_responses_however_it_is_spelled(
    upstream: Simulated, caller: Callable[..., Caller]
):
    account = caller(2)
    one, other = account.tokens
    upstream.script({"call": "chat", "text": "Hello"})
    response = create(account)
    again = account.gateway.client(f"{other} , {one},{one}").responses
    assert again.retrieve(response.id).id == response.id
    with pytest.raises(openai.NotFoundError):
        account.gateway.client(one).responses.retrieve(response.id)


def test_response_is_not_stored_unless_wanted(upstream: Simulated, account: Caller):
    upstream.script({"call": "chat", "text": "Hello", "times": 2})
    response = create(account, store=False)
    streamed = events(account, store=False)[-1].response
    for id in (response.id, streamed.id):
        with pytest.raises(openai.NotFoundError):
            account.client.responses.retrieve(id)


def test_ttl_of_zero_stores_nothing(upstream: Simulated, tmp_path: Path):
    tokens = (upstream.token("6986"),)
    terms = {"tokens": tokens, "origin": upstream.origin, "responses_ttl_s": 0.0}
    gateway = InProcessGateway(tmp_path / "tokens.json", **terms)
    upstream.script({"call": "chat", "text": "Hello"})
    response = gateway.ask("POST", "/v1/responses", json={"input": "Hello"})
    assert response.status_code == 200
    stored = gateway.ask("GET", f"/v1/responses/{response.json['id']}")
    assert stored.status_code == 404


class TestInputItems:
    ITEMS: tuple[Any, ...] = (
        {"role": "user", "content": f"One {SECRET}"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"role": "assistant", "content": "Two", "id": None, "status": None},
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": "Three"},
        {"type": "custom_tool_call", "call_id": "2", "name": "c", "input": "Four"},
        {"type": "custom_tool_call_output", "call_id": "2", "output": "Five"},
        {"role": "developer", "content": [{"type": "input_text", "text": "Six"}]},
    )

    def listed(self, account: Caller, id: str, **query: Any) -> Any:
        raw = account.client.responses.input_items.with_raw_response.list(id, **query)
        return checked.item_list(raw.content)

    def test_input_items_are_listed_newest_first(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "chat", "text": "Hello"})
        response = create(account, [*self.ITEMS])
        newest = self.listed(account, response.id)
        oldest = self.listed(account, response.id, order="asc")

        assert [item.id for item in oldest.data] == [
            item.id for item in reversed(newest.data)
        ]
        assert oldest.data[0].content[0].text == f"One {SECRET}"
        assert oldest.data[2].content[0].text == "Two"
        assert oldest.data[1].id == "rs_1" and not oldest.has_more
        assert len({item.id for item in oldest.data}) == len(self.ITEMS)

    def test_input_items_are_listed_page_by_page(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "chat", "text": "Hello"})
        response = create(account, [*self.ITEMS])
        first = self.listed(account, response.id, limit=3)
        assert len(first.data) == 3 and first.has_more
        assert first.last_id == first.data[-1].id
        pages = account.client.responses.input_items.list(response.id, limit=3)
        assert len([*pages]) == len(self.ITEMS), "the library follows the pages"

    def test_input_items_of_a_string_are_a_message(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "chat", "text": "Hello"})
        (item,) = self.listed(account, create(account).id).data
        assert (item.role, item.content[0].text) == ("user", SECRET)

    @pytest.mark.parametrize(
        "query", [{"limit": 0}, {"limit": 101}, {"order": "up"}, {"after": "x"}]
    )
    def test_wrong_query_is_named(
        self, upstream: Simulated, account: Caller, query: Any
    ):
        upstream.script({"call": "chat", "text": "Hello"})
        response = create(account)
        with pytest.raises(openai.BadRequestError) as refused:
            account.client.responses.input_items.list(response.id, **query)
        assert refused.value.param == [*query][0]
