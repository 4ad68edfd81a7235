"""Sentences of client-apis.md 1.7, held against the running gateway by plain HTTP.

Each follows a client's request to what the upstream is asked.
"""

import json
from typing import Any

import pytest

from tests.conftest import BOTH, SECRET, Caller
from tests.responses import checked
from tests.simulated import Simulated

Json = dict[str, Any]
PLATFORM = pytest.mark.parametrize("kind", ["platform"])
WEATHER: Json = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object"},
}
CLOCK: Json = {**WEATHER, "name": "clock"}
PATCH: Json = {"type": "custom", "name": "patch", "description": "Apply a patch"}
SEARCH: Json = {"type": "web_search"}
WEATHER_CALL = {"name": "weather", "arguments": {"city": "Rome"}, "id": "call_1"}


@pytest.fixture(autouse=True)
def usual_answer(upstream: Simulated) -> None:
    """Have both upstreams say "Hello" where a test scripts nothing else."""
    for call in ("chat", "completion"):
        upstream.script({"call": call, "text": "Hello", "times": None})


def create(account: Caller, **body: Any) -> Json:
    answer = account.send("/v1/responses", json={"input": SECRET, **body})
    checked.response(answer.content)
    return answer.json()


def stream(account: Caller, **body: Any) -> list[Json]:
    """Return the events of a stream."""
    body = {"input": SECRET, **body, "stream": True}
    answer = account.send("/v1/responses", json=body)
    assert b"[DONE]" not in answer.content
    return [event.to_dict() for event in checked.events(answer.content)]


def request(account: Caller, method: str, path: str) -> Any:
    headers = {"Authorization": f"Bearer {account.key}"}
    return account.gateway.request(method, f"/v1/responses/{path}", headers=headers)


def user(text: str) -> Json:
    return {"role": "user", "content": text}


def called(id: str, name: str) -> Json:
    return {"type": "function_call", "call_id": id, "name": name, "arguments": "{}"}


def output(id: str, text: str) -> Json:
    return {"type": "function_call_output", "call_id": id, "output": text}


def asked_of(upstream: Simulated) -> Json:
    """Return the body of the last question to the platform."""
    return upstream.report()["answers"][-1]["form"]


def messages_to(upstream: Simulated) -> list[tuple[str, Any]]:
    """Return the role and the content of each message of that question."""
    return [(each["role"], each["content"]) for each in asked_of(upstream)["messages"]]


@BOTH
def test_answer_has_every_field(upstream: Simulated, account: Caller):
    answer = create(account)
    id, created_at = answer["id"], answer["created_at"]
    usage, (message,) = answer["usage"], answer["output"]
    text = {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}
    assert answer == {
        "id": id,
        "object": "response",
        "created_at": created_at,
        "status": "completed",
        "model": "hailuo",
        "output": [
            {
                "type": "message",
                "id": message["id"],
                "role": "assistant",
                "status": "completed",
                "content": [text],
            }
        ],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": usage,
        "user": None,
    }
    assert id.startswith("resp_") and message["id"].startswith("msg_")
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


@pytest.mark.parametrize("path", ["input_tokens", "compact", "resp_1/cancel"])
def test_other_routes_are_not_offered(account: Caller, path: str):
    assert request(account, "POST", path).status_code in (404, 405)


@BOTH
def test_failed_response_is_not_stored(upstream: Simulated, account: Caller):
    cut = {"after": 1, "do": "reset"}
    upstream.script({"call": account.call, "pieces": ["One", "Two"], "then": [cut]})
    *_, error, failed = stream(account)
    assert (error["type"], failed["type"]) == ("error", "response.failed")
    assert request(account, "GET", failed["response"]["id"]).status_code == 404


@PLATFORM
class TestInput:
    def test_items_of_the_assistant_are_one_turn(
        self, upstream: Simulated, account: Caller
    ):
        thought = {"type": "reasoning_text", "text": "Both."}
        said = {"type": "output_text", "text": "I look.", "annotations": []}
        create(
            account,
            tools=[WEATHER, CLOCK],
            input=[
                user("Weather and time?"),
                {
                    "type": "reasoning",
                    "id": "rs_1",
                    "summary": [],
                    "content": [thought],
                },
                {"type": "web_search_call", "id": "ws_1", "status": "completed"},
                {"type": "message", "role": "assistant", "content": [said]},
                {"type": "something_of_tomorrow", "id": "x_1"},
                called("call_1", "weather"),
                called("call_2", "clock"),
                output("call_2", "12:00"),
                output("call_1", "Sunny"),
            ],
        )
        question, assistant, *results = asked_of(upstream)["messages"]
        assert question["content"] == "Weather and time?"
        assert assistant["content"] == "<think>\nBoth.\n</think>\n\nI look."
        names = [each["function"]["name"] for each in assistant["tool_calls"]]
        assert names == ["weather", "clock"]
        assert [each["content"] for each in results] == ["Sunny", "12:00"]

    def test_messages_have_every_role_and_form(
        self, upstream: Simulated, account: Caller
    ):
        create(
            account,
            instructions="One.",
            input=[
                {"role": "developer", "content": "Two."},
                {"type": "message", "role": "system", "content": "Three."},
                {"role": "user", "content": [{"type": "input_text", "text": "Four"}]},
                {"role": "assistant", "content": "Five"},
                {"role": "assistant", "content": [{"type": "refusal", "refusal": "6"}]},
                user("Seven"),
            ],
        )
        assert messages_to(upstream) == [
            ("system", "One.\n\nTwo.\n\nThree."),
            ("user", "Four"),
            ("assistant", "Five\n6"),
            ("user", "Seven"),
        ]

    @pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
    def test_encrypted_reasoning_of_any_length_goes_round(
        self, upstream: Simulated, account: Caller, streamed: bool
    ):
        thought = "日本 🐚 " * 2000 + "."
        said = {"text": "One", "reasoning": thought, "piece": 500}
        upstream.script({"call": "completion", **said})
        body = {"store": False, "include": ["reasoning.encrypted_content"]}
        if streamed:
            answer = stream(account, **body)[-1]["response"]
        else:
            answer = create(account, **body)
        reasoning, message = answer["output"]
        del reasoning["content"]
        create(account, input=[user("First?"), reasoning, message, user("Second?")])
        content = f"<think>\n{thought}\n</think>\n\nOne"
        assert messages_to(upstream)[1] == ("assistant", content)


@PLATFORM
class TestTools:
    @pytest.mark.parametrize(
        ("choice", "offered", "forced"),
        [
            (None, ["weather", "clock", "patch"], None),
            ("auto", ["weather", "clock", "patch"], None),
            ("none", [], None),
            ("required", ["weather", "clock", "patch"], "required"),
            ({"type": "function", "name": "clock"}, ["clock"], "clock"),
            ({"type": "custom", "name": "patch"}, ["patch"], "patch"),
            (
                {"type": "allowed_tools", "mode": "auto", "tools": [SEARCH, CLOCK]},
                ["clock"],
                None,
            ),
            (
                {"type": "allowed_tools", "mode": "auto", "tools": [SEARCH]},
                [],
                None,
            ),
            (
                {
                    "type": "allowed_tools",
                    "mode": "required",
                    "tools": [WEATHER, PATCH],
                },
                ["weather", "patch"],
                "required",
            ),
        ],
        ids=str,
    )
    def test_tool_choice_reaches_the_platform(
        self,
        upstream: Simulated,
        account: Caller,
        choice: Any,
        offered: list[str],
        forced: str | None,
    ):
        create(account, tools=[WEATHER, SEARCH, CLOCK, PATCH], tool_choice=choice)
        asked = asked_of(upstream)
        names = [tool["function"]["name"] for tool in asked.get("tools", ())]
        assert names == offered
        sent = asked.get("tool_choice")
        assert (sent["function"]["name"] if isinstance(sent, dict) else sent) == forced

    def test_hosted_tools_alone_are_left_out(
        self, upstream: Simulated, account: Caller
    ):
        create(account, tools=[SEARCH], tool_choice="auto")
        assert not {"tools", "tool_choice"} & set(asked_of(upstream))

    def test_custom_tool_call_goes_round_as_an_item_or_by_its_response(
        self, upstream: Simulated, account: Caller
    ):
        custom = {"name": "patch", "arguments": {"input": "a\nb"}, "id": "call_1"}
        upstream.script({"call": "completion", "calls": [custom]})
        first = create(account, tools=[PATCH], input="Patch it")
        result = {**output("call_1", "OK"), "type": "custom_tool_call_output"}
        history = [user("Patch it"), *first["output"], result]
        create(account, tools=[PATCH], input=history)
        asked = asked_of(upstream)
        create(account, tools=[PATCH], input=[result], previous_response_id=first["id"])
        assert asked_of(upstream) == asked
        _, assistant, answer = asked["messages"]
        (sent,) = assistant["tool_calls"]
        assert json.loads(sent["function"]["arguments"]) == {"input": "a\nb"}
        assert (answer["role"], answer["content"]) == ("tool", "OK")


class TestHistory:
    def test_web_conversation_is_folded_without_earlier_instructions(
        self, upstream: Simulated, account: Caller
    ):
        said = [{"call": "chat", "text": text} for text in ("One", "Two", "Three")]
        upstream.script(*said)
        first = create(account, input="First?", instructions="Be brief.")
        second = create(account, input="Second?", previous_response_id=first["id"])
        create(account, input="Third?", previous_response_id=second["id"])
        asked = [each["message"] for each in upstream.report()["answers"]]
        assert ["Be brief." in message for message in asked] == [True, False, False]
        history = "user:First?\nassistant:One\nuser:Second?\nassistant:Two\nuser:Third?"
        assert asked[2].endswith(f"{history}\nassistant:")

    @PLATFORM
    def test_response_can_be_continued_twice(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "completion", "text": "One", "reasoning": "Hm."})
        first = create(account, input="First?")
        for question in ("Left?", "Right?"):
            create(account, input=question, previous_response_id=first["id"])
            assert messages_to(upstream) == [
                ("user", "First?"),
                ("assistant", "<think>\nHm.\n</think>\n\nOne"),
                ("user", question),
            ]

    @PLATFORM
    def test_items_references_and_response_bring_the_same_history(
        self, upstream: Simulated, account: Caller
    ):
        said = {"reasoning": "Hm.", "text": "I look.", "calls": [WEATHER_CALL]}
        upstream.script({"call": "completion", **said})
        first = create(account, input="Weather?", tools=[WEATHER])
        result = output("call_1", "Sunny")
        bare = [{"id": item["id"]} for item in first["output"]]
        typed = [{"type": "item_reference", **reference} for reference in bare]
        asked = []
        for items in (first["output"], bare, typed):
            create(account, input=[user("Weather?"), *items, result], tools=[WEATHER])
            asked.append(asked_of(upstream))
        previous = {"input": [result], "previous_response_id": first["id"]}
        create(account, **previous, tools=[WEATHER])
        assert asked == 3 * [asked_of(upstream)]
        assert messages_to(upstream)[1:] == [
            ("assistant", "<think>\nHm.\n</think>\n\nI look."),
            ("tool", "Sunny"),
        ]

    @PLATFORM
    def test_references_reach_back_several_responses(
        self, upstream: Simulated, account: Caller
    ):
        said = [{"call": "completion", "text": text} for text in ("One", "Two")]
        upstream.script(*said)
        history: list[Json] = []
        for question in ("First?", "Second?", "Third?"):
            history.append(user(question))
            answer = create(account, input=history)
            history += [{"id": item["id"]} for item in answer["output"]]
        texts = [text for _, text in messages_to(upstream)]
        assert texts == ["First?", "One", "Second?", "Two", "Third?"]
