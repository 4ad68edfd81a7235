"""Everything that the model is told about functions.

Every wording here is *assumed*: none has been tried against the real model.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import orjson

from ... import Call, Question, Tool, ToolChoice
from .notation import Notation

_EXAMPLE = Call("example_search", '{"query": "tide times", "limit": 3}')


class ToolPrompt(NamedTuple):
    """Texts about functions in a message.

    notation: how the history shows calls and their results.
    instructions: the beginning of the message, "" for none.
    reminder: a line right before the newest turn of several, "" for none.
    """

    notation: Notation = Notation()
    instructions: str = ""
    reminder: str = ""

    @classmethod
    def of(cls, notation: Notation, question: Question) -> Self:
        """Return the texts about a question's functions."""
        choice = question.tool_choice
        if not question.tools:
            return cls(notation)
        offer = _offer(notation, question.tools, choice)
        return cls(notation, offer, _reminder(notation, choice))


def repair(notation: Notation, problem: str) -> str:
    """Return the message after calls that cannot be read."""
    return (
        f"Your calls cannot be executed: {problem}. Answer with nothing but the "
        f"corrected JSON array of calls between {notation.open} and {notation.close}."
    )


def no_call(choice: ToolChoice) -> str:
    """Return the problem of an answer without the call that is required."""
    return f"{_named(choice)} has to be called, but there is no call"


def _offer(notation: Notation, tools: Sequence[Tool], choice: ToolChoice) -> str:
    """Return the instructions that offer the functions."""
    listed = orjson.dumps([_function(tool) for tool in tools]).decode()
    several = "put them all into the one array" if choice.parallel else "make one only"
    return f"""\
You can call these functions, each described by a JSON Schema of its arguments:
{listed}
To call functions, end the answer with a block between {notation.open} and \
{notation.close} that holds one JSON array. For a function named {_EXAMPLE.name} that \
would be:
{notation.calls([_EXAMPLE])}
Rules:
1. {_when(choice)}
2. If several calls are needed, {several}.
3. Use only the functions above, and only arguments that are known and fit the schema.
4. The block is the last thing in the answer, is not quoted and is in no code fence. \
Text before it, if any, is in the user's language.
5. Never write the result of a call: it follows in the next message."""


def _reminder(notation: Notation, choice: ToolChoice) -> str:
    return f"{_when(choice)} The block begins with {notation.open}, as described above."


def _when(choice: ToolChoice) -> str:
    if choice.required:
        return f"In this answer {_named(choice)} must be called; text alone is wrong."
    return "Call a function only where it helps; otherwise answer without a block."


def _named(choice: ToolChoice) -> str:
    return f"the function {choice.name}" if choice.name else "a function"


def _function(tool: Tool) -> Mapping[str, Any]:
    description = {"description": tool.description} if tool.description else {}
    return {"name": tool.name, **description, "parameters": tool.parameters}
