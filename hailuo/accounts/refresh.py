"""Renew tokens on time, one account after the other.

A `_token` lives about 40 days, and a renewal invalidates the old one. So the file is
proven writable before the service is asked, and the new token is on disk before it is
used; if that fails all the same, it is used from memory, and logged each minute. Only
accounts of the file are renewed: a new token for one of the environment would be lost
at the next restart.

    refresher = TokenRefresher(pool, credentials, upstreams, 604_800, metrics)
    refresher.start()          # once, in hailuo/wsgi.py: the timer
    outcome = refresher.now()  # by hand; a second call joins the first
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..concurrency.cache import SingleFlightCache
from ..concurrency.watch import Watch
from ..errors import (
    AccountsBusy,
    GatewayError,
    LeaseLost,
    PoolUnavailable,
    TokenRejected,
)
from ..metrics import Metrics
from ..upstream import Upstream
from .account import Account
from .candidates import Candidates
from .interfaces import CredentialStore
from .pool import Pool
from .renewal_schedule import Schedule, renewable
from .tokens_file import Unwritable

RETRY_SOON_S = 60.0  # after an answer that did not end in time, or a full disk
MAX_LEASE_WAIT_S = 60.0  # for the end of an answer
POLL_INTERVAL_S = 2.0  # between checks of the file and of due renewals
UNKEPT_LOG_INTERVAL_S = 60.0  # between warnings of a token in memory only

log = logging.getLogger(__name__)


class Renewal(NamedTuple):
    """Outcome for one account; *error* is "" when its new token is on disk."""

    account: str
    error: str


class Outcome(NamedTuple):
    """Outcome of a refresh: its end in Unix seconds, and one renewal an account."""

    at: float
    renewals: Sequence[Renewal]

    @property
    def failed(self) -> int:
        """Number of renewals that failed."""
        return sum(bool(renewal.error) for renewal in self.renewals)


class Progress(NamedTuple):
    """Number of accounts that a running refresh is done with, and of all it renews."""

    done: int
    total: int


class TokenRefresher:
    """Renews tokens that are due, and loads the file after edits by hand.

    interval_s: seconds between renewals; 0 for never.
    last: the outcome of the last refresh, None before the first.
    progress: of the refresh that runs, None if none does.
    """

    def __init__(
        self,
        pool: Pool,
        credentials: CredentialStore,
        upstreams: Mapping[str, Upstream],
        interval_s: float,
        metrics: Metrics,
    ) -> None:
        self._pool = pool
        self._credentials = credentials
        self._upstreams = upstreams
        self._schedule = Schedule(interval_s, renewed_at=credentials.renewed_at)
        self._metrics = metrics
        self._one_at_a_time = threading.Lock()
        # Calls join a running refresh; a lifetime of 0 keeps no outcome after its end.
        self._runs = SingleFlightCache(lambda _: self._renew_all(self._all), 0)
        self._warned: set[str] = set()
        self._unkept_logged_at = -math.inf
        self.last: Outcome | None = None
        self.progress: Progress | None = None

    def start(self) -> None:
        """Start the timer, which runs as long as the process."""
        threading.Thread(target=self._tick, daemon=True, name="refresh").start()

    def now(self, watch: Watch | None = None) -> Outcome:
        """Renew every account, or join the refresh that runs.

        watch: that of a client that waits; the refresh continues when it disconnects.
        raises: TokensFileInvalid or PoolUnavailable when the tokens cannot be changed;
            ClientDisconnected.
        """
        return self._runs.get("all", watch)

    def due_at(self, account: Account) -> float | None:
        """Return the time of the next renewal in Unix seconds, None for never."""
        return self._schedule.due_at(account)

    def ends_soon(self, account: Account) -> bool:
        """Return whether its token expires within three days without a renewal."""
        return self._schedule.ends_soon(account)

    def _tick(self) -> None:
        while True:
            time.sleep(POLL_INTERVAL_S)
            try:
                self._credentials.poll()
                self._warn_of_expiry()
                self._warn_of_unkept()
                if not self._credentials.unreadable and self._due():
                    self._renew_all(self._due)
            except GatewayError as error:
                log.error("no token was renewed: %s", error)
            except Exception:  # noqa: BLE001 - the timer survives every error
                log.exception("the refresh failed")

    def _due(self) -> list[Account]:
        return [
            account
            for account in self._pool.accounts
            if not account.dead
            and (left_s := self._schedule.left_s(account)) is not None
            and left_s <= 0
        ]

    def _all(self) -> list[Account]:
        return [account for account in self._pool.accounts if renewable(account)]

    def _renew_all(self, accounts_to_renew: Callable[[], Sequence[Account]]) -> Outcome:
        """Renew accounts, one after the other.

        accounts_to_renew: called when the file has been read.
        raises: TokensFileInvalid or PoolUnavailable when the tokens cannot be changed.
        """
        with self._one_at_a_time:
            self._credentials.reload()
            renewals = list(self._renew_each(accounts_to_renew()))
            for renewal in renewals:
                self._metrics.count_renewal(ok=not renewal.error)
            self.last = Outcome(time.time(), renewals)
            return self.last

    def _renew_each(self, accounts: Sequence[Account]) -> Iterator[Renewal]:
        """Renew accounts that have not been removed meanwhile; count the progress."""
        try:
            for number, account in enumerate(accounts):
                self.progress = Progress(number, len(accounts))
                if account in self._pool.accounts:
                    yield self._renew(account)
        finally:
            self.progress = None

    def _renew(self, account: Account) -> Renewal:
        """Renew one account, leased so that no answer runs meanwhile."""
        try:
            error = self._renew_leased(account)
        except Exception as failure:  # noqa: BLE001 - the others are renewed
            return self._failed(account, failure)
        self._schedule.renewed(account)
        return Renewal(account.name, error)

    def _failed(self, account: Account, error: Exception) -> Renewal:
        internal = not isinstance(error, GatewayError)
        log.error(
            "account %s was not renewed: %s", account.name, error, exc_info=internal
        )
        if isinstance(error, (AccountsBusy, LeaseLost, PoolUnavailable, Unwritable)):
            self._schedule.retry(account, RETRY_SOON_S)
        else:
            self._schedule.retry(account)
        return Renewal(account.name, "an internal error" if internal else str(error))

    def _renew_leased(self, account: Account) -> str:
        """Return why the new token could not be written, "" when it is on disk."""
        if account.dead:
            raise TokenRejected(f"its token was rejected: {account.last_error}")
        old = account.token
        candidates = Candidates(lambda: [account], from_caller=False)
        # An account that was tried before is leased during its cooldown, too.
        lease = self._pool.lease(
            candidates, Watch(), plan=[(candidates, MAX_LEASE_WAIT_S)], tried=[account]
        )
        with lease, self._credentials.renewal(account):
            if account.token != old:
                return ""  # another process was faster
            self._pool.check_lease(account)
            try:
                token = self._upstreams[account.kind].renew(account)
            except TokenRejected as error:
                if account.token != old:
                    return ""  # another process was faster, while this one was stopped
                self._pool.reject(account, error.message)
                raise
            if self._credentials.renewed(old, token):
                return ""
        self._warn_of_unkept()
        return f"its new token is in memory only: {self._credentials.unkept}"

    def _warn_of_unkept(self) -> None:
        """Log each minute while a new token would be lost with this process."""
        now, reason = time.monotonic(), self._credentials.unkept
        if reason and now - self._unkept_logged_at >= UNKEPT_LOG_INTERVAL_S:
            self._unkept_logged_at = now
            log.error("new tokens are in memory only and lost with it: %s", reason)

    def _warn_of_expiry(self) -> None:
        """Log once when a token expires within three days without a renewal."""
        for account in self._pool.accounts:
            if self.ends_soon(account) and account.token not in self._warned:
                self._warned.add(account.token)
                log.warning(
                    "the token of account %s, from the %s, expires within three days "
                    "and is not renewed",
                    account.name,
                    account.source,
                )
