"""Functions and structured output, as the simulator answers a human."""

import json

import pytest

from tests.simulated import Simulated
from tests.simulator.browser import Browser

AT_ONCE = {"call": "chat"}
OFFER = json.dumps(
    [
        {"name": "get_time", "parameters": {}},
        {
            "name": "get_weather",
            "parameters": {
                "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
                "required": ["city", "days"],
            },
        },
    ]
).replace('[{"name": ', '[{"name":')
INSTRUCTIONS = f"system:Call these:\n{OFFER}\nbetween <call-0a1b> and </call-0a1b>."
SCHEMA = '{"properties": {"city": {"$ref": "#/$defs/city"}}, "type": "object", '
SCHEMA += '"$defs": {"city": {"type": "string"}}}'


def said(simulated: Simulated, browser: Browser, *lines: str) -> str:
    simulated.script(AT_ONCE)
    message = "\n".join([*lines, "assistant:"])
    return str(browser.chat(message).contents[-1])


@pytest.mark.parametrize(
    ("question", "call"),
    [
        ("Tell the weather of Rome for 3 days", {"city": "Rome", "days": 3}),
        ("Use get_weather for 'Xi an', 2", {"city": "Xi an", "days": 2}),
    ],
)
def test_simulator_calls_the_function_that_is_mentioned(
    simulated: Simulated, browser: Browser, question: str, call: dict
):
    answer = said(simulated, browser, INSTRUCTIONS, f"user:{question}")
    tag, calls, end = answer.split("\n")
    assert (tag, end) == ("<call-0a1b>", "</call-0a1b>")
    assert json.loads(calls) == [{"name": "get_weather", "arguments": call}]


def test_simulator_answers_a_question_about_nothing_with_text(
    simulated: Simulated, browser: Browser
):
    assert "“Hello”" in said(simulated, browser, INSTRUCTIONS, "user:Hello")


def test_simulator_tells_the_result(simulated: Simulated, browser: Browser):
    answer = said(
        simulated,
        browser,
        INSTRUCTIONS,
        "user:What is the weather?",
        "assistant:<call-0a1b>\n[]\n</call-0a1b>",
        'tool:<result-0a1b name="get_weather">\n18 degrees\n</result-0a1b>',
    )
    assert answer == "The tool says: 18 degrees"


@pytest.mark.parametrize(
    "schema",
    [
        '{"$ref": "#"}',
        '{"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}}',
        '{"type": "object", "properties": {"a": true}}',
    ],
)
def test_simulator_writes_json_for_any_schema(
    simulated: Simulated, browser: Browser, schema: str
):
    asked = f"system:It must meet this JSON Schema:\n{schema}"
    json.loads(said(simulated, browser, asked, "user:Where is Rome?"))


def test_simulator_writes_json_of_the_schema(simulated: Simulated, browser: Browser):
    asked = f"system:It must meet this JSON Schema:\n{SCHEMA}"
    answer = said(simulated, browser, asked, "user:Where is Rome?")
    assert json.loads(answer) == {"city": "Rome"}
