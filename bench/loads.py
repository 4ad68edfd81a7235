"""The loads: what is asked, how much of it at once, and how the upstream answers."""

from typing import NamedTuple


class Load(NamedTuple):
    """A number of chats.

    requests: in all; at_once: never more than so many, each on an account of its own.
    pieces: events of an answer, of 8 characters each; delay_s: between them.
    spread_s: over which the first of them begin, evenly.
    pause_s: between an answer and the next question on the same connection.
    accounts: how many there are, where there are fewer than are at once.
    rounds: at most so many, for what takes long; quick: part of the quick look.
    targets: who takes part; all unless told.
    """

    name: str
    title: str
    requests: int
    at_once: int
    pieces: int
    delay_s: float = 0.0
    spread_s: float = 0.0
    pause_s: float = 0.0
    accounts: int = 0
    rounds: int = 99
    quick: bool = False
    targets: tuple[str, ...] = ()

    @property
    def owned(self) -> int:
        """How many accounts each who is compared has."""
        return self.accounts or self.at_once

    @property
    def ideal_s(self) -> float:
        """How long it takes when no account is ever idle."""
        return self.requests / self.owned * self.delay_s * (self.pieces - 1)

    @property
    def text(self) -> str:
        return "".join(piece(number) for number in range(self.pieces))

    @property
    def slow(self) -> bool:
        """Whether its pieces come by the clock, so that they can lag."""
        return self.delay_s > 0

    @property
    def lasts_s(self) -> float:
        """How long it takes by the schedule of its pieces."""
        return self.spread_s + self.delay_s * (self.pieces - 1)


PIECE = 8  # characters


def piece(number: int) -> str:
    """Each piece is unlike the others, and not all of it is ASCII."""
    return f"{number:05d} 海\n"


OURS = ("relay", "gateway", "before")
CLOSE = ("direct", *OURS)

LOADS = (
    Load("one", "one at a time, 20 pieces", 100, 1, 20, pause_s=0.01, quick=True),
    Load("fifty", "50 at once, 50 pieces", 200, 50, 50, quick=True),
    Load("burst", "10 at once, 2,000 pieces in a burst", 20, 10, 2000, quick=True),
    Load("short", "10 at once, 250 pieces in a burst", 160, 10, 250, targets=CLOSE),
    Load("long", "10 at once, 4,000 pieces in a burst", 10, 10, 4000, targets=CLOSE),
    Load("slow", "500 streams, 20 pieces 0.5 s apart", 500, 500, 20, 0.5),
    Load("instant", "500 in the same instant", 500, 500, 5),
    Load(
        "crowd",
        "2,000 streams begun over 20 s, 30 pieces 1 s apart",
        2000,
        2000,
        30,
        1.0,
        spread_s=20,
        rounds=1,
        targets=CLOSE,
    ),
    Load(
        "accounts",
        "300 requests on 5 accounts",
        300,
        300,
        11,
        0.02,
        accounts=5,
        rounds=2,
        targets=OURS[1:],
    ),
)
