"""Stop sequences: end an answer before the first of them.

The services do not support them, so the gateway searches for them, also across the
borders of pieces, and closes the answer upstream as soon as one is found and its usage
is known.
"""

import time
from collections.abc import Generator, Sequence
from contextlib import closing

from ..concurrency.watch import HEARTBEAT, Heartbeat
from ..errors import BadRequest, UpstreamError
from ..upstream import Answer, Usage

MAX_USAGE_WAIT_S = 10.0  # after a stop sequence, for the usage


class StopSequenceFilter:
    """Searches for sequences in text that arrives in pieces.

    Text that may be the beginning of a sequence is held back until that is decided.
    matched: the sequence that was found, "" for none yet.
    """

    def __init__(self, sequences: Sequence[str]) -> None:
        self._sequences = sequences
        self._held = ""
        self.matched = ""

    def take(self, text: str, *, last: bool = False) -> str:
        """Return the text that can be sent, up to a sequence; set *matched*."""
        text = self._held + text
        self._held = ""
        matches = [
            (start + len(sequence), start, sequence)
            for sequence in self._sequences
            if (start := text.find(sequence)) >= 0
        ]
        if matches:  # the one that ends first, however the text was divided
            _, start, self.matched = min(matches)
            return text[:start]
        if last:
            return text
        end = len(text) - max(_overlap(text, sequence) for sequence in self._sequences)
        self._held = text[end:]
        return text[:end]


def _overlap(text: str, sequence: str) -> int:
    """Return how many characters at the end of *text* begin *sequence*."""
    longest = min(len(text), len(sequence) - 1)
    sizes = (size for size in range(longest, 0, -1) if text.endswith(sequence[:size]))
    return next(sizes, 0)


def truncate_at_stop(
    answer: Answer, sequences: Sequence[str], *, counted: bool = False
) -> Answer:
    """Yield *answer* up to the first of *sequences*, and close it upstream there.

    counted: whether to read on for the usage, which follows an answer's last text;
        given up after 10 s, when the next piece or heartbeat arrives.
    """
    stop_filter = StopSequenceFilter(sequences)
    with closing(answer):
        for piece in answer:
            if piece is HEARTBEAT or not (piece.text or piece.finish):
                yield piece
                continue
            text = stop_filter.take(piece.text, last=bool(piece.finish))
            if not stop_filter.matched:
                yield piece._replace(text=text)
                continue
            piece = piece._replace(tool_calls=())  # calls follow the text
            usage = piece.usage
            if counted and not piece.finish:
                yield piece._replace(text=text)
                piece, text = piece._replace(reasoning=""), ""
                usage = yield from _usage(answer)
            answer.close()
            yield piece._replace(
                text=text,
                usage=usage,
                finish="stop",
                stop_sequence=stop_filter.matched,
            )
            return


def _usage(answer: Answer) -> Generator[Heartbeat, None, Usage | None]:
    """Return the usage at the end of *answer*, None for none; yield heartbeats.

    raises: ClientDisconnected.
    """
    until = time.monotonic() + MAX_USAGE_WAIT_S
    try:
        for piece in answer:
            if piece is HEARTBEAT:
                yield HEARTBEAT
            elif piece.finish:
                return piece.usage
            if time.monotonic() > until:
                return None
    except (UpstreamError, BadRequest):
        pass  # the text before the stop sequence is complete
    return None
