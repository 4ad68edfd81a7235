"""Whether a stream's deltas are what is new, or all there is so far.

They are incremental in the documented stream; one official example reads them as
cumulative (platform.md). It is decided once for a stream:

- a delta that does not begin with all of the one before, and go on, is incremental;
- three in a row that do, and make 24 characters that do not merely repeat themselves as
  `hahaha` does, are no chance: cumulative;
- in doubt, and at the end, incremental.

As long as it is open, only what is the same in both readings is given.

    deltas = Deltas()
    content = Growing(deltas)
    new_text = content.add("Hello")
"""

import os

GROWTHS = 3
CHARACTERS = 24


class Deltas:
    """What is known of one stream; all its growing fields share it.

    cumulative: None as long as it is open.
    """

    def __init__(self) -> None:
        self.cumulative: bool | None = None

    def end(self) -> None:
        """Nothing more will come to tell by."""
        self.cumulative = bool(self.cumulative)


class Growing:
    """One field whose value grows: the content, the reasoning, a call's arguments."""

    def __init__(self, deltas: Deltas) -> None:
        self._deltas = deltas
        self._joined = ""  # the text if deltas are incremental
        self._last = ""  # the text if they are cumulative
        self._growths = 0
        self._given = 0

    def add(self, delta: str) -> str:
        """Take in one delta; what is certain and new, possibly ""."""
        if self._deltas.cumulative is None and self._last and delta:
            self._weigh(delta)
        self._joined += delta
        if len(delta) >= len(self._last):
            self._last = delta
        return self.take()

    def take(self) -> str:
        """What has become certain since, as another field may have decided."""
        text = self._certain()
        new = text[self._given :]
        self._given = max(self._given, len(text))
        return new

    def _certain(self) -> str:
        if self._deltas.cumulative is None:
            return os.path.commonprefix([self._joined, self._last])
        return self._last if self._deltas.cumulative else self._joined

    def _weigh(self, delta: str) -> None:
        added = delta.removeprefix(self._last)
        if not added or added == delta:
            self._deltas.cumulative = False
            return
        self._growths += 1
        if self._growths >= GROWTHS and len(delta) >= CHARACTERS:
            self._deltas.cumulative = not _repeats(delta)


def _repeats(text: str) -> bool:
    """Whether *text* is one part of it over and over, the last time perhaps cut."""
    return any(text.startswith(text[at:]) for at in range(1, len(text) // 2 + 1))
