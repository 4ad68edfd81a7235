"""Responses as the official library gets them, on both upstreams."""

import base64
import json
from typing import Any

import openai
import pydantic
import pytest

from tests.conftest import BOTH, SECRET, Caller
from tests.files import samples
from tests.responses import checked
from tests.simulated import Simulated

PNG = f"data:image/png;base64,{base64.b64encode(samples.PNG).decode()}"
LINK = {"detail": "海螺", "url": "https://hailuoai.com"}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Get current temperature for a given location.",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
        "additionalProperties": False,
    },
    "strict": True,
}
PATCH = {"type": "custom", "name": "apply_patch", "description": "Edit files."}
QUESTION = "What is the weather like in Paris today?"

platform = pytest.mark.parametrize("kind", ["platform"])


def create(account: Caller, input: Any = SECRET, **fields: Any) -> Any:
    """Return a response, each field of which was checked."""
    raw = account.client.responses.with_raw_response.create(
        model="gpt-5", input=input, **fields
    )
    checked.response(raw.content)
    return raw.parse()


def events(account: Caller, input: Any = SECRET, **fields: Any) -> list[Any]:
    """Return the events of a stream, each of which was checked."""
    body = {"model": "gpt-5", "input": input, "stream": True, **fields}
    response = account.send("/v1/responses", json=body)
    assert response.headers["Content-Type"].startswith("text/event-stream")
    return checked.events(response.content)


def asked_of(upstream: Simulated) -> Any:
    """Return the body that the platform was last asked with."""
    return upstream.report()["answers"][-1]["form"]


def words_asked(upstream: Simulated) -> str:
    """Return what either upstream was last asked, with all words in it."""
    asked = upstream.report()["answers"][-1]
    message = asked["message"] if asked["call"] == "chat" else ""
    return json.dumps([message, asked["form"]], ensure_ascii=False)


@BOTH
class TestAnswer:
    def test_whole_response_has_the_text(self, upstream: Simulated, account: Caller):
        upstream.script({"call": account.call, "text": "Hello 🐌"})
        response = create(account, metadata={"a": "b"}, temperature=1, user="me")

        assert response.output_text == "Hello 🐌"
        assert (response.status, response.model) == ("completed", "gpt-5")
        assert response.id.startswith("resp_") and response.metadata == {"a": "b"}
        assert (response.temperature, response.user) == (1, "me")

    def test_streamed_response_has_the_text(self, upstream: Simulated, account: Caller):
        upstream.script({"call": account.call, "pieces": ["Hel", "lo 🐌"]})
        read = events(account)

        deltas = [e.delta for e in read if e.type == "response.output_text.delta"]
        assert "".join(deltas) == "Hello 🐌"
        assert read[-1].response.output_text == "Hello 🐌"

    def test_library_accumulates_the_stream(self, upstream: Simulated, account: Caller):
        upstream.script({"call": account.call, "text": "Hello 🐌"})
        with account.client.responses.stream(model="gpt-5", input=SECRET) as stream:
            said = [
                e.snapshot for e in stream if e.type == "response.output_text.delta"
            ]
            final = stream.get_final_response()
        assert said[-1] == final.output_text == "Hello 🐌"

    def test_instructions_and_roles_reach_the_upstream(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": account.call, "text": "Hi"})
        create(
            account,
            [
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": [{"type": "input_text", "text": SECRET}]},
            ],
            instructions="Be kind.",
        )
        asked = words_asked(upstream)
        assert asked.index("Be kind.") < asked.index("Be brief.") < asked.index(SECRET)

    def test_file_and_picture_reach_the_upstream(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": account.call, "text": "I see."})
        data = PNG
        parts = [
            {"type": "input_text", "text": SECRET},
            {"type": "input_image", "image_url": data, "detail": "auto"},
            {
                "type": "input_file",
                "filename": "note.txt",
                "file_data": "data:text/plain;base64,SGVsbG8=",
            },
        ]
        create(account, [{"role": "user", "content": parts}])
        asked = words_asked(upstream)
        assert "note.txt" in asked

    def test_parse_returns_what_the_answer_holds(
        self, upstream: Simulated, account: Caller
    ):
        class Answer(pydantic.BaseModel):
            text: str

        upstream.script({"call": account.call, "text": '{"text": "Yes"}'})
        response = account.client.responses.parse(
            model="gpt-5", input=SECRET, text_format=Answer
        )
        assert response.output_parsed == Answer(text="Yes")

    def test_empty_question_names_the_input(self, upstream: Simulated, account: Caller):
        for stream in (False, True):
            with pytest.raises(openai.BadRequestError) as refused:
                account.client.responses.create(model="m", input=" ", stream=stream)
            assert refused.value.param == "input"
            assert "text" in refused.value.message
            assert "messages" not in refused.value.message


def test_web_search_results_are_citations(upstream: Simulated, account: Caller):
    script = {"call": "chat", "text": "海螺", "links": [LINK], "times": 2}
    upstream.script(script)

    whole, last = create(account).output, events(account)[-1].response.output
    for (message,) in (whole, last):
        (cited,) = message.content[0].annotations
        assert (cited.type, cited.url, cited.title) == (
            "url_citation",
            LINK["url"],
            LINK["detail"],
        )
        assert (cited.start_index, cited.end_index) == (0, 2)


def test_web_usage_is_fixed(upstream: Simulated, account: Caller):
    upstream.script({"call": "chat", "text": "Hi"})
    usage = create(account).usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (1, 1, 2)


@platform
class TestPlatform:
    def test_usage_has_its_details(self, upstream: Simulated, account: Caller):
        counted = {
            "prompt_tokens": 30,
            "completion_tokens": 9,
            "prompt_tokens_details": {"cached_tokens": 20},
            "completion_tokens_details": {"reasoning_tokens": 5},
        }
        upstream.script({"call": "completion", "text": "Hi", "usage": counted})
        usage = create(account).usage
        assert (usage.input_tokens, usage.output_tokens) == (30, 9)
        assert usage.input_tokens_details.cached_tokens == 20
        assert usage.output_tokens_details.reasoning_tokens == 5

    def test_options_reach_the_platform(self, upstream: Simulated, account: Caller):
        upstream.script({"call": "completion", "text": "Hi"})
        create(
            account,
            max_output_tokens=9,
            temperature=0.5,
            top_p=0.5,
            reasoning={"effort": "none"},
            tools=[{"type": "web_search"}],
        )
        asked = asked_of(upstream)
        assert (asked["max_completion_tokens"], asked["temperature"]) == (9, 0.5)
        assert asked["thinking"] == {"type": "disabled"} and "tools" not in asked

    @pytest.mark.parametrize(
        ("script", "reason"),
        [
            ({"finish": "length"}, "max_output_tokens"),
            ({"finish": "content_filter"}, "content_filter"),
        ],
    )
    def test_answer_that_is_cut_off_is_incomplete(
        self, upstream: Simulated, account: Caller, script: Any, reason: str
    ):
        upstream.script({"call": "completion", "text": "So", **script, "times": 2})
        response, last = create(account), events(account)[-1]
        assert response.status == last.response.status == "incomplete"
        assert response.incomplete_details.reason == reason
        assert last.type == "response.incomplete"

    @pytest.mark.parametrize("summary", [None, "auto"])
    def test_reasoning_goes_round_as_its_item(
        self, upstream: Simulated, account: Caller, summary: str | None
    ):
        upstream.script(
            {"call": "completion", "reasoning": "Well, well.", "text": "Yes."},
            {"call": "completion", "text": "No."},
        )
        read = events(account, reasoning={"summary": summary})
        output = [item.to_dict() for item in read[-1].response.output]
        assert [item["type"] for item in output] == ["reasoning", "message"]

        create(account, [*output, {"role": "user", "content": SECRET}])

        said = "<think>\nWell, well.\n</think>\n\nYes."
        assert {"role": "assistant", "content": said} in asked_of(upstream)["messages"]

    def test_encrypted_reasoning_goes_round(self, upstream: Simulated, account: Caller):
        """As Codex sends it, without its content."""
        upstream.script(
            {"call": "completion", "reasoning": "Well, well.", "text": "Yes."},
            {"call": "completion", "text": "No."},
        )
        include = ["reasoning.encrypted_content"]
        reasoning, message = create(account, include=include, store=False).output
        kept = {
            "type": "reasoning",
            "summary": [],
            "encrypted_content": reasoning.encrypted_content,
        }
        answer = {"role": "assistant", "content": message.content[0].text}
        question = {"role": "user", "content": SECRET}

        create(account, [kept, answer, question], store=False)

        said = "<think>\nWell, well.\n</think>\n\nYes."
        assert {"role": "assistant", "content": said} in asked_of(upstream)["messages"]

    def test_unsupported_option_names_the_field_of_this_api(
        self, upstream: Simulated, account: Caller
    ):
        refusal = {"code": 2013, "message": "invalid max_completion_tokens"}
        upstream.script({"call": "completion", "refuse": refusal, "times": None})
        with pytest.raises(openai.BadRequestError) as refused:
            create(account, max_output_tokens=9)
        assert refused.value.param == "max_output_tokens"


@platform
class TestToolLoop:
    """The loop of the library's own documentation, on canned answers."""

    def test_tool_loop_of_whole_responses(self, upstream: Simulated, account: Caller):
        items: list[Any] = [{"role": "user", "content": QUESTION}]
        first = create(account, items, tools=[WEATHER])
        call = first.output[-1]
        assert (call.type, call.name) == ("function_call", "get_weather")
        assert json.loads(call.arguments) == {"location": "Paris"}

        items += first.output
        items.append(
            {
                "type": "function_call_output",
                "call_id": call.call_id,
                "output": "14 °C",
            }
        )
        second = create(account, items, tools=[WEATHER])
        assert second.output_text == "The tool says: 14 °C"
        assert "I should call get_weather." in words_asked(upstream)

    def test_tool_loop_of_streams(self, upstream: Simulated, account: Caller):
        read = events(account, QUESTION, tools=[WEATHER])
        deltas = [e for e in read if e.type.endswith("arguments.delta")]
        assert len(deltas) > 1
        call = read[-1].response.output[-1]
        result = {"type": "function_call_output", "call_id": call.call_id}
        read = events(
            account,
            [{**result, "output": "14 °C"}],
            tools=[WEATHER],
            previous_response_id=read[-1].response.id,
        )
        assert read[-1].response.output_text == "The tool says: 14 °C"

    def test_custom_tool_loop(self, upstream: Simulated, account: Caller):
        patch = '*** Begin Patch\n"🐚"\n'
        calls = [{"name": "apply_patch", "arguments": {"input": patch}}]
        upstream.script(
            {"call": "completion", "calls": calls, "text": "", "piece": 3},
            {"call": "completion", "text": "Done."},
        )
        read = events(account, tools=[PATCH], tool_choice=PATCH)
        (call,) = read[-1].response.output
        assert (call.type, call.name, call.input) == (
            "custom_tool_call",
            "apply_patch",
            patch,
        )
        assert asked_of(upstream)["tool_choice"]["function"]["name"] == "apply_patch"

        result = {"type": "custom_tool_call_output", "call_id": call.call_id}
        response = create(
            account,
            [{"role": "user", "content": SECRET}, call, {**result, "output": "ok"}],
            tools=[PATCH],
        )
        assert response.output_text == "Done."
        *_, called, answered = asked_of(upstream)["messages"]
        arguments = called["tool_calls"][0]["function"]["arguments"]
        assert json.loads(arguments) == {"input": patch}
        assert (answered["role"], answered["content"]) == ("tool", "ok")

    def test_loop_with_a_tool_in_a_namespace(
        self, upstream: Simulated, account: Caller
    ):
        tools = [
            {
                "type": "namespace",
                "name": "mcp__sky",
                "description": "The weather.",
                "tools": [WEATHER],
            }
        ]
        first = create(account, QUESTION, tools=tools)
        call = first.output[-1]
        assert (call.namespace, call.name) == ("mcp__sky", "get_weather")

        result = {"type": "function_call_output", "call_id": call.call_id}
        create(
            account,
            [{**result, "output": "14 °C"}],
            tools=tools,
            previous_response_id=first.id,
        )
        *_, called, _ = asked_of(upstream)["messages"]
        name = called["tool_calls"][0]["function"]["name"]
        assert name == "mcp__sky__get_weather"

    def test_parallel_calls_are_answered_in_one_turn(
        self, upstream: Simulated, account: Caller
    ):
        calls = [{"name": "get_weather", "arguments": {"location": at}} for at in "AB"]
        upstream.script({"call": "completion", "calls": calls, "text": ""})
        first = create(account, tools=[WEATHER])
        results = [
            {
                "type": "function_call_output",
                "call_id": call.call_id,
                "output": call.arguments,
            }
            for call in first.output
        ]
        create(account, [QUESTION_ITEM, *first.output, *results], tools=[WEATHER])
        roles = [message["role"] for message in asked_of(upstream)["messages"]]
        assert roles == ["user", "assistant", "tool", "tool"]

    def test_picture_in_an_output_reaches_the_platform(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "completion", "text": "I see."})
        data = PNG
        output = [{"type": "input_image", "image_url": data}]
        create(
            account,
            [
                QUESTION_ITEM,
                {
                    "type": "function_call",
                    "call_id": "1",
                    "name": "f",
                    "arguments": "{}",
                },
                {"type": "function_call_output", "call_id": "1", "output": output},
            ],
        )
        assert data in words_asked(upstream)


QUESTION_ITEM = {"role": "user", "content": SECRET}
