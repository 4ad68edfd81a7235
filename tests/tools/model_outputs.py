"""What a model may answer when it has functions, and what the client has to receive.

OPEN and CLOSE stand for the tags, which the model copies from the question. Each row is
sent through the gateway whole and streamed (test_model_outputs.py), and read cut at
every character (test_reading.py).
"""

import json
import re
from typing import Any, NamedTuple

from tests.simulated import Simulated

TAGS = {"OPEN": r"<call-\w+>", "CLOSE": r"</call-\w+>"}

TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Tell the weather of a city",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "minLength": 1},
                    "days": {"type": "integer", "minimum": 1, "maximum": 9},
                    "units": {"enum": ["C", "F"]},
                },
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    },
    {"type": "function", "function": {"name": "get_time"}},
    {
        "type": "function",
        "function": {
            "name": "sum_up",
            "parameters": {
                "type": "object",
                "properties": {
                    "of": {"type": "array", "uniqueItems": True},
                    "unit": {"type": "string", "pattern": "^[^ ]*$"},
                    "step": {"type": "number", "multipleOf": 0.5},
                },
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "write_file",
            "parameters": {
                "type": "object",
                "properties": {"path": {"type": "string"}, "text": {"type": "string"}},
                "required": ["path", "text"],
            },
        },
    },
]


class Output(NamedTuple):
    """An answer of the model, and what comes of it.

    second: the answer of the repair turn; None if there must be none.
    calls: names and arguments.
    error: the code of the failure; text is then what was streamed before it.
    """

    answer: str
    text: str = ""
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    finish: str = "tool_calls"
    second: str | None = None
    options: dict[str, Any] = {}
    error: str = ""


def says(text: str, **more: Any) -> dict[str, Any]:
    """Return an instruction for the model to say a text with the tags of a question."""
    return {"call": "chat", "text": text, "copies": TAGS, **more}


def tagged(text: str, upstream: Simulated) -> str:
    """Return a text as it was said to the first question, with its tags."""
    first, *_ = upstream.report()["answers"]
    for name, pattern in TAGS.items():
        if match := re.search(pattern, first["message"]):
            text = text.replace(name, match[0])
    return text


def weather(city: str = "Paris", **more: Any) -> tuple[str, dict[str, Any]]:
    return "get_weather", {"city": city, **more}


def array(*calls: tuple[str, dict[str, Any]]) -> str:
    """Write calls as the model should."""
    listed = [{"name": name, "arguments": arguments} for name, arguments in calls]
    return json.dumps(listed, ensure_ascii=False)


def block(*calls: tuple[str, dict[str, Any]]) -> str:
    return f"OPEN\n{array(*calls)}\nCLOSE"


def said(text: str) -> Output:
    """Return a row in which nothing is called, and all of the text is shown."""
    return Output(text, text, finish="stop")


PARIS = (weather(),)
GOOD = block(*PARIS)
ARRAY = array(*PARIS)
FILE = ("write_file", {"path": "a.md", "text": "```\nOPEN [] CLOSE\n```"})
REQUIRED = {"tool_choice": "required"}
NAMED = {"tool_choice": {"type": "function", "function": {"name": "get_weather"}}}
FAILED = "I cannot do that."

OUTPUTS = {
    # As it should be.
    "a call alone": Output(GOOD, calls=PARIS),
    "text before the call": Output(f"Let me look.\n{GOOD}", "Let me look.\n", PARIS),
    "text on the line of the tag": Output(f"Wait: {GOOD}", "Wait: ", PARIS),
    "two calls in one array": Output(
        block(weather(), weather("Rome")), calls=(weather(), weather("Rome"))
    ),
    "two functions": Output(
        block(weather(), ("get_time", {})), calls=(weather(), ("get_time", {}))
    ),
    "the same call twice": Output(block(*PARIS, *PARIS), calls=PARIS * 2),
    "two blocks": Output(
        f"{GOOD}\n{block(weather('Rome'))}", calls=(weather(), weather("Rome"))
    ),
    "all on one line": Output(f"OPEN{ARRAY}CLOSE", calls=PARIS),
    "nothing is shown behind the block": Output(f"{GOOD}\nIt is sunny.", calls=PARIS),
    "a made-up result behind the block": Output(
        f"{GOOD}\n<result>18 degrees</result>\nSo it is mild.", calls=PARIS
    ),
    "Chinese": Output(
        f"我查一下。\n{block(weather('北京'))}", "我查一下。\n", (weather("北京"),)
    ),
    "escapes": Output(
        'OPEN[{"name":"get_weather","arguments":{"city":"Xi\\u0027an \\ud83c\\udf27"}}]'
        "CLOSE",
        calls=(weather("Xi'an 🌧"),),
    ),
    "half of a surrogate pair": Output(
        'OPEN[{"name":"get_weather","arguments":{"city":"a\\ud83c"}}]CLOSE',
        calls=(weather("a\ufffd"),),
    ),
    "halves of surrogate pairs that are checked": Output(
        'OPEN[{"name":"sum_up","arguments":{"of":["\\ud83c"],"unit":"\\ud83c"}}]CLOSE',
        calls=(("sum_up", {"of": ["\ufffd"], "unit": "\ufffd"}),),
    ),
    "a large number that is checked": Output(
        'OPEN[{"name":"sum_up","arguments":{"of":[1' + "0" * 30 + "]}}]CLOSE",
        calls=(("sum_up", {"of": [10**30]}),),
    ),
    "every kind of argument": Output(
        block(weather(days=3, units="F")), calls=(weather(days=3, units="F"),)
    ),
    "no parameters": Output(block(("get_time", {})), calls=(("get_time", {}),)),
    "no parameters, no arguments": Output(
        'OPEN[{"name": "get_time"}]CLOSE', calls=(("get_time", {}),)
    ),
    "no parameters, empty arguments": Output(
        'OPEN[{"name": "get_time", "arguments": ""}]CLOSE', calls=(("get_time", {}),)
    ),
    "tags and fences within arguments": Output(
        block(("write_file", {"path": "a", "text": "```\n<call>\n```"})),
        calls=(("write_file", {"path": "a", "text": "```\n<call>\n```"}),),
    ),
    "a fence that was closed before": Output(
        f"```\ncode\n```\n{GOOD}", "```\ncode\n```\n", PARIS
    ),
    "a fence in a list that was closed before": Output(
        f"1. ```\n   code\n   ```\n{GOOD}", "1. ```\n   code\n   ```\n", PARIS
    ),
    "inline code with a backtick, closed before": Output(
        f"``a`b``: {GOOD}", "``a`b``: ", PARIS
    ),
    "inline code that was closed before": Output(
        f"With `f`: {GOOD}", "With `f`: ", PARIS
    ),
    "further keys": Output(
        'OPEN[{"id": 1, "name": "get_weather", "arguments": {"city": "Paris"}}]CLOSE',
        calls=PARIS,
    ),
    # The usual slips.
    "a code fence in the block": Output(
        f"OPEN\n```json\n{ARRAY}\n```\nCLOSE", calls=PARIS
    ),
    "a fence of tildes": Output(f"OPEN\n~~~\n{ARRAY}\n~~~\nCLOSE", calls=PARIS),
    "an object instead of an array": Output(f"OPEN{ARRAY[1:-1]}CLOSE", calls=PARIS),
    "objects one after the other": Output(
        f"OPEN{ARRAY[1:-1]}\n{array(weather('Rome'))[1:-1]}CLOSE",
        calls=(weather(), weather("Rome")),
    ),
    "arguments as a string": Output(
        'OPEN[{"name":"get_weather","arguments":"{\\"city\\": \\"Paris\\"}"}]CLOSE',
        calls=PARIS,
    ),
    "a trailing comma": Output(
        'OPEN[{"name":"get_weather","arguments":{"city":"Paris",},},]CLOSE', calls=PARIS
    ),
    "a comma in a string stays": Output(
        'OPEN[{"name":"get_weather","arguments":{"city":"a,]",}}]CLOSE',
        calls=(weather("a,]"),),
    ),
    "no end tag": Output(f"OPEN\n{ARRAY}", calls=PARIS),
    "no end tag, but text": Output(f"OPEN\n{ARRAY}\nHere it comes.", calls=PARIS),
    "half of an end tag": Output(f"OPEN\n{ARRAY}\n</call-", calls=PARIS),
    "another end tag": Output(f"OPEN\n{ARRAY}\n</call>", calls=PARIS),
    "no end tag behind a fence": Output(f"OPEN\n```json\n{ARRAY}\n```", calls=PARIS),
    "typographic quotes": Output(
        "OPEN[{“name”: “get_weather”, “arguments”: {“city”: “Paris”}}]CLOSE",
        calls=PARIS,
    ),
    "straight quotes within typographic ones": Output(
        'OPEN[{“name”: “get_weather”, “arguments”: {“city”: “a "b"”}}]CLOSE',
        calls=(weather('a "b"'),),
    ),
    "typographic quotes in a string stay": Output(
        block(weather("“Paris”")), calls=(weather("“Paris”"),)
    ),
    "a line break in a string": Output(
        'OPEN[{"name":"write_file","arguments":{"path":"a","text":"b\nc"}}]CLOSE',
        calls=(("write_file", {"path": "a", "text": "b\nc"}),),
    ),
    "blanks everywhere": Output(f"OPEN \n\n {ARRAY} \n\n CLOSE \n", calls=PARIS),
    # What only looks like a call is text.
    "plain text": said("It is sunny in Paris."),
    "the tag without its nonce": said('<call>[{"name": "get_weather"}]</call>'),
    "the tag with another nonce": said(f"<call-abcdef>{ARRAY}</call-abcdef>"),
    "the beginning of the tag": said("What is a <call"),
    "the tag but for its nonce": said("Look: <call-"),
    "markup of others": said(
        '<tool_call>{"name": "get_weather"}</tool_call> [TOOL_CALLS] <|tool|>'
    ),
    "a call in a code fence": said(f"Like this:\n```\n{GOOD}\n```\nNo?"),
    "a call in a fence of tildes": said(f"~~~xml\n{GOOD}\n~~~"),
    "a call in a longer fence": said(f"````\n```\n{GOOD}\n```\n````"),
    "a call in a fence of a list item": said(f"- ```\n  {GOOD}\n  ```"),
    "a call in a fence deep in a list": said(f"1. a\n   - b:\n     ```\n     {GOOD}"),
    "a call in a fence with CRLF": said(f"```\r\n{GOOD}\r\n```\r\n"),
    "a call in a fence that holds a list": said(f"```\n- ```\n{GOOD}\n```"),
    "a fence that is never closed": said(f"```\n{GOOD}"),
    "a call in inline code": said(f"Write `{GOOD.replace(chr(10), '')}` for it."),
    "a call in inline code of two backticks": said(f"``{ARRAY} OPEN{ARRAY}CLOSE``"),
    "a call behind one backtick of two": said(f"``a ` OPEN{ARRAY}CLOSE``"),
    "a call in a quotation": said(f"> {GOOD.replace(chr(10), ' ')}\nThat was it."),
    "JSON without a tag": said(ARRAY),
    "the end tag alone": said("CLOSE and no more"),
    "angle brackets": said("1 < 2, <b>a</b>, <<call-, a<"),
    "a call behind a quoted one": Output(
        f"Not `OPEN`, but\n{GOOD}", "Not `OPEN`, but\n", PARIS
    ),
    # Truncated: nothing is ever executed.
    "cut off in the arguments": Output(
        'Wait.\nOPEN[{"name":"get_weather","arguments":{"city":"Par',
        "Wait.\n",
        finish="length",
    ),
    "cut off behind the arguments": Output(
        'OPEN[{"name":"get_weather","arguments":{"city":"Paris"}', finish="length"
    ),
    "cut off before the arguments": Output(
        'OPEN[{"name":"get_weather","arguments":', finish="length"
    ),
    "cut off in the second call": Output(
        'OPEN[{"name":"get_time","arguments":{}}, {"name":"get_wea', finish="length"
    ),
    "cut off behind the tag": Output("Wait.\nOPEN\n", "Wait.\n", finish="length"),
    "cut off in a fence": Output("OPEN\n```json\n[", finish="length"),
    "cut off although required": Output(
        'OPEN[{"name":"get_weather","argu', finish="length", options=REQUIRED
    ),
    # Invalid: asked for once more.
    "an unknown name": Output(
        block(("get_whether", {"city": "Paris"})), calls=PARIS, second=GOOD
    ),
    "an empty name": Output(block(("", {})), calls=PARIS, second=GOOD),
    "no name": Output('OPEN[{"arguments": {}}]CLOSE', calls=PARIS, second=GOOD),
    "one of two names is unknown": Output(
        block(weather(), ("x", {})), calls=PARIS, second=GOOD
    ),
    "wrong arguments": Output(block(weather(days="3")), calls=PARIS, second=GOOD),
    "an argument too many": Output(block(weather(x=1)), calls=PARIS, second=GOOD),
    "an argument is missing": Output(
        block(("get_weather", {})), calls=PARIS, second=GOOD
    ),
    "no arguments": Output(
        'OPEN[{"name": "get_weather"}]CLOSE', calls=PARIS, second=GOOD
    ),
    "arguments that are a list": Output(
        'OPEN[{"name":"get_weather","arguments":["Paris"]}]CLOSE',
        calls=PARIS,
        second=GOOD,
    ),
    "a string of truncated arguments": Output(
        'OPEN[{"name":"get_weather","arguments":"{\\"city\\": \\"Par"}]CLOSE',
        calls=PARIS,
        second=GOOD,
    ),
    "truncated arguments in a closed block": Output(
        'OPEN[{"name":"get_weather","arguments":{"city":"ParCLOSE',
        calls=PARIS,
        second=GOOD,
    ),
    "no JSON": Output("OPEN get_weather(city=Paris) CLOSE", calls=PARIS, second=GOOD),
    "no number": Output(
        'OPEN[{"name":"get_weather","arguments":{"city":"a","days":NaN}}]CLOSE',
        calls=PARIS,
        second=GOOD,
    ),
    "a number that no computer holds": Output(
        'OPEN[{"name":"sum_up","arguments":{"step":1e400}}]CLOSE',
        calls=PARIS,
        second=GOOD,
    ),
    "a number of many digits": Output(
        'OPEN[{"name":"sum_up","arguments":{"step":1' + "0" * 400 + "}}]CLOSE",
        calls=PARIS,
        second=GOOD,
    ),
    "nested too deep": Output(
        f'OPEN[{{"name":"get_time","arguments":{{"a":{"[" * 90}{"]" * 90}}}}}]CLOSE',
        calls=PARIS,
        second=GOOD,
    ),
    "text before a repaired call": Output(
        f"Wait.\n{block(weather(x=1))}", "Wait.\n", PARIS, second=GOOD
    ),
    "repaired without a tag": Output(block(weather(x=1)), calls=PARIS, second=ARRAY),
    "repaired in a fence": Output(
        block(weather(x=1)), calls=PARIS, second=f"```json\n{ARRAY}\n```"
    ),
    "repaired with an apology": Output(
        block(weather(x=1)), calls=PARIS, second=f"Sorry!\n{GOOD}"
    ),
    "not repaired": Output(
        f"Wait.\n{block(weather(x=1))}", "Wait.\n", finish="stop", second=FAILED
    ),
    "not repaired: nothing is said": Output(
        f"Wait.\n{block(weather(x=1))}", "Wait.\n", finish="stop", second=""
    ),
    "not repaired: cut off": Output(
        f"Wait.\n{block(weather(x=1))}", "Wait.\n", finish="stop", second=GOOD[:20]
    ),
    "not repaired: wrong again": Output(
        f"Wait.\n{block(weather(x=1))}",
        "Wait.\n",
        finish="stop",
        second=block(weather(x=1)),
    ),
    # A call that is required.
    "required and called": Output(GOOD, calls=PARIS, options=REQUIRED),
    "required, called in the second turn": Output(
        "No.", "No.", PARIS, second=GOOD, options=REQUIRED
    ),
    "required, but an empty array": Output(
        "OPEN[]CLOSE", calls=PARIS, second=GOOD, options=REQUIRED
    ),
    "required, never called": Output(
        "No.", "No.", second=FAILED, options=REQUIRED, error="tool_call_missing"
    ),
    "required, then nothing is said": Output(
        "No.", "No.", second="", options=REQUIRED, error="tool_call_missing"
    ),
    "required, never valid": Output(
        block(weather(x=1)),
        second=block(weather(x=1)),
        options=REQUIRED,
        error="tool_call_missing",
    ),
    "named and called": Output(GOOD, calls=PARIS, options=NAMED),
    "named, but another is called": Output(
        block(("get_time", {})), calls=PARIS, second=GOOD, options=NAMED
    ),
    "named, never called": Output(
        block(("get_time", {})),
        second=block(("get_time", {})),
        options=NAMED,
        error="tool_call_missing",
    ),
    # One call at most.
    "one of two": Output(
        block(weather(), weather("Rome")),
        calls=PARIS,
        options={"parallel_tool_calls": False},
    ),
    # No calls are offered.
    "an empty array": Output("Fine.\nOPEN[]CLOSE", "Fine.\n", finish="stop"),
}
