"""SharedCredentialStore: the pool's tokens in Redis, changed by compare-and-set.

At the start, and after Redis has lost its data, the tokens of the file and the
environment are added to those in Redis: an account keeps the token that expires last,
and one that was replaced or removed does not come back. The file is not written.

A token that was renewed is written before anything else. While Redis cannot be reached
it is used from memory, and written later.
"""

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ...errors import AccountsBusy, PoolUnavailable
from ..account import Account
from ..credential_store import (
    count_outcomes,
    expires_at,
    identified,
    newest,
    outcome_of,
)
from ..interfaces import Added
from ..pool import Pool, PoolCredential
from ..tokens_file import TokensFile
from .acquisition import UNLIMITED
from .client import SharedClient, fingerprint
from .clock import SharedClock
from .local_copy import LocalCopy

LOCK_S = 180.0  # longer than a renewal takes, with all timeouts of its call
MAX_CONFLICTS = 20  # changes of the same token by others, before a change gives up

log = logging.getLogger(__name__)


class SharedCredentialStore:
    """Credentials that several processes share; a CredentialStore (interfaces.py).

    file, environment: credentials to be added at the start.
    """

    def __init__(
        self,
        pool: Pool,
        client: SharedClient,
        copy: LocalCopy,
        clock: SharedClock,
        file: TokensFile,
        environment: Sequence[str],
    ) -> None:
        self._pool = pool
        self._client = client
        self._copy = copy
        self._clock = clock
        self._file = file
        self._environment = environment
        self._lock = threading.RLock()
        self._unkept: dict[str, tuple[str, str]] = {}  # old and new, by account
        self._known: list[str] = []  # tokens that are being restored
        self._imported = False  # whether the file and the environment were
        copy.attach(pool)
        copy.restore = self._restore

    @property
    def problem(self) -> str:
        """Why the shared pool cannot be reached, "" when it can."""
        problem = self._client.problem
        return f"the shared pool cannot be reached ({problem})" if problem else ""

    @property
    def unreadable(self) -> bool:
        """True while the shared pool cannot be reached."""
        return bool(self._client.problem)

    @property
    def unkept(self) -> str:
        """Why a renewed token is in memory only, "" while none is."""
        return "the shared pool cannot be reached" if self._unkept else ""

    @property
    def persisted(self) -> bool:
        """True when every renewed token is kept."""
        return not self._unkept

    def load(self) -> None:
        """Add the credentials of the file and the environment, and read all.

        Without Redis the process starts all the same, and does it later.
        """
        self._file.load()
        try:
            self._restore()
        except PoolUnavailable as error:
            log.error("no account was read: %s", error)

    def poll(self) -> None:
        """Write renewed tokens that could not be written."""
        with self._lock:
            for slot, (old, token) in list(self._unkept.items()):
                self._keep(slot, old, token)

    def reload(self) -> None:
        """Read the credentials. raises: PoolUnavailable."""
        self._copy.load()

    def add(self, tokens: Mapping[str, str]) -> Added:
        """Add credentials; a newer one replaces an account's older one.

        raises: BadRequest, naming the field of an invalid one; PoolUnavailable.
        """
        credentials = identified(self._pool, tokens)
        outcomes = self._add(newest(credentials))
        return count_outcomes(outcomes, len(credentials))

    def remove(self, account: Account) -> None:
        """Remove an account. raises: PoolUnavailable."""
        slot = fingerprint(account.identity.account)
        for _ in range(MAX_CONFLICTS):
            self.reload()
            token = self._copy.tokens.get(slot)
            if token is None or self._replace(slot, old=token):
                break
        self.reload()

    @contextmanager
    def renewal(self, account: Account) -> Iterator[None]:
        """Lock the renewal of an account, and read the tokens.

        raises: AccountsBusy while another process renews it; PoolUnavailable.
        """
        slot = fingerprint(account.identity.account)
        lock = {"slot": slot, "owner": self._client.process}
        (locked,) = self._client.run(
            {"op": "lock", "lock_ms": round(1000 * LOCK_S), **lock}
        )
        if not locked:
            raise AccountsBusy("another process renews its token", retry_after_s=LOCK_S)
        try:
            self.reload()
            yield
        finally:
            try:
                self._client.run({"op": "unlock", **lock})
            except PoolUnavailable:
                pass  # it ends by itself

    def renewed(self, old: str, token: str) -> bool:
        """Replace a token by its renewed one, in Redis before anything else.

        returns: whether it is there; if not, it is used from memory and written later.
        """
        identity = self._pool.identify(token) or self._pool.identify(old)
        slot = fingerprint(identity.account) if identity else ""
        with self._lock:
            self._unkept[slot] = old, token
            self._keep(slot, old, token)
            return slot not in self._unkept

    def renewed_at(self, account: Account) -> float | None:
        """Return when any process renewed the account last, if one did."""
        slot = fingerprint(account.identity.account)
        at_ms = self._copy.renewed_ms.get(slot)
        return None if at_ms is None else self._clock.local_s(at_ms)

    def _keep(self, slot: str, old: str, token: str) -> None:
        """Write a renewed token, unless somebody has replaced the old one meanwhile.

        While Redis cannot be reached, the token is used from memory.
        """
        try:
            for _ in range(MAX_CONFLICTS):
                current = self._copy.tokens.get(slot)
                if current != old or self._replace(slot, token, old, renewed=True):
                    break
                self.reload()
        except PoolUnavailable:
            self._show_unkept()
            return
        del self._unkept[slot]
        self._show_unkept()
        try:
            self.reload()
        except PoolUnavailable:
            pass  # the background work reads it

    def _show_unkept(self) -> None:
        """Have the pool use the tokens that Redis does not have."""
        unkept = {slot: token for slot, (_, token) in self._unkept.items()}
        self._copy.unkept = unkept
        self._copy.show()

    def _restore(self) -> None:
        """Add the tokens of the file and the environment, or those that Redis lost.

        If Redis fails meanwhile, it is done again.
        raises: PoolUnavailable.
        """
        with self._copy.lock:
            kept = [*self._copy.tokens.values(), *self._copy.unkept.values()]
            if not self._imported:
                kept += [*self._file.tokens, *self._environment]
            self._known = list(dict.fromkeys([*self._known, *kept]))
            try:
                self._add_known()
            except PoolUnavailable:
                self._copy.epoch = None
                raise
            self._known.clear()
            self._imported = True

    def _add_known(self) -> None:
        credentials = [
            PoolCredential(token, identity, "shared")
            for token in self._known
            if (identity := self._pool.identify(token))
        ]
        if invalid := len(self._known) - len(credentials):
            log.warning("invalid credentials in the file or HAILUO_TOKENS: %d", invalid)
        digests = [fingerprint(each.token) for each in credentials]
        (retired,) = self._client.run({"op": "retired", "digests": digests})
        self._copy.read()
        wanted = [
            each for each in credentials if fingerprint(each.token) not in retired
        ]
        for credential in newest(wanted):
            self._restore_one(credential)
        self.reload()

    def _restore_one(self, credential: PoolCredential) -> None:
        """Add a credential, unless its account has one that expires later."""
        slot = fingerprint(credential.identity.account)
        for _ in range(MAX_CONFLICTS):
            stored = self._copy.tokens.get(slot)
            identity = self._pool.identify(stored) if stored else None
            if identity and (identity.expires_at or 0) >= expires_at(credential):
                return
            if self._replace(slot, credential.token, stored):
                return
            self._copy.read()

    def _add(self, credentials: Iterable[PoolCredential]) -> list[str]:
        """Add credentials; return the outcome of each. raises: PoolUnavailable."""
        self.reload()
        outcomes = [self._add_one(credential) for credential in credentials]
        self.reload()
        return outcomes

    def _add_one(self, credential: PoolCredential) -> str:
        slot = fingerprint(credential.identity.account)
        outcome = "unchanged"
        for _ in range(MAX_CONFLICTS):
            account = self._pool.account(credential.identity.account)
            outcome = outcome_of(credential, account)
            old = self._copy.tokens.get(slot)
            if outcome == "unchanged" or self._replace(slot, credential.token, old):
                return outcome
            self.reload()
        return outcome

    def _replace(
        self,
        slot: str,
        token: str | None = None,
        old: str | None = None,
        renewed: bool = False,
    ) -> bool:
        """Set or remove a token if its version is still the known one."""
        change: dict[str, Any] = {"op": "replace", "slot": slot, "renewed": renewed}
        change["version"] = self._copy.version_of(slot)
        if token is not None:
            identity = self._pool.identify(token)
            change |= {"token": token, "digest": fingerprint(token)}
            change["capacity"] = (identity and identity.capacity) or UNLIMITED
        if old is not None:
            change["old"] = fingerprint(old)
        (done,) = self._client.run(change, urgent=renewed)
        return bool(done)
