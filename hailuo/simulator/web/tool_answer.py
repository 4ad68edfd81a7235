"""Canned use of functions for people who try tools without an account.

The functions, and the notation of calls and results, are read from the message, since
the service itself knows neither (tools.md 2).
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .. import canned_values

OFFER = re.compile(r'^\[\{"name":.*"parameters":.*\]$', re.MULTILINE)
TAG = re.compile(r"<(call-\w+)>")
RESULT = re.compile(
    r"tool:<(result-\w+)[^>\n]*>\n(.*?)\n</\1>\nassistant:\s*$", re.DOTALL
)
REQUIRED = "must be called"


def result(message: str) -> str | None:
    """Return the result that the message ends with, None for none."""
    results = re.split(r"(?=^tool:<result-)", message, flags=re.MULTILINE)
    match = RESULT.match(results[-1])
    return match[2] if match else None


def call(message: str, question: str) -> str | None:
    """Return the call of the function that the question mentions, None for none."""
    offer = OFFER.search(message)
    tag = TAG.search(message, offer.end()) if offer else None
    if not offer or not tag:
        return None
    tool = _chosen(json.loads(offer[0]), message, question)
    if tool is None:
        return None
    schema = tool["parameters"]
    arguments = canned_values.arguments(schema, question, schema)
    calls = [{"name": tool["name"], "arguments": arguments}]
    listed = json.dumps(calls, ensure_ascii=False)
    return f"<{tag[1]}>\n{listed}\n</{tag[1]}>"


def _chosen(
    tools: Sequence[Mapping[str, Any]], message: str, question: str
) -> Mapping[str, Any] | None:
    tool = canned_values.fitting_tool(tools, question)
    return tool or (tools[0] if REQUIRED in message else None)
