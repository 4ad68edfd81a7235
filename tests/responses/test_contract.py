"""The sentences of apis.md 1.7, held against the running gateway by plain HTTP."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import BOTH, SECRET, Caller
from tests.responses import checked
from tests.simulated import Simulated

Json = dict[str, Any]
PLATFORM = pytest.mark.parametrize("kind", ["platform"])
REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}
ENCRYPTED = {"include": ["reasoning.encrypted_content"]}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mN"
    "k+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
FAILURE_CODES = ("server_error", "rate_limit_exceeded", "invalid_prompt")


def function(name: str, **properties: Any) -> Json:
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "name": name, "parameters": parameters}


WEATHER = function("weather", city={"type": "string"})
CLOCK = function("clock")
PATCH = {"type": "custom", "name": "patch", "description": "Apply a patch"}
WEATHER_CALL = {"name": "weather", "arguments": {"city": "Rome"}, "id": "call_1"}
CLOCK_CALL = {"name": "clock", "arguments": {}, "id": "call_2"}


@pytest.fixture(autouse=True)
def answers(upstream: Simulated) -> None:
    """Have both upstreams say "Hello" where a test scripts nothing else."""
    for call in ("chat", "completion"):
        upstream.script({"call": call, "text": "Hello", "times": None})


def send(account: Caller, key: str = "", **body: Any) -> Any:
    body = {"model": "hailuo", "input": f"Hello {SECRET}", **body}
    headers = {"Authorization": f"Bearer {key or account.key}"}
    return account.gateway.request("POST", "/v1/responses", headers=headers, json=body)


def create(account: Caller, **body: Any) -> Json:
    answer = send(account, **body)
    assert answer.status_code == 200, answer.text
    checked.response(answer.content)
    return answer.json()


def stream(account: Caller, **body: Any) -> list[Json]:
    """Return the events of a stream, which the grammar accepts."""
    answer = send(account, stream=True, **body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert b"[DONE]" not in answer.content
    return [event.to_dict() for event in checked.events(answer.content)]


def refusal(account: Caller, **body: Any) -> Json:
    answer = send(account, **body)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


def call(account: Caller, method: str, path: str, key: str = "") -> Any:
    headers = {"Authorization": f"Bearer {key or account.key}"}
    return account.gateway.request(method, f"/v1/responses/{path}", headers=headers)


def form(upstream: Simulated) -> Json:
    """Return the body of the last question to the platform."""
    return upstream.report()["answers"][-1]["form"]


def messages(upstream: Simulated) -> list[tuple[str, Any]]:
    return [(each["role"], each["content"]) for each in form(upstream)["messages"]]


class TestRequest:
    @PLATFORM
    def test_fields_reach_the_platform(self, upstream: Simulated, account: Caller):
        answer = create(
            account,
            instructions="Be brief.",
            temperature=0.5,
            top_p=0.9,
            max_output_tokens=100,
            metadata={"team": "a"},
            user="somebody",
            reasoning={"effort": "low"},
            parallel_tool_calls=False,
        )
        asked = form(upstream)
        assert asked["messages"][0] == {"role": "system", "content": "Be brief."}
        assert (asked["temperature"], asked["top_p"]) == (0.5, 0.9)
        assert asked["max_completion_tokens"] == 100
        assert asked["thinking"] == {"type": "adaptive"}
        echoed = (
            "instructions temperature top_p max_output_tokens metadata user "
            "parallel_tool_calls"
        )
        assert {name: answer[name] for name in echoed.split()} == {
            "instructions": "Be brief.",
            "temperature": 0.5,
            "top_p": 0.9,
            "max_output_tokens": 100,
            "metadata": {"team": "a"},
            "user": "somebody",
            "parallel_tool_calls": False,
        }
        assert answer["reasoning"]["effort"] == "low"

    @PLATFORM
    @pytest.mark.parametrize("effort", ["none", "minimal"])
    def test_no_effort_disables_thinking(
        self, upstream: Simulated, account: Caller, effort: str
    ):
        create(account, reasoning={"effort": effort})
        assert form(upstream)["thinking"] == {"type": "disabled"}


class TestInput:
    @PLATFORM
    def test_consecutive_assistant_items_are_one_turn(
        self, upstream: Simulated, account: Caller
    ):
        create(
            account,
            tools=[WEATHER, CLOCK],
            input=[
                {"role": "user", "content": "Weather and time?"},
                {**REASONING, "content": [{"type": "reasoning_text", "text": "Both."}]},
                {"type": "web_search_call", "id": "ws_1", "status": "completed"},
                {
                    "type": "message",
                    "role": "assistant",
                    "id": "msg_1",
                    "status": "completed",
                    "content": [
                        {"type": "output_text", "text": "I look.", "annotations": []}
                    ],
                },
                {"type": "something_of_tomorrow", "id": "x_1"},
                {
                    "type": "function_call",
                    "call_id": "call_1",
                    "name": "weather",
                    "arguments": '{"city": "Rome"}',
                },
                {
                    "type": "function_call",
                    "call_id": "call_2",
                    "name": "clock",
                    "arguments": "{}",
                },
                {
                    "type": "function_call_output",
                    "call_id": "call_2",
                    "output": "12:00",
                },
                {
                    "type": "function_call_output",
                    "call_id": "call_1",
                    "output": "Sunny",
                },
            ],
        )
        user, assistant, *results = form(upstream)["messages"]
        assert user["content"] == "Weather and time?"
        assert assistant["content"] == "<think>\nBoth.\n</think>\n\nI look."
        names = [each["function"]["name"] for each in assistant["tool_calls"]]
        assert names == ["weather", "clock"]
        assert [each["content"] for each in results] == ["Sunny", "12:00"]

    @PLATFORM
    def test_roles_and_forms_of_messages(self, upstream: Simulated, account: Caller):
        create(
            account,
            instructions="One.",
            input=[
                {"role": "developer", "content": "Two."},
                {"type": "message", "role": "system", "content": "Three."},
                {"role": "user", "content": [{"type": "input_text", "text": "Four"}]},
                {"role": "assistant", "content": "Five"},
                {
                    "role": "assistant",
                    "content": [{"type": "refusal", "refusal": "Six"}],
                },
                {"role": "user", "content": "Seven"},
            ],
        )
        system, user, *assistant, last = messages(upstream)
        assert system == ("system", "One.\n\nTwo.\n\nThree.")
        assert (user, last) == (("user", "Four"), ("user", "Seven"))
        assert [role for role, _ in assistant] == ["assistant"]
        assert assistant[0][1].split() == ["Five", "Six"]

    @PLATFORM
    def test_result_may_be_a_list_of_parts(self, upstream: Simulated, account: Caller):
        create(
            account,
            tools=[CLOCK],
            input=[
                {"role": "user", "content": "Look"},
                {
                    "type": "function_call",
                    "call_id": "a",
                    "name": "clock",
                    "arguments": "",
                },
                {
                    "type": "function_call_output",
                    "call_id": "a",
                    "output": [
                        {"type": "input_text", "text": "A clock:"},
                        {"type": "input_image", "image_url": PIXEL},
                    ],
                },
            ],
        )
        *_, result, pictures = form(upstream)["messages"]
        assert (result["role"], result["content"]) == ("tool", "A clock:")
        assert pictures["content"][-1]["image_url"]["url"] == PIXEL


class TestTools:
    @PLATFORM
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
                {
                    "type": "allowed_tools",
                    "mode": "auto",
                    "tools": [{"type": "function", "name": "clock"}],
                },
                ["clock"],
                None,
            ),
            (
                {
                    "type": "allowed_tools",
                    "mode": "required",
                    "tools": [
                        {"type": "function", "name": "weather"},
                        {"type": "custom", "name": "patch"},
                    ],
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
        upstream.script({"call": "completion", "text": "Hello"})
        tools = [WEATHER, {"type": "web_search"}, CLOCK, PATCH]
        answer = create(account, tools=tools, tool_choice=choice)
        asked = form(upstream)
        names = [tool["function"]["name"] for tool in asked.get("tools", ())]
        assert names == offered
        sent = asked.get("tool_choice")
        assert (sent["function"]["name"] if isinstance(sent, dict) else sent) == forced
        given = [{k: v for k, v in t.items() if v is not None} for t in answer["tools"]]
        assert given == tools
        assert answer["tool_choice"] == (choice or "auto")

    @PLATFORM
    @pytest.mark.parametrize("choice", ["auto", "none"])
    def test_hosted_tools_alone_are_left_out(
        self, upstream: Simulated, account: Caller, choice: str
    ):
        create(account, tools=[{"type": "web_search"}], tool_choice=choice)
        assert not {"tools", "tool_choice"} & set(form(upstream))

    @PLATFORM
    def test_calls_are_items_of_their_own(self, upstream: Simulated, account: Caller):
        calls = [WEATHER_CALL, CLOCK_CALL]
        answer = {"text": "I look.", "reasoning": "Both.", "calls": calls, "piece": 2}
        upstream.script({"call": "completion", **answer, "times": 2})
        tools = [WEATHER, CLOCK]
        whole = create(account, tools=tools)["output"]
        streamed = stream(account, tools=tools)[-1]["response"]["output"]
        for output in (whole, streamed):
            reasoning, message, weather, clock = output
            assert reasoning["summary"] == []
            assert reasoning["content"] == [{"type": "reasoning_text", "text": "Both."}]
            assert "encrypted_content" not in reasoning
            assert message["role"] == "assistant"
            assert {each["status"] for each in output[1:]} == {"completed"}
            assert (weather["call_id"], clock["call_id"]) == ("call_1", "call_2")
            assert json.loads(weather["arguments"]) == {"city": "Rome"}
            assert clock["arguments"] == "{}"
        ids = [item["id"] for item in (*whole, *streamed)]
        assert len(set(ids)) == len(ids)

    @PLATFORM
    @pytest.mark.parametrize("piece", [1, 2, 3, 5, 1000])
    @pytest.mark.parametrize(
        "text",
        ["", "*** Begin\n+\t\"a\" \\ 'b'\n", "日本 🐚 \u2028 \x00", '{"input": "x"}'],
        ids=["empty", "escapes", "unicode", "json"],
    )
    def test_custom_tool_gets_free_text(
        self, upstream: Simulated, account: Caller, text: str, piece: int
    ):
        arguments = json.dumps({"input": text})
        custom = {"name": "patch", "arguments": arguments, "id": "call_1"}
        upstream.script({"call": "completion", "calls": [custom], "piece": piece})
        last = stream(account, tools=[PATCH])[-1]["response"]
        (item,) = last["output"]
        assert (item["type"], item["name"]) == ("custom_tool_call", "patch")
        assert (item["call_id"], item["input"]) == ("call_1", text)
        assert "status" not in item

    @PLATFORM
    def test_custom_tool_call_goes_round(self, upstream: Simulated, account: Caller):
        custom = {"name": "patch", "arguments": {"input": "a\nb"}, "id": "call_1"}
        upstream.script({"call": "completion", "calls": [custom]})
        first = create(account, tools=[PATCH], input="Patch it")
        result = {
            "type": "custom_tool_call_output",
            "call_id": "call_1",
            "output": "OK",
        }
        history = [{"role": "user", "content": "Patch it"}, *first["output"], result]
        create(account, tools=[PATCH], input=history)
        by_items = form(upstream)["messages"]
        create(account, tools=[PATCH], input=[result], previous_response_id=first["id"])
        assert form(upstream)["messages"] == by_items
        _, assistant, answer = by_items
        (sent,) = assistant["tool_calls"]
        assert json.loads(sent["function"]["arguments"]) == {"input": "a\nb"}
        assert (answer["role"], answer["content"]) == ("tool", "OK")


class TestAnswer:
    @BOTH
    def test_answer_has_every_field(self, upstream: Simulated, account: Caller):
        upstream.script({"call": account.call, "text": "Hello"})
        answer = create(account)
        assert answer["id"].startswith("resp_") and answer["object"] == "response"
        (message,) = answer["output"]
        assert message == {
            "type": "message",
            "id": message["id"],
            "role": "assistant",
            "status": "completed",
            "content": [
                {
                    "type": "output_text",
                    "text": "Hello",
                    "annotations": [],
                    "logprobs": [],
                }
            ],
        }
        nothing = (
            "error incomplete_details instructions max_output_tokens user "
            "previous_response_id"
        )
        assert [answer[name] for name in nothing.split()] == [None] * 6
        assert answer["metadata"] in ({}, None)
        assert answer["reasoning"] == {"effort": None, "summary": None}
        assert answer["text"]["format"] == {"type": "text"}
        assert (answer["truncation"], answer["status"]) == ("disabled", "completed")
        assert (answer["tool_choice"], answer["tools"]) == ("auto", [])
        assert answer["parallel_tool_calls"] is True
        assert "store" not in answer
        usage = answer["usage"]
        assert set(usage["input_tokens_details"]) == {
            "cached_tokens",
            "cache_write_tokens",
        }
        assert set(usage["output_tokens_details"]) == {"reasoning_tokens"}
        total = usage["input_tokens"] + usage["output_tokens"]
        assert usage["total_tokens"] == total
        if account.call == "chat":
            assert total == 2

    @PLATFORM
    @pytest.mark.parametrize(
        ("ending", "reason"),
        [
            ({"text": "Half", "finish": "length"}, "max_output_tokens"),
            ({"text": "Half", "finish": "content_filter"}, "content_filter"),
        ],
    )
    def test_answer_is_incomplete(
        self, upstream: Simulated, account: Caller, ending: Json, reason: str
    ):
        upstream.script({"call": "completion", **ending, "times": 2})
        whole = create(account)
        streamed = stream(account)[-1]
        assert streamed["type"] == "response.incomplete"
        for answer in (whole, streamed["response"]):
            assert answer["status"] == "incomplete"
            assert answer["incomplete_details"] == {"reason": reason}
            assert answer["error"] is None
            assert answer["output"][0]["content"][0]["text"] == "Half"

    def test_links_are_annotations(self, upstream: Simulated, account: Caller):
        links = [
            {"detail": "Eins", "url": "https://example.com/1"},
            {"detail": "Zwei", "url": "https://example.com/2"},
        ]
        upstream.script({"call": "chat", "text": "News", "links": links, "times": 2})
        whole = create(account)["output"][0]["content"][0]["annotations"]
        events = stream(account)
        last = events[-1]["response"]["output"][0]["content"][0]["annotations"]
        added = [
            event for event in events if event["type"].endswith("annotation.added")
        ]
        assert [event["annotation"] for event in added] == last == whole
        assert [event["annotation_index"] for event in added] == [0, 1]
        for annotation, link in zip(whole, links, strict=True):
            assert annotation["type"] == "url_citation"
            assert annotation["title"] == link["detail"]
            assert annotation["url"] == link["url"]
            assert 0 <= annotation["start_index"] <= annotation["end_index"] <= 4

    @PLATFORM
    @pytest.mark.parametrize("summary", ["auto", "concise", "detailed"])
    def test_summary_is_the_reasoning(
        self, upstream: Simulated, account: Caller, summary: str
    ):
        said = {"text": "Hello", "reasoning": "Hm, hm.", "piece": 2, "times": 2}
        upstream.script({"call": "completion", **said})
        reasoning = {"summary": summary}
        whole = create(account, reasoning=reasoning)["output"][0]
        streamed = stream(account, reasoning=reasoning)[-1]["response"]["output"][0]
        expected = [{"type": "summary_text", "text": "Hm, hm."}]
        assert whole["summary"] == streamed["summary"] == expected


class TestFailures:
    @BOTH
    @pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
    def test_failure_before_the_first_byte_is_a_status(
        self, upstream: Simulated, account: Caller, streamed: bool
    ):
        refused = {"http": {"status": 500, "body": "no"}}
        upstream.script({"call": account.call, **refused, "times": None})
        answer = send(account, stream=streamed)
        assert answer.status_code >= 500
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}

    @BOTH
    def test_failure_in_mid_stream_is_two_events(
        self, upstream: Simulated, account: Caller
    ):
        cut = {"after": 1, "do": "reset"}
        upstream.script({"call": account.call, "pieces": ["One", "Two"], "then": [cut]})
        answer = send(account, stream=True)
        events = [event.to_dict() for event in checked.events(answer.content)]
        error, failed = events[-2:]
        assert set(error) == {"type", "code", "message", "param", "sequence_number"}
        assert (error["type"], failed["type"]) == ("error", "response.failed")
        assert error["code"] == "upstream_unreachable"
        response = failed["response"]
        assert response["status"] == "failed"
        assert response["error"]["code"] in FAILURE_CODES
        assert response["error"]["message"]
        numbers = [event["sequence_number"] for event in events]
        assert numbers == [*range(len(events))]
        assert call(account, "GET", response["id"]).status_code == 404

    @pytest.mark.parametrize("path", ["input_tokens", "compact"])
    def test_other_routes_are_not_offered(
        self, upstream: Simulated, account: Caller, path: str
    ):
        assert call(account, "POST", path).status_code in (404, 405)

    @pytest.mark.parametrize(
        "path", ["/responses", "/v1/v1/responses", "/v1/responses/"]
    )
    def test_other_spellings_of_the_path_work(
        self, upstream: Simulated, account: Caller, path: str
    ):
        answer = account.send(path, json={"model": "hailuo", "input": SECRET})
        assert answer.json()["object"] == "response"


class TestStored:
    @BOTH
    @pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
    def test_stored_response_can_be_read_and_deleted(
        self, upstream: Simulated, account: Caller, streamed: bool
    ):
        upstream.script({"call": account.call, "text": "Hello"})
        if streamed:
            made = stream(account)[-1]["response"]
        else:
            made = create(account)
        assert call(account, "GET", made["id"]).json() == made
        deleted = call(account, "DELETE", made["id"])
        expected = {"id": made["id"], "object": "response", "deleted": True}
        assert (deleted.status_code, deleted.json()) == (200, expected)
        for method in ("GET", "DELETE"):
            gone = call(account, method, made["id"])
            assert gone.status_code == 404 and gone.json()["error"]["message"]
        assert call(account, "GET", f"{made['id']}/input_items").status_code == 404
        error = refusal(account, previous_response_id=made["id"])
        assert error["code"] == "previous_response_not_found"

    def test_input_items_are_messages_with_parts(
        self, upstream: Simulated, account: Caller
    ):
        made = create(account, input="One", instructions="Be brief.")
        listed = call(account, "GET", f"{made['id']}/input_items").json()
        (item,) = listed["data"]
        assert item["content"] == [{"type": "input_text", "text": "One"}]
        assert (item["type"], item["role"]) == ("message", "user")
        assert listed["object"] == "list" and listed["has_more"] is False
        assert listed["first_id"] == listed["last_id"] == item["id"]

    @PLATFORM
    def test_input_items_have_ids(self, upstream: Simulated, account: Caller):
        items: list[Json] = [
            {"role": "user", "content": "One"},
            {"role": "assistant", "content": "Two"},
            {"type": "function_call", "call_id": "a", "name": "b", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "Three"},
            {"role": "user", "content": [{"type": "input_text", "text": "Four"}]},
        ]
        made = create(account, input=items)
        listed = call(account, "GET", f"{made['id']}/input_items?order=asc").json()
        data = listed["data"]
        assert len({item["id"] for item in data}) == len(items)
        assert (listed["first_id"], listed["last_id"]) == (
            data[0]["id"],
            data[-1]["id"],
        )
        assert [item["type"] for item in data][:3] == [
            "message",
            "message",
            "function_call",
        ]

    def test_response_belongs_to_its_credential(
        self,
        upstream: Simulated,
        account: Caller,
        caller: Callable[..., Caller],
    ):
        made, other = create(account), caller()
        message = made["output"][0]["id"]
        for method, path in [
            ("GET", made["id"]),
            ("DELETE", made["id"]),
            ("GET", f"{made['id']}/input_items"),
        ]:
            assert call(other, method, path).status_code == 404
        error = refusal(other, previous_response_id=made["id"])
        assert error["code"] == "previous_response_not_found"
        assert error["param"] == "previous_response_id"
        assert refusal(other, input=[{"id": message}])["param"] == "input[0]"
        assert call(account, "GET", made["id"]).status_code == 200

    def test_unstored_response_is_not_kept(self, upstream: Simulated, account: Caller):
        made = create(account, store=False)
        assert call(account, "GET", made["id"]).status_code == 404
        item = {"type": "item_reference", "id": made["output"][0]["id"]}
        assert refusal(account, input=[item])["param"] == "input[0]"

    def test_web_conversation_is_folded(self, upstream: Simulated, account: Caller):
        said = [{"call": "chat", "text": text} for text in ("One", "Two", "Three")]
        upstream.script(*said)
        first = create(account, input="First?", instructions="Secret.")
        second = create(account, input="Second?", previous_response_id=first["id"])
        assert second["previous_response_id"] == first["id"]
        create(account, input="Third?", previous_response_id=second["id"])
        asked = [each["message"] for each in upstream.report()["answers"]]
        assert "Secret." in asked[0] and "Secret." not in asked[1] + asked[2]
        assert asked[2].endswith(
            "user:First?\nassistant:One\nuser:Second?\nassistant:Two\nuser:Third?"
            "\nassistant:"
        )

    @PLATFORM
    def test_response_can_be_continued_twice(
        self, upstream: Simulated, account: Caller
    ):
        said = {"call": "completion", "text": "One", "reasoning": "Hm."}
        upstream.script(said)
        first = create(account, input="First?", store=True)
        for question in ("Left?", "Right?"):
            create(account, input=question, previous_response_id=first["id"])
            asked = messages(upstream)
            assert asked == [
                ("user", "First?"),
                ("assistant", "<think>\nHm.\n</think>\n\nOne"),
                ("user", question),
            ]

    @PLATFORM
    def test_references_stand_for_output_items(
        self, upstream: Simulated, account: Caller
    ):
        calls = {"reasoning": "Hm.", "text": "I look.", "calls": [WEATHER_CALL]}
        upstream.script({"call": "completion", **calls})
        question = {"role": "user", "content": "Weather?"}
        first = create(account, input=[question], tools=[WEATHER])
        result = {"type": "function_call_output", "call_id": "call_1", "output": "Sun"}
        references = [{"id": item["id"]} for item in first["output"]]
        references[0]["type"] = "item_reference"
        create(account, input=[question, *references, result], tools=[WEATHER])
        by_reference = form(upstream)["messages"]
        create(account, input=[question, *first["output"], result], tools=[WEATHER])
        assert form(upstream)["messages"] == by_reference
        create(
            account, input=[result], tools=[WEATHER], previous_response_id=first["id"]
        )
        assert form(upstream)["messages"] == by_reference
        assert by_reference[1]["content"] == "<think>\nHm.\n</think>\n\nI look."

    @PLATFORM
    def test_references_reach_a_second_turn(self, upstream: Simulated, account: Caller):
        said = [{"call": "completion", "text": text} for text in ("One", "Two")]
        upstream.script(*said)
        history: list[Json] = []
        for question in ("First?", "Second?", "Third?"):
            history.append({"role": "user", "content": question})
            answer = create(account, input=history)
            history += [{"id": item["id"]} for item in answer["output"]]
        assert [text for _, text in messages(upstream)] == [
            "First?",
            "One",
            "Second?",
            "Two",
            "Third?",
        ]


class TestEncryptedReasoning:
    @PLATFORM
    @pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
    @pytest.mark.parametrize(
        "thought", ["Hm.", "日本 🐚 " * 2000 + "."], ids=["short", "long"]
    )
    def test_reasoning_goes_round(
        self, upstream: Simulated, account: Caller, thought: str, streamed: bool
    ):
        said = {"text": "One", "reasoning": thought, "piece": 500}
        upstream.script({"call": "completion", **said})
        asked = {"input": "First?", "store": False, **ENCRYPTED}
        if streamed:
            first = stream(account, **asked)[-1]["response"]
        else:
            first = create(account, **asked)
        reasoning, message = first["output"]
        handed_back = {**REASONING, "encrypted_content": reasoning["encrypted_content"]}
        question = {"role": "user", "content": "First?"}
        again = {"role": "user", "content": "Again?"}
        create(account, input=[question, handed_back, message, again])
        assert messages(upstream)[1][1] == f"<think>\n{thought}\n</think>\n\nOne"

    @PLATFORM
    def test_foreign_strings_are_ignored(self, upstream: Simulated, account: Caller):
        for encrypted in ("", "gAAAAA", "a" * 300_000, "\x00", "v1.", "é", None):
            items = [
                {"role": "user", "content": "First?"},
                {**REASONING, "encrypted_content": encrypted},
                {"role": "assistant", "content": "One"},
                {"role": "user", "content": "Again?"},
            ]
            create(account, input=items)
            assert messages(upstream)[1] == ("assistant", "One")
