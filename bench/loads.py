"""Loads: the requests, their concurrency, and the pace of the upstream's answers."""

from typing import NamedTuple

GATEWAYS = ("gateway", "before")
SMALL_SET = ("direct", "relay", *GATEWAYS)
CHAT = (*SMALL_SET, "shared", "nginx", "litellm")


class Load(NamedTuple):
    """Series of chats.

    requests: total number; at_once: maximum concurrency, and the number of accounts
    unless *accounts* is set. pieces: events per answer, of 8 characters each; delay_s:
    between them. spread_s: time over which the first requests are spread evenly.
    pause_s: between an answer and the next question on the same connection. rounds:
    maximum, for long loads; quick: part of --quick. targets: default all for chat.
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
    targets: tuple[str, ...] = CHAT

    @property
    def account_count(self) -> int:
        """Number of accounts of each target."""
        return self.accounts or self.at_once

    @property
    def ideal_s(self) -> float:
        """Duration if no account is ever idle."""
        return self.requests / self.account_count * self.delay_s * (self.pieces - 1)

    @property
    def text(self) -> str:
        return "".join(piece(number) for number in range(self.pieces))

    @property
    def slow(self) -> bool:
        """True if pieces arrive on a schedule, behind which they can lag."""
        return self.delay_s > 0

    @property
    def scheduled_s(self) -> float:
        """Duration by the schedule of the pieces."""
        return self.spread_s + self.delay_s * (self.pieces - 1)


PIECE = 8  # characters


def piece(number: int) -> str:
    """Return a piece, unique in its answer and not all ASCII."""
    return f"{number:05d} 海\n"


LOADS = (
    Load("one", "one at a time, 20 pieces", 100, 1, 20, pause_s=0.01, quick=True),
    Load("fifty", "50 at once, 50 pieces", 200, 50, 50, quick=True),
    Load(
        "responses",
        "50 at once, 50 pieces, through each API",
        200,
        50,
        50,
        targets=("gateway", "responses", "messages"),
    ),
    Load(
        "tools",
        "10 at once, 2,000 pieces in a burst, beside the same with 20 tools",
        20,
        10,
        2000,
        targets=("gateway", "tools"),
    ),
    Load("burst", "10 at once, 2,000 pieces in a burst", 20, 10, 2000, quick=True),
    Load("short", "10 at once, 250 pieces in a burst", 160, 10, 250, targets=SMALL_SET),
    Load(
        "long", "10 at once, 4,000 pieces in a burst", 10, 10, 4000, targets=SMALL_SET
    ),
    Load("slow", "500 streams, 20 pieces 0.5 s apart", 500, 500, 20, 0.5),
    Load("instant", "500 at the same instant, 5 pieces", 500, 500, 5),
    Load(
        "crowd",
        "2,000 streams started over 20 s, 30 pieces 1 s apart",
        2000,
        2000,
        30,
        1.0,
        spread_s=20,
        rounds=1,
        targets=SMALL_SET,
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
        targets=(*GATEWAYS, "shared", "two"),
    ),
    Load(
        "pool",
        "5,000 requests on 200 accounts, 400 at once",
        5000,
        400,
        5,
        0.05,
        accounts=200,
        rounds=2,
        targets=(*GATEWAYS, "shared", "two"),
    ),
)
