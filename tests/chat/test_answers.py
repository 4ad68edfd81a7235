"""Answers as they arrive: never spliced, never split, with what they really cost."""

import json
from typing import Any

import openai
import pytest

from tests.conftest import Caller, text_of
from tests.simulated import Simulated

PLATFORM = pytest.mark.parametrize("kind", ["platform"])
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
COUNTED = {"stream_options": {"include_usage": True}}


def tool(name: str, **properties: Any) -> Any:
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def streamed(account: Caller, **options: Any) -> tuple[str, list[Any]]:
    """The text of a stream, and its chunks."""
    with account.stream(**options) as stream:
        chunks = list(stream)
    return "".join(map(text_of, chunks)), chunks


class TestWebContents:
    """Contents of the web service that do not continue the ones before."""

    REVISED = ["The answer is 41", "The answer is 42, since"]
    INCREMENTAL = ["The ", "answer ", "is ", "42."]

    @pytest.mark.parametrize("delay_s", [0, 0.05], ids=["in a burst", "one by one"])
    @pytest.mark.parametrize("contents", [REVISED, INCREMENTAL], ids=["new", "next"])
    def test_stream_fails_rather_than_splice_a_revised_answer(
        self, upstream: Simulated, account: Caller, contents: list[str], delay_s: float
    ):
        upstream.script({"call": "chat", "contents": contents, "delay_s": delay_s})
        said = ""
        with pytest.raises(openai.APIError) as raised, account.stream() as stream:
            for chunk in stream:
                said += text_of(chunk)
        assert said == contents[0]
        assert raised.value.code == "upstream_protocol"

    def test_whole_answer_is_the_last_content(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "chat", "contents": self.REVISED})
        assert account.ask() == self.REVISED[-1]

    def test_whole_answer_fails_on_incremental_contents(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "chat", "contents": self.INCREMENTAL})
        with pytest.raises(openai.InternalServerError) as raised:
            account.create()
        assert raised.value.code == "upstream_protocol"


@PLATFORM
class TestUsage:
    def test_usage_is_the_platforms_when_a_stop_sequence_cuts_the_answer(
        self, upstream: Simulated, account: Caller
    ):
        pieces = ["One, tw", "o, thr", "ee, four"]
        script = {"call": "completion", "pieces": pieces, "usage": USAGE}
        upstream.script(script, script)

        whole = account.create(stop="two")
        text, chunks = streamed(account, stop="two", **COUNTED)

        assert whole.choices[0].message.content == text == "One, "
        assert whole.choices[0].finish_reason == "stop"
        for usage in (whole.usage, chunks[-1].usage):
            assert usage.model_dump(exclude_none=True) == USAGE
        assert chunks[-2].choices[0].finish_reason == "stop"

    def test_stream_does_not_wait_for_usage_that_was_not_requested(
        self, upstream: Simulated, account: Caller
    ):
        silence = [{"after": 2, "do": "silence"}]
        pieces = ["One, tw", "o, thr", "ee"]
        upstream.script({"call": "completion", "pieces": pieces, "then": silence})
        assert streamed(account, stop="two")[0] == "One, "
        upstream.wait("open_answers", exactly=0)

    def test_answer_cut_by_a_stop_sequence_survives_a_reset_behind_it(
        self, upstream: Simulated, account: Caller
    ):
        cut = [{"after": 2, "do": "reset"}]
        upstream.script(
            {"call": "completion", "pieces": ["a", "END", "b"], "then": cut}
        )
        answer = account.create(stop="END")
        assert answer.choices[0].message.content == "a"
        assert answer.choices[0].finish_reason == "stop"

    def test_usage_is_the_platforms_when_the_end_is_filtered(
        self, upstream: Simulated, account: Caller
    ):
        flagged: dict[str, Any] = {"choices": [{"index": 0, "delta": {"content": ""}}]}
        flagged = {**flagged, "output_sensitive": True}
        step = {"after": 1, "do": "event", "data": flagged}
        script = {"call": "completion", "pieces": ["How to", " make"], "then": [step]}
        upstream.script(*[{**script, "usage": USAGE}] * 2)

        whole = account.create()
        text, chunks = streamed(account, **COUNTED)

        assert whole.choices[0].message.content == text == "How to"
        assert whole.choices[0].finish_reason == "content_filter"
        for usage in (whole.usage, chunks[-1].usage):
            assert usage.model_dump(exclude_none=True) == USAGE


@PLATFORM
class TestText:
    @pytest.mark.parametrize("cumulative", [False, True])
    def test_half_a_surrogate_pair_waits_for_its_other_half(
        self, upstream: Simulated, account: Caller, cumulative: bool
    ):
        pieces = [
            "Snails: \ud83d",
            "\udc1a and ",
            "\ud83d",
            "\udc0c, and more of these",
        ]
        script = {"call": "completion", "pieces": pieces, "cumulative": cumulative}
        upstream.script(*[{**script, "text": ""}] * 2)
        said = "Snails: 🐚 and 🐌, and more of these"
        assert account.ask() == said
        assert streamed(account)[0] == said

    def test_reasoning_with_only_an_end_tag_is_separated(
        self, upstream: Simulated, account: Caller
    ):
        text = "Well, well.\n</think>\n\nYes."
        upstream.script({"call": "completion", "text": text, "reasoning": ""})
        message = account.create().choices[0].message
        assert (message.reasoning_content, message.content) == ("Well, well.", "Yes.")


@PLATFORM
class TestToolCalls:
    TOOLS = [tool("weather", city={"type": "string"}, days={"type": "integer"})]
    MARKUP = """Let me see.
<minimax:tool_call>
<invoke name="weather">
<parameter name="city">Paris</parameter>
<parameter name="days">3</parameter>
</invoke>
</minimax:tool_call>"""

    def test_tool_markup_in_the_text_becomes_a_tool_call(
        self, upstream: Simulated, account: Caller
    ):
        script = {"call": "completion", "text": self.MARKUP, "piece": 5}
        upstream.script(script, script)

        choice = account.create(tools=self.TOOLS).choices[0]
        text, chunks = streamed(account, tools=self.TOOLS)

        assert choice.message.content == text == "Let me see."
        assert choice.finish_reason == "tool_calls"
        assert chunks[-1].choices[0].finish_reason == "tool_calls"
        (whole,) = choice.message.tool_calls
        deltas = [chunk.choices[0].delta.tool_calls for chunk in chunks]
        ((first,),) = filter(None, deltas)
        for call in (whole, first):
            assert call.id.startswith("call_") and call.function.name == "weather"
            arguments = json.loads(call.function.arguments)
            assert arguments == {"city": "Paris", "days": 3}

    def test_tool_markup_stays_text_without_tools(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "completion", "text": self.MARKUP})
        assert account.ask() == self.MARKUP

    def test_tool_arguments_are_incremental_beside_cumulative_text(
        self, upstream: Simulated, account: Caller
    ):
        words = "Whether a delta is all there is or only what is new"
        events: list[dict[str, Any]] = [
            {"content": words[:end]} for end in (9, 20, 30, 40, 51)
        ]
        parts: list[Any] = [{"name": "weather", "arguments": ""}]
        parts += [{"arguments": part} for part in ('{"city":', '{"city":', '"a"}}')]
        for part in parts:
            call = {"index": 0, "function": part}
            if "name" in part:
                call |= {"id": "call_1", "type": "function"}
            events.append({"tool_calls": [call]})
        chunks = [{"id": "1", "choices": [{"index": 0, "delta": e}]} for e in events]
        end = {"index": 0, "delta": {}, "finish_reason": "tool_calls"}
        chunks.append({"id": "1", "choices": [end]})
        body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
        upstream.script({"call": "completion", "recording": {"text": body}})

        message = account.create(tools=self.TOOLS).choices[0].message

        assert message.content == words
        assert message.tool_calls[0].function.arguments == '{"city":{"city":"a"}}'

    def test_streamed_tool_call_begins_with_content_null(
        self, upstream: Simulated, account: Caller
    ):
        call = {"name": "weather", "arguments": {"city": "Paris"}}
        upstream.script({"call": "completion", "calls": [call]})
        _, chunks = streamed(account, tools=self.TOOLS)
        begin = chunks[0].choices[0].delta
        assert begin.role == "assistant" and begin.content is None
        assert "content" in begin.model_fields_set


@PLATFORM
def test_platform_refusal_names_the_field(upstream: Simulated, account: Caller):
    message = "invalid params, top_p must be at most 1"
    refusal = {"code": 2013, "message": message}
    upstream.script({"call": "completion", "refuse": refusal})
    with pytest.raises(openai.BadRequestError) as raised:
        account.create()
    assert (raised.value.param, raised.value.code) == ("top_p", "invalid_value")
