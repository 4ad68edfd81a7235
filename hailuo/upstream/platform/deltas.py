"""Detection of cumulative deltas, which repeat the whole text so far.

The documented stream is incremental, but one official example reads deltas as
cumulative (platform.md). The kind is decided once for a stream:

- a delta that does not extend the one before makes it incremental;
- three in a row that do, with 24 characters that do not merely repeat themselves as
  `hahaha` does, make it cumulative;
- undecided at the end, it is incremental.

Until it is decided, only text that is the same either way is given. Half a surrogate
pair at the end of a delta waits for its other half.

    deltas = Deltas()
    content = CumulativeField(deltas)
    new_text = content.add("Hello")
"""

from ...net import untrusted_json

MIN_GROWTHS = 3
MIN_CHARACTERS = 24
MAX_COMPARED = 1_000  # characters searched for repetition, in quadratic time


class Deltas:
    """Kind of the deltas of some fields: all texts share one, each call has its own.

    cumulative: None until it is decided.
    ended: whether the stream has ended.
    """

    def __init__(self) -> None:
        self.cumulative: bool | None = None
        self.ended = False

    def end(self, default: bool = False) -> None:
        """End the stream. default: the kind if it is still undecided."""
        self.cumulative = default if self.cumulative is None else self.cumulative
        self.ended = True


class CumulativeField:
    """A field that grows: the content, the reasoning or a call's arguments.

    joined: the text if deltas are incremental.
    last: the text if they are cumulative.
    """

    def __init__(self, deltas: Deltas) -> None:
        self._deltas = deltas
        self.joined = ""
        self.last = ""
        self._growths = 0
        self._taken = 0

    def add(self, delta: str) -> str:
        """Add a delta and return the new text that is certain, possibly ""."""
        if self._deltas.cumulative is None and self.last and delta:
            self._decide(delta)
        self.joined += delta
        if len(delta) >= len(self.last):
            self.last = delta
        return self.take()

    def take(self) -> str:
        """Return the new text that is certain, as another field may have decided."""
        text = self._certain()
        end = len(text)
        if not self._deltas.ended and _ends_in_half(text):
            end -= 1
        new = text[self._taken : end]
        self._taken = max(self._taken, end)
        return untrusted_json.mend(new)

    def _certain(self) -> str:
        if self._deltas.cumulative is None:
            return _common_prefix(self.joined, self.last)
        return self.last if self._deltas.cumulative else self.joined

    def _decide(self, delta: str) -> None:
        last = self.last[:-1] if _ends_in_half(self.last) else self.last
        added = delta.removeprefix(last)
        if not added or added == delta:
            self._deltas.cumulative = False
            return
        self._growths += 1
        if self._growths >= MIN_GROWTHS and len(delta) >= MIN_CHARACTERS:
            self._deltas.cumulative = not _repeats(delta[:MAX_COMPARED])


def _repeats(text: str) -> bool:
    """Return whether *text* repeats a part of itself, perhaps cut at the end."""
    return any(text.startswith(text[at:]) for at in range(1, len(text) // 2 + 1))


def _ends_in_half(text: str) -> bool:
    """Return whether *text* ends in the first half of a surrogate pair."""
    return "\ud800" <= text[-1:] <= "\udbff"


def _common_prefix(one: str, other: str) -> str:
    """Return the common beginning, by bisection: texts may have megabytes."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one.startswith(other[low:middle], low):
            low = middle
        else:
            high = middle - 1
    return one[:low]
