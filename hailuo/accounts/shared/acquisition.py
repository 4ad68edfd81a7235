"""Acquisition of a lease: the request, the operation that asks, and the lease."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..account import Account, Use
from ..wait_queue import Waiter
from .client import fingerprint
from .journal import limit_name

UNLIMITED = -1
FEW = 20  # candidates; a request may bring as many tokens of its own
MAX_SCOPES = 200


class Held:
    """A lease that this process holds.

    fence: its number; later leases of the same slot have higher ones.
    version: of the account's token when it was leased.
    ends_at: when it ends unless it is renewed, on the clock of clock.awake.
    lost: whether it has ended before its answer.
    """

    def __init__(self, id: str, account: Account, lease: Any, ends_at: float) -> None:
        self.id = id
        self.account = account
        self.slot: str = lease["slot"]
        self.fence: int = lease["fence"]
        self.version: int = lease["version"]
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

    id: the name of its place in the queue, and of its lease.
    asked: accounts of an acquisition whose result is not known.
    queued: whether it may have a place in the queue.
    """

    def __init__(self, waiter: Waiter, waits: bool) -> None:
        self.id = ""
        self.waiter = waiter
        self.waits = waits
        self.woken = threading.Event()
        self.asked: Sequence[Account] = ()
        self.queued = False


class Scope(NamedTuple):
    """Candidates of a request, as the script takes them.

    text: a word for each, "SLOT:DIGEST:CAPACITY:FLAG:LIMITS". The flag is u for an
        unproven credential. The limits are a number in the request's list of those that
        matter to each kind of account.
    name: digest of the text, by which the script knows it; the text of a big pool is
        long, and always the same.
    """

    name: str
    text: str
    kinds: Sequence[str]


class Scopes:
    """Cache of scopes, by the tokens of their accounts."""

    def __init__(self) -> None:
        self._scopes: OrderedDict[tuple[object, ...], Scope] = OrderedDict()

    def scope(self, live: Sequence[Account]) -> Scope:
        """Return the scope of accounts."""
        tokens = tuple([account.token for account in live])
        unproven = tuple([each.unproven for each in live if each.client_credential])
        if (key := (tokens, unproven)) not in self._scopes:
            self._scopes[key] = _scope(live)
            if len(self._scopes) > MAX_SCOPES:
                self._scopes.popitem(last=False)
        return self._scopes[key]


def _scope(live: Sequence[Account]) -> Scope:
    kinds = list(dict.fromkeys(account.kind for account in live))
    text = " ".join(
        f"{slot_of(account)}:{fingerprint(account.token)}:{capacity(account)}:"
        f"{'u' * account.unproven}:{kinds.index(account.kind) + 1}"
        for account in live
    )
    return Scope(fingerprint(text), text, kinds)


def acquisition(
    entry: Entry, live: Sequence[Account], scope: Scope, process: str
) -> dict[str, Any]:
    """Return the operation that asks for a lease of one of *live*.

    The slots of few candidates are listed; many are all accounts of the pool, or nearly
    all, which the script has in an index.
    """
    waiter = entry.waiter
    operation = {
        "op": "acquire",
        "id": entry.id,
        "process": process,
        "ticket": waiter.ticket,
        "waits": entry.waits,
        "queued": entry.queued,
        "scope": scope.name,
        "limits": [_limits(kind, waiter.use) for kind in scope.kinds],
        "tried": [slot_of(account) for account in waiter.tried],
        "single": len(live) == 1,
    }
    if len(live) <= FEW:
        operation["slots"] = list({slot_of(account): 1 for account in live})
    return operation


def _limits(kind: str, use: Use) -> Sequence[str]:
    """Return the fields with the cooldowns that matter to accounts of a kind."""
    models = dict.fromkeys(["", use.models.get(kind, "")])
    return [f"until:{limit_name((use.purpose, model))}" for model in models]


def slot_of(account: Account) -> str:
    """Return the name of an account's slot in Redis."""
    return fingerprint(account.identity.account)


def capacity(account: Account) -> int:
    """Return how many answers an account can stream at once, as the script takes it."""
    limit = account.identity.capacity
    return UNLIMITED if limit is None else limit


def leased(lease: Any, live: Sequence[Account]) -> Account | None:
    """Return the account that a lease is for, None if it was removed meanwhile."""
    slot, digest = lease["slot"], lease["digest"]
    matches = [account for account in live if slot_of(account) == slot]
    exact = (each for each in matches if fingerprint(each.token) == digest)
    return next(exact, matches[0] if matches else None)
