"""Credentials of the pool, from the environment and the file, and changes to them.

The pool has one account for each account of the service. Of several credentials for the
same one, that which expires last is used, but none that the service has rejected while
there is another.
"""

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..errors import BadRequest
from .account import Account
from .pool import Pool, PoolCredential
from .tokens_file import Change, TokensFile

log = logging.getLogger(__name__)


class Added(NamedTuple):
    """Numbers of credentials that were added, updated and unchanged."""

    added: int
    updated: int
    unchanged: int


class CredentialStore:
    """Keeps the pool in step with the file.

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

    def poll_file(self) -> None:
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
        credentials = {each.token: each for each in self._identified(tokens)}
        newest: dict[str, PoolCredential] = {}
        for credential in credentials.values():
            account = credential.identity.account
            other = newest.setdefault(account, credential)
            newest[account] = max(other, credential, key=expires_at)
        with self._lock:
            self.reload()
            changes = [self._change(credential) for credential in newest.values()]
            self.file.change(change for _, change in changes if change)
            self._update_pool()
        outcomes = Counter(outcome for outcome, _ in changes)
        added, updated = outcomes["added"], outcomes["updated"]
        return Added(added, updated, unchanged=len(credentials) - added - updated)

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

    def _identified(self, tokens: Mapping[str, str]) -> Iterator[PoolCredential]:
        """Yield credentials. raises: BadRequest, naming the field of an invalid one."""
        for field, token in tokens.items():
            identity = self._pool.identify(token)
            if identity is None:
                raise BadRequest(
                    f"{field} is not a credential of an upstream: send the whole token "
                    "or key",
                    param=field,
                    code="invalid_value",
                )
            yield PoolCredential(token, identity, "file")

    def _change(self, credential: PoolCredential) -> tuple[str, Change | None]:
        """Return the outcome of adding a credential, and the change to the file."""
        account = self._pool.account(credential.identity.account)
        if account is None:
            return "added", Change(old=None, new=credential.token)
        older = expires_at(credential) < (account.identity.expires_at or 0)
        if account.token == credential.token or (older and not account.dead):
            return "unchanged", None
        old = account.token if account.source == "file" else None
        return "updated", Change(old=old, new=credential.token)

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
