"""A request of Anthropic's API as a question."""

import json
from typing import Any

import pytest
from flask import Flask

from hailuo.endpoints.messages.request import MessageRequest, message_request
from hailuo.files import Source
from hailuo.settings import Settings
from hailuo.upstream import Call, Message, Question, Tool, ToolChoice

USER = {"role": "user", "content": "Hi"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
F = {"name": "f", "description": "F", "input_schema": SCHEMA}
SERVER = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
BILLING = "x-anthropic-billing-header: cc_version=2.1; cc_entrypoint=cli;"


def read(**fields: Any) -> MessageRequest:
    body = {"model": "claude-x", "max_tokens": 9, "messages": [USER], **fields}
    with Flask("test").test_request_context(method="POST", json=body) as context:
        return message_request(context.request, Settings())


def question(**fields: Any) -> Question:
    return read(**fields).question


def history(*messages: Any, **fields: Any) -> list[Message]:
    return list(question(messages=list(messages), **fields).messages)


def said(role: str, *blocks: Any) -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words, "cache_control": {"type": "ephemeral"}}


def result(id: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id, "content": content, **more}


def image(**source: Any) -> dict[str, Any]:
    return {"type": "image", "source": source}


def document(title: Any = None, **source: Any) -> dict[str, Any]:
    return {"type": "document", "source": source, "title": title}


USED = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": "b"}}
USED_ONCE = said("assistant", USED)
ANSWERED = said("user", result("toolu_1", "14"), text("And?"))
PNG = {"type": "base64", "media_type": "image/PNG", "data": "iVBORw0KGgo="}


class TestMessages:
    def test_string_and_text_blocks_are_texts(self):
        asked = said("user", text("a"), text("b"))
        assert history(USER, asked) == [
            Message("user", ["Hi"]),
            Message("user", ["a", "b"]),
        ]

    @pytest.mark.parametrize("system", ["Be brief.", [text("Be brief.")]])
    def test_system_is_the_first_message(self, system: Any):
        assert history(USER, system=system)[0] == Message("system", ["Be brief."])

    @pytest.mark.parametrize(
        "system",
        [
            [text(BILLING), text("Be brief.")],
            [text(f"{BILLING}\nBe brief.")],
            f"{BILLING}\nBe brief.",
        ],
        ids=["own block", "first line of a block", "first line"],
    )
    def test_billing_line_is_no_instruction(self, system: Any):
        assert history(USER, system=system)[0] == Message("system", ["Be brief."])

    def test_empty_system_is_no_message(self):
        assert history(USER, system=[text(BILLING), text(" ")]) == [
            Message("user", ["Hi"])
        ]

    def test_system_message_stays_amid_the_others(self):
        roles = [
            each.role for each in history(USER, said("system", text("Stop")), USER)
        ]
        assert roles == ["user", "system", "user"]

    def test_instructions_at_the_end_are_in_front_of_the_question(self):
        lists = said("system", text("a")), said("system", text("b"))
        assert history(USER, USED_ONCE, ANSWERED, *lists)[1:] == [
            Message("assistant", [], calls=[Call("f", '{"a":"b"}', "call_1")]),
            Message("tool", ["14"], call_id="call_1"),
            Message("system", ["a"]),
            Message("system", ["b"]),
            Message("user", ["And?"]),
        ]

    def test_instruction_behind_a_result_stays_there(self):
        last = said("user", result("toolu_1", "14")), said("system", text("a"))
        roles = [each.role for each in history(USER, USED_ONCE, *last)]
        assert roles == ["user", "assistant", "tool", "system"]

    def test_results_become_messages_before_the_users_text(self):
        answered = said("user", result("toolu_1", "14"), text("And?"), result("x", []))
        assert history(USER, said("assistant", USED), answered)[1:] == [
            Message("assistant", [], calls=[Call("f", '{"a":"b"}', "call_1")]),
            Message("tool", ["14"], call_id="call_1"),
            Message("tool", [], call_id="x"),
            Message("user", ["And?"]),
        ]

    def test_result_has_texts_and_images_and_tells_failure(self):
        failed = result("toolu_1", [text("no"), image(**PNG)], is_error=True)
        tool, user = history(said("user", failed, text("Well?")))
        assert tool == Message("tool", ["(The call failed.)", "no"], call_id="call_1")
        (file,) = user.files
        assert file.param == "messages[0].content[0].content[1].source.data"
        assert user.text == "(These files belong to the results before:)\nWell?"

    def test_result_of_images_alone_points_to_them(self):
        tool, user = history(said("user", result("toolu_1", [image(**PNG)])))
        assert tool.content == ["(The result is in the files that follow.)"]
        assert len(user.files) == 1

    def test_thinking_is_kept_and_redacted_thinking_left_out(self):
        answer = said(
            "assistant",
            {"type": "thinking", "thinking": "Hm.", "signature": "x"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "thinking", "thinking": "So.", "signature": "x"},
            text("Yes"),
        )
        (_, read, _) = history(USER, answer, USER)
        assert (read.content, read.thinking) == (["Yes"], "Hm.\n\nSo.")

    def test_unknown_blocks_are_left_out(self):
        unknown: list[Any] = [{"type": "server_tool_use"}, {"type": ["?"]}, {}]
        assert history(said("user", *unknown, text("a"))) == [Message("user", ["a"])]

    def test_unusable_blocks_of_earlier_messages_are_left_out(self):
        broken = (
            {"type": "text"},
            image(),
            image(type="base64", data=7),
            {"type": "tool_result"},
            result("1", 7),
            {"type": "tool_use", "id": "1"},
        )
        early = said("user", *broken, text("a")), said("assistant", *broken, text("b"))
        assert history(*early, USER) == [
            Message("user", ["a"]),
            Message("assistant", ["b"], calls=[]),
            Message("user", ["Hi"]),
        ]

    @pytest.mark.parametrize(
        "more", [{}, {"input": None}, {"input": '{"a": "b"}'}, {"input": [7]}]
    )
    def test_earlier_call_without_a_usable_input_has_no_arguments(self, more: Any):
        used = {"type": "tool_use", "id": "toolu_1", "name": "f", **more}
        (_, answer, _) = history(USER, said("assistant", used), USER)
        assert answer.calls == [Call("f", "{}", "call_1")]


class TestFiles:
    @pytest.mark.parametrize(
        ("block", "source"),
        [
            (
                image(**PNG),
                Source("data", data=PNG["data"], media_type="image/png", image=True),
            ),
            (
                image(type="url", url="https://example.com/a.png"),
                Source("url", address="https://example.com/a.png", image=True),
            ),
            (
                document("Q3", type="base64", media_type="application/pdf", data="JVB"),
                Source("data", data="JVB", media_type="application/pdf", name="Q3"),
            ),
            (
                document(type="url", url="https://example.com/a.pdf"),
                Source("url", address="https://example.com/a.pdf"),
            ),
        ],
        ids=["image", "image at an address", "document", "document at an address"],
    )
    def test_file_is_a_source_of_its_path(self, block: Any, source: Source):
        asked = read(messages=[USER, said("user", text("a"), block)])
        path = f"messages[1].content[1].source.{source.param}"
        assert asked.sources == [source._replace(param=path)]

    def test_text_document_is_a_text(self):
        block = document('"Q3"', type="text", media_type="text/plain", data="Rising")
        (part,) = history(said("user", block))[0].content
        assert part == '<document title="&quot;Q3&quot;">\nRising\n</document>'

    def test_document_of_blocks_is_its_blocks(self):
        block = document(type="content", content=[text("a"), image(**PNG)])
        asked = read(messages=[said("user", block)])
        assert asked.question.messages[-1].text == "a"
        assert len(asked.sources) == 1

    def test_documents_within_a_document_are_left_out(self):
        block = text("a")
        for _ in range(300):
            block = document(type="content", content=[block])
        deep = document(type="content", content=[text("b"), block])
        assert history(said("user", deep))[0].content == ["b"]

    def test_files_belong_to_the_newest_message_before_a_prefill(self):
        asked = read(
            messages=[said("user", image(**PNG)), said("assistant", text("{"))]
        )
        assert len(asked.sources) == 1

    @pytest.mark.parametrize("last", [[], [said("assistant", text("{"))]])
    def test_files_belong_to_the_newest_message_before_an_instruction(self, last: Any):
        seen = said("user", text("a"), image(**PNG))
        asked = read(messages=[USER, seen, said("system", text("b")), *last])
        roles = [message.role for message in asked.question.messages]
        assert roles == ["user", "system", "user"]
        assert len(asked.sources) == 1


class TestPrefill:
    def test_last_message_of_the_assistant_is_a_prefill(self):
        asked = question(messages=[USER, said("assistant", text("The"))])
        assert asked.messages == [Message("user", ["Hi"])]
        assert asked.prefill == Message("assistant", ["The"], calls=[])

    @pytest.mark.parametrize("last", [said("assistant"), said("assistant", text(" "))])
    def test_empty_last_message_is_dropped(self, last: Any):
        asked = question(messages=[USER, last])
        assert (asked.messages, asked.prefill) == ([Message("user", ["Hi"])], None)

    @pytest.mark.parametrize(
        "messages",
        [[said("assistant", text("a"))], [USER, said("assistant", text("a"), USED)]],
        ids=["alone", "with a call"],
    )
    def test_other_messages_of_the_assistant_are_history(self, messages: Any):
        asked = question(messages=messages)
        assert asked.prefill is None
        assert asked.messages[-1].role == "assistant"


class TestTools:
    def tools(self, choice: Any = None, *tools: Any) -> Any:
        asked = question(tools=[F, SERVER, *tools], tool_choice=choice)
        return [tool.name for tool in asked.tools], asked.tool_choice

    def test_tool_has_a_name_a_description_and_a_schema(self):
        custom = {"type": "custom", "name": "g", "cache_control": {}, "strict": True}
        assert question(tools=[F, custom]).tools == [
            Tool("f", "F", SCHEMA, "tools[0].input_schema"),
            Tool("g", param="tools[1].input_schema"),
        ]

    @pytest.mark.parametrize(
        ("choice", "expected"),
        [
            (None, (["f"], ToolChoice())),
            ({"type": "auto"}, (["f"], ToolChoice())),
            ({"type": "any"}, (["f"], ToolChoice(True))),
            ({"type": "tool", "name": "f"}, (["f"], ToolChoice(True, "f"))),
            ({"type": "tool", "name": "web_search"}, (["f"], ToolChoice())),
            ({"type": "none"}, ([], ToolChoice())),
            (
                {"type": "auto", "disable_parallel_tool_use": True},
                (["f"], ToolChoice(parallel=False)),
            ),
        ],
        ids=["nothing", "auto", "any", "tool", "server tool", "none", "not parallel"],
    )
    def test_tool_choice_is_translated(self, choice: Any, expected: Any):
        assert self.tools(choice) == expected

    def test_named_tool_is_the_only_one(self):
        chosen = {"type": "tool", "name": "g"}
        tools = self.tools(chosen, {"name": "g", "input_schema": SCHEMA})[0]
        assert tools == ["g"]

    def test_last_tool_of_a_name_counts(self):
        (tool,) = question(tools=[{"name": "f"}, F]).tools
        assert tool == Tool("f", "F", SCHEMA, "tools[1].input_schema")

    def test_server_tool_with_a_schema_is_offered(self):
        memory = {"type": "memory_20250818", "name": "memory", "input_schema": SCHEMA}
        assert self.tools(None, memory)[0] == ["f", "memory"]

    def test_server_tools_alone_are_not_required(self):
        asked = question(tools=[SERVER], tool_choice={"type": "any"})
        assert (asked.tools, asked.tool_choice) == ([], ToolChoice())


class TestParameters:
    def test_known_parameters_are_passed_on(self):
        asked = question(
            temperature=0.5,
            top_p=0.9,
            stop_sequences=["END"],
            thinking={"type": "x"},
            service_tier="auto",
        )
        assert asked.options == {
            "temperature": 0.5,
            "top_p": 0.9,
            "thinking": {"type": "x"},
            "service_tier": "auto",
        }
        assert (asked.max_tokens, asked.stop_sequences) == (9, ["END"])
        assert asked.streamed

    def test_unknown_parameters_are_left_out(self):
        unknown = {
            **{
                "top_k": 5,
                "metadata": {"user_id": "x"},
                "betas": ["x"],
                "speed": "fast",
            },
            **{"output_config": {"effort": "max"}, "context_management": {"edits": []}},
            **{"mcp_servers": [{}], "container": "x", "new": 1},
        }
        assert question(**unknown) == question()

    def test_model_does_not_think_unless_it_is_asked_to(self):
        assert question().options["thinking"] == {"type": "disabled"}
        enabled = {"type": "enabled", "budget_tokens": 1024}
        assert question(thinking=enabled).options["thinking"] == {"type": "enabled"}

    @pytest.mark.parametrize(
        ("thinking", "expected"),
        [
            (None, False),
            ({"type": "disabled"}, False),
            ({"type": "adaptive"}, True),
            ({"type": "enabled", "budget_tokens": 1024}, True),
        ],
        ids=["nothing", "disabled", "adaptive", "enabled"],
    )
    def test_thinking_is_expected_if_it_is_requested(
        self, thinking: Any, expected: bool
    ):
        assert read(thinking=thinking).thinking is expected

    def test_model_is_echoed(self):
        assert read().model == question().model == "claude-x"

    def test_whole_answer_is_not_streamed_upstream(self):
        assert not question().streamed
        assert question(stream=True).streamed

    def test_body_is_json_whatever_its_content_type(self):
        body = json.dumps({"max_tokens": 1.0, "messages": [USER]})
        with Flask("test").test_request_context(method="POST", data=body) as context:
            asked = message_request(context.request, Settings())
        assert asked.question.max_tokens == 1
