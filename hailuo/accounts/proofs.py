"""Proofs of credentials that clients send: ask their services whether they are valid.

Anyone can forge a token or invent a key, so a credential proves nothing until its
service has accepted it (SECURITY.md, Credentials).
"""

import threading
from collections.abc import Mapping
from contextlib import suppress

from ..concurrency.cache import SingleFlightCache
from ..concurrency.watch import Watch
from ..errors import UpstreamError
from ..upstream import Upstream
from .account import CHAT, Account
from .candidates import Candidates
from .lease_errors import no_account_error
from .pool import Pool

PROOF_LIFETIME_S = 600.0  # the original program advises to ask no more often
MAX_RIVAL_WAIT_S = 1.0  # for the proof of another client's token


class Proofs:
    """Validity of credentials, as their services say, cached for 10 minutes.

    upstreams: by the kind of credential that they accept.
    """

    def __init__(self, pool: Pool, upstreams: Mapping[str, Upstream]) -> None:
        self._pool = pool
        self._upstreams = upstreams
        self._accepted = SingleFlightCache(self._ask, PROOF_LIFETIME_S)

    def accepts(self, credential: str, watch: Watch | None = None) -> bool:
        """Return whether its service accepts *credential*; False for another format.

        watch: that of a client that waits, if one does.
        raises: UpstreamError when the service cannot be asked; ClientDisconnected.
        """
        recognized = self._pool.identify(credential) is not None
        return recognized and self._accepted.get(credential, watch)

    def knows(self, credential: str) -> bool:
        """Return whether its service has accepted *credential*, without asking."""
        return bool(self._accepted.cached(credential))

    def withdraw(self, credential: str) -> None:
        """Delete the proof of a credential that was rejected since."""
        self._accepted.invalidate(credential, True)

    def prove(self, candidates: Candidates, watch: Watch) -> None:
        """Have a service confirm one of the credentials that the client sent.

        They are checked in turn until one is confirmed. An answer confirms a credential
        until it is rejected. Accounts of the pool need no proof.
        raises: Unauthorized when every one is rejected, UpstreamError when none is
            confirmed and one cannot be checked; ClientDisconnected.
        """
        failure: UpstreamError | None = None
        for account in candidates.live() if candidates.from_caller else ():
            watch.raise_if_disconnected()
            try:
                if account.client_credential and account.client_credential.proven:
                    return
                if self._is_good(account, watch):
                    return
            except UpstreamError as error:
                failure = error
        if candidates.from_caller:
            raise failure or no_account_error(candidates, CHAT)

    def introduce(self, candidates: Candidates, watch: Watch) -> None:
        """Prove tokens that claim an account which other requests use.

        Anyone can forge a token that claims an account. An unproven one is tried all
        the same, but does not block other requests. So tokens in use are proven as
        well, which may take a second: a valid one must keep its account.
        raises: ClientDisconnected.
        """
        for account in candidates.accounts():
            for rival in self._pool.rivals(account):
                thread = threading.Thread(target=self._try, args=(rival,), daemon=True)
                thread.start()
                thread.join(MAX_RIVAL_WAIT_S)
            if account.client_credential is None or account.client_credential.proven:
                continue
            account.client_credential.suspect = True
            if self._pool.is_shared(account):
                watch.raise_if_disconnected()
                self._try(account, watch)

    def _try(self, account: Account, watch: Watch | None = None) -> None:
        """Prove a credential if possible; otherwise its answer decides."""
        with suppress(UpstreamError):
            self._is_good(account, watch)

    def _is_good(self, account: Account, watch: Watch | None) -> bool:
        """Return whether its service accepts a client's credential; mark it if not."""
        if self.accepts(account.token, watch):
            self._pool.prove(account)
        else:
            account.rejected("the service does not accept it")
        return not account.dead

    def _ask(self, credential: str) -> bool:
        """Ask the service. raises: UpstreamError."""
        identity = self._pool.identify(credential)
        return bool(
            identity and self._upstreams[identity.kind].is_token_valid(credential)
        )
