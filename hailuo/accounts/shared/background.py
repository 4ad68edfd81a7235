"""BackgroundWork: the threads of a process that shares its pool.

One thread renews the process's leases and its places in the queue, and reads what other
processes have changed; another one waits for messages to its waiters.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from ...errors import PoolUnavailable
from .acquisition import Held
from .client import Operation, SharedClient
from .clock import SharedClock, awake
from .leases import SharedLeases
from .local_copy import LocalCopy
from .outbox import Outbox
from .timings import COMMAND_S

LEASES_PER_CALL = 500

log = logging.getLogger(__name__)


class BackgroundWork:
    """Keeps what a process holds, and keeps the process informed.

    passengers: each returns operations of others that go along with the next call.
    """

    def __init__(
        self,
        client: SharedClient,
        outbox: Outbox,
        copy: LocalCopy,
        leases: SharedLeases,
        clock: SharedClock,
    ) -> None:
        self._client = client
        self._outbox = outbox
        self._copy = copy
        self._leases = leases
        self._clock = clock
        self._renewed_at = awake()
        self._failures = client.failures
        self._is_policy_checked = False
        self.passengers: list[Callable[[], Sequence[Operation]]] = []

    def start(self) -> None:
        """Start the threads, which run as long as the process."""
        for work in (self._keep, self._listen):
            threading.Thread(
                target=self._repeat, args=(work,), daemon=True, name="shared pool"
            ).start()

    def tick(self) -> None:
        """Renew what is due, and read what has changed."""
        now = awake()
        self._lose_ended(now)
        try:
            if not self._outbox.flush(urgent=True):
                self._client.check_available()
            self._renew(now)
            self._leases.failing = False
            if not self._is_policy_checked:
                self._client.warn_of_eviction()
                self._is_policy_checked = True
        except PoolUnavailable:
            self._leases.failing = True
            self._leases.dispatch()  # the waiters learn that nothing will come
        ended_at = awake()
        if ended_at - now > self._client.timings.awake_s:  # stopped in the meantime
            self._lose_ended(ended_at)
        self._leases.attempted_at = ended_at

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._is_over():
            try:
                work()
            except PoolUnavailable:
                time.sleep(self._client.timings.tick_s)
            except Exception:  # noqa: BLE001 - the thread survives every error
                log.exception("the background work of the shared pool failed")
                time.sleep(self._client.timings.tick_s)

    def _keep(self) -> None:
        self.tick()
        time.sleep(self._client.timings.tick_s)

    def _listen(self) -> None:
        """Wake the next waiter that was granted a lease."""
        id = self._client.pop(f"grants:{self._client.process}", COMMAND_S / 2)
        if id and (entry := self._leases.entries.get(id)):
            entry.woken.set()

    def _is_over(self) -> bool:
        return self._leases.closed and self._leases.idle(0)

    def _lose_ended(self, now: float) -> None:
        """Mark leases as lost that have ended, unless Redis is the reason."""
        if not self._leases.is_awake(now):
            for held in self._leases.held:
                if now > held.ends_at:
                    self._leases.lose(held)

    def _renew(self, now: float) -> None:
        """Renew leases once a third of their length is over. raises: PoolUnavailable.

        After a failure, or a loss of data in Redis, all are renewed at once. Places in
        the queue are shorter-lived, and renewed each time.
        """
        failures = self._client.failures
        is_due = now - self._renewed_at >= self._client.timings.renew_s
        if is_due or failures != self._failures:
            report = self._renew_leases(now)
        else:
            report = self._tick([])
            is_older = report["version"] < self._copy.version
            if is_older or report["epoch"] != self._copy.epoch:
                report = self._renew_leases(now)
        self._failures = failures
        for id in list(report["gone"]):
            if entry := self._leases.entries.get(id):
                entry.woken.set()  # to enter the queue again
        self._copy.update(report)

    def _renew_leases(self, now: float) -> Any:
        """Renew all leases; return the report of the last tick."""
        held = [each for each in self._leases.held if not each.lost]
        for first in range(0, max(1, len(held)), LEASES_PER_CALL):
            part = held[first : first + LEASES_PER_CALL]
            report = self._tick(part)
            for each in part:
                each.ends_at = now + self._client.timings.lease_s
                if each.id in report["lost"]:
                    self._leases.lose(each)
        self._renewed_at = now
        return report

    def _tick(self, leases: Sequence[Held]) -> Any:
        """Renew leases and places in the queue; return what has changed."""
        entries, sent_at = self._leases.entries.values(), time.monotonic()
        others = [each for passenger in self.passengers for each in passenger()]
        report, *_ = self._client.run(
            {
                "op": "tick",
                "leases": [held.description() for held in leases],
                "waiters": [entry.id for entry in entries if entry.queued],
                "version": self._copy.version,
            },
            *others,
            urgent=True,
        )
        self._clock.observe(int(report["now_us"]) / 1000, sent_at, time.monotonic())
        return report
