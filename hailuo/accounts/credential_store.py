"""Credentials of the pool, from the environment and the file, and changes to them.

The pool has one account for each account of the service. Of several credentials for the
same one, that which expires last is used, but none that the service has rejected while
there is another.
"""

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ..errors import BadRequest
from .account import Account
from .interfaces import Added
from .pool import Pool, PoolCredential
from .tokens_file import Change, TokensFile

log = logging.getLogger(__name__)


class FileCredentialStore:
    """Keeps the pool in step with the file; a CredentialStore (interfaces.py).

    environment: credentials from HAILUO_TOKENS, which cannot be renewed.
    """

    def __init__(
        self, pool: Pool, file: TokensFile, environment: Sequence[str]
    ) -> None:
        self._pool = pool
        self.file = file
        self._environment = environment
        self._lock = (
            threading.RLock()
        )  # the file is read and the pool updated in one step

    def load(self) -> None:
        """Read the file, and update the pool."""
        self.file.load()
        for source, count in Counter(self._update_pool()).items():
            log.warning("invalid credentials in the %s: %d", source, count)

    @property
    def problem(self) -> str:
        """Why the file cannot be read or written; "" when it can."""
        return self.file.problem or self.file.write_error

    @property
    def unreadable(self) -> bool:
        """True while the file cannot be read."""
        return bool(self.file.problem)

    @property
    def unkept(self) -> str:
        """Why a new token is in memory only; "" while everything is on disk."""
        return self.file.unkept

    @property
    def persisted(self) -> bool:
        """True when every change is on disk."""
        return self.file.persisted

    def poll(self) -> None:
        """Load the file after an edit by hand; retry writes that failed."""
        if self.file.edited():
            self.load()
        if not self.file.persisted:
            self.file.apply()

    def reload(self) -> None:
        """Read the file before a change to it, and update the pool.

        raises: TokensFileInvalid.
        """
        with self._lock:
            self.file.check()
            self._update_pool()

    def add(self, tokens: Mapping[str, str]) -> Added:
        """Add credentials, all or none; a newer one replaces an account's older one.

        tokens: by the name of the field that each was sent in.
        raises: BadRequest, naming the field of an invalid one; TokensFileInvalid.
        """
        credentials = identified(self._pool, tokens)
        with self._lock:
            self.reload()
            changes = [self._change(each) for each in newest(credentials)]
            self.file.change(change for _, change in changes if change)
            self._update_pool()
        return count_outcomes([outcome for outcome, _ in changes], len(credentials))

    def remove(self, account: Account) -> None:
        """Remove every token of an account.

        raises: TokensFileInvalid; BadRequest for an account of the environment, which
            would return at the next start.
        """
        if self._of(account, self._environment):
            raise BadRequest(
                f"account {account.name} is in HAILUO_TOKENS: remove it there"
            )
        with self._lock:
            self.file.check()
            tokens = self._of(account, self.file.tokens)
            self.file.change(Change(old=token, new=None) for token in tokens)
            self._update_pool()

    @contextmanager
    def renewal(self, account: Account) -> Iterator[None]:
        """Read the file, and reserve the place of a new token in it.

        raises: TokensFileInvalid, Unwritable.
        """
        self.reload()
        with self.file.reserve():
            yield

    def renewed_at(self, account: Account) -> float | None:
        """Return None: the file does not say."""
        return None

    def renewed(self, old: str, token: str) -> bool:
        """Replace a token by its renewed one, on disk before anything else.

        returns: whether it is on disk; if not, it is used from memory and written
            later.
        """
        with self._lock:
            self.file.apply([Change(old=old, new=token)])
            self._update_pool()
            return self.file.persisted

    def _of(self, account: Account, tokens: Sequence[str]) -> list[str]:
        """Return those of *tokens* that belong to *account*."""
        key = account.identity.account
        identities = ((token, self._pool.identify(token)) for token in tokens)
        return [
            token
            for token, identity in identities
            if identity and identity.account == key
        ]

    def _change(self, credential: PoolCredential) -> tuple[str, Change | None]:
        """Return the outcome of adding a credential, and the change to the file."""
        account = self._pool.account(credential.identity.account)
        outcome = outcome_of(credential, account)
        if outcome == "unchanged":
            return outcome, None
        old = account.token if account and account.source == "file" else None
        return outcome, Change(old=old, new=credential.token)

    def _update_pool(self) -> list[str]:
        """Set the pool's credentials; return the sources of invalid ones.

        A credential in both belongs to the file, which can keep a renewed one.
        """
        with self._lock:
            credentials = [(token, "file") for token in self.file.tokens]
            credentials += [(token, "environment") for token in self._environment]
            return self._pool.set_credentials(credentials)


def expires_at(credential: PoolCredential) -> float:
    """Return the expiry in Unix seconds, 0 when the credential has none."""
    return credential.identity.expires_at or 0


def identified(pool: Pool, tokens: Mapping[str, str]) -> Sequence[PoolCredential]:
    """Return credentials, each once.

    tokens: by the name of the field that each was sent in.
    raises: BadRequest, naming the field of an invalid one.
    """
    credentials = {}
    for field, token in tokens.items():
        identity = pool.identify(token)
        if identity is None:
            raise BadRequest(
                f"{field} is not a credential of an upstream: send the whole token "
                "or key",
                param=field,
                code="invalid_value",
            )
        credentials[token] = PoolCredential(token, identity, "file")
    return list(credentials.values())


def newest(credentials: Iterable[PoolCredential]) -> Sequence[PoolCredential]:
    """Return each account's credential that expires last."""
    by_account: dict[str, PoolCredential] = {}
    for credential in credentials:
        account = credential.identity.account
        other = by_account.setdefault(account, credential)
        by_account[account] = max(other, credential, key=expires_at)
    return list(by_account.values())


def outcome_of(credential: PoolCredential, account: Account | None) -> str:
    """Return "added", "updated" or "unchanged": what adding a credential does.

    account: the pool's account that it belongs to, as it is.
    """
    if account is None:
        return "added"
    older = expires_at(credential) < (account.identity.expires_at or 0)
    is_known = account.token == credential.token
    return "unchanged" if is_known or (older and not account.dead) else "updated"


def count_outcomes(outcomes: Sequence[str], sent: int) -> Added:
    """Return the numbers of outcomes. sent: how many credentials there were."""
    added, updated = outcomes.count("added"), outcomes.count("updated")
    return Added(added, updated, unchanged=sent - added - updated)
