"""SharedLeases: leases and the queue of a pool that several processes share.

A request asks Redis for a lease with one call; where none is free it is in the queue
when the call returns. It asks again when it is woken, because it was granted one, and
now and then by itself, so that a message that is lost costs seconds and no more.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

from ...concurrency.watch import Watch
from ...errors import LeaseLost, PoolUnavailable
from ..account import Account, Slot
from ..wait_queue import Waiter
from .acquisition import Entry, Held, Scopes, acquisition, leased, slot_of
from .client import SharedClient
from .clock import SharedClock, awake
from .local_copy import LocalCopy
from .outbox import Outbox

MIN_PAUSE_S = 0.02


class SharedLeases:
    """Leases (interfaces.py) that are kept in Redis.

    entries: this process's requests that ask or wait for a lease, by their ids.
    attempted_at: when leases were last renewed, or it failed, on the clock of awake().
    failing: whether that call failed.
    """

    def __init__(
        self,
        client: SharedClient,
        outbox: Outbox,
        copy: LocalCopy,
        clock: SharedClock,
    ) -> None:
        self._client = client
        self._outbox = outbox
        self._copy = copy
        self._clock = clock
        self._scopes = Scopes()
        self._numbers = itertools.count(1)
        self._last_ticket = 0
        self._holders: dict[str, Sequence[str]] = {}
        self.entries: dict[str, Entry] = {}
        self._held: dict[Account, list[Held]] = {}
        self.in_use = 0
        self.closed = False
        self.attempted_at = awake()
        self.failing = False
        self.on_start: Callable[[], None] = lambda: None

    @property
    def process(self) -> str:
        """This process's name."""
        return self._client.process

    def __len__(self) -> int:
        return sum(entry.queued for entry in self.entries.values())

    def ticket(self) -> int:
        """Return a place in the queue: Redis' time in microseconds, and unique here."""
        now_us = int(1000 * self._clock.shared_ms(time.monotonic()))
        self._last_ticket = max(self._last_ticket + 1, now_us)
        return self._last_ticket

    def acquire(self, waiter: Waiter, watch: Watch, wait_s: float) -> Account | None:
        """Wait *wait_s* at most for an account; return None when none came free.

        raises: ClientDisconnected, PoolUnavailable; the place in the queue is given up.
        """
        entry = Entry(waiter, wait_s > 0)
        account = None
        self._enter(entry)
        try:
            account = self._wait(entry, watch, time.monotonic() + wait_s)
        finally:
            del self.entries[entry.id]
            if account is None and (entry.queued or entry.asked):
                self._leave(entry)
        if account:
            self._read_renewed_token(account)
        return account

    def _enter(self, entry: Entry) -> None:
        """Give an entry a new id."""
        entry.id = f"{self.process}/{next(self._numbers)}"
        self.entries[entry.id] = entry

    @property
    def held(self) -> list[Held]:
        """Leases of this process."""
        return [held for leases in self._held.values() for held in leases]

    def release(self, account: Account) -> None:
        """Release an account; the first waiter that may use it gets it."""
        held = self._held[account].pop()
        if not self._held[account]:
            del self._held[account]
        self.in_use -= 1
        account.slot.release(held.unproven)
        self._outbox.add({"op": "release", "slot": held.slot, "id": held.id})
        self._outbox.flush()

    def check(self, account: Account) -> None:
        """Raise LeaseLost if the lease has ended without being renewed.

        An answer goes on while Redis cannot be reached: then nobody can lease the
        account. But a process that was stopped does not know what happened meanwhile.
        """
        now = awake()
        for held in self._held.get(account, ()):
            if now > held.ends_at and not self.is_awake(now):
                self.lose(held)
            if held.lost:
                raise LeaseLost(
                    "another process may use the account by now, so the answer is "
                    "not continued: send the request again",
                    retry_after_s=0,
                )

    def is_awake(self, now: float) -> bool:
        """Return whether leases end because Redis fails, not because we were stopped.

        now: on the clock of clock.awake.
        """
        recently = now - self.attempted_at <= self._client.timings.awake_s
        return self.failing and recently

    def lose(self, held: Held) -> None:
        """Mark a lease as lost, once. An account without a limit cannot be lost."""
        if not held.lost and held.account.identity.capacity is not None:
            held.lost = True
            self._client.metrics.count_lost_lease()

    def check_available(self) -> None:
        """Raise PoolUnavailable if Redis cannot be reached."""
        self._client.check_available()

    def unproven(self, slot: Slot) -> list[Account]:
        """Return this process's leases of *slot* whose credential is unproven."""
        return [
            held.account
            for held in self.held
            if held.unproven and held.account.slot is slot
        ]

    def prove(self, token: str) -> None:
        """Count the leases of a credential as proven: they block other requests."""
        for held in self.held:
            if held.unproven and held.account.token == token:
                held.unproven = False
                held.account.slot.confirm()
                self._outbox.add({"op": "prove", "slot": held.slot, "id": held.id})
        self._outbox.flush()

    def dispatch(self) -> None:
        """Have the waiters ask again, since there may be more accounts."""
        for entry in list(self.entries.values()):
            entry.woken.set()

    def notify(self) -> None:
        """Wake the waiters that can never be served."""
        for entry in list(self.entries.values()):
            if self.closed or not entry.waiter.candidates.live():
                entry.woken.set()

    def observe(self, accounts: Sequence[Account]) -> None:
        """Read who leases *accounts*, and their state. raises: PoolUnavailable."""
        self._copy.load_states(accounts)
        slots = [slot_of(account) for account in accounts]
        (seen,) = self._client.run({"op": "snapshot", "slots": slots})
        for account, slot in zip(accounts, slots, strict=True):
            ids = list(seen["leases"].get(slot, ()))
            self._holders[slot] = sorted({id.rpartition("/")[0] for id in ids})
            account.slot.observe(max(0, len(ids) - account.slot.busy))
            if used_ms := seen["used"].get(slot):
                account.slot.used_at = self._clock.local_s(used_ms)

    def holders(self, account: Account) -> Sequence[str]:
        """Return the names of the processes that lease an account, as last read."""
        return self._holders.get(slot_of(account), ())

    def start(self) -> None:
        """Start the background work."""
        self.on_start()

    def close(self) -> None:
        """Lease no account any more."""
        self.closed = True
        self.notify()

    def idle(self, wait_s: float) -> bool:
        """Wait *wait_s* at most until nothing is leased and nobody waits."""
        until = time.monotonic() + wait_s
        while (self.in_use or self.entries) and time.monotonic() < until:
            time.sleep(0.05)
        return not self.in_use and not self.entries

    def _wait(self, entry: Entry, watch: Watch, until: float) -> Account | None:
        """Ask for a lease until there is one. raises: as acquire()."""
        while not self.closed:
            entry.woken.clear()
            account, retry_s = self._ask(entry)
            if account:
                return account
            left_s = until - time.monotonic()
            if left_s <= 0 or not entry.waiter.candidates.live():
                break
            pause_s = min(entry.waiter.pause_s(until), retry_s or left_s)
            entry.woken.wait(max(MIN_PAUSE_S, pause_s))
            watch.raise_if_disconnected()
        return None

    def _ask(self, entry: Entry) -> tuple[Account | None, float]:
        """Ask Redis once; return the account, and seconds after which to ask again.

        raises: PoolUnavailable.
        """
        candidates = entry.waiter.candidates
        live = candidates.live()
        if not live and not candidates.from_caller:
            self._copy.load()  # another process may have added some just now
            live = candidates.live()
        if not live:
            return None, 0
        entry.asked = live
        asked_at = awake()
        reply = self._acquired(entry, live)
        lease = reply.get("lease")
        if lease is None:
            entry.asked, entry.queued = (), entry.waits
            return None, reply["wait_ms"] / 1000
        account = leased(lease, live)
        ends_at = asked_at + self._client.timings.lease_s
        if account is None or awake() > ends_at or self._is_answering(account):
            self._refuse(entry, lease)
            return None, self._client.timings.tick_s
        held = Held(entry.id, account, lease, ends_at)
        self._held.setdefault(account, []).append(held)
        self.in_use += 1
        account.slot.acquire(held.unproven)
        return account, 0

    def _is_answering(self, account: Account) -> bool:
        """Return whether an earlier answer of this process still has the account.

        Its lease is lost then, or there would be no new one. It has to end first: two
        leases of an account could not be told apart.
        """
        earlier = self._held.get(account, ())
        if len(earlier) < account.slot.capacity:
            return False
        for held in earlier:
            self.lose(held)
        return True

    def _refuse(self, entry: Entry, lease: Any) -> None:
        """Give back a lease that cannot be used, and start afresh.

        The release may reach Redis late; the entry's next lease must not end by it.
        """
        self._outbox.add({"op": "release", "slot": lease["slot"], "id": entry.id})
        self._outbox.flush()
        del self.entries[entry.id]
        entry.asked, entry.queued = (), False
        self._enter(entry)

    def _acquired(self, entry: Entry, live: Sequence[Account]) -> Any:
        """Return the script's reply, which names candidates that it does not know."""
        scope = self._scopes.scope(live)
        operation = acquisition(entry, live, scope, self.process)
        sent_at = time.perf_counter()
        (reply,) = self._client.run(operation)
        self._client.metrics.observe_acquire(time.perf_counter() - sent_at)
        if "needs_text" in reply:
            (reply,) = self._client.run({**operation, "text": scope.text})
        return reply

    def _read_renewed_token(self, account: Account) -> None:
        """Read the pool's tokens if another process has renewed the account's."""
        held = self._held[account][-1]
        is_pooled = account.client_credential is None
        if not is_pooled or held.version <= self._copy.version_of(held.slot):
            return
        try:
            self._copy.load()
        except PoolUnavailable:
            pass  # the old token may do; if it does not, it is rejected
        except BaseException:
            self.release(account)
            raise

    def _leave(self, entry: Entry) -> None:
        """Give up a place in the queue, and whatever was granted meanwhile."""
        operation: dict[str, Any] = {"op": "leave", "id": entry.id}
        if entry.asked:
            operation["slots"] = [slot_of(account) for account in entry.asked]
        self._outbox.add(operation)
        self._outbox.flush()
