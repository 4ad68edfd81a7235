"""Proofs of credentials that clients bring: their services are asked whether they live.

Anybody can write a token or invent a key, so a credential proves nothing until its
service has accepted it (SECURITY.md, Credentials).
"""

import threading
from collections.abc import Mapping
from contextlib import suppress

from ..concurrency.cache import SingleFlightCache
from ..concurrency.watch import Watch
from ..errors import UpstreamError
from ..upstream import Upstream
from .account import CHAT, Account, Candidates
from .pool import Pool, no_account_error

KEPT_S = 600.0  # the original program advises to ask no more often
RIVAL_S = 1.0  # how long a proof of somebody else's token is waited for


class Proofs:
    """What the services say about credentials, asked once and kept for 10 minutes.

    upstreams: by the kind of credential they take.
    """

    def __init__(self, pool: Pool, upstreams: Mapping[str, Upstream]) -> None:
        self._pool = pool
        self._upstreams = upstreams
        self._accepted = SingleFlightCache(self._ask, KEPT_S)

    def accepts(self, credential: str, watch: Watch | None = None) -> bool:
        """Return whether its service takes *credential*; False for what is none.

        watch: of the client that waits for it, if one does.
        raises: UpstreamError when the service cannot be asked; ClientDisconnected.
        """
        known = self._pool.identify(credential) is not None
        return known and self._accepted.get(credential, watch)

    def knows(self, credential: str) -> bool:
        """Return whether its service has accepted *credential*, without asking."""
        return bool(self._accepted.known(credential))

    def withdraw(self, credential: str) -> None:
        """Forget the proof of a credential that was rejected since."""
        self._accepted.invalidate(credential, True)

    def prove(self, candidates: Candidates, watch: Watch) -> None:
        """Have a service confirm one of the credentials that the client brought.

        They are asked about in turn until one is confirmed; one that has answered and
        was not rejected since is. Accounts of the pool need no proof.
        raises: Unauthorized when every one is rejected, UpstreamError when none is
            confirmed and one cannot be asked about; ClientDisconnected.
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
        """Have tokens proven where somebody else uses the account they claim.

        Anybody can write a token that claims an account. One that is not proven is
        tried all the same, but it keeps nobody waiting. So one that is in use is proven
        as well, for a moment at most: a good one must keep the account.
        raises: ClientDisconnected.
        """
        for account in candidates.accounts():
            for rival in self._pool.rivals(account):
                asking = threading.Thread(target=self._try, args=(rival,), daemon=True)
                asking.start()
                asking.join(RIVAL_S)
            if account.client_credential is None or account.client_credential.proven:
                continue
            account.client_credential.suspect = True
            if self._pool.is_shared(account):
                watch.raise_if_disconnected()
                self._try(account, watch)

    def _try(self, account: Account, watch: Watch | None = None) -> None:
        """Prove a credential, if that can be done now; else its answer will tell."""
        with suppress(UpstreamError):
            self._is_good(account, watch)

    def _is_good(self, account: Account, watch: Watch | None) -> bool:
        """Return whether its service takes a client's credential; else it is dead."""
        if self.accepts(account.token, watch):
            self._pool.prove(account)
        else:
            account.rejected("the service does not accept it")
        return not account.dead

    def _ask(self, credential: str) -> bool:
        identity = self._pool.identify(credential)
        return bool(
            identity and self._upstreams[identity.kind].is_token_valid(credential)
        )
