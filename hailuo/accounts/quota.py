"""QuotaPoller: asks what is left of the plans of the pool's accounts.

It does so in the background, every ten minutes and account: no request waits for it. Of
processes that share their pool, one asks for all. Accounts of clients are not asked
for. A service that does not say, or fails, leaves the quota unknown.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from ..errors import GatewayError, PoolUnavailable
from ..upstream import Quota, Upstream
from .account import Account
from .pool import Pool

INTERVAL_S = 600.0  # between two questions for one account
RECHECK_S = 60.0  # whether the process that asked last still does
POLL_INTERVAL_S = 2.0  # between checks for accounts that are due

log = logging.getLogger(__name__)


class QuotaPoller:
    """Keeps the quota of the pool's accounts up to date.

    clock: returns seconds that never jump.
    """

    def __init__(
        self,
        pool: Pool,
        upstreams: Mapping[str, Upstream],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._upstreams = upstreams
        self._clock = clock
        self._next_at: dict[str, float] = {}  # by token: it may leave and come back

    def start(self) -> None:
        """Start the thread, which runs as long as the process."""
        threading.Thread(target=self._run, daemon=True, name="quota").start()

    def poll(self) -> None:
        """Ask for the quota of the accounts that are due. raises: PoolUnavailable."""
        now = self._clock()
        self._next_at = {token: at for token, at in self._next_at.items() if at > now}
        for account in self._pool.accounts:
            is_due = account.token not in self._next_at
            if is_due and account.identity.has_plan and not account.dead:
                self._ask(account)

    def _run(self) -> None:
        while True:
            try:
                self.poll()
            except PoolUnavailable:
                pass  # it is reported elsewhere, and this can wait
            except Exception:  # noqa: BLE001 - the thread survives every error
                log.exception("no quota was asked for")
            time.sleep(POLL_INTERVAL_S)

    def _ask(self, account: Account) -> None:
        """Ask for one quota, unless another process has. raises: PoolUnavailable."""
        token, since = account.token, time.monotonic()
        is_first = account.may_ask_quota(INTERVAL_S)
        self._next_at[token] = self._clock() + (INTERVAL_S if is_first else RECHECK_S)
        if not is_first:
            return
        quota = self._quota(account)
        if account.token == token:
            account.told_quota(quota, since)

    def _quota(self, account: Account) -> Quota | None:
        try:
            return self._upstreams[account.kind].quota(account)
        except GatewayError as error:
            log.debug("the quota of account %s is unknown: %s", account.name, error)
            return None
