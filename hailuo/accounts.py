"""What is lent: a credential, the lock it shares, and what became of it.

A token is a string, not its payload (design.md, Whom to trust). The account it claims
to speak for only chooses the lock, its Slot; whether it is dead or rests belongs to the
string.
"""

import math
import time
from array import array
from collections.abc import Callable, Collection, Sequence

from .errors import Refused
from .upstream import Identity

REST_S = 30.0  # how long a refused account is left alone, doubling with each refusal
REST_MAX_S = 600.0


class Slot:
    """What streams so many answers at once: one account of a service.

    capacity: how many; None for any number.
    free: whether it can stream another one.
    """

    def __init__(self, capacity: int | None) -> None:
        self.capacity = math.inf if capacity is None else capacity
        self.busy = 0
        self.free = self.capacity > 0
        self._used_at = array("d", [0.0])

    @property
    def used_at(self) -> float:
        """When it was last lent, on the clock of time.monotonic; 0 for never.

        Written over in place: a new float for each use, among all that a crowd needs,
        would keep that from being given back (25 MB with 2,000 accounts).
        """
        return self._used_at[0]

    def lend(self) -> None:
        self.busy += 1
        self.free = self.busy < self.capacity
        self._used_at[0] = time.monotonic()

    def take_back(self) -> None:
        self.busy -= 1
        self.free = self.busy < self.capacity


class Rest:
    """How long a token is left alone after the service refused it.

    why: what the service said; kind: the failure it was.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.until = 0.0  # on that clock
        self.length_s = 0.0
        self.why = ""
        self.kind: type[Refused] = Refused

    def begin(self, why: str, kind: type[Refused] = Refused) -> None:
        """As long as *kind* says; else 30 s, twice as long with each refusal, 10
        minutes at most."""
        self.why, self.kind = why, kind
        doubled_s = min(2 * self.length_s or REST_S, REST_MAX_S)
        self.length_s = kind.rest_s or doubled_s
        self.until = self._clock() + self.length_s

    def clear(self) -> None:
        self.until = self.length_s = 0.0
        self.why = ""

    @property
    def left_s(self) -> float:
        """Seconds until it is over; 0 when there is none."""
        return max(0.0, self.until - self._clock()) if self.until else 0.0


class Account:
    """A credential that may answer.

    source: where it is from: "file", "environment", "caller".
    dead: whether the service has rejected the token.
    last_error: what the service said when it last refused or rejected it, or "".
    """

    def __init__(
        self, token: str, identity: Identity, slot: Slot, rest: Rest, source: str
    ) -> None:
        self.token = token
        self.identity = identity
        self.slot = slot
        self.rest = rest
        self.source = source
        self.dead = False
        self.served = 0
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
        return "resting" if self.rest.left_s else "idle"

    @property
    def ended(self) -> bool:
        """Whether its token says that its time is over: a hint, it is tried anyway."""
        ends_at = self.identity.expires_at
        return ends_at is not None and ends_at <= time.time()

    def have(self, token: str, identity: Identity, source: str) -> None:
        """Take a credential; a new one knows nothing of what befell the old."""
        self.source = source
        if token != self.token:
            self.token, self.identity = token, identity
            self.dead = False
            self.rest.clear()
            self.last_error = ""

    def succeeded(self) -> None:
        """It has answered: whatever was wrong with it is over."""
        self.served += 1
        self.rest.clear()
        self.last_error = ""

    def refused(self, why: str, kind: type[Refused] = Refused) -> None:
        self.rest.begin(why, kind)
        self.last_error = why

    def rejected(self, why: str) -> None:
        self.dead = True
        self.last_error = why


class Scope:
    """The accounts that may serve a request.

    accounts: gives them; the pool's may change while somebody waits.
    own: whether the caller brought them, so that it is his to mend what is wrong.
    kinds: gives those of the accounts, where that is known without looking at each.
    """

    def __init__(
        self,
        accounts: Callable[[], Sequence[Account]],
        own: bool,
        kinds: Callable[[], Collection[str]] | None = None,
    ) -> None:
        self.accounts = accounts
        self.own = own
        self.kinds = kinds or (lambda: {account.kind for account in accounts()})

    def where(self, fits: Callable[[Account], bool]) -> "Scope":
        """The part of it that fits, whenever it is asked."""
        return Scope(lambda: [each for each in self.accounts() if fits(each)], self.own)

    def of(self, kinds: Sequence[str]) -> "Scope":
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

        return Scope(accounts, self.own, present)

    def awake(self) -> bool:
        """Whether any of it lives and is not resting."""
        return any(not account.rest.left_s for account in self.live())

    def live(self) -> list[Account]:
        return [account for account in self.accounts() if not account.dead]
