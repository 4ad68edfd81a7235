"""Renewing tokens on time, one account after the other.

A `_token` lives about 40 days, and a renewal makes the old one useless. So the file is
proven writable before the service is asked, and the new token is on disk before
anything else happens; should that fail all the same, it is used from memory, and said
once a minute. Only accounts of the file are renewed: a new
token for one of the environment would be lost at the next restart.

    refresh = Refresh(pool, credentials, upstreams, 604_800, metrics)
    refresh.start()          # once, in wsgi.py: the timer
    outcome = refresh.now()  # by hand; a second call joins the first
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ..concurrency.cache import SingleFlightCache
from ..concurrency.watch import Watch
from ..errors import AccountsBusy, GatewayError, TokenRejected
from ..metrics import Metrics
from ..upstream import Upstream
from .account import Account, Candidates
from .credential_store import CredentialStore
from .pool import Pool
from .renewal_schedule import Schedule, renewable
from .tokens_file import Unwritable

SOON_S = 60.0  # after an answer that did not end in time, or a full disk
WAIT_S = 60.0  # how long the end of an answer is waited for
LOOK_S = 2.0  # how often the file is looked at, and what is due
UNKEPT_LOG_S = 60.0  # how often it is said that a token is in memory only

log = logging.getLogger(__name__)


class Renewal(NamedTuple):
    """What became of one account; *error* is "" when it was renewed and is on disk."""

    account: str
    error: str


class Outcome(NamedTuple):
    """A refresh: when it ended, in Unix seconds, and what became of each account."""

    at: float
    renewals: Sequence[Renewal]

    @property
    def failed(self) -> int:
        return sum(bool(renewal.error) for renewal in self.renewals)


class TokenRefresher:
    """Renews what is due, keeps the last outcome, and takes over edits by hand.

    interval_s: seconds between renewals; 0 for never.
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
        self._schedule = Schedule(interval_s)
        self._metrics = metrics
        self._one_at_a_time = (
            threading.Lock()
        )  # one renewal after the other, whoever asks
        # A call joins the refresh that runs; no outcome is kept behind its end.
        self._runs = SingleFlightCache(lambda _: self._renew_all(self._all), 0)
        self._warned: set[str] = set()
        self._unkept_said_at = -math.inf
        self.last: Outcome | None = None

    def start(self) -> None:
        """Begin looking at the clock and at the file, for as long as we live."""
        threading.Thread(target=self._tick, daemon=True, name="refresh").start()

    def now(self, watch: Watch | None = None) -> Outcome:
        """Renew every account, or join those who are at it.

        watch: of the client that waits; the renewal goes on without it.
        raises: TokensFileInvalid when the file cannot be changed; ClientDisconnected.
        """
        return self._runs.get("all", watch)

    def due_at(self, account: Account) -> float | None:
        """When it is renewed next, in Unix seconds; None for never."""
        return self._schedule.due_at(account)

    def ends_soon(self, account: Account) -> bool:
        """Whether its token ends within three days and nobody renews it."""
        return self._schedule.ends_soon(account)

    def _tick(self) -> None:
        while True:
            time.sleep(LOOK_S)
            try:
                self._credentials.poll_file()
                self._warn_of_ends()
                self._warn_of_unkept()
                if not self._credentials.file.problem and self._due():
                    self._renew_all(self._due)
            except GatewayError as error:
                log.error("no token was renewed: %s", error)
            except Exception:  # noqa: BLE001 - the timer survives every error
                log.exception("the refresh failed")

    def _due(self) -> list[Account]:
        left = ((each, self._schedule.left_s(each)) for each in self._pool.accounts)
        return [
            account
            for account, left_s in left
            if not account.dead and left_s is not None and left_s <= 0
        ]

    def _all(self) -> list[Account]:
        return [account for account in self._pool.accounts if renewable(account)]

    def _renew_all(self, chosen: Callable[[], Sequence[Account]]) -> Outcome:
        """chosen: those to renew, when their turn has come and the file is read.

        raises: Invalid when the file could not hold what is renewed.
        """
        with self._one_at_a_time:
            self._credentials.reload()
            renewals = [
                self._renew(account)
                for account in chosen()
                if account in self._pool.accounts  # still: others come before it
            ]
            for renewal in renewals:
                self._metrics.count_renewal(ok=not renewal.error)
            self.last = Outcome(time.time(), renewals)
            return self.last

    def _renew(self, account: Account) -> Renewal:
        """One account, lent so that it is not answering meanwhile."""
        try:
            error = self._renew_lent(account)
        except Exception as failure:  # noqa: BLE001 - one failure stops nobody
            return self._failed(account, failure)
        self._schedule.renewed(account)
        return Renewal(account.name, error)

    def _failed(self, account: Account, error: Exception) -> Renewal:
        ours = not isinstance(error, GatewayError)
        log.error("account %s was not renewed: %s", account.name, error, exc_info=ours)
        if isinstance(error, (AccountsBusy, Unwritable)):
            self._schedule.retry(account, SOON_S)
        else:
            self._schedule.retry(account)
        return Renewal(account.name, "an internal error" if ours else str(error))

    def _renew_lent(self, account: Account) -> str:
        """Return what is wrong although it was renewed: it could not be written."""
        if account.dead:
            raise TokenRejected(f"its token was rejected: {account.last_error}")
        only = Candidates(lambda: [account], from_caller=False)
        # As one that was tried, it is leased although it may be cooling down.
        lease = self._pool.lease(only, Watch(), plan=[(only, WAIT_S)], tried=[account])
        with lease:
            self._credentials.reload()  # what is renewed must have a place to be kept
            with self._credentials.file.reserve():
                old = account.token
                try:
                    token = self._upstreams[account.kind].renew(account)
                except TokenRejected as error:
                    self._pool.reject(account, error.message)
                    raise
                if self._credentials.renewed(old, token):
                    return ""
        self._warn_of_unkept()
        return f"its new token is in memory only: {self._credentials.file.unkept}"

    def _warn_of_unkept(self) -> None:
        """Say it every minute while a token would be lost with this process."""
        now, why = time.monotonic(), self._credentials.file.unkept
        if why and now - self._unkept_said_at >= UNKEPT_LOG_S:
            self._unkept_said_at = now
            log.error("new tokens are in memory only and lost with it: %s", why)

    def _warn_of_ends(self) -> None:
        """Say it once, three days before a token ends that nobody renews."""
        for account in self._pool.accounts:
            if self.ends_soon(account) and account.token not in self._warned:
                self._warned.add(account.token)
                log.warning(
                    "the token of account %s, from the %s, ends within three days "
                    "and is not renewed",
                    account.name,
                    account.source,
                )
