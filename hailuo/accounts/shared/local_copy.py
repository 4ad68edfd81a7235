"""LocalCopy: this process's copy of what the processes share.

What counts is decided in Redis. The copy serves what may be a second old: which
accounts there are, why one is not used, what to tell a client that was not served.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import orjson

from ... import errors
from ...errors import PoolUnavailable, UpstreamBusy, UpstreamError
from ...upstream import Quota
from ..account import Account
from ..cooldowns import Cooldown, Limit
from ..pool import Pool
from .client import SharedClient, fingerprint, pairs
from .clock import SharedClock

STATES_PER_CALL = 200
UNKNOWN = -1  # lower than every version

log = logging.getLogger(__name__)


class LocalCopy:
    """Copy of the pool's tokens and of the state of its credentials.

    tokens, versions: by the fingerprint of their account.
    renewed_ms: when a token was renewed last, on Redis' clock.
    epoch: a new one means that Redis has lost its data; None before the first reading.
    restore: writes to Redis what it does not know any more.
    lock: held while it changes, since a half restored pool must not be shown.
    """

    def __init__(self, client: SharedClient, clock: SharedClock) -> None:
        self._client = client
        self._clock = clock
        self.lock = threading.RLock()
        self._pool: Pool | None = None
        self._version = 0
        self.epoch: str | None = None
        self.tokens: Mapping[str, str] = {}
        self.versions: Mapping[str, int] = {}
        self.renewed_ms: Mapping[str, float] = {}
        self.restore: Callable[[], None] = self.read
        self.unkept: Mapping[str, str] = {}  # renewed tokens that Redis does not have

    def attach(self, pool: Pool) -> None:
        """Keep *pool* in step from now on."""
        self._pool = pool

    @property
    def version(self) -> int:
        """Number of the last change that it has."""
        return self._version

    def version_of(self, slot: str) -> int:
        """Return the version of an account's token, 0 if it never had one."""
        return self.versions.get(slot, 0)

    def update(self, report: Mapping[str, Any]) -> None:
        """Read what has changed according to the report of a tick.

        raises: PoolUnavailable.
        """
        self._observe(set(report["leased"]))
        with self.lock:
            changed = report.get("changed")
            is_known = changed is not None and "credentials" not in changed
            if report["epoch"] != self.epoch or report["version"] < self._version:
                self.load()
            elif report["version"] > self._version and is_known:
                self._load_states(set(changed or ()))
                self._version = report["version"]
            elif report["version"] > self._version:
                self.load()

    def load(self) -> None:
        """Read everything, and update the pool. raises: PoolUnavailable.

        If Redis has lost its data, or the latest changes, they are restored first, not
        taken over.
        """
        with self.lock:
            stored = self._stored()
            if stored["epoch"] != self.epoch or stored["version"] < self._version:
                self.restore()
                return
            self._adopt(stored)
            self.show()
            try:
                self._load_states()
            except PoolUnavailable:
                self._version = UNKNOWN
                raise

    def read(self) -> None:
        """Read the tokens, even if there are none any more. raises: PoolUnavailable."""
        self._adopt(self._stored())

    def _stored(self) -> Mapping[str, Any]:
        (stored,) = self._client.run({"op": "credentials"})
        return dict(stored)

    def _adopt(self, stored: Mapping[str, Any]) -> None:
        self.tokens = pairs(stored["tokens"])
        versions, renewed = pairs(stored["versions"]), pairs(stored["renewed"])
        self.versions = {slot: int(number) for slot, number in versions.items()}
        self.renewed_ms = {slot: float(at) for slot, at in renewed.items()}
        self._version, self.epoch = stored["version"], stored["epoch"]

    def show(self) -> None:
        """Set the pool's accounts."""
        if self._pool:
            tokens = {**self.tokens, **self.unkept}
            invalid = self._pool.set_credentials(
                (token, "shared") for token in tokens.values()
            )
            if invalid:
                log.warning("invalid credentials in the shared pool: %d", len(invalid))

    def load_states(self, accounts: Iterable[Account]) -> None:
        """Read the state of accounts. raises: PoolUnavailable."""
        by_digest: dict[str, list[Account]] = {}
        for account in accounts:
            by_digest.setdefault(fingerprint(account.token), []).append(account)
        digests = list(by_digest)
        for first in range(0, len(digests), STATES_PER_CALL):
            part = digests[first : first + STATES_PER_CALL]
            (states,) = self._client.run({"op": "states", "digests": part})
            for digest, state in zip(part, states, strict=True):
                for account in by_digest[digest]:
                    self._apply(account, pairs(state))

    def _load_states(self, changed: Collection[str] | None = None) -> None:
        """Read the state of the pool's accounts, or of those with changed digests."""
        accounts = self._pool.accounts if self._pool else ()
        self.load_states(
            account
            for account in accounts
            if changed is None or fingerprint(account.token) in changed
        )

    def _apply(self, account: Account, state: Mapping[str, str]) -> None:
        """Set the state of an account."""
        account.answer_count = int(state.get("answers", 0))
        account.last_error = state.get("last_error", "")
        account.dead = "dead" in state
        account.quota = _quota(state.get("quota"))
        account.cooldowns.replace(
            {
                _limit(name): self._cooldown(orjson.loads(text), until)
                for name, text in state.items()
                if name.startswith("cooldown:")
                and (until := state.get(name.replace("cooldown:", "until:", 1)))
            }
        )

    def _cooldown(self, shown: Mapping[str, Any], until_ms: str) -> Cooldown:
        return Cooldown(
            self._clock.local_s(shown["began"]),
            self._clock.local_s(float(until_ms)),
            shown["length_s"],
            _error(shown["error"]),
            shown["message"],
        )

    def _observe(self, leased: Collection[str]) -> None:
        """Note which of the pool's accounts other processes lease."""
        for account in self._pool.accounts if self._pool else ():
            slot = fingerprint(account.identity.account)
            elsewhere = slot in leased and not account.slot.busy
            account.slot.observe(int(elsewhere))


def _quota(text: str | None) -> Quota | None:
    """Return a quota; another version may know more of it."""
    shown = orjson.loads(text) if text else {}
    known = {name: shown[name] for name in Quota._fields if name in shown}
    return Quota(**known) if known else None


def _limit(name: str) -> Limit:
    """Return the limit of a field "cooldown:PURPOSE:MODEL"."""
    _, purpose, model = name.split(":", 2)
    return purpose, model


def _error(name: str) -> type[UpstreamError]:
    """Return the class of an error; another version may not have it."""
    error_class = getattr(errors, name, None)
    is_known = isinstance(error_class, type) and issubclass(error_class, UpstreamError)
    return error_class if is_known and error_class is not None else UpstreamBusy
