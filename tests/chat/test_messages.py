"""Messages as clients leave them: mended, or refused by name, on both services."""

import base64
from typing import Any

import openai
import pytest

from tests.conftest import BOTH, SECRET, Caller
from tests.files import samples
from tests.simulated import Simulated

PICTURE = {
    "type": "image_url",
    "image_url": {
        "url": f"data:image/png;base64,{base64.b64encode(samples.PNG).decode()}"
    },
}
NOTE = {
    "type": "file",
    "file": {
        "filename": "a.txt",
        "file_data": base64.b64encode(b"words").decode().rstrip("="),
    },
}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {}}}
BLOB = {"type": "image_url", "image_url": {"url": "blob:https://example.org/1b2c"}}


def user(content: Any = SECRET) -> dict[str, Any]:
    return {"role": "user", "content": content}


def calls(*ids: Any, arguments: Any = "{}", **more: Any) -> dict[str, Any]:
    function = {"name": "f", "arguments": arguments}
    made = [{"id": id, "type": "function", "function": function} for id in ids]
    return {"role": "assistant", "content": None, "tool_calls": made, **more}


def result(id: Any, content: Any = "42") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": content}


def sent(upstream: Simulated) -> list[dict[str, Any]]:
    """The messages that the platform was asked with."""
    (answer,) = upstream.report()["answers"]
    return list(answer["form"]["messages"])


def refused(account: Caller, **asked: Any) -> openai.BadRequestError:
    with pytest.raises(openai.BadRequestError) as raised:
        account.create(**asked)
    return raised.value


EMPTY: dict[str, list[Any]] = {
    "an empty text": [user("")],
    "a blank": [user(" ")],
    "null": [user(None)],
    "no parts": [user([])],
    "an empty part": [user([{"type": "text", "text": ""}])],
    "empty messages": [user(""), {"role": "assistant", "content": ""}, user(" ")],
}


@BOTH
@pytest.mark.parametrize("messages", EMPTY.values(), ids=EMPTY)
def test_empty_question_is_refused_without_asking_upstream(
    upstream: Simulated, account: Caller, messages: list[Any]
):
    upstream.script({"call": account.call, "text": "Hello"})

    error = refused(account, messages=messages)

    assert (error.param, error.code) == ("messages", "invalid_value")
    assert upstream.report()["requests"] == []
    assert account.ask() == "Hello", "the account does not rest"


def test_markdown_image_alone_is_refused_on_the_web(
    upstream: Simulated, account: Caller
):
    error = refused(account, messages=[user("![x](https://example.org/a.png)")])

    assert (error.param, upstream.report()["requests"]) == ("messages", [])


@pytest.mark.leaves("conversations")
def test_empty_question_in_a_kept_conversation_is_refused(
    upstream: Simulated, account: Caller
):
    upstream.script({"call": "chat", "text": "Yes"})
    keep = {"conversation_id": "new"}
    id = account.create(extra_body=keep).id
    history = [user(), {"role": "assistant", "content": "Yes"}, user(" ")]

    error = refused(account, messages=history, extra_body={"conversation_id": id})

    assert error.param == "messages"


@BOTH
@pytest.mark.parametrize("part", [PICTURE, NOTE], ids=["picture", "document"])
@pytest.mark.parametrize("words", [[], [{"type": "text", "text": " "}]], ids=len)
def test_file_without_a_question_gets_a_standard_one(
    upstream: Simulated, account: Caller, part: Any, words: list[Any]
):
    upstream.script({"call": account.call, "text": "I see."})

    assert account.ask(messages=[user([part, *words])]) == "I see."

    (answer,) = upstream.report()["answers"]
    assert answer["message"].strip()


HISTORIES: dict[str, list[Any]] = {
    "a result without its call": [user(), result("a")],
    "a call without its result": [user(), calls("a"), user()],
    "one of two answered": [user(), calls("a", "b"), result("b"), user()],
    "answered twice": [user(), calls("a"), result("a"), result("a", "43")],
    "something in between": [user(), calls("a"), user(), result("a")],
    "no id": [user(), calls(None), result(None)],
    "a number as id": [user(), calls(7), result(7)],
    "arguments cut off": [user(), calls("a", arguments='{"a": "b'), result("a")],
    "arguments in Python": [user(), calls("a", arguments="{'a': 1}"), result("a")],
    "an object as arguments": [user(), calls("a", arguments={"a": 1}), result("a")],
    "null as arguments": [user(), calls("a", arguments=None), result("a")],
    "a custom call": [
        user(),
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}
            ],
        },
        result("a"),
    ],
    "an empty result": [user(), calls("a"), result("a", "")],
    "a result that is null": [user(), calls("a"), result("a", None)],
    "trimmed to the last turn": [calls("a"), result("a")],
    "one object as content": [user({"type": "text", "text": SECRET})],
    "strings as content": [user([SECRET, "Hi"])],
    "output_text": [
        {"role": "assistant", "content": [{"type": "output_text", "text": "Hm"}]},
        user([{"type": "input_text", "text": SECRET}]),
    ],
    "parts that cannot be used": [
        user([BLOB, {"type": "input_audio", "input_audio": {}}, *[PICTURE] * 21]),
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm"},
                {"type": "tool_use", "id": "a", "name": "f", "input": {}},
            ],
        },
        user(),
    ],
}


@BOTH
@pytest.mark.parametrize("messages", HISTORIES.values(), ids=HISTORIES)
def test_irregular_history_is_accepted(
    upstream: Simulated, account: Caller, messages: list[Any]
):
    """The strict simulator finds nothing to refuse."""
    upstream.script({"call": account.call, "text": "Yes."})

    assert account.ask(messages=messages) == "Yes."


@BOTH
def test_unusable_part_of_the_newest_message_is_refused_by_name(
    upstream: Simulated, account: Caller
):
    error = refused(account, messages=[user([BLOB]), user([PICTURE, BLOB])])

    assert error.param == "messages[1].content[1].image_url.url"
    assert upstream.report()["requests"] == []


@pytest.mark.parametrize("kind", ["platform"])
class TestPlatformMessages:
    def test_pictures_in_tool_results_follow_them_as_a_user_message(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "completion", "text": "A pixel."})
        shown = [{"type": "text", "text": "Here"}, PICTURE]

        history = [user(), calls("a", "b"), result("a", shown), result("b")]
        account.ask(messages=history)

        _, _, first, second, pictures = sent(upstream)
        assert (first["content"], second["content"]) == ("Here", "42")
        assert pictures["role"] == "user"
        assert pictures["content"][1:] == [PICTURE]

    @pytest.mark.parametrize(
        "kept",
        [
            {"content": "", "reasoning_content": "Hm"},
            {"content": None, "reasoning_details": [{"text": "Hm"}]},
            {"content": "<think>\nHm\n</think>\n\n"},
            {"content": [{"type": "thinking", "thinking": "Hm"}]},
        ],
        ids=lambda kept: " ".join(kept),
    )
    def test_reasoning_of_the_history_is_sent_back(
        self, upstream: Simulated, account: Caller, kept: dict[str, Any]
    ):
        upstream.script({"call": "completion", "text": "Yes."})

        account.ask(messages=[user(), {**calls("a"), **kept}, result("a")])

        assert sent(upstream)[1]["content"] == "<think>\nHm\n</think>\n\n"

    def test_minimal_reasoning_effort_disables_thinking(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "completion", "text": "Yes.", "times": 2})
        account.ask()
        account.ask(reasoning_effort="minimal")

        asked = [each["form"]["thinking"] for each in upstream.report()["answers"]]
        assert asked == [{"type": "adaptive"}, {"type": "disabled"}]

    def test_negative_max_tokens_is_not_sent(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "completion", "text": "Yes."})
        account.ask(max_tokens=-1)

        (answer,) = upstream.report()["answers"]
        assert "max_completion_tokens" not in answer["form"]

    def test_only_allowed_tools_are_offered(self, upstream: Simulated, account: Caller):
        upstream.script({"call": "completion", "text": "Yes."})
        other = {"type": "function", "function": {"name": "g"}}
        choice = {"mode": "required", "tools": [other]}

        account.ask(
            tools=[FUNCTION, other],
            tool_choice={"type": "allowed_tools", "allowed_tools": choice},
        )

        (answer,) = upstream.report()["answers"]
        (tool,) = answer["form"]["tools"]
        assert tool["function"]["name"] == "g"
        assert answer["form"]["tool_choice"] == "required"


def test_web_is_asked_when_tools_are_optional(upstream: Simulated, account: Caller):
    choice = {"mode": "auto", "tools": [FUNCTION]}
    asked = {"type": "allowed_tools", "allowed_tools": choice}
    upstream.script({"call": "chat", "text": "Yes."})

    assert account.ask(tools=[FUNCTION], tool_choice=asked) == "Yes."


@BOTH
@pytest.mark.parametrize(
    "choice",
    ["nonsense", {"type": "function", "function": {"name": "g"}}, {"type": "tool"}],
    ids=str,
)
def test_tool_choice_without_a_matching_tool_is_refused(
    upstream: Simulated, account: Caller, choice: Any
):
    error = refused(account, tools=[FUNCTION], tool_choice=choice)

    assert str(error.param).startswith("tool_choice")
    assert upstream.report()["requests"] == []


@BOTH
def test_required_call_of_only_custom_tools_is_refused(
    upstream: Simulated, account: Caller
):
    custom = {"type": "custom", "custom": {"name": "f"}}

    error = refused(account, tools=[custom], tool_choice="required")

    assert error.param == "tool_choice"
    assert upstream.report()["requests"] == []


@BOTH
def test_sixteen_stop_sequences_are_honoured(upstream: Simulated, account: Caller):
    upstream.script({"call": account.call, "text": "One, two, three"})
    assert account.ask(stop=[*"abcdfghijklmpqs", "two"]) == "One, "
