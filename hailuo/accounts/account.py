"""Accounts: a credential, the slot it shares with others, and its state.

A token is a string, not its payload (SECURITY.md, Credentials). The account that the
payload claims only chooses the lock, a Slot; being dead or cooling down are states of
the string.
"""

import math
import time
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from ..errors import PlanUsedUp, UpstreamError
from ..upstream import Identity, Purpose, Quota
from .cooldowns import Cooldown, Cooldowns, Limit


class Use(NamedTuple):
    """Purpose of a request: services limit purposes, and some also models, apart.

    models: by the kind of account, the model whose limit the request counts against;
        "" or missing where models are not limited apart.
    """

    purpose: Purpose = "chat"
    models: Mapping[str, str] = {}


CHAT = Use()


class Slot:
    """Lock of one account of a service, which streams a limited number of answers.

    capacity: the number of answers at once; None for any number.
    busy: the number of answers that run.
    unproven: how many of them run for credentials that their service has not accepted
        yet; those block each other, but no other request.
    elsewhere: how many run in other processes, as last seen; 0 without a shared pool.
    free: whether another answer may run.
    used_at: when it was last acquired, on the clock of time.monotonic; 0 for never.
    """

    def __init__(self, capacity: int | None) -> None:
        self.capacity = math.inf if capacity is None else capacity
        self.busy = 0
        self.unproven = 0
        self.elsewhere = 0
        self.free = self.capacity > 0
        self.used_at = 0.0

    def acquire(self, unproven: bool = False) -> None:
        self._count(1, unproven)
        self.used_at = time.monotonic()

    def release(self, unproven: bool = False) -> None:
        self._count(-1, unproven)

    def confirm(self) -> None:
        """Count an unproven answer as proven, once its credential was accepted."""
        self.unproven -= 1
        self._count(0, False)

    def observe(self, elsewhere: int) -> None:
        """Set the number of answers in other processes."""
        self.elsewhere = elsewhere
        self._count(0, False)

    def _count(self, change: int, unproven: bool) -> None:
        self.busy += change
        self.unproven += change * unproven
        self.free = self.busy + self.elsewhere - self.unproven < self.capacity


class ClientCredential:
    """Memory of a credential that a client sent, kept between its requests.

    proven: whether its service has accepted it, and not rejected it since.
    suspect: whether it may be forged; it then must not block other requests.
    """

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.cooldowns = Cooldowns()
        self.proven = False
        self.suspect = False


class Journal(Protocol):
    """Record of what happens to credentials, for other processes with the same pool."""

    def answered(self, account: "Account", use: Use, since: float) -> None:
        """Record an answer that began at *since*; see Account.succeeded()."""

    def refused(self, account: "Account", limit: Limit, cooldown: Cooldown) -> None:
        """Record a cooldown that was started or lengthened."""

    def rejected(self, account: "Account") -> None:
        """Record that the service rejects the pool's credential."""

    def told_quota(self, account: "Account", since: float) -> None:
        """Record the account's quota; see Account.told_quota()."""

    def may_ask_quota(self, account: "Account", interval_s: float) -> bool:
        """Return whether this process is to ask for the account's quota now.

        No other process may do so within *interval_s*.
        raises: PoolUnavailable.
        """


class NoJournal:
    """Journal of a pool that no other process shares."""

    def answered(self, account: "Account", use: Use, since: float) -> None: ...

    def refused(self, account: "Account", limit: Limit, cooldown: Cooldown) -> None: ...

    def rejected(self, account: "Account") -> None: ...

    def told_quota(self, account: "Account", since: float) -> None: ...

    def may_ask_quota(self, account: "Account", interval_s: float) -> bool:
        return True


NO_JOURNAL = NoJournal()


class Account:
    """A credential that requests are served with.

    source: its origin: "file", "environment", "caller".
    dead: whether the service has rejected the token.
    client_credential: the memory of a credential that a client sent, else None.
    last_error: the service's message when it last refused or rejected it, or "".
    quota: what is left of its plan, None if it has none or that is unknown.
    """

    def __init__(
        self,
        token: str,
        identity: Identity,
        slot: Slot,
        cooldowns: Cooldowns,
        source: str,
        client_credential: ClientCredential | None = None,
        journal: Journal = NO_JOURNAL,
    ) -> None:
        self._journal = journal
        self.token = token
        self.identity = identity
        self.slot = slot
        self.cooldowns = cooldowns
        self.source = source
        self.client_credential = client_credential
        self.dead = False
        self.answer_count = 0
        self.last_error = ""
        self.quota: Quota | None = None

    @property
    def kind(self) -> str:
        """Kind of the upstream that it belongs to."""
        return self.identity.kind

    @property
    def name(self) -> str:
        """Name for logs and answers; no secret."""
        return self.identity.name

    @property
    def state(self) -> str:
        """One of pool_metrics.STATES."""
        if self.dead:
            return "dead"
        if self.slot.busy or self.slot.elsewhere:
            return "answering"
        return "resting" if self.cooldowns.running() else "idle"

    @property
    def unproven(self) -> bool:
        """True for a client's credential that was not accepted by its service yet."""
        return self.client_credential is not None and self.client_credential.suspect

    @property
    def expired(self) -> bool:
        """True when the token's expiry has passed: a hint, it is tried anyway."""
        expires_at = self.identity.expires_at
        return expires_at is not None and expires_at <= time.time()

    def replace_token(self, token: str, identity: Identity, source: str) -> None:
        """Replace the credential; a new one begins with a fresh state."""
        self.source = source
        if token != self.token:
            self.token, self.identity = token, identity
            self.dead = False
            self.cooldowns = Cooldowns()
            self.last_error = ""
            self.quota = None

    def model(self, use: Use) -> str:
        """Return the model that *use* is limited by on this account."""
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
        """Record an answer, and end the cooldowns that began before it.

        since: when the answer began, on the clock of the cooldowns.
        """
        self.answer_count += 1
        self._journal.answered(self, use, since)
        self.cooldowns.clear(use.purpose, self.model(use), since)
        self.cooldowns.refused_question = ""
        self.last_error = ""

    def refused(self, error: UpstreamError, use: Use) -> None:
        """Start a cooldown for the limit that *error* names."""
        known_s = None
        if self.quota and isinstance(error, PlanUsedUp):
            known_s = self.quota.opens_in_s(time.time())
        limit, cooldown = self.cooldowns.start(
            error, use.purpose, self.model(use), known_s
        )
        self.last_error = error.message
        self._journal.refused(self, limit, cooldown)

    def rejected(self, reason: str) -> None:
        """Mark the credential as dead."""
        self.dead = True
        self.last_error = reason

    def may_ask_quota(self, interval_s: float) -> bool:
        """Return whether this process is to ask for its quota; see Journal."""
        return self._journal.may_ask_quota(self, interval_s)

    def told_quota(self, quota: Quota | None, since: float) -> None:
        """Record its quota, None for unknown.

        A plan that is used up rests until it opens again; one that is not rests no
        longer, unless it was refused after its service was asked. This holds for chat:
        the quota says nothing of other purposes.

        since: when that was, on the clock of the cooldowns.
        """
        self.quota = quota
        self._journal.told_quota(self, since)
        if quota:
            self.cooldowns.end(PlanUsedUp, CHAT.purpose, since)
        if quota and quota.used_up:
            self.refused(PlanUsedUp("nothing is left of the key's plan"), CHAT)
