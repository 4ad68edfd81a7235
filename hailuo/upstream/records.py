"""The records of a conversation, whichever API it came through."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..files import Source


class Call(NamedTuple):
    """A function that an assistant called earlier in the conversation.

    id: "" when the client names none; it need not be unique.
    arguments: JSON, as far as the client has kept it: it may be cut off.
    """

    name: str
    arguments: str = "{}"
    id: str = ""


class Message(NamedTuple):
    """One message of a conversation, whichever API it came through.

    role: "system", "user", "assistant" or "tool".
    content: its texts and files, in order.
    thinking: an assistant's, before it said this.
    calls: the functions that an assistant called.
    call_id: of a tool: the id of the call that this is the result of, "" when unknown.
    name: of the author, or of the tool.
    """

    role: str
    content: Sequence[str | Source] = ()
    thinking: str = ""
    calls: Sequence[Call] = ()
    call_id: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        """Its texts, a line each; "" when there is nothing to read in them."""
        texts = [part for part in self.content if isinstance(part, str) and part]
        text = "\n".join(texts)
        return text if text.strip() else ""

    @property
    def files(self) -> Sequence[Source]:
        return [part for part in self.content if isinstance(part, Source)]


class Tool(NamedTuple):
    """A function that the model may call. parameters: a JSON Schema, {} for none."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = {}


class ToolChoice(NamedTuple):
    """Which function is called.

    required: whether one of the question's tools must be called.
    name: the one that must be, "" when the model may choose among them.
    """

    required: bool = False
    name: str = ""
