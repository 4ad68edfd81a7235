"""FIFO queue of requests that wait for an account.

An account for which a request waits is never idle: when it is released, it goes to the
first waiter that may use it. Of several idle accounts the least recently used one is
chosen. Each waiter has its own event: with one condition for all, 2,000 of them would
wake for every account that is released.
"""

import bisect
import itertools
import threading
import time
from collections.abc import Collection, Sequence
from operator import attrgetter

from ..concurrency.watch import Watch
from .account import CHAT, Account, Slot, Use
from .candidates import Candidates

POLL_INTERVAL_S = 5.0  # how often a waiter checks that its client is still connected

_last_use = attrgetter("slot.used_at")


class Waiter:
    """A request that waits for an account.

    candidates: the accounts that it may use.
    ticket: its place in the queue.
    tried: accounts that were leased for it before; others are preferred.
    use: the purpose it needs the account for.
    """

    def __init__(
        self,
        candidates: Candidates,
        ticket: int,
        tried: Collection[Account] = (),
        use: Use = CHAT,
    ) -> None:
        self.candidates = candidates
        self.ticket = ticket
        self.account: Account | None = None
        self.woken = threading.Event()
        self.tried = tried
        self.use = use

    def pick(self, slot: Slot | None = None) -> Account | None:
        """Return the account to lease now, None for none.

        slot: the only slot that the account may have, None for any.
        A single live account may be used again during its cooldown. An account whose
        credential is unproven takes no slot that is in use.
        """
        live = self.candidates.live()
        usable = [
            account
            for account in live
            if account.slot.free
            and (slot is None or account.slot is slot)
            and not (account.unproven and account.slot.busy >= account.slot.capacity)
            and (
                not account.cooldown_s(self.use)
                or (account in self.tried and len(live) == 1)
            )
        ]
        untried = [account for account in usable if account not in self.tried]
        return min(untried or usable, key=_last_use, default=None)

    def pause_s(self, until: float) -> float:
        """Return the seconds until the next check, or the end of a cooldown."""
        live = self.candidates.live()
        cooldowns = [account.cooldown_s(self.use) for account in live]
        first_s = min(filter(None, cooldowns), default=POLL_INTERVAL_S)
        return max(0.0, min(until - time.monotonic(), first_s, POLL_INTERVAL_S))


class WaitQueue:
    """Waiters in the order of their tickets, and the accounts in use.

    It implements Leases for a pool that no other process shares.

    in_use: the number of accounts that are leased.
    closed: whether no account is leased any more.
    """

    process = ""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tickets = itertools.count(1)
        self._waiters: list[Waiter] = []
        self._unproven: list[Account] = []  # leased, and so at the time
        self.in_use = 0
        self.closed = False

    def __len__(self) -> int:
        return len(self._waiters)

    def ticket(self) -> int:
        """Return a place in the queue."""
        return next(self._tickets)

    def acquire(self, waiter: Waiter, watch: Watch, wait_s: float) -> Account | None:
        """Wait *wait_s* at most for an account; return None when none came free.

        raises: ClientDisconnected; the place in the queue is given up.
        """
        until = time.monotonic() + wait_s
        with self._lock:
            if self.closed:
                return None
            bisect.insort(self._waiters, waiter, key=lambda each: each.ticket)
            if len(self._waiters) == 1 or waiter.pick():
                self._dispatch_all()
            if waiter.account:
                return waiter.account
        try:
            while not waiter.woken.wait(waiter.pause_s(until)):
                watch.raise_if_disconnected()
                if waiter.pick():  # a cooldown is over
                    self.dispatch()
                if not waiter.candidates.live() or time.monotonic() >= until:
                    break
            watch.raise_if_disconnected()
        except BaseException:
            if account := self._leave(waiter):
                self.release(account)
            raise
        return self._leave(waiter)

    def release(self, account: Account) -> None:
        """Release an account; the first waiter that may use it gets it.

        A waiter with an unproven credential does not keep it from those behind.
        """
        with self._lock:
            if unproven := account in self._unproven:
                self._unproven.remove(account)
            account.slot.release(unproven)
            self.in_use -= 1
            for waiter in list(self._waiters):
                if self._dispatch(waiter, account.slot):
                    self._waiters.remove(waiter)
                    if waiter.account and not waiter.account.unproven:
                        return

    def check(self, account: Account) -> None:
        """Do nothing: nobody else can lease the account."""

    def check_available(self) -> None:
        """Do nothing: memory is always there."""

    def observe(self, accounts: Sequence[Account]) -> None:
        """Do nothing: no other process leases the accounts."""

    def holders(self, account: Account) -> Sequence[str]:
        """Return no process."""
        return ()

    def start(self) -> None:
        """Do nothing: there is no background work."""

    def unproven(self, slot: Slot) -> list[Account]:
        """Return the leased accounts of *slot* whose credential is unproven."""
        return [account for account in self._unproven if account.slot is slot]

    def prove(self, token: str) -> None:
        """Count the leases of a credential as proven: they block other requests."""
        with self._lock:
            for account in list(self._unproven):
                if account.token == token:
                    self._unproven.remove(account)
                    account.slot.confirm()

    def dispatch(self) -> None:
        """Lease available accounts to the waiters, in order; call it when more are."""
        with self._lock:
            self._dispatch_all()

    def notify(self) -> None:
        """Wake the waiters that can never be served."""
        with self._lock:
            for waiter in self._waiters:
                if self.closed or not waiter.candidates.live():
                    waiter.woken.set()

    def close(self) -> None:
        """Lease no account any more."""
        with self._lock:
            self.closed = True
        self.notify()

    def idle(self, wait_s: float) -> bool:
        """Wait *wait_s* at most until nothing is leased and the queue is empty."""
        until = time.monotonic() + wait_s
        while (self.in_use or self._waiters) and time.monotonic() < until:
            time.sleep(0.05)
        return not self.in_use and not self._waiters

    def _dispatch_all(self) -> None:
        self._waiters = [
            waiter for waiter in self._waiters if not self._dispatch(waiter)
        ]

    def _dispatch(self, waiter: Waiter, slot: Slot | None = None) -> bool:
        account = None if self.closed else waiter.pick(slot)
        if account is None:
            return False
        self.in_use += 1
        if account.unproven:
            self._unproven.append(account)
        account.slot.acquire(account.unproven)
        waiter.account = account
        waiter.woken.set()
        return True

    def _leave(self, waiter: Waiter) -> Account | None:
        with self._lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            return waiter.account
