"""Anthropic's library on a gateway of the shared fixtures.

    def test_something(upstream, claude):
        upstream.script({"call": claude.call, "text": "Hello"})
        claude.ask("Hi") == "Hello"

The application without a server is that of tests/endpoints.
"""

from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import pytest

from tests.conftest import SECRET, Caller
from tests.endpoints.conftest import app as app
from tests.endpoints.conftest import client as client
from tests.messages.strict import checked_events, events_of

MESSAGES = "/v1/messages"


class Claude:
    """A client of Anthropic's API with the accounts of a caller.

    library: untyped, since tests send what its types forbid; it does not retry.
    """

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.call = caller.call
        self.library: Any = anthropic.Anthropic(
            base_url=caller.gateway.address,
            auth_token=caller.key,
            api_key=None,
            max_retries=0,
            timeout=20.0,
        )

    def create(self, question: Any = "Hello", **options: Any) -> Any:
        """Return a message as the official library gives it."""
        return self.library.messages.create(**fields(question, **options))

    def ask(self, question: Any = "Hello", **options: Any) -> str:
        """Return the text of a whole answer."""
        content = self.create(question, **options).content
        return "".join(block.text for block in content if block.type == "text")

    def stream(self, question: Any = "Hello", **options: Any) -> Any:
        """Return the library's stream with its accumulator."""
        return self.library.messages.stream(**fields(question, **options))

    def send(
        self, question: Any = "Hello", path: str = MESSAGES, **options: Any
    ) -> Any:
        """Post a question without the library, streamed by default."""
        options.setdefault("stream", True)
        return self.caller.gateway.request(
            "POST",
            path,
            json=fields(question, **options),
            headers={"x-api-key": self.caller.key},
            stream=options["stream"],
        )

    def events(self, question: Any = "Hello", **options: Any) -> list[dict[str, Any]]:
        """Return the events of an answer, which are checked."""
        events = events_of(self.send(question, **options).content)
        checked_events(events)
        return events


def fields(question: Any, **options: Any) -> dict[str, Any]:
    """Return the fields of a request."""
    messages = [{"role": "user", "content": f"{question} {SECRET}"}]
    return {"model": "claude-x", "max_tokens": 99, "messages": messages, **options}


def asked_of(upstream: Any) -> Any:
    """Return what the service was last asked with."""
    return upstream.report()["answers"][-1]


@pytest.fixture
def claude_of() -> Iterator[Callable[[Caller], Claude]]:
    """claude_of(caller(2)): a client with the accounts of a caller."""
    opened: list[Claude] = []

    def claude_of(caller: Caller) -> Claude:
        opened.append(Claude(caller))
        return opened[-1]

    yield claude_of
    for each in opened:
        each.library.close()


@pytest.fixture
def claude(account: Caller, claude_of: Callable[[Caller], Claude]) -> Claude:
    """Return a client with one new account."""
    return claude_of(account)
