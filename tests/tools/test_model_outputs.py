"""Each row of the table of model outputs, through the gateway and the simulator."""

import json
from typing import Any

import openai
import pytest

from tests.conftest import Caller
from tests.simulated import Simulated
from tests.tools.model_outputs import OUTPUTS, TOOLS, Output, says, tagged


def script(upstream: Simulated, output: Output, **more: Any) -> None:
    texts = [output.answer] if output.second is None else [output.answer, output.second]
    upstream.script(*(says(text, **more) for text in texts))


def calls_of(calls: Any) -> list[tuple[str, Any]]:
    assert len({call.id for call in calls or ()}) == len(calls or ())
    return [
        (call.function.name, json.loads(call.function.arguments))
        for call in calls or ()
    ]


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
def test_whole_answer_has_the_calls(
    upstream: Simulated, account: Caller, output: Output
):
    script(upstream, output, piece=1000)
    if output.error:
        with pytest.raises(openai.InternalServerError) as failure:
            account.create(tools=TOOLS, **output.options)
        assert failure.value.status_code == 502
        assert failure.value.code == output.error
    else:
        (choice,) = account.create(tools=TOOLS, **output.options).choices
        assert (choice.message.content or "") == tagged(output.text, upstream)
        assert calls_of(choice.message.tool_calls) == list(output.calls)
        assert choice.finish_reason == output.finish
    check_turns(upstream, output)


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
def test_stream_has_the_calls(upstream: Simulated, account: Caller, output: Output):
    """In pieces of a few characters, which divide every tag."""
    script(upstream, output, piece=7, delay_s=0.001)
    texts, calls, finish, error = streamed(account, output)
    assert error == output.error
    if not error:
        assert "".join(texts) == tagged(output.text, upstream)
        assert calls_of(calls) == list(output.calls)
        assert [call.index for call in calls] == list(range(len(calls)))
        assert finish == output.finish
    check_turns(upstream, output)


def streamed(account: Caller, output: Output) -> tuple[list[str], list, str, str]:
    """Return the texts, the calls, the finish and the error of a stream."""
    texts: list[str] = []
    calls: list[Any] = []
    finish = ""
    try:
        with account.stream(tools=TOOLS, **output.options) as stream:
            for chunk in stream:
                (choice,) = chunk.choices
                texts.append(choice.delta.content or "")
                calls += choice.delta.tool_calls or ()
                finish = choice.finish_reason or finish
    except openai.APIError as failure:
        return texts, calls, finish, str(failure.code)
    return texts, calls, finish, ""


def check_turns(upstream: Simulated, output: Output) -> None:
    """Check that there were as many turns as expected, all in one conversation."""
    answers = upstream.report()["answers"]
    assert len(answers) == (1 if output.second is None else 2)
    assert len({answer["chat_id"] for answer in answers}) == 1


def test_table_has_enough_rows():
    assert len(OUTPUTS) >= 60
