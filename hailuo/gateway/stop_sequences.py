"""Stop sequences: an answer ends before the first of them (pure but for the cut).

The service knows no such thing, so the gateway looks for them, also where the borders
of pieces cut them, and closes the answer upstream as soon as one is found and its usage
is known.
"""

import time
from collections.abc import Generator, Sequence
from contextlib import closing

from ..concurrency.watch import HEARTBEAT, Heartbeat
from ..errors import BadRequest, UpstreamError
from ..upstream import Answer, Usage

READ_ON_S = 10.0  # behind a stop, for the usage


class StopSequenceFilter:
    """Looks for sequences in a text that comes in pieces.

    Text that may be the beginning of a sequence is held back until it is known.
    """

    def __init__(self, sequences: Sequence[str]) -> None:
        self._sequences = sequences
        self._held = ""
        self.matched = False

    def take(self, text: str, *, last: bool = False) -> str:
        """What of the text so far can be given away; sets *found*."""
        text = self._held + text
        self._held = ""
        found = [
            (at + len(each), at)
            for each in self._sequences
            if (at := text.find(each)) >= 0
        ]
        if found:  # the one that is complete first, however the text was cut
            self.matched = True
            return text[: min(found)[1]]
        if last:
            return text
        end = len(text) - max(_overlap(text, each) for each in self._sequences)
        self._held = text[end:]
        return text[:end]


def _overlap(text: str, sequence: str) -> int:
    """How many characters at the end of *text* begin *sequence*."""
    most = min(len(text), len(sequence) - 1)
    fits = (size for size in range(most, 0, -1) if text.endswith(sequence[:size]))
    return next(fits, 0)


def truncate_at_stop(
    answer: Answer, sequences: Sequence[str], *, counted: bool = False
) -> Answer:
    """Yield *answer* up to the first of *sequences*, and end it upstream there.

    counted: read on to the usage first, which comes behind an answer's last word; given
        up after 10 s, when the next piece or heartbeat comes.
    """
    stops = StopSequenceFilter(sequences)
    with closing(answer):
        for piece in answer:
            if piece is HEARTBEAT or not (piece.text or piece.finish):
                yield piece
                continue
            text = stops.take(piece.text, last=bool(piece.finish))
            if not stops.matched:
                yield piece._replace(text=text)
                continue
            usage = piece.usage
            if counted and not piece.finish:
                yield piece._replace(text=text)
                piece, text = piece._replace(tool_calls=(), reasoning=""), ""
                usage = yield from _usage(answer)
            answer.close()
            yield piece._replace(text=text, usage=usage, finish="stop")
            return


def _usage(answer: Answer) -> Generator[Heartbeat, None, Usage | None]:
    """Read the rest of *answer* for its usage, None where it does not come to it.

    Its heartbeats are passed on. raises: ClientDisconnected.
    """
    until = time.monotonic() + READ_ON_S
    try:
        for piece in answer:
            if piece is HEARTBEAT:
                yield HEARTBEAT
            elif piece.finish:
                return piece.usage
            if time.monotonic() > until:
                return None
    except (UpstreamError, BadRequest):
        pass  # what is said behind the stop is nobody's loss
    return None
