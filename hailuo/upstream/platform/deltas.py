"""Whether a stream's deltas are what is new, or all there is so far.

They are incremental in the documented stream; one official example reads them as
cumulative (platform.md). It is decided once for a stream:

- a delta that does not begin with all of the one before, and go on, is incremental;
- three in a row that do, and make 24 characters that do not merely repeat themselves as
  `hahaha` does, are no chance: cumulative;
- in doubt, and at the end, incremental.

As long as it is open, only what is the same in both readings is given. Half a surrogate
pair at the end of a delta waits for its other half.

    deltas = Deltas()
    content = Growing(deltas)
    new_text = content.add("Hello")
"""

from ...net import untrusted_json

GROWTHS = 3
CHARACTERS = 24
MAX_COMPARED = 1_000  # characters that are looked at for repetition, at square cost


class Deltas:
    """What is known of some fields of a stream: its texts share one, each call has one.

    cumulative: None as long as it is open.
    ended: whether nothing more will come.
    """

    def __init__(self) -> None:
        self.cumulative: bool | None = None
        self.ended = False

    def end(self, in_doubt: bool = False) -> None:
        """Nothing more will come to tell by. in_doubt: what an open one becomes."""
        self.cumulative = in_doubt if self.cumulative is None else self.cumulative
        self.ended = True


class CumulativeField:
    """One field whose value grows: the content, the reasoning, a call's arguments.

    joined: the text if deltas are incremental.
    last: the text if they are cumulative.
    """

    def __init__(self, deltas: Deltas) -> None:
        self._deltas = deltas
        self.joined = ""
        self.last = ""
        self._growths = 0
        self._given = 0

    def add(self, delta: str) -> str:
        """Take in one delta; what is certain and new, possibly ""."""
        if self._deltas.cumulative is None and self.last and delta:
            self._weigh(delta)
        self.joined += delta
        if len(delta) >= len(self.last):
            self.last = delta
        return self.take()

    def take(self) -> str:
        """What has become certain since, as another field may have decided."""
        text = self._certain()
        end = len(text)
        if not self._deltas.ended and _ends_in_half(text):
            end -= 1
        new = text[self._given : end]
        self._given = max(self._given, end)
        return untrusted_json.mend(new)

    def _certain(self) -> str:
        if self._deltas.cumulative is None:
            return _common_prefix(self.joined, self.last)
        return self.last if self._deltas.cumulative else self.joined

    def _weigh(self, delta: str) -> None:
        last = self.last[:-1] if _ends_in_half(self.last) else self.last
        added = delta.removeprefix(last)
        if not added or added == delta:
            self._deltas.cumulative = False
            return
        self._growths += 1
        if self._growths >= GROWTHS and len(delta) >= CHARACTERS:
            self._deltas.cumulative = not _repeats(delta[:MAX_COMPARED])


def _repeats(text: str) -> bool:
    """Whether *text* is one part of it over and over, the last time perhaps cut."""
    return any(text.startswith(text[at:]) for at in range(1, len(text) // 2 + 1))


def _ends_in_half(text: str) -> bool:
    """Whether the first half of a surrogate pair waits for the other."""
    return "\ud800" <= text[-1:] <= "\udbff"


def _common_prefix(one: str, other: str) -> str:
    """Return what both begin with; by halving, since texts of megabytes may come."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one.startswith(other[low:middle], low):
            low = middle
        else:
            high = middle - 1
    return one[:low]
