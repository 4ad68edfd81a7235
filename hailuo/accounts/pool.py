"""Who may stream on which account.

An account of the service streams one answer at a time (protocol.md 4), so whoever
wants one leases it:

    with pool.lease(candidates, watch) as account:
        …

The pool's own accounts are those of whoever runs this; callers may bring tokens of
their own, which share the locks of the accounts they speak for and nothing else.
"""

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from weakref import WeakValueDictionary

from ..concurrency.watch import Watch
from ..errors import (
    AccountsBusy,
    GatewayError,
    NoLiveAccount,
    ShuttingDown,
    Unauthorized,
)
from ..upstream import Identity
from .account import CHAT, Account, Candidates, Slot, Use, Visitor
from .cooldowns import Cooldowns
from .wait_queue import Waiter, WaitQueue

BUSY_RETRY_S = 5.0  # after which an account that answers another request may be free
VISITORS = 1_000  # callers' tokens that are remembered


Stage = tuple[Candidates, float | None]  # and how long to wait; None: queue timeout


class PoolCredential(NamedTuple):
    """A credential of the pool, what it says of itself, and where it is from."""

    token: str
    identity: Identity
    source: str


class Pool:
    """The accounts of whoever runs this, and the locks of everybody's.

    identify: tells a credential's identity, None when it is none we know.
    queue_timeout_s: how long a request waits in line.
    """

    def __init__(
        self,
        identify: Callable[[str], Identity | None],
        queue_timeout_s: float = 15.0,
    ) -> None:
        self.identify = identify
        self._queue_timeout_s = queue_timeout_s
        self._lock = threading.Lock()
        self._queue = WaitQueue()
        self._tickets = itertools.count(1)
        self._accounts: tuple[Account, ...] = ()
        self._kinds: Collection[str] = ()
        self._visitors: OrderedDict[str, Visitor] = OrderedDict()
        self._slots: WeakValueDictionary[str, Slot] = WeakValueDictionary()

    @property
    def accounts(self) -> Sequence[Account]:
        return self._accounts

    @property
    def in_use(self) -> int:
        """How many answers run, on anybody's accounts."""
        return self._queue.in_use

    @property
    def waiting(self) -> int:
        """How many requests are in line."""
        return len(self._queue)

    def account(self, key: str) -> Account | None:
        """The pool's account that speaks for *key* (Identity.account)."""
        same = (each for each in self._accounts if each.identity.account == key)
        return next(same, None)

    def set_credentials(self, credentials: Iterable[tuple[str, str]]) -> list[str]:
        """Have exactly the accounts of *credentials*, each with its source.

        An account that stays keeps its state, with a new token a fresh one.
        returns: the sources of what is no credential.
        """
        strangers: list[str] = []
        found: dict[str, PoolCredential] = {}
        for token, source in credentials:
            identity = self.identify(token)
            if identity is None:
                strangers.append(source)
                continue
            claim = PoolCredential(token, identity, source)
            best = found.setdefault(identity.account, claim)
            found[identity.account] = max(best, claim, key=self._worth)
        with self._lock:
            self._accounts = tuple(self._kept(claim) for claim in found.values())
            self._kinds = frozenset(account.kind for account in self._accounts)
        self._queue.dispatch()
        self._queue.notify()
        return strangers

    def all_accounts(self) -> Candidates:
        """All accounts of the pool, those that come later included."""
        return Candidates(
            lambda: self._accounts, from_caller=False, kinds=lambda: self._kinds
        )

    def caller_accounts(self, tokens: Sequence[str]) -> Candidates | None:
        """The accounts of tokens that a caller brought, each once, and no others.

        returns: None when one of them is no credential.
        """
        tokens = list(dict.fromkeys(tokens))
        identities = [
            identity for token in tokens if (identity := self.identify(token))
        ]
        if not tokens or len(identities) < len(tokens):
            return None
        with self._lock:
            accounts = [
                self._visitor(token, identity)
                for token, identity in zip(tokens, identities, strict=True)
            ]
        return Candidates(lambda: accounts, from_caller=True)

    def ticket(self) -> int:
        """A place in line: later requests get higher ones."""
        return next(self._tickets)

    @contextmanager
    def lease(
        self,
        candidates: Candidates,
        watch: Watch,
        *,
        plan: Sequence[Stage] = (),
        ticket: int | None = None,
        tried: Collection[Account] = (),
        use: Use = CHAT,
    ) -> Iterator[Account]:
        """Lease an account, after waiting in the queue for it, and release it.

        plan: parts of the candidates to be tried in order; all of them by default.
        ticket: the request's place in the queue; a new one by default.
        tried: accounts that were leased for the request before; others are preferred.
        use: what the account is wanted for.
        raises: AccountsBusy when none came free in time; when all are cooling down, the
            failure of the first that will be available again (UpstreamBusy,
            RateLimited, QuotaExhausted); Unauthorized or NoLiveAccount when none is
            alive; ShuttingDown, ClientDisconnected.
        """
        ticket = self.ticket() if ticket is None else ticket
        for stage, wait_s in plan or [(candidates, None)]:
            waiter = Waiter(stage, ticket, tried, use)
            account = self._acquired(waiter, watch, wait_s)
            if account:
                break
        else:
            raise self._unserved(candidates, use)
        try:
            yield account
        finally:
            self._queue.release(account)

    def _acquired(
        self, waiter: Waiter, watch: Watch, wait_s: float | None
    ) -> Account | None:
        """wait_s: None for the queue timeout."""
        wait_s = self._queue_timeout_s if wait_s is None else wait_s
        live = waiter.candidates.live()
        if all(account.cooldown_s(waiter.use) > wait_s for account in live):
            wait_s = 0  # none comes free in time
        return self._queue.acquire(waiter, watch, wait_s)

    def is_shared(self, account: Account) -> bool:
        """Whether the lock of a caller's account matters to anybody else now."""
        if account.identity.capacity is None:
            return False
        ours = any(each.slot is account.slot for each in self._accounts)
        return ours or account.slot.busy > 0

    def rivals(self, account: Account) -> Sequence[Account]:
        """Return what is lent of the same account with other unproven credentials."""
        lent = self._queue.unproven(account.slot)
        return [each for each in lent if each.token != account.token]

    def prove(self, account: Account) -> None:
        """Note that the service has accepted the account's token."""
        if visitor := account.visitor:
            visitor.proven, visitor.suspect = True, False
            self._queue.prove(account.token)

    def reject(self, account: Account, why: str) -> None:
        """The service no longer takes this account's token."""
        if account.visitor:
            account.visitor.proven = False
        account.rejected(why)
        self._queue.notify()

    def close(self) -> None:
        """Lend nothing any more; who waits in line hears ShuttingDown."""
        self._queue.close()

    def idle(self, wait_s: float) -> bool:
        """Whether every account is back and the line empty, within *wait_s*."""
        return self._queue.idle(wait_s)

    def _unserved(self, candidates: Candidates, use: Use) -> GatewayError:
        if self._queue.closed:
            return shutting_down_error()
        return no_account_error(candidates, use)

    def _worth(self, claim: "PoolCredential") -> tuple[bool, float]:
        """Of several tokens of an account: one that lives, and ends last."""
        known = self.account(claim.identity.account)
        dead = known is not None and known.dead and known.token == claim.token
        return not dead, claim.identity.expires_at or 0

    def _kept(self, claim: "PoolCredential") -> Account:
        token, identity, source = claim
        if account := self.account(identity.account):
            account.replace_token(token, identity, source)
            return account
        return Account(token, identity, self._slot(identity), Cooldowns(), source)

    def _slot(self, identity: Identity) -> Slot:
        """The lock of an account, one for all who speak for it."""
        slot = self._slots.get(identity.account) or Slot(identity.capacity)
        return self._slots.setdefault(identity.account, slot)

    def _visitor(self, token: str, identity: Identity) -> Account:
        """An account of this request alone, with what is remembered of its token."""
        visitor = self._visitors.get(token) or Visitor(self._slot(identity))
        self._visitors[token] = visitor
        self._visitors.move_to_end(token)
        if len(self._visitors) > VISITORS:
            self._visitors.popitem(last=False)
        slot, cooldowns = visitor.slot, visitor.cooldowns
        return Account(token, identity, slot, cooldowns, "caller", visitor)


def shutting_down_error() -> ShuttingDown:
    return ShuttingDown("the server is leaving: try again", retry_after_s=5)


def no_account_error(candidates: Candidates, use: Use) -> GatewayError:
    """Why nobody of *candidates* could serve."""
    live = candidates.live()
    if not live:
        return _dead(candidates)
    cooldowns = [account.cooldown(use) for account in live]
    if all(cooldowns):
        running = list(filter(None, cooldowns))
        # Not a final one while there is one that passes.
        first = min(running, key=lambda each: (not each.error.should_retry, each.until))
        return first.error(
            f"every account is resting after a refusal; {first.message}",
            retry_after_s=min(account.cooldown_s(use) for account in live),
        )
    return AccountsBusy(
        "every account is answering somebody else: try again, or add accounts",
        retry_after_s=BUSY_RETRY_S,
    )


def _dead(candidates: Candidates) -> GatewayError:
    accounts = candidates.accounts()
    why = "; ".join(account.last_error for account in accounts if account.last_error)
    if not candidates.from_caller:
        known = f"its tokens were rejected ({why})" if accounts else "it is empty"
        return NoLiveAccount(
            f"the pool has no live account: {known}. Put a fresh _token into the "
            "tokens file or HAILUO_TOKENS, or send one as the bearer"
        )
    ended = [account.identity.expires_at or 0 for account in accounts]
    expired = any(0 < at < time.time() for at in ended)
    return Unauthorized(
        f"your token was rejected: {why}. Send a fresh one; for the web service, sign "
        "in at hailuoai.com to get it",
        code="token_expired" if expired else None,
    )
