"""Chat with a platform key: what only the official platform can do, or does otherwise.

What is the same on both services is tested where the web service is (BOTH).
"""

import base64
import json
from collections.abc import Callable
from itertools import cycle, product
from pathlib import Path
from typing import Any

import openai
import pytest

from hailuo.gateway.retry import POLICY
from tests.accounts.conftest import InProcessGateway
from tests.conftest import SECRET, Caller, text_of
from tests.files import samples
from tests.files.site import Site, answer
from tests.platform.paper import pdf, word
from tests.served import KEY, Served
from tests.simulated import Simulated


@pytest.fixture
def kind() -> str:
    return "platform"


@pytest.fixture
def owner(
    caller: Callable[..., Caller], serve: Callable[..., Served], kind: str
) -> Caller:
    """The owner of a gateway that opens private addresses, who sends an API key."""
    settings = {"HAILUO_ALLOW_PRIVATE_URLS": 1, "HAILUO_TOKENS": "sk-api-sim-owner"}
    owner = caller(served=serve(**settings))
    owner.tokens = [KEY]
    return owner


def asked_of(upstream: Simulated) -> Any:
    """The body the platform was last asked with."""
    return upstream.report()["answers"][-1]["form"]


def user(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": list(parts)}]


def text(words: str) -> Any:
    return {"type": "text", "text": words}


def image(url: str) -> Any:
    return {"type": "image_url", "image_url": {"url": url}}


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


class TestPlatformAnswer:
    USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}

    def test_platform_answer_has_real_usage_and_the_requested_model(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "completion", "text": "Hi", "usage": self.USAGE})

        raw = account.client.chat.completions.with_raw_response.create(
            model="gpt-4o", messages=user(text(SECRET))
        )

        answer = raw.parse()
        assert raw.headers["x-hailuo-upstream"] == "platform"
        assert answer.model == "gpt-4o"
        assert asked_of(upstream)["model"] == "MiniMax-M3"
        assert answer.usage.model_dump(exclude_none=True) == self.USAGE
        ours = {"id", "model", "object", "choices", "usage", "created"}
        assert answer.model_fields_set == ours, "the platform's own are left out"

    def test_platform_stream_has_real_usage(self, upstream: Simulated, account: Caller):
        upstream.script({"call": "completion", "text": "Hi", "usage": self.USAGE})

        with account.stream(stream_options={"include_usage": True}) as stream:
            *others, last = list(stream)

        assert last.usage.model_dump(exclude_none=True) == self.USAGE
        assert "".join(map(text_of, others)) == "Hi"

    @pytest.mark.parametrize("tags", [False, True], ids=["apart", "in tags"])
    def test_platform_reasoning_is_separate_from_content(
        self, upstream: Simulated, account: Caller, tags: bool
    ):
        cut = {"every": 5, "of": "wire", "pause_s": 0}
        thought = {"reasoning": "Well, well.", "text": "Yes.", "tags": tags}
        upstream.script({"call": "completion", **thought, "cuts": cut, "times": 2})

        message = account.create().choices[0].message
        with account.stream() as stream:
            deltas = [chunk.choices[0].delta for chunk in stream]

        assert (message.reasoning_content, message.content) == ("Well, well.", "Yes.")
        thoughts = [getattr(delta, "reasoning_content", None) for delta in deltas]
        assert "".join(filter(None, thoughts)) == "Well, well."
        assert "".join(delta.content or "" for delta in deltas) == "Yes."

    def test_platform_key_answers_several_requests_at_once(
        self, upstream: Simulated, account: Caller
    ):
        held = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}], "times": 3}
        upstream.script({"call": "completion", **held})
        streams = [account.stream() for _ in range(3)]
        upstream.wait("held", exactly=3)
        upstream.release()
        for stream in streams:
            with stream:
                assert "".join(map(text_of, stream)) == "ab"

    def test_options_are_passed_to_the_platform(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "completion", "text": "Hi"})

        account.create(
            model="MiniMax-M3",
            temperature=0.5,
            max_tokens=9,
            seed=1,
            tools=[{"type": "web_search", "web_search": {"enable": True}}],
            extra_body={"thinking": {"type": "disabled"}},
        )

        asked = asked_of(upstream)
        assert (asked["model"], asked["temperature"]) == ("MiniMax-M3", 0.5)
        assert (asked["max_completion_tokens"], "tools" in asked) == (9, False)
        assert asked["thinking"] == {"type": "disabled"}


class TestToolLoop:
    """The loop of the library's own documentation."""

    TOOLS = [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "description": "Get current temperature for a given location.",
                "parameters": {
                    "type": "object",
                    "properties": {"location": {"type": "string"}},
                    "required": ["location"],
                    "additionalProperties": False,
                },
                "strict": True,
            },
        }
    ]
    QUESTION = {"role": "user", "content": "What is the weather like in Paris today?"}

    def test_tool_loop_of_whole_answers(self, upstream: Simulated, account: Caller):
        messages: list[Any] = [self.QUESTION]
        create = account.client.chat.completions.create
        first = create(model="gpt-4.1", messages=messages, tools=self.TOOLS)

        assert first.choices[0].finish_reason == "tool_calls"
        (call,) = first.choices[0].message.tool_calls
        assert call.function.name == "get_weather"
        assert json.loads(call.function.arguments) == {"location": "Paris"}

        messages.append(first.choices[0].message)
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "14 °C"})
        second = create(model="gpt-4.1", messages=messages, tools=self.TOOLS)

        assert second.choices[0].finish_reason == "stop"
        assert second.choices[0].message.content == "The tool says: 14 °C"

    def test_tool_loop_of_streamed_answers(self, upstream: Simulated, account: Caller):
        messages: list[Any] = [self.QUESTION]
        create = account.client.chat.completions.create
        final: dict[int, Any] = {}
        with create(
            model="gpt-4.1", messages=messages, tools=self.TOOLS, stream=True
        ) as stream:
            for chunk in stream:
                for call in chunk.choices[0].delta.tool_calls or []:
                    if call.index not in final:
                        final[call.index] = call
                    else:
                        said = call.function.arguments
                        final[call.index].function.arguments += said

        (call,) = final.values()
        assert chunk.choices[0].finish_reason == "tool_calls"
        assert json.loads(call.function.arguments) == {"location": "Paris"}

        called = {"id": call.id, "type": "function", "function": call.function}
        messages.append({"role": "assistant", "tool_calls": [called]})
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "14 °C"})
        with create(
            model="gpt-4.1", messages=messages, tools=self.TOOLS, stream=True
        ) as stream:
            assert "".join(map(text_of, stream)) == "The tool says: 14 °C"

    def test_required_tool_choice_forces_a_call(
        self, upstream: Simulated, account: Caller
    ):
        message = (
            account.create("Hello", tools=self.TOOLS, tool_choice="required")
            .choices[0]
            .message
        )
        assert message.tool_calls[0].function.name == "get_weather"
        assert message.content is None


class TestPlatformFiles:
    def sent(self, upstream: Simulated, account: Caller, *parts: Any) -> list[Any]:
        """The parts of the question as the platform got them, the text apart."""
        upstream.script({"call": "completion", "text": "I see."})
        asked = [text(f"What is this? {SECRET}"), *parts]
        assert account.ask(messages=user(*asked)) == "I see."
        first, *rest = asked_of(upstream)["messages"][-1]["content"]
        assert first == asked[0]
        return rest

    def test_public_picture_address_is_passed_on_unfetched(
        self, upstream: Simulated, account: Caller
    ):
        """Nothing is fetched: nobody is at these addresses."""
        parts = image("https://8.8.8.8:1/cat.jpg?size=1"), image("https://no.invalid/b")

        assert self.sent(upstream, account, *parts) == [*parts]

    @pytest.mark.parametrize(
        "url",
        [
            "https://8.8.8.8:1/cat.mp4",
            "https://no.invalid/b",
            f"data:video/mp4;base64,{base64_of(samples.MP4)}",
        ],
        ids=["an address", "one without a suffix", "data"],
    )
    def test_video_is_passed_on(self, upstream: Simulated, account: Caller, url: str):
        part = {"type": "video_url", "video_url": {"url": url}}

        assert self.sent(upstream, account, part) == [part]

    def test_picture_options_are_passed_on(self, upstream: Simulated, account: Caller):
        parts: list[Any] = [
            {"type": "image_url", "image_url": {"url": url, "detail": "high"}}
            for url in (
                "https://8.8.8.8:1/cat.jpg",
                f"data:image/png;base64,{base64_of(samples.PNG)}",
            )
        ]
        parts[0]["image_url"]["max_long_side_pixel"] = 512

        assert self.sent(upstream, account, *parts) == parts

    @pytest.mark.parametrize(
        ("kind", "model"),
        [("platform", "MiniMax-M2.5"), ("web", "hailuo")],
        ids=["a model for text", "the web service"],
    )
    def test_video_elsewhere_is_refused_by_its_part(
        self, upstream: Simulated, account: Caller, kind: str, model: str
    ):
        part = {"type": "video_url", "video_url": {"url": "https://no.invalid/b.mp4"}}

        with pytest.raises(openai.BadRequestError, match="is a video") as refused:
            account.create(model=model, messages=user(text("Well?"), part))

        assert refused.value.param == "messages[0].content[1].video_url.url"
        assert upstream.work() == []

    @pytest.mark.parametrize("picture", ["PNG", "JPEG", "GIF", "WEBP"])
    def test_inline_picture_is_passed_on(
        self, upstream: Simulated, account: Caller, picture: str
    ):
        """As the library's documentation shows it."""
        data = getattr(samples, picture)
        url = f"data:image/{picture.lower()};base64,{base64_of(data)}"
        assert self.sent(upstream, account, image(url)) == [image(url)]

    def test_picture_sent_as_a_file_becomes_a_picture(
        self, upstream: Simulated, account: Caller
    ):
        file = {"filename": "a.pdf", "file_data": base64_of(samples.PNG)}

        (shown,) = self.sent(upstream, account, {"type": "file", "file": file})

        assert shown == image(f"data:image/png;base64,{base64_of(samples.PNG)}")

    @pytest.mark.parametrize(
        ("data", "name"),
        [
            (pdf("Rising sales"), "draconomicon.pdf"),
            (word("Rising sales"), "报告.docx"),
            (b"Rising sales", "notes.txt"),
        ],
        ids=["pdf", "docx", "text"],
    )
    @pytest.mark.parametrize("head", ["data:application/pdf;base64,", ""])
    def test_document_is_sent_as_its_text(
        self, upstream: Simulated, account: Caller, data: bytes, name: str, head: str
    ):
        """As the library's documentation shows it, and bare."""
        file = {"filename": name, "file_data": head + base64_of(data)}

        (read,) = self.sent(upstream, account, {"type": "file", "file": file})

        assert read == text(f'<file name="{name}">\nRising sales\n</file>')

    def test_document_sent_as_a_picture_is_sent_as_its_text(
        self, upstream: Simulated, account: Caller
    ):
        url = f"data:image/png;base64,{base64_of(pdf('Rising sales'))}"

        (read,) = self.sent(upstream, account, image(url))

        assert "Rising sales" in read["text"]

    @pytest.mark.parametrize(
        "form",
        [
            {"type": "file", "file_url": {"url": "%"}},
            {"type": "file", "file": {"file_id": "%"}},
            {"type": "file", "file": {"file_data": "%"}},
            {"type": "image_url", "image_url": {"url": "%"}},
        ],
        ids=["file_url", "file_id", "file_data", "image_url"],
    )
    def test_document_at_an_address_is_fetched_and_sent_as_its_text(
        self,
        upstream: Simulated,
        owner: Caller,
        form: Any,
    ):
        with Site(answer(pdf("Rising sales"))) as site:
            part = json.loads(json.dumps(form).replace("%", site.url("/q3.pdf")))
            (read,) = self.sent(upstream, owner, part)

        assert read == text('<file name="q3.pdf">\nRising sales\n</file>')

    def test_private_picture_address_is_fetched_when_allowed(
        self, upstream: Simulated, owner: Caller
    ):
        with Site(answer(samples.PNG)) as site:
            (shown,) = self.sent(upstream, owner, image(site.url("/a.png")))

        assert shown == image(f"data:image/png;base64,{base64_of(samples.PNG)}")

    def test_private_picture_address_is_refused_when_not_allowed(
        self, upstream: Simulated, account: Caller
    ):
        with pytest.raises(openai.BadRequestError) as raised:
            account.ask(messages=user(image("http://127.0.0.1:1/a.png")))
        assert raised.value.param == "messages[0].content[0].image_url.url"
        assert upstream.work() == []

    @pytest.mark.parametrize(
        ("data", "why"),
        [
            (samples.BMP, "not image/bmp"),
            (samples.PNG + bytes(10 << 20), "more than 10 MB"),
            (samples.DOCX, "is damaged"),
            (b"\0\1", "is not a readable document"),
        ],
        ids=["another picture", "too large", "damaged", "no document"],
    )
    def test_unusable_file_is_refused_by_its_part(
        self, upstream: Simulated, account: Caller, data: bytes, why: str
    ):
        part = {"type": "file", "file": {"file_data": base64_of(data)}}
        with pytest.raises(openai.BadRequestError, match=why) as raised:
            account.ask(messages=user(part))
        assert raised.value.param == "messages[0].content[0].file.file_data"
        assert upstream.work() == []

    def test_files_of_the_history_are_kept_or_left_out(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "completion", "text": "Yes."})
        document = {"filename": "a.txt", "file_data": base64_of(b"words")}
        shown = image(f"data:image/png;base64,{base64_of(samples.PNG)}")
        parts = [
            {"type": "file", "file": document},
            shown,
            {"type": "file", "file_url": {"url": "http://127.0.0.1:1/gone.pdf"}},
        ]
        history = [*user(*parts), {"role": "assistant", "content": "I see."}]

        account.ask(messages=[*history, *user(text("And now?"))])

        read, seen, left_out = asked_of(upstream)["messages"][0]["content"]
        assert read["text"] == '<file name="a.txt">\nwords\n</file>'
        assert seen == shown
        assert left_out["text"].startswith('<file name="gone.pdf">')


ATTEMPTS = POLICY.attempts

# The code, what the caller hears, and how many keys were asked.
FAULTS: dict[str, tuple[int, int, str, str | None, int]] = {
    "rate limit": (1002, 429, "rate_limit_error", "rate_limit_exceeded", ATTEMPTS),
    "no balance": (1008, 429, "rate_limit_error", "insufficient_quota", ATTEMPTS),
    "window": (2056, 429, "rate_limit_error", "insufficient_quota", ATTEMPTS),
    "bad key": (1004, 401, "authentication_error", "invalid_api_key", ATTEMPTS),
    "wrong region": (2049, 401, "authentication_error", "invalid_api_key", ATTEMPTS),
    "no plan for it": (2061, 403, "permission_error", "permission_denied", ATTEMPTS),
    "filtered": (1026, 400, "invalid_request_error", "content_filter", 1),
    "wrong field": (2013, 400, "invalid_request_error", "invalid_value", 1),
    "timeout": (1001, 504, "upstream_error", "upstream_timeout", ATTEMPTS),
    "internal": (1000, 502, "upstream_error", "upstream_unreachable", ATTEMPTS),
}


FORMS = ["error", "base_resp", "event"]  # test_refusals.py tries each with every code


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("name", "form"),
    [*zip(FAULTS, cycle(FORMS), strict=False), *product(["no balance"], FORMS)],
)
def test_platform_refusal_becomes_its_openai_error(
    upstream: Simulated,
    caller: Callable[..., Caller],
    name: str,
    form: str,
    is_streamed: bool,
):
    number, status, type, code, tries = FAULTS[name]
    refusal = {"refuse": {"code": number, "message": "no", "as": form}}
    upstream.script({"call": "completion", "times": None, **refusal})

    with pytest.raises(openai.APIStatusError) as raised:
        caller(ATTEMPTS).create(stream=is_streamed)

    error = raised.value
    assert (error.status_code, error.type, error.code) == (status, type, code)
    headers = error.response.headers
    again = code == "rate_limit_exceeded"
    assert ("retry-after" in headers) == again
    assert (headers.get("x-should-retry") == "false") == (
        not again and status not in (400, 504)
    )
    assert len(upstream.report()["answers"]) == tries


@pytest.mark.parametrize("code", [1008, 2056, 2061])
def test_only_key_is_asked_once_after_a_final_refusal(
    upstream: Simulated, account: Caller, code: int
):
    upstream.script({"call": "completion", "times": None, "refuse": {"code": code}})

    with pytest.raises(openai.APIStatusError):
        account.ask()

    assert len(upstream.report()["answers"]) == 1


def test_key_without_balance_cools_down_and_reports_why(
    upstream: Simulated, tmp_path: Path
):
    """Later requests are refused at once, without asking the platform again."""
    empty, full = keys = "sk-api-sim-empty-1", "sk-api-sim-full-1"
    terms = {"tokens": keys, "platform_origin": upstream.origin}
    gateway = InProcessGateway(tmp_path / "tokens.json", **terms)
    refusal = {"code": 1008, "message": "insufficient balance"}
    upstream.script(
        {"call": "completion", "token": empty, "refuse": refusal, "times": None},
        {"call": "completion", "token": full, "text": "Hi", "times": 2},
        {"call": "completion", "token": full, "refuse": refusal, "times": None},
    )

    for _ in range(2):
        answer = gateway.chat().json
        assert answer["choices"][0]["message"]["content"] == "Hi"
    for _ in range(2):
        refused = gateway.chat()
        assert refused.status_code == 429
        assert refused.json["error"]["code"] == "insufficient_quota"
        assert refused.headers["x-should-retry"] == "false"
        assert "retry-after" not in refused.headers

    asked = [each["user"] for each in upstream.report()["answers"]]
    assert (asked.count(empty), asked.count(full)) == (1, 3)
    listed = gateway.accounts().values()
    assert [each["state"] for each in listed] == ["resting", "resting"]
    assert all("insufficient balance" in each["last_error"] for each in listed)


@pytest.mark.parametrize("flag", ["input", "output"])
def test_withheld_answer_is_a_content_filter_error(
    upstream: Simulated, account: Caller, flag: str
):
    upstream.script({"call": "completion", "sensitive": flag})
    with pytest.raises(openai.BadRequestError) as raised:
        account.ask()
    assert raised.value.code == "content_filter"


def test_answer_withheld_midway_ends_with_content_filter(
    upstream: Simulated, account: Caller
):
    flagged = {"choices": [], "output_sensitive": True}
    step = {"after": 1, "do": "event", "data": flagged}
    upstream.script({"call": "completion", "pieces": ["One", "Two"], "then": [step]})
    choice = account.create().choices[0]
    assert (choice.message.content, choice.finish_reason) == ("One", "content_filter")


@pytest.mark.parametrize("conversation", ["new", "123456789012345678"])
def test_platform_key_has_no_conversations(
    upstream: Simulated, account: Caller, conversation: str
):
    with pytest.raises(openai.BadRequestError) as raised:
        account.create(extra_body={"conversation_id": conversation})
    assert raised.value.code == "unknown_conversation"
    assert raised.value.param == "conversation_id"
    assert upstream.report()["requests"] == []
