"""What the platform alone can do, asked for in the words of each chat API."""

from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest

from tests.conftest import Caller
from tests.messages.conftest import Claude
from tests.messages.conftest import claude_of as claude_of
from tests.simulated import Simulated

THOUGHT, SAID = "Well, let me look it up.", "It is sunny."
CALL = {"name": "get_weather", "arguments": {"city": "Paris"}, "id": "call_1"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
USAGE = {
    "prompt_tokens": 70,
    "completion_tokens": 30,
    "total_tokens": 100,
    "prompt_tokens_details": {"cached_tokens": 50},
    "completion_tokens_details": {"reasoning_tokens": 20},
}
PLAIN_USAGE = {"prompt_tokens": 70, "completion_tokens": 30, "total_tokens": 100}
ON, OFF = {"type": "adaptive"}, {"type": "disabled"}


class Chat:
    """Chat Completions, through OpenAI's library."""

    tools = [
        {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}
    ]

    def __init__(self, account: Caller) -> None:
        self._create = account.client.chat.completions.create

    def ask(self, history: list[Any] | None = None, **options: Any) -> Any:
        extra = {"thinking": options.pop("thinking", None)}
        messages = [{"role": "user", "content": "Hello"}, *(history or [])]
        return self._create(
            model="x", messages=messages, extra_body=extra, **{"tools": [], **options}
        )

    def loop(self, *, streamed: bool) -> None:
        """Call the tool, and return its result with all that was said before."""
        if not streamed:
            message = self.ask(tools=self.tools).choices[0].message.model_dump()
        else:
            message = {"role": "assistant", "content": None, "tool_calls": []}
            message["reasoning_content"] = ""
            for chunk in self.ask(tools=self.tools, stream=True):
                delta = chunk.choices[0].delta
                message["reasoning_content"] += getattr(delta, "reasoning_content", "")
                for call in delta.tool_calls or ():
                    if call.id:
                        message["tool_calls"].append(call.model_dump())
                    else:
                        function = message["tool_calls"][call.index]["function"]
                        function["arguments"] += call.function.arguments
        (call,) = message["tool_calls"]
        result = {"role": "tool", "tool_call_id": call["id"], "content": "sunny"}
        self.ask([message, result], tools=self.tools)

    def usage(self, *, streamed: bool) -> list[int]:
        if streamed:
            options = {"include_usage": True}
            *_, last = self.ask(stream=True, stream_options=options)
            usage = last.usage
        else:
            usage = self.ask().usage
        prompt, output = usage.prompt_tokens_details, usage.completion_tokens_details
        return [
            usage.prompt_tokens,
            usage.completion_tokens,
            prompt.cached_tokens if prompt else 0,
            output.reasoning_tokens if output else 0,
        ]


class Responses:
    """Responses, through OpenAI's library."""

    tools = [{"type": "function", "name": "get_weather", "parameters": SCHEMA}]

    def __init__(self, account: Caller) -> None:
        self._responses = account.client.responses

    def ask(self, history: list[Any] | None = None, **options: Any) -> Any:
        extra = {"thinking": options.pop("thinking", None)}
        if effort := options.pop("reasoning_effort", None):
            options["reasoning"] = {"effort": effort}
        asked = [{"role": "user", "content": "Hello"}, *(history or [])]
        return self._responses.create(
            model="x", input=asked, extra_body=extra, store=False, **options
        )

    def response(self, *, streamed: bool, **options: Any) -> Any:
        if not streamed:
            return self.ask(**options)
        *_, last = self.ask(stream=True, **options)
        return last.response

    def loop(self, *, streamed: bool) -> None:
        include = ["reasoning.encrypted_content"]
        response = self.response(streamed=streamed, tools=self.tools, include=include)
        items = [item.model_dump(exclude_none=True) for item in response.output]
        for item in items:
            item.pop("content", None)  # as Codex hands it back
        called = items[-1]["call_id"]
        result = {"type": "function_call_output", "call_id": called, "output": "sunny"}
        self.ask([*items, result], tools=self.tools)

    def usage(self, *, streamed: bool) -> list[int]:
        usage = self.response(streamed=streamed).usage
        return [
            usage.input_tokens,
            usage.output_tokens,
            usage.input_tokens_details.cached_tokens,
            usage.output_tokens_details.reasoning_tokens,
        ]


class Messages:
    """Messages, through Anthropic's library."""

    tools = [{"name": "get_weather", "input_schema": SCHEMA}]

    def __init__(self, claude: Claude) -> None:
        self._claude = claude

    def ask(self, history: list[Any] | None = None, **options: Any) -> Any:
        if options.pop("reasoning_effort", "some") == "none":
            options["thinking"] = OFF
        fields = ("temperature", "top_p", "service_tier")  # not in every release
        extra = {name: options.pop(name) for name in fields if name in options}
        options = {"thinking": ON, "extra_body": extra, **options}
        messages = [{"role": "user", "content": "Hello"}, *(history or [])]
        return self._claude.create(messages=messages, **options)

    def message(self, *, streamed: bool, **options: Any) -> Any:
        if not streamed:
            return self.ask(**options)
        with self._claude.stream(thinking=ON, **options) as stream:
            return stream.get_final_message()

    def loop(self, *, streamed: bool) -> None:
        content = self.message(streamed=streamed, tools=self.tools).content
        called = content[-1].id
        block = {"type": "tool_result", "tool_use_id": called, "content": "sunny"}
        history = [
            {"role": "assistant", "content": content},
            {"role": "user", "content": [block]},
        ]
        self.ask(history, tools=self.tools)

    def usage(self, *, streamed: bool) -> list[int]:
        usage = self.message(streamed=streamed).usage
        details = usage.model_dump().get("output_tokens_details") or {}
        return [
            usage.input_tokens + usage.cache_read_input_tokens,
            usage.output_tokens,
            usage.cache_read_input_tokens,
            details.get("thinking_tokens") or 0,
        ]


Api = Chat | Responses | Messages
WAYS = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


@pytest.fixture
def kind() -> str:
    return "platform"


@pytest.fixture(params=["chat", "responses", "messages"])
def api(
    request: pytest.FixtureRequest,
    account: Caller,
    claude_of: Callable[[Caller], Claude],
) -> Api:
    if request.param == "messages":
        return Messages(claude_of(account))
    return Chat(account) if request.param == "chat" else Responses(account)


def asked(upstream: Simulated) -> Any:
    """Return what the platform was last asked with."""
    return upstream.report()["answers"][-1]["form"]


@WAYS
def test_thinking_goes_round_in_a_tool_loop(
    upstream: Simulated, api: Api, streamed: bool
):
    upstream.script(
        {"call": "completion", "text": "", "reasoning": THOUGHT, "calls": [CALL]},
        {"call": "completion", "text": SAID},
    )

    api.loop(streamed=streamed)

    _, message, result = asked(upstream)["messages"]
    assert message["content"] == f"<think>\n{THOUGHT}\n</think>\n\n"
    (call,) = message["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert result["tool_call_id"] == call["id"]


@WAYS
@pytest.mark.parametrize(
    ("reported", "expected"),
    [(USAGE, [70, 30, 50, 20]), (PLAIN_USAGE, [70, 30, 0, 0])],
    ids=["with details", "without details"],
)
def test_usage_is_passed_on_with_its_details(
    upstream: Simulated,
    api: Api,
    streamed: bool,
    reported: dict[str, Any],
    expected: list[int],
):
    upstream.script({"call": "completion", "text": SAID, "usage": reported})

    assert api.usage(streamed=streamed) == expected


def test_options_reach_the_platform(upstream: Simulated, api: Api):
    upstream.script({"call": "completion", "text": SAID})

    api.ask(temperature=0.5, top_p=0.25, service_tier="priority")

    body = asked(upstream)
    assert (body["temperature"], body["top_p"]) == (0.5, 0.25)
    assert body["service_tier"] == "priority"


def test_thinking_is_disabled_on_request(upstream: Simulated, api: Api):
    upstream.script({"call": "completion", "text": SAID, "times": 2})

    api.ask(reasoning_effort="none")
    assert asked(upstream)["thinking"] == OFF

    api.ask(thinking=ON)
    assert asked(upstream)["thinking"] == ON


@pytest.mark.parametrize(
    ("field", "value"),
    [("temperature", 2.5), ("temperature", -1), ("top_p", 1.5), ("service_tier", "x")],
)
def test_option_out_of_range_is_refused_before_any_call(
    upstream: Simulated, api: Api, field: str, value: Any
):
    with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)) as refused:
        api.ask(**{field: value})

    assert field in str(refused.value)
    assert getattr(refused.value, "param", field) == field
    assert upstream.work() == []


def test_named_model_is_not_replaced_by_the_web_service(
    upstream: Simulated, caller: Callable[..., Caller], account: Caller
):
    """It would answer in place of a refusal, since it ignores the option."""
    account.tokens = [*caller(kind="web").tokens, *account.tokens]

    with pytest.raises(openai.BadRequestError) as refused:
        account.ask(model="MiniMax-M3", top_p=1.5)

    assert refused.value.param == "top_p"
    assert upstream.work() == []


def test_option_out_of_range_is_ignored_by_the_web_service(
    upstream: Simulated, caller: Callable[..., Caller]
):
    account = caller(kind="web")
    upstream.script({"call": account.call, "text": SAID})

    assert account.ask(temperature=2.5, service_tier="x") == SAID


def test_single_call_is_asked_for(upstream: Simulated, account: Caller):
    upstream.script({"call": "completion", "text": SAID})

    Chat(account).ask(tools=Chat.tools, parallel_tool_calls=False)

    assert asked(upstream)["parallel_tool_calls"] is False
