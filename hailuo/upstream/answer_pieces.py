"""Turn a streamed answer into pieces, whichever upstream it comes from.

parser = AnswerParser()
for piece in answer_pieces(stream, parser):
    …
"""

from collections.abc import Iterable
from itertools import chain
from typing import Final, Protocol

from ..concurrency.watch import HEARTBEAT, Heartbeat
from ..errors import GatewayError
from . import Answer, Piece

_END: Final = None  # behind the last bytes of a stream


class Parser(Protocol):
    """Reads an upstream's bytes.

    ended: whether the answer is complete, so that nothing more is awaited.
    """

    @property
    def ended(self) -> bool: ...

    def feed(self, received: bytes) -> None:
        """Parse bytes, cut anywhere. raises: GatewayError."""

    def end(self) -> None:
        """Handle the end of the stream. raises: GatewayError for one that is early."""

    def take(self) -> Piece | None:
        """Return what is new since the last call, None for nothing."""


def answer_pieces(stream: Iterable[bytes | Heartbeat], parser: Parser) -> Answer:
    """Yield pieces as they arrive, the last one with its finish.

    A piece that was parsed before a failure is yielded before the failure is raised, so
    that it does not matter how the bytes were cut.
    raises: what the parser and the stream raise.
    """
    for received in chain(stream, (_END,)):
        if received is HEARTBEAT:
            yield HEARTBEAT
            continue
        failure: GatewayError | None = None
        try:
            parser.end() if received is _END else parser.feed(received)
        except GatewayError as error:
            failure = error
        if piece := parser.take():
            yield piece
        if failure:
            raise failure
        if parser.ended:
            return
