"""Acquisition of a lease: the request, the operation that asks, and the lease."""

import threading
from collections.abc import Sequence
from typing import Any

from ..account import Account
from ..wait_queue import Waiter
from .client import Operation, fingerprint
from .journal import limit_name

UNLIMITED = -1


class Held:
    """A lease that this process holds.

    fence: its number; later leases of the same slot have higher ones.
    ends_at: when it ends unless it is renewed, on the clock of clock.awake.
    lost: whether it has ended before its answer.
    """

    def __init__(self, id: str, account: Account, lease: Any, ends_at: float) -> None:
        self.id = id
        self.account = account
        self.slot: str = lease["slot"]
        self.fence: int = lease["fence"]
        self.unproven: bool = lease.get("unproven", False)
        self.ends_at = ends_at
        self.lost = False

    def description(self) -> dict[str, Any]:
        """Return what a renewal has to know."""
        return {
            "id": self.id,
            "slot": self.slot,
            "fence": self.fence,
            "capacity": capacity(self.account),
            "unproven": self.unproven,
        }


class Entry:
    """A request that waits, or asks once.

    asked: slots of an acquisition whose result is not known.
    queued: whether it may have a place in the queue.
    """

    def __init__(self, id: str, waiter: Waiter, waits: bool) -> None:
        self.id = id
        self.waiter = waiter
        self.waits = waits
        self.woken = threading.Event()
        self.asked: list[str] = []
        self.queued = False


def acquisition(entry: Entry, live: Sequence[Account], process: str) -> Operation:
    """Return the operation that asks for a lease of one of *live*.

    A candidate is a word, "SLOT:DIGEST:CAPACITY:FLAGS:LIMITS", of which the last is the
    number of the list of cooldowns that matter to its kind.
    """
    waiter = entry.waiter
    limits: dict[str, list[str]] = {}
    candidates = []
    for account, slot in zip(live, entry.asked, strict=True):
        if account.kind not in limits:
            purpose, model = waiter.use.purpose, account.model(waiter.use)
            names = {limit_name((purpose, "")), limit_name((purpose, model))}
            limits[account.kind] = [f"until:{name}" for name in names]
        number = list(limits).index(account.kind) + 1
        candidates.append(
            f"{slot}:{fingerprint(account.token)}:{capacity(account)}:"
            f"{_flags(account, waiter, len(live))}:{number}"
        )
    return {
        "op": "acquire",
        "id": entry.id,
        "process": process,
        "ticket": waiter.ticket,
        "waits": entry.waits,
        "candidates": " ".join(candidates),
        "limits": list(limits.values()),
    }


def capacity(account: Account) -> int:
    """Return how many answers an account can stream at once, as the script takes it."""
    limit = account.identity.capacity
    return UNLIMITED if limit is None else limit


def _flags(account: Account, waiter: Waiter, live: int) -> str:
    """Return the letters that say how an account may be leased.

    u: its credential is unproven; t: it was tried before, so others are preferred; i: a
    cooldown does not matter, since it was tried before and is the only one.
    """
    tried = account in waiter.tried
    return "u" * account.unproven + "t" * tried + "i" * (tried and live == 1)


def leased(lease: Any, live: Sequence[Account]) -> Account:
    """Return the account that a lease is for."""
    matches = [
        account
        for account in live
        if fingerprint(account.identity.account) == lease["slot"]
    ]
    same = [each for each in matches if fingerprint(each.token) == lease["digest"]]
    return (same or matches)[0]
