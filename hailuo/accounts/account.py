"""What is lent: a credential, the lock it shares, and what became of it.

A token is a string, not its payload (SECURITY.md, Credentials). The account it claims
to speak for only chooses the lock, its Slot; whether it is dead or cooling down belongs
to the string.
"""

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from ..errors import UpstreamError
from ..upstream import Identity
from .cooldowns import Cooldown, Cooldowns


class Use(NamedTuple):
    """Purpose of a request: services limit purposes, and some also models, apart.

    purpose: "chat", "speech" or "transcription".
    models: by the kind of account, the model whose limit the request counts against;
        "" or missing where models are not limited apart.
    """

    purpose: str = "chat"
    models: Mapping[str, str] = {}


CHAT = Use()


class Slot:
    """What streams so many answers at once: one account of a service.

    capacity: how many; None for any number.
    busy: how many are streamed, and unproven: how many of them for credentials that
        their service has not accepted yet. Those keep nobody waiting but each other.
    free: whether it can stream another one.
    """

    def __init__(self, capacity: int | None) -> None:
        self.capacity = math.inf if capacity is None else capacity
        self.busy = 0
        self.unproven = 0
        self.free = self.capacity > 0
        self.used_at = 0.0

    def acquire(self, unproven: bool = False) -> None:
        self._count(1, unproven)
        self.used_at = time.monotonic()

    def release(self, unproven: bool = False) -> None:
        self._count(-1, unproven)

    def confirm(self) -> None:
        """Count one that was unproven as proven: its service has accepted it."""
        self.unproven -= 1
        self._count(0, False)

    def _count(self, change: int, unproven: bool) -> None:
        self.busy += change
        self.unproven += change * unproven
        self.free = self.busy - self.unproven < self.capacity


class Visitor:
    """What is remembered of a credential that a client brought.

    proven: whether its service has accepted it, and not rejected it since.
    suspect: whether it may be forged, so that it must keep nobody waiting.
    """

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.cooldowns = Cooldowns()
        self.proven = False
        self.suspect = False


class Account:
    """A credential that may answer.

    source: where it is from: "file", "environment", "caller".
    dead: whether the service has rejected the token.
    visitor: what is remembered of it, where a client brought it.
    last_error: what the service said when it last refused or rejected it, or "".
    """

    def __init__(
        self,
        token: str,
        identity: Identity,
        slot: Slot,
        cooldowns: Cooldowns,
        source: str,
        visitor: Visitor | None = None,
    ) -> None:
        self.token = token
        self.identity = identity
        self.slot = slot
        self.cooldowns = cooldowns
        self.source = source
        self.visitor = visitor
        self.dead = False
        self.answer_count = 0
        self.last_error = ""

    @property
    def kind(self) -> str:
        return self.identity.kind

    @property
    def name(self) -> str:
        return self.identity.name

    @property
    def state(self) -> str:
        if self.dead:
            return "dead"
        if self.slot.busy:
            return "answering"
        return "resting" if self.cooldowns.running() else "idle"

    @property
    def unproven(self) -> bool:
        """Whether a client brought it and no service has accepted it yet."""
        return self.visitor is not None and self.visitor.suspect

    @property
    def expired(self) -> bool:
        """Whether its token says that its time is over: a hint, it is tried anyway."""
        ends_at = self.identity.expires_at
        return ends_at is not None and ends_at <= time.time()

    def replace_token(self, token: str, identity: Identity, source: str) -> None:
        """Take a credential; a new one knows nothing of what befell the old."""
        self.source = source
        if token != self.token:
            self.token, self.identity = token, identity
            self.dead = False
            self.cooldowns = Cooldowns()
            self.last_error = ""

    def model(self, use: Use) -> str:
        """Return the model that *use* is limited by here."""
        return use.models.get(self.kind, "")

    def cooldown_s(self, use: Use) -> float:
        """Return the seconds until the cooldown for *use* is over."""
        if not self.cooldowns:
            return 0.0
        return self.cooldowns.remaining_s(use.purpose, self.model(use))

    def cooldown(self, use: Use) -> Cooldown | None:
        """Return the cooldown for *use* that ends last."""
        return self.cooldowns.longest(use.purpose, self.model(use))

    def succeeded(self, use: Use, since: float = math.inf) -> None:
        """Note an answer: what was wrong before it began is over.

        since: when it began, on the clock of the cooldowns.
        """
        self.answer_count += 1
        self.cooldowns.clear(use.purpose, self.model(use), since)
        self.cooldowns.refused_question = ""
        self.last_error = ""

    def refused(self, error: UpstreamError, use: Use) -> None:
        """Leave it alone for what *error* says is limited."""
        self.cooldowns.start(error, use.purpose, self.model(use))
        self.last_error = error.message

    def rejected(self, why: str) -> None:
        self.dead = True
        self.last_error = why


class Candidates:
    """The accounts that may serve a request.

    accounts: gives them; the pool's may change while somebody waits.
    own: whether the caller brought them, so that it is his to mend what is wrong.
    kinds: gives those of the accounts, where that is known without looking at each.
    """

    def __init__(
        self,
        accounts: Callable[[], Sequence[Account]],
        from_caller: bool,
        kinds: Callable[[], Collection[str]] | None = None,
    ) -> None:
        self.accounts = accounts
        self.from_caller = from_caller
        self.kinds = kinds or (lambda: {account.kind for account in accounts()})

    def where(self, fits: Callable[[Account], bool]) -> "Candidates":
        """The part of it that fits, whenever it is asked."""
        return Candidates(
            lambda: [each for each in self.accounts() if fits(each)], self.from_caller
        )

    def of_kinds(self, kinds: Sequence[str]) -> "Candidates":
        """The part of it that is of these kinds.

        Nearly always that is all or nothing, and known without a look at each account:
        with 500 of them, looking cost a quarter of a request.
        """

        def accounts() -> Sequence[Account]:
            present = self.kinds()
            if all(kind in kinds for kind in present):
                return self.accounts()
            if not any(kind in kinds for kind in present):
                return ()
            return [account for account in self.accounts() if account.kind in kinds]

        def present() -> Collection[str]:
            return [kind for kind in self.kinds() if kind in kinds]

        return Candidates(accounts, self.from_caller, present)

    def any_available(self, use: Use) -> bool:
        """Whether any of it lives and is not resting."""
        return any(not account.cooldown_s(use) for account in self.live())

    def live(self) -> list[Account]:
        return [account for account in self.accounts() if not account.dead]
