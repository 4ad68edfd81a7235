"""The notation in which the model writes calls, and in which the history shows them.

<call-7f3a2b>
[{"name": "get_weather", "arguments": {"city": "Paris"}}]
</call-7f3a2b>

A result is shown as

<result-7f3a2b name="get_weather">
18 degrees
</result-7f3a2b>

The model copies what the history shows, so calls there look exactly as they are read.
source: tools.md 2.
"""

import hashlib
import secrets
from collections.abc import Sequence
from typing import NamedTuple, Self

import orjson

from ....errors import UpstreamProtocolError
from ....net import untrusted_json
from ... import Call, Question

NONCE_BYTES = 3


class Notation(NamedTuple):
    """Tags with a nonce, which keeps a tag that the model quotes from counting."""

    nonce: str = ""

    @classmethod
    def of(cls, account: str, question: Question) -> Self:
        """Return a notation of a question's own; that of the account if it is kept.

        A kept conversation has calls in it, and only its account can continue it.
        account: its name.
        """
        if not question.conversation:
            return cls(secrets.token_hex(NONCE_BYTES))
        digest = hashlib.sha256(f"calls of {account}".encode())
        return cls(digest.digest()[:NONCE_BYTES].hex())

    @property
    def open(self) -> str:
        """The tag before calls."""
        return f"<call-{self.nonce}>"

    @property
    def close(self) -> str:
        """The tag after calls."""
        return f"</call-{self.nonce}>"

    def calls(self, calls: Sequence[Call]) -> str:
        """Return calls as the model has to write them."""
        listed = ", ".join(map(_call, calls))
        return f"{self.open}\n[{listed}]\n{self.close}"

    def tool_result(self, name: str, text: str) -> str:
        """Return a result as the history shows it.

        name: the function's name, "" if it is unknown.
        """
        attribute = f" name={orjson.dumps(name).decode()}" if name else ""
        return f"<result-{self.nonce}{attribute}>\n{text}\n</result-{self.nonce}>"


def _call(call: Call) -> str:
    """Return a call as JSON; arguments that are no object are shown as a string."""
    arguments = call.arguments
    try:
        untrusted_json.parse_object(arguments.encode("utf-8", "replace"))
    except UpstreamProtocolError:
        arguments = orjson.dumps(arguments).decode()
    return f'{{"name": {orjson.dumps(call.name).decode()}, "arguments": {arguments}}}'
