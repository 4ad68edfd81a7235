"""Questions and answers as they cross an upstream's border, whatever their API."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..files import File, Source
from .account_records import Credential


class Call(NamedTuple):
    """A function that an assistant called earlier in the conversation.

    arguments: JSON as the client stored it; it may be truncated.
    id: "" if the client gives none; not necessarily unique.
    """

    name: str
    arguments: str = "{}"
    id: str = ""


class Message(NamedTuple):
    """A message of a conversation.

    role: "system", "user", "assistant" or "tool".
    content: its texts and files, in order.
    thinking: the reasoning that preceded an assistant's message, "" for none.
    calls: the functions that an assistant called.
    call_id: the id of the call that a tool's message answers, "" if unknown.
    name: the name of the author or of the tool, "" if unknown.
    """

    role: str
    content: Sequence[str | Source] = ()
    thinking: str = ""
    calls: Sequence[Call] = ()
    call_id: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        """The texts, joined by line breaks; "" if all of them are blank."""
        texts = [part for part in self.content if isinstance(part, str) and part]
        text = "\n".join(texts)
        return text if text.strip() else ""

    @property
    def files(self) -> Sequence[Source]:
        """The files among the content, in order."""
        return [part for part in self.content if isinstance(part, Source)]


class Tool(NamedTuple):
    """A function that the model may call.

    description: "" for none.
    parameters: the JSON Schema of its arguments, {} for none.
    param: the path of the request's field that holds the parameters.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = {}
    param: str = "tools"


class ToolChoice(NamedTuple):
    """A client's choice among a question's tools.

    required: whether the model must call one of them.
    name: the function that must be called; "" to let the model choose.
    parallel: whether one answer may call several; if not, its first call counts.
    """

    required: bool = False
    name: str = ""
    parallel: bool = True


class AnswerFormat(NamedTuple):
    """The JSON that the text of an answer must be.

    schema: the JSON Schema that it must meet; None for any object.
    strict: whether an answer that does not meet the schema is a failure.
    name: the schema's name, "" for none.
    description: what the schema is for, "" if unknown.
    param: the path of the request's field that holds the schema.
    """

    schema: Mapping[str, Any] | None = None
    strict: bool = True
    name: str = ""
    description: str = ""
    param: str = "format"


class Question(NamedTuple):
    """A request for an answer.

    messages: the conversation, oldest first; at least one.
    model: the model's name as the client gives it, or the upstream's own name once it
        was chosen (ModelChoice); "" for the default.
    options: further parameters of the client by name: temperature, top_p, thinking,
        reasoning_effort; an upstream uses those that it supports.
    conversation: "" for a conversation that is deleted afterwards, "new" for one that
        is kept, else the id of the conversation to continue.
    files: the newest message's files, one for each Source of its content, in order;
        what the upstream fetches itself is still a Source.
    tools: the functions that may be called; *tool_choice* has been applied already.
    format: the form that the answer's text must have, unless it calls a function; None
        for any text.
    max_tokens: the limit of the answer's length in tokens; None for no limit.
    stop_sequences: the answer ends before the first occurrence of any of these texts.
    streamed: whether pieces are passed on as they arrive. If not, only the complete
        answer counts, and an upstream may revise it until its end.
    include_usage: whether the client wants to know the usage.
    prefill: an assistant's message that the answer goes on from; None for none.
    """

    messages: Sequence[Message]
    model: str = ""
    options: Mapping[str, Any] = {}
    conversation: str = ""
    files: Sequence[File | Source] = ()
    tools: Sequence[Tool] = ()
    tool_choice: ToolChoice = ToolChoice()
    format: AnswerFormat | None = None
    max_tokens: int | None = None
    stop_sequences: Sequence[str] = ()
    streamed: bool = True
    include_usage: bool = True
    prefill: Message | None = None


class ModelChoice(NamedTuple):
    """The model of an upstream that a question is for.

    model: the upstream's own name of it, "" where its models have none.
    is_named: whether the client's name is the upstream's, not one that stands for its
        default.
    lacking: the accounts that are known not to have it.
    """

    model: str = ""
    is_named: bool = False
    lacking: Sequence[Credential] = ()


class Link(NamedTuple):
    """A web page that the upstream read for an answer.

    title: its title, or its address if it has none.
    """

    title: str
    url: str


class ToolCall(NamedTuple):
    """A function call of the model, or a further part of one's arguments.

    number: the call's index within the answer, from 0.
    id: "" in all parts but the first.
    name: "" in all parts but the first.
    arguments: JSON; the parts of a call are to be concatenated.
    """

    number: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class Usage(NamedTuple):
    """The tokens that an answer used.

    prompt: tokens of the question.
    answer: tokens of the answer, its reasoning included.
    cached: tokens of the question that the upstream read from its cache.
    reasoning: tokens of the answer's reasoning.
    """

    prompt: int
    answer: int
    cached: int = 0
    reasoning: int = 0


class Piece(NamedTuple):
    """A part of a streamed answer; any field may be empty.

    A piece that has nothing but an id marks the beginning of the answer.

    text: the text that this piece adds to the answer.
    reasoning: the text that this piece adds to the reasoning.
    tool_calls: calls, or parts of them.
    links: all links of the answer, with the last piece.
    finish: why the answer ended: "stop" for its natural end, "length", "tools" or
        "filtered"; "" in all pieces but the last.
    usage: with the last piece; None if the upstream does not report it.
    id: the conversation's id, with the first piece at the latest; "" for none.
    stop_sequence: the stop sequence that ended the answer, with the last piece; "" for
        any other end.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    links: tuple[Link, ...] = ()
    finish: str = ""
    usage: Usage | None = None
    id: str = ""
    stop_sequence: str = ""
