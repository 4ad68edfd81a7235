"""Validation of a request for a response; an invalid field is rejected by its name.

source: client-apis.md 1.7. Fields without a meaning upstream are ignored; those that
ask for something else than an answer at once are rejected.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...concurrency.fairness import fairly
from ...errors import BadRequest
from ...files import Source
from ...upstream import Message, Question, ToolChoice
from .. import content_parts, response_format
from ..offered_tools import offered_tools
from ..validation import (
    DEFAULT_MODEL,
    flag,
    invalid_field,
    max_tokens,
    name,
    number,
    optional,
)
from . import custom_tools, namespaces
from .events import Style, new_id
from .input_items import MAX_ITEMS, Item, Located, new_items, read_messages
from .stored import StoredResponses

ENCRYPTED = "reasoning.encrypted_content"
MAX_METADATA, MAX_KEY_CHARACTERS, MAX_VALUE_CHARACTERS = 16, 64, 512
OPTIONS = ("temperature", "top_p", "thinking", "service_tier")
UNSUPPORTED = {
    "background": "false: a response is sent as it is made",
    "conversation": "null: use previous_response_id, or send the whole input",
    "prompt": "null: send the prompt's text as instructions",
}

# The names of a question's fields in this API
FIELD_NAMES = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
}


class ResponseRequest(NamedTuple):
    """A validated request for a response.

    sources: the files of its last message.
    items: the conversation, as later requests may refer to it.
    head: the beginning of the response: its id, and what it repeats of the request.
    """

    question: Question
    sources: Sequence[Source]
    items: Sequence[Item]
    head: Mapping[str, Any]
    style: Style
    stream: bool
    store: bool


def read_request(body: Mapping[str, Any], stored: StoredResponses) -> ResponseRequest:
    """Validate the body of a request. raises: BadRequest, naming the field."""
    _check_support(body)
    tools, choice = offered_tools(_with_functions(body))
    text = optional(body, "text", dict, "an object") or {}
    located = [*_earlier(body, stored), *new_items(body.get("input"), stored.item)]
    if len(located) > MAX_ITEMS:
        raise invalid_field("input", f"at most {MAX_ITEMS:,} items with those before")
    messages = read_messages(located)
    instructions = optional(body, "instructions", str, "a string") or ""
    system = [Message("system", (instructions,))] if instructions else []
    head, stream = _head(body, choice), flag(body, "stream")
    optional(body, "stream_options", dict, "an object")
    return ResponseRequest(
        question=Question(
            messages=[*system, *messages],
            model=head["model"],
            options=_options(body, head),
            tools=tools,
            tool_choice=choice,
            format=response_format.read(text.get("format"), "text.format"),
            max_tokens=head["max_output_tokens"],
            streamed=stream,
        ),
        sources=messages[-1].files,
        items=[each.item for each in located],
        head=head,
        style=_style(body, head),
        stream=stream,
        store=body.get("store") is None or flag(body, "store"),
    )


def _check_support(body: Mapping[str, Any]) -> None:
    """Reject requests for something else than an answer at once."""
    for field, expected in UNSUPPORTED.items():
        if body.get(field):
            raise invalid_field(field, expected, "unsupported_value")


def _with_functions(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the tools and the choice, with functions in place of all other tools."""
    tools, choice = body.get("tools"), body.get("tool_choice")
    if isinstance(tools, list):
        all_tools = fairly(namespaces.with_members(tools))
        tools = [custom_tools.as_function(tool) for tool in all_tools]
    if isinstance(choice, dict):
        listed = body.get("tools")
        listed = listed if isinstance(listed, list) else []
        choice = namespaces.choice_of_functions(choice, listed)
    return {
        "tools": tools,
        "tool_choice": choice,
        "parallel_tool_calls": body.get("parallel_tool_calls"),
    }


def _earlier(body: Mapping[str, Any], stored: StoredResponses) -> list[Located]:
    """Return the items of the response that this one follows, and those before it."""
    id = optional(body, "previous_response_id", str, "a string")
    if not id:
        return []
    previous = stored.find(id)
    if previous is None:
        raise BadRequest(
            f'the response "{id[:100]}" is not stored (any more): send the whole '
            "conversation as input",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    items = [*previous.items, *previous.response["output"]]
    return [Located(item, "previous_response_id") for item in items]


def _head(body: Mapping[str, Any], choice: ToolChoice) -> dict[str, Any]:
    """Return the beginning of the response, with the fields that it repeats."""
    reasoning = optional(body, "reasoning", dict, "an object") or {}
    text = optional(body, "text", dict, "an object") or {}
    parallel = body.get("parallel_tool_calls")
    for field in ("tools", "tool_choice", "text"):  # an event has them at this depth
        content_parts.as_json({"response": {field: body.get(field)}}, field)
    return {
        "id": new_id(),
        "object": "response",
        "created_at": int(time.time()),
        "model": name(body, "model") or DEFAULT_MODEL,
        "instructions": body.get("instructions"),
        "max_output_tokens": max_tokens(body, "max_output_tokens"),
        "metadata": _metadata(body),
        "parallel_tool_calls": parallel is None or flag(body, "parallel_tool_calls"),
        "previous_response_id": body.get("previous_response_id") or None,
        "reasoning": {
            "effort": _word(reasoning, "effort"),
            "summary": _word(reasoning, "summary"),
        },
        "temperature": number(body, "temperature"),
        "text": {"format": text.get("format") or {"type": "text"}},
        "tool_choice": _choice(body.get("tool_choice"), choice),
        "tools": [_described(tool) for tool in body.get("tools") or ()],
        "top_p": number(body, "top_p"),
        "truncation": "disabled",
        "user": optional(body, "user", str, "a string"),
    }


def _choice(sent: Any, choice: ToolChoice) -> Any:
    """Return a valid tool_choice in the form that clients expect.

    choice: the same, as it was read.
    """
    kind = sent.get("type") if isinstance(sent, dict) else sent or "auto"
    if kind == "allowed_tools":
        allowed = sent.get("allowed_tools") or sent  # nested in Chat Completions
        mode = allowed.get("mode") or "auto"
        return {"type": kind, "mode": mode, "tools": allowed["tools"]}
    if not choice.name:
        return kind
    return {"type": kind or "function", "name": choice.name}


def _described(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a tool as sent; of a function, with the fields that clients expect."""
    if tool.get("type") != "function":
        return tool
    return {"parameters": None, "strict": None, **tool}


def _options(body: Mapping[str, Any], head: Mapping[str, Any]) -> dict[str, Any]:
    """Return the further parameters, under the names that upstreams know."""
    options = {name: body[name] for name in OPTIONS if body.get(name) is not None}
    if head["reasoning"]["effort"] is not None:
        options["reasoning_effort"] = head["reasoning"]["effort"]
    return options


def _style(body: Mapping[str, Any], head: Mapping[str, Any]) -> Style:
    include = optional(body, "include", list, "a list") or ()
    return Style(
        tools=namespaces.client_tools(body.get("tools") or []),
        summary=head["reasoning"]["summary"] is not None,
        encrypted=ENCRYPTED in include,
    )


def _metadata(body: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the metadata, which a response repeats. raises: BadRequest."""
    metadata = optional(body, "metadata", dict, "an object") or {}
    if len(metadata) > MAX_METADATA:
        raise invalid_field("metadata", f"an object of at most {MAX_METADATA} keys")
    if any(len(key) > MAX_KEY_CHARACTERS for key in metadata):
        limit = f"an object with keys of at most {MAX_KEY_CHARACTERS} characters"
        raise invalid_field("metadata", limit)
    for key, value in metadata.items():
        if not isinstance(value, str) or len(value) > MAX_VALUE_CHARACTERS:
            limit = f"a string of at most {MAX_VALUE_CHARACTERS} characters"
            raise invalid_field(f"metadata.{key}", limit)
    return metadata


def _word(reasoning: Mapping[str, Any], field: str) -> str | None:
    """Return a word about reasoning, which a response repeats. raises: BadRequest."""
    word: str | None = optional(reasoning, field, str, "a string", "reasoning.")
    if word is not None and len(word) > MAX_KEY_CHARACTERS:
        limit = f"at most {MAX_KEY_CHARACTERS} characters long"
        raise invalid_field(f"reasoning.{field}", limit)
    return word
