"""Functions on web accounts through the other forms in which clients offer them."""

from typing import Any

from tests.conftest import Caller
from tests.simulated import Simulated
from tests.tools.model_outputs import GOOD, PARIS, TOOLS, block, says, weather
from tests.tools.test_model_outputs import calls_of

FUNCTIONS: list[Any] = [tool["function"] for tool in TOOLS]
FLAT = [{"type": "function", **function} for function in FUNCTIONS]


def test_deprecated_functions_are_called(upstream: Simulated, account: Caller):
    upstream.script(says(GOOD))
    answer = account.create(functions=FUNCTIONS, function_call="auto")
    assert calls_of(answer.choices[0].message.tool_calls) == list(PARIS)


def test_response_has_the_calls_after_its_text(upstream: Simulated, account: Caller):
    two = block(weather(), weather("Rome"))
    upstream.script(says(f"Wait.\n{two}"))
    response = account.client.responses.create(model="hailuo", input="Hi", tools=FLAT)
    assert response.output_text == "Wait.\n"
    calls = [item for item in response.output if item.type == "function_call"]
    assert [call.arguments for call in calls] == [
        '{"city": "Paris"}',
        '{"city": "Rome"}',
    ]


def test_response_calls_a_custom_tool(upstream: Simulated, account: Caller):
    """It takes any text, which the model writes as the only argument."""
    tool = {"type": "custom", "name": "run", "description": "Runs a shell command"}
    upstream.script(says(block(("run", {"input": "ls -l\n"}))), says("Done."))
    responses = account.client.responses
    first = responses.create(model="hailuo", input="List them", tools=[tool])
    (call,) = first.output
    assert (call.type, call.name, call.input) == ("custom_tool_call", "run", "ls -l\n")
    output = {
        "type": "custom_tool_call_output",
        "call_id": call.call_id,
        "output": "a.txt",
    }
    second = responses.create(
        model="hailuo", input=[output], tools=[tool], previous_response_id=first.id
    )
    assert second.output_text == "Done."
    message = upstream.report()["answers"][-1]["message"]
    assert 'name="run">\na.txt\n' in message


def test_parallel_calls_can_be_turned_off_for_a_response(
    upstream: Simulated, account: Caller
):
    two = block(weather(), weather("Rome"))
    upstream.script(says(two))
    response = account.client.responses.create(
        model="hailuo", input="Hi", tools=FLAT, parallel_tool_calls=False
    )
    assert [item.type for item in response.output] == ["function_call"]


def test_message_has_tool_use_blocks(upstream: Simulated, account: Caller):
    two = block(weather(), weather("Rome"))
    upstream.script(says(f"Wait.\n{two}"))
    body = {
        "model": "claude",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [
            {"name": each["name"], "input_schema": each.get("parameters", {})}
            for each in FUNCTIONS
        ],
    }
    answer = account.send("/v1/messages", json=body).json()
    assert answer["stop_reason"] == "tool_use"
    blocks = [(each["type"], each.get("input")) for each in answer["content"]]
    assert blocks == [
        ("text", None),
        ("tool_use", {"city": "Paris"}),
        ("tool_use", {"city": "Rome"}),
    ]


def test_message_names_the_field_of_an_invalid_schema(
    upstream: Simulated, account: Caller
):
    body = {
        "model": "claude",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"name": "f", "input_schema": {"type": "nothing"}}],
    }
    answer = account.send("/v1/messages", json=body)
    assert answer.status_code == 400
    assert "tools[0].input_schema" in answer.json()["error"]["message"]
