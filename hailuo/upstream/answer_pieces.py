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

_END: Final = None  # follows the last bytes of a stream


class Parser(Protocol):
    """Parser of an upstream's bytes.

    ended: whether the answer is complete, so that nothing more need be read.
    """

    @property
    def ended(self) -> bool: ...

    def feed(self, received: bytes) -> None:
        """Parse bytes, which may be cut anywhere. raises: GatewayError."""

    def end(self) -> None:
        """Handle the end of the stream. raises: GatewayError if it is premature."""

    def take(self) -> Piece | None:
        """Return what is new since the last call; None for nothing."""


def answer_pieces(stream: Iterable[bytes | Heartbeat], parser: Parser) -> Answer:
    """Yield pieces as they arrive; the last one has a finish.

    A piece that was parsed before a failure is yielded before the failure is raised, so
    that it does not matter how the bytes were cut.
    raises: the errors of the parser and of the stream.
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
