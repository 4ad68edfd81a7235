"""Anthropic's library and the gateway: what is the same on both services."""

import base64
import json
from typing import Any

import pytest
from anthropic.types import Message

from tests.conftest import BOTH, SECRET
from tests.files import samples
from tests.messages.conftest import Claude, asked_of
from tests.messages.strict import checked, checked_events, events_of
from tests.simulated import Simulated

PNG = base64.b64encode(samples.PNG).decode()


def question_of(upstream: Simulated) -> str:
    """Return all that a service was last asked with."""
    return json.dumps(asked_of(upstream), ensure_ascii=False)


@BOTH
def test_whole_answer_is_a_message(upstream: Simulated, claude: Claude):
    upstream.script({"call": claude.call, "text": "Hello!"})

    answer = claude.send(stream=False)

    message = checked(Message, answer.json())
    assert [block.text for block in message.content] == ["Hello!"]
    assert (message.model, message.stop_reason) == ("claude-x", "end_turn")
    assert message.id.startswith("msg_")
    assert answer.headers["request-id"] == answer.headers["x-request-id"]


@BOTH
def test_streamed_answer_is_accumulated_by_the_library(
    upstream: Simulated, claude: Claude
):
    upstream.script({"call": claude.call, "pieces": ["Hel", "lo", "!"]})

    with claude.stream() as stream:
        assert "".join(stream.text_stream) == "Hello!"
        message = stream.get_final_message()

    assert message.content[0].text == "Hello!"
    assert message.stop_reason == "end_turn"


@BOTH
def test_events_are_valid_and_in_order(upstream: Simulated, claude: Claude):
    upstream.script({"call": claude.call, "pieces": ["Hel", "lo", "!"]})
    answer = claude.send()
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    message = checked_events(events_of(answer.content))
    assert message["content"] == [{"type": "text", "text": "Hello!"}]
    assert message["usage"]["output_tokens"] > 0


@BOTH
@pytest.mark.parametrize(
    "path", ["/v1/messages?beta=true", "/messages", "/v1/v1/messages", "/v1/messages/"]
)
def test_every_spelling_of_the_path_is_served(
    upstream: Simulated, claude: Claude, path: str
):
    upstream.script({"call": claude.call, "text": "Hello!"})
    answer = claude.send(path=path, stream=False)
    assert answer.json()["content"][0]["text"] == "Hello!"


@BOTH
@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_stop_sequence_ends_the_answer_and_is_named(
    upstream: Simulated, claude: Claude, streamed: bool
):
    pieces = ["One", " two E", "ND three"]
    upstream.script({"call": claude.call, "pieces": pieces})
    sequences = {"stop_sequences": ["STOP", "END"]}
    if streamed:
        with claude.stream(**sequences) as stream:
            message = stream.get_final_message()
    else:
        message = claude.create(**sequences)
    assert message.content[0].text == "One two "
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")


@BOTH
def test_system_prompt_reaches_the_service_without_the_billing_line(
    upstream: Simulated, claude: Claude
):
    upstream.script({"call": claude.call, "text": "Yes."})
    billing = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1;"}
    prompt = {
        "type": "text",
        "text": "Be brief.",
        "cache_control": {"type": "ephemeral"},
    }

    claude.ask(system=[billing, prompt])

    assert "Be brief." in question_of(upstream)
    assert "billing" not in question_of(upstream)


@BOTH
def test_prefill_is_the_end_of_what_the_service_is_sent(
    upstream: Simulated, claude: Claude
):
    upstream.script({"call": claude.call, "text": " (Sol)."})
    messages = [
        {"role": "user", "content": f"The Greek name of the Sun? {SECRET}"},
        {"role": "assistant", "content": "The answer is"},
    ]

    assert claude.ask(messages=messages) == " (Sol)."

    if claude.call == "chat":
        message = asked_of(upstream)["message"]
        assert message.endswith("\nassistant:The answer is")
    else:
        assert asked_of(upstream)["form"]["messages"][-1] == messages[-1]


@BOTH
@pytest.mark.parametrize("title", ["q3.txt", None])
def test_image_and_document_reach_the_service(
    upstream: Simulated, claude: Claude, title: Any
):
    upstream.script({"call": claude.call, "text": "I see."})
    picture = {"type": "base64", "media_type": "image/png", "data": PNG}
    notes = {"type": "base64", "media_type": "text/plain", "data": "UmlzaW5nIHNhbGVz"}
    content = [
        {"type": "text", "text": SECRET},
        {"type": "image", "source": picture},
        {"type": "document", "source": notes, "title": title},
    ]

    assert claude.ask(messages=[{"role": "user", "content": content}]) == "I see."

    if claude.call == "chat":
        calls = [each["call"] for each in upstream.work()]
        assert calls.count("put") == 2
    else:
        *_, shown, read = asked_of(upstream)["form"]["messages"][-1]["content"]
        assert shown["image_url"]["url"].endswith(PNG)
        assert "Rising sales" in read["text"]


@BOTH
def test_fields_that_are_not_known_are_left_out(upstream: Simulated, claude: Claude):
    """The simulator refuses what the service does not document."""
    upstream.script({"call": claude.call, "text": "Yes."})
    server_tool = {"type": "web_search_20250305", "name": "web_search"}
    answer = claude.library.beta.messages.create(
        model="claude-x",
        max_tokens=99,
        messages=[{"role": "user", "content": SECRET}],
        betas=["context-management-2025-06-27", "new-2027-01-01"],
        tools=[server_tool],
        tool_choice={"type": "any"},
        metadata={"user_id": "x"},
        context_management={"edits": []},
        extra_body={"top_k": 5, "speed": "fast", "new": {"x": 1}},
    )
    assert answer.content[0].text == "Yes."


def test_links_of_the_web_search_are_citations(upstream: Simulated, claude: Claude):
    links = [{"detail": "Title", "url": "https://example.com"}]
    upstream.script(
        {"call": "chat", "text": "Yes.", "links": links},
        {"call": "chat", "text": "Yes.", "links": links},
    )
    (cited,) = claude.create().content[0].citations
    assert (cited.title, cited.url) == ("Title", "https://example.com")
    with claude.stream() as stream:
        assert stream.get_final_message().content[0].citations == [cited]


def test_count_of_tokens_is_estimated_without_asking_the_service(
    upstream: Simulated, claude: Claude
):
    count = claude.library.messages.count_tokens
    short, long = (
        count(model="claude-x", messages=[{"role": "user", "content": SECRET * times}])
        for times in (1, 100)
    )
    assert 0 < short.input_tokens < long.input_tokens
    assert upstream.work() == []
