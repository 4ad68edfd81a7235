"""The pool's credentials, of the environment and the file, and what changes them.

The pool has one account for each account of the service. Where several credentials
speak for the same one, the one that ends last wins, and one the service has not
rejected wins over one that it has.
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

DONE = ("added", "updated")

log = logging.getLogger(__name__)


class Added(NamedTuple):
    """What became of credentials that were handed in."""

    added: int
    updated: int
    unchanged: int


class CredentialStore:
    """Keeps the pool in step with the file.

    environment: credentials from HAILUO_TOKENS; nothing could keep a new one of these.
    """

    def __init__(
        self, pool: Pool, file: TokensFile, environment: Sequence[str]
    ) -> None:
        self._pool = pool
        self.file = file
        self._environment = environment
        self._lock = threading.RLock()  # the pool is what the file was looked at for

    def load(self) -> None:
        """Take over what the file says now."""
        self.file.load()
        for source, number in Counter(self._fill()).items():
            log.warning("the %s holds what is no credential: %d", source, number)

    def poll_file(self) -> None:
        """Take over an edit by hand; write what could not be written."""
        if self.file.edited():
            self.load()
        if not self.file.persisted:
            self.file.apply()

    def reload(self) -> None:
        """Take over what the file says now, before something is done to it.

        raises: Invalid.
        """
        with self._lock:
            self.file.check()
            self._fill()

    def add(self, tokens: Mapping[str, str]) -> Added:
        """Take in credentials, all or none; a newer one replaces an account's older.

        tokens: by the field each was sent in.
        raises: BadRequest naming one that is none; Invalid.
        """
        claims = {claim.token: claim for claim in self._claims(tokens)}
        newest: dict[str, PoolCredential] = {}
        for claim in claims.values():
            best = newest.setdefault(claim.identity.account, claim)
            newest[claim.identity.account] = max(best, claim, key=ends_at)
        with self._lock:
            self.reload()
            done = [self._change(claim) for claim in newest.values()]
            self.file.change(change for _, change in done if change)
            self._fill()
        added, updated = (sum(what == each for what, _ in done) for each in DONE)
        return Added(added, updated, unchanged=len(claims) - added - updated)

    def remove(self, account: Account) -> None:
        """Take out every token of an account.

        raises: Invalid; BadRequest for one that the environment would bring back.
        """
        if self._of(account, self._environment):
            raise BadRequest(
                f"account {account.name} is in HAILUO_TOKENS: take it out there"
            )
        with self._lock:
            self.file.check()
            tokens = self._of(account, self.file.tokens)
            self.file.change(Change(old=token, new=None) for token in tokens)
            self._fill()

    def renewed(self, old: str, token: str) -> bool:
        """Put a new token in the place of the old, first of all on disk.

        returns: whether it is there; else it is used from memory and written later.
        """
        with self._lock:
            self.file.apply([Change(old=old, new=token)])
            self._fill()
            return self.file.persisted

    def _of(self, account: Account, tokens: Sequence[str]) -> list[str]:
        """Those of *tokens* that speak for *account*."""
        key = account.identity.account
        found = ((token, self._pool.identify(token)) for token in tokens)
        return [token for token, who in found if who and who.account == key]

    def _claims(self, tokens: Mapping[str, str]) -> Iterator[PoolCredential]:
        for field, token in tokens.items():
            identity = self._pool.identify(token)
            if identity is None:
                raise BadRequest(
                    f"{field} is neither a _token nor a platform key",
                    param=field,
                    code="invalid_value",
                )
            yield PoolCredential(token, identity, "file")

    def _change(self, claim: PoolCredential) -> tuple[str, Change | None]:
        """What handing in a credential does, and what has to change for it."""
        known = self._pool.account(claim.identity.account)
        if known is None:
            return "added", Change(old=None, new=claim.token)
        older = ends_at(claim) < (known.identity.expires_at or 0)
        if known.token == claim.token or (older and not known.dead):
            return "unchanged", None
        old = known.token if known.source == "file" else None
        return "updated", Change(old=old, new=claim.token)

    def _fill(self) -> list[str]:
        """The file first: what is in both is the file's, which can keep a new one."""
        with self._lock:
            credentials = [(token, "file") for token in self.file.tokens]
            credentials += [(token, "environment") for token in self._environment]
            return self._pool.set_credentials(credentials)


def ends_at(claim: PoolCredential) -> float:
    """Unix seconds; 0 when the credential does not say."""
    return claim.identity.expires_at or 0
