"""Pool of accounts, leased to requests.

An account of the web service streams one answer at a time (protocol.md 4), so a request
leases it:

    with pool.lease(candidates, watch) as account:
        …

The pool's accounts belong to the owner of the gateway. Clients may send credentials of
their own, which share the slots of the accounts that they claim and nothing else.

Leases and the state of credentials are kept in this process, or where several processes
share them (interfaces.py); the pool and everything above it do not know which.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from weakref import WeakValueDictionary

from ..concurrency.watch import Watch
from ..errors import GatewayError
from ..upstream import Identity
from .account import (
    CHAT,
    NO_JOURNAL,
    Account,
    ClientCredential,
    Journal,
    Slot,
    Use,
)
from .candidates import Candidates
from .cooldowns import Cooldowns
from .interfaces import Leases
from .lease_errors import no_account_error, shutting_down_error
from .wait_queue import Waiter, WaitQueue

MAX_CLIENT_CREDENTIALS = 1_000


Stage = tuple[Candidates, float | None]  # the maximum wait; None: queue timeout


class PoolCredential(NamedTuple):
    """A credential of the pool, its identity and its origin."""

    token: str
    identity: Identity
    source: str


class Pool:
    """The owner's accounts, and the slots of all accounts.

    identify: returns a credential's identity, None for an unknown format.
    queue_timeout_s: how long a request waits in the queue.
    leases, journal: where leases and the state of credentials are kept; in this process
        by default.
    """

    def __init__(
        self,
        identify: Callable[[str], Identity | None],
        queue_timeout_s: float = 15.0,
        leases: Leases | None = None,
        journal: Journal = NO_JOURNAL,
    ) -> None:
        self.identify = identify
        self._queue_timeout_s = queue_timeout_s
        self._lock = threading.Lock()
        self._queue = WaitQueue() if leases is None else leases
        self._journal = journal
        self._accounts: tuple[Account, ...] = ()
        self._kinds: Collection[str] = ()
        self._client_credentials: OrderedDict[str, ClientCredential] = OrderedDict()
        self._slots: WeakValueDictionary[str, Slot] = WeakValueDictionary()

    @property
    def accounts(self) -> Sequence[Account]:
        """Accounts of the owner."""
        return self._accounts

    @property
    def in_use(self) -> int:
        """Number of leased accounts, those of clients included."""
        return self._queue.in_use

    @property
    def waiting(self) -> int:
        """Number of requests in the queue."""
        return len(self._queue)

    def account(self, key: str) -> Account | None:
        """Return the pool's account with the Identity.account *key*, None for none."""
        matches = (each for each in self._accounts if each.identity.account == key)
        return next(matches, None)

    def set_credentials(self, credentials: Iterable[tuple[str, str]]) -> list[str]:
        """Replace the pool's accounts by those of *credentials*, each with its source.

        An account that stays keeps its state; a new token begins with a fresh one.
        returns: the sources of invalid credentials.
        """
        invalid_sources: list[str] = []
        best: dict[str, PoolCredential] = {}
        for token, source in credentials:
            identity = self.identify(token)
            if identity is None:
                invalid_sources.append(source)
                continue
            credential = PoolCredential(token, identity, source)
            other = best.setdefault(identity.account, credential)
            best[identity.account] = max(other, credential, key=self._worth)
        with self._lock:
            self._accounts = tuple(map(self._updated, best.values()))
            self._kinds = frozenset(account.kind for account in self._accounts)
        self._queue.dispatch()
        self._queue.notify()
        return invalid_sources

    def all_accounts(self) -> Candidates:
        """Return all accounts of the pool, including those added later."""
        return Candidates(
            lambda: self._accounts, from_caller=False, kinds=lambda: self._kinds
        )

    def caller_accounts(self, tokens: Sequence[str]) -> Candidates | None:
        """Return the accounts of the tokens that a client sent, each once.

        returns: None when one of them is not a credential.
        """
        tokens = list(dict.fromkeys(tokens))
        identities = [
            identity for token in tokens if (identity := self.identify(token))
        ]
        if not tokens or len(identities) < len(tokens):
            return None
        with self._lock:
            accounts = [
                self._client_account(token, identity)
                for token, identity in zip(tokens, identities, strict=True)
            ]
        return Candidates(lambda: accounts, from_caller=True)

    def ticket(self) -> int:
        """Return a place in the queue: later requests get higher ones."""
        return self._queue.ticket()

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
        use: the purpose the account is needed for.
        raises: AccountsBusy when none came free in time; when all are cooling down, the
            failure of the first that will be available again (UpstreamBusy,
            RateLimited, QuotaExhausted); Unauthorized or NoLiveAccount when none is
            alive; ShuttingDown, ClientDisconnected, PoolUnavailable.
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
        """Wait for an account. wait_s: None for the queue timeout."""
        wait_s = self._queue_timeout_s if wait_s is None else wait_s
        live = waiter.candidates.live()
        may_be_unread = not live and self.process  # another process adds accounts, too
        cooldowns_s = (account.cooldown_s(waiter.use) for account in live)
        if all(seconds > wait_s for seconds in cooldowns_s) and not may_be_unread:
            wait_s = 0  # none becomes available in time
        return self._queue.acquire(waiter, watch, wait_s)

    def check_lease(self, account: Account) -> None:
        """Raise LeaseLost if *account* may have been leased to another process.

        Call it before each piece that is sent, before a renewal, and before a failure
        is held against the account: the process may have been stopped.
        """
        self._queue.check(account)

    def refresh(self) -> None:
        """Read which accounts are leased by any process. raises: PoolUnavailable."""
        self._queue.observe(self._accounts)

    def holders(self, account: Account) -> Sequence[str]:
        """Return the names of the processes that lease an account, as last read."""
        return self._queue.holders(account)

    @property
    def process(self) -> str:
        """Name of this process, "" if no other one shares the pool."""
        return self._queue.process

    def check_available(self) -> None:
        """Raise PoolUnavailable if no account can be leased for now."""
        self._queue.check_available()

    def start(self) -> None:
        """Start the background work, if there is any."""
        self._queue.start()

    def client_credential(self, token: str) -> ClientCredential | None:
        """Return the memory of a credential that a client has sent before, if any."""
        return self._client_credentials.get(token)

    def is_shared(self, account: Account) -> bool:
        """Return whether other requests may need the slot of a client's account."""
        if account.identity.capacity is None:
            return False
        if self._queue.process:
            return True
        pooled = any(each.slot is account.slot for each in self._accounts)
        return pooled or account.slot.busy > 0

    def rivals(self, account: Account) -> Sequence[Account]:
        """Return the leases of the same slot by other unproven credentials."""
        unproven = self._queue.unproven(account.slot)
        return [other for other in unproven if other.token != account.token]

    def prove(self, account: Account) -> None:
        """Record that the service has accepted the account's credential."""
        if client_credential := account.client_credential:
            client_credential.proven, client_credential.suspect = True, False
            self._queue.prove(account.token)

    def reject(self, account: Account, reason: str) -> None:
        """Record that the service no longer accepts the account's credential."""
        if account.client_credential:
            account.client_credential.proven = False
        account.rejected(reason)
        if not account.client_credential:
            self._journal.rejected(account)
        self._queue.notify()

    def close(self) -> None:
        """Lease no account any more; waiting requests fail with ShuttingDown."""
        self._queue.close()

    def idle(self, wait_s: float) -> bool:
        """Wait *wait_s* at most until nothing is leased and the queue is empty."""
        return self._queue.idle(wait_s)

    def _unserved(self, candidates: Candidates, use: Use) -> GatewayError:
        if self._queue.closed:
            return shutting_down_error()
        return no_account_error(candidates, use)

    def _worth(self, credential: PoolCredential) -> tuple[bool, float]:
        """Return a sort key: of an account's tokens, a live one that expires last."""
        account = self.account(credential.identity.account)
        same = account is not None and account.token == credential.token
        return not (
            same and account and account.dead
        ), credential.identity.expires_at or 0

    def _updated(self, credential: PoolCredential) -> Account:
        """Return the credential's account, which is updated or created."""
        token, identity, source = credential
        if account := self.account(identity.account):
            account.replace_token(token, identity, source)
            return account
        slot = self._slot(identity)
        return Account(token, identity, slot, Cooldowns(), source, None, self._journal)

    def _slot(self, identity: Identity) -> Slot:
        """Return the slot of an account, shared by all its credentials."""
        slot = self._slots.get(identity.account) or Slot(identity.capacity)
        return self._slots.setdefault(identity.account, slot)

    def _client_account(self, token: str, identity: Identity) -> Account:
        """Return an account for one request, with the state of its credential."""
        client_credential = self._client_credentials.get(token) or ClientCredential(
            self._slot(identity)
        )
        self._client_credentials[token] = client_credential
        self._client_credentials.move_to_end(token)
        if len(self._client_credentials) > MAX_CLIENT_CREDENTIALS:
            self._client_credentials.popitem(last=False)
        slot, cooldowns = client_credential.slot, client_credential.cooldowns
        return Account(
            token,
            identity,
            slot,
            cooldowns,
            "caller",
            client_credential,
            self._journal,
        )
