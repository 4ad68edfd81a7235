"""First come, first served: the line of requests that wait for an account.

While somebody waits for an account it is never idle: it is handed to the first in line
who may have it, the moment it comes back. Of several idle ones the least recently used
serves. Each waiter has an event of its own: with one condition for all, 2,000 of them
would wake for every account that comes back.
"""

import bisect
import threading
import time
from collections.abc import Collection
from operator import attrgetter

from ..concurrency.watch import Watch
from .account import CHAT, Account, Candidates, Slot, Use

POLL_INTERVAL_S = (
    5.0  # how often who is in line looks whether his caller is still there
)

_last_use = attrgetter("slot.used_at")


class Waiter:
    """A request that wants an account: where it stands, and what it may have.

    ticket: its place in line.
    tried: accounts it was lent before; others are better.
    use: what it wants the account for.
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
        self._tried = tried
        self.use = use

    def pick(self, slot: Slot | None = None) -> Account | None:
        """The account to have now, if there is one; with *slot*, only one that has it.

        An only account may be tried again although it was just sent to rest. One whose
        credential is unproven leaves its account to others.
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
                or (account in self._tried and len(live) == 1)
            )
        ]
        fresh = [each for each in usable if each not in self._tried]
        return min(fresh or usable, key=_last_use, default=None)

    def pause_s(self, until: float) -> float:
        """How long until it may be otherwise: a rest may end, a caller may leave."""
        rests = [account.cooldown_s(self.use) for account in self.candidates.live()]
        soon = min((left for left in rests if left), default=POLL_INTERVAL_S)
        return max(0.0, min(until - time.monotonic(), soon, POLL_INTERVAL_S))


class WaitQueue:
    """Everybody who waits, in the order of their tickets."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiters: list[Waiter] = []
        self._unproven: list[Account] = []  # lent while their credential was
        self.in_use = 0
        self.closed = False

    def __len__(self) -> int:
        return len(self._waiters)

    def acquire(self, waiter: Waiter, watch: Watch, wait_s: float) -> Account | None:
        """Wait for an account, *wait_s* at most; None when there was none to be had.

        What is idle although somebody waits (a rest has just ended) is his.
        raises: ClientDisconnected; the place in line is given up.
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
                if waiter.pick():  # a rest is over
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
        """An answer is over: the first who may have its account gets it.

        One whose credential is unproven does not keep it from those behind.
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

    def unproven(self, slot: Slot) -> list[Account]:
        """Return the accounts lent with *slot* whose credential is unproven."""
        return [each for each in self._unproven if each.slot is slot]

    def prove(self, token: str) -> None:
        """Have what is lent with this credential keep others waiting."""
        with self._lock:
            for account in [each for each in self._unproven if each.token == token]:
                self._unproven.remove(account)
                account.slot.confirm()

    def dispatch(self) -> None:
        """Something changed for the better: hand out what can be had, in order."""
        with self._lock:
            self._dispatch_all()

    def notify(self) -> None:
        """Something changed for the worse: who can never be served need not wait."""
        with self._lock:
            for waiter in self._waiters:
                if self.closed or not waiter.candidates.live():
                    waiter.woken.set()

    def close(self) -> None:
        """Nothing is lent any more."""
        with self._lock:
            self.closed = True
        self.notify()

    def idle(self, wait_s: float) -> bool:
        """Whether nothing is lent and nobody waits, within *wait_s*."""
        until = time.monotonic() + wait_s
        while (self.in_use or self._waiters) and time.monotonic() < until:
            time.sleep(0.05)
        return not self.in_use and not self._waiters

    def _dispatch_all(self) -> None:
        self._waiters = [each for each in self._waiters if not self._dispatch(each)]

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
