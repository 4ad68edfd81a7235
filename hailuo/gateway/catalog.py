"""What the services can be asked without an answer running: voices, models, tokens."""

import logging
from collections.abc import Mapping, Sequence

from ..accounts.account import Account, Candidates
from ..accounts.pool import Pool
from ..accounts.proofs import Proofs
from ..concurrency.cache import SingleFlightCache
from ..concurrency.watch import Watch
from ..errors import ClientDisconnected, GatewayError, TokenRejected, Unreachable
from ..upstream import Upstream, Voice

MODELS_KEPT_S = 600.0

log = logging.getLogger(__name__)


class Catalog:
    """The upstreams, by the kind of the accounts they serve, the preferred first."""

    def __init__(
        self, pool: Pool, upstreams: Mapping[str, Upstream], proofs: Proofs
    ) -> None:
        self._pool = pool
        self._upstreams = upstreams
        self._proofs = proofs
        self._models = SingleFlightCache(self._ask_models, MODELS_KEPT_S)

    def voices(self, candidates: Candidates) -> Sequence[Voice]:
        """Return the voices that any live account of *candidates* can speak.

        Where there is no account at all, those that callers' own accounts may.
        """
        kinds = {account.kind for account in candidates.live()}
        anybody = not candidates.accounts()
        return [
            speaker
            for kind, upstream in self._upstreams.items()
            if anybody or kind in kinds
            for speaker in upstream.voices
        ]

    # *watch*: of the client that waits; raises: ClientDisconnected.

    def account_voices(
        self, candidates: Candidates, watch: Watch | None = None
    ) -> Sequence[Voice]:
        """The voices that accounts of *candidates* have cloned, as far as they can say."""
        found: list[Voice] = []
        for account in candidates.live():
            try:
                found += self._upstreams[account.kind].account_voices(account, watch)
            except ClientDisconnected:
                raise
            except GatewayError as error:
                log.warning("account %s lists no voices: %s", account.name, error)
        return found

    def models(
        self, candidates: Candidates, watch: Watch | None = None
    ) -> Sequence[str]:
        """Return the names of the models of the services that *candidates* has accounts of.

        They are kept for 10 minutes: the pool's by service, a caller's by credential. A
        service that cannot be asked now is left out, until it is next asked for.
        raises: TokenRejected when a service rejects all that the caller brought.
        """
        found: list[str] = []
        for kind in self._upstreams:
            accounts = candidates.of_kinds([kind]).live()
            if candidates.from_caller:
                found += self._models_of_own(accounts, watch)
            elif accounts:
                found += self._models_of(kind, kind, watch)
        return found

    def is_token_valid(self, credential: str, watch: Watch | None = None) -> bool:
        """Whether a service takes a credential; the answer is kept for 10 minutes.

        raises: Unreachable when it cannot be asked.
        """
        try:
            return self._proofs.accepts(credential, watch)
        except GatewayError as error:
            raise Unreachable(f"it could not be checked: {error.message}") from error

    def knows(self, credential: str) -> bool:
        """Return whether a service takes a credential, as far as that was asked."""
        return self._proofs.knows(credential)

    def _models_of_own(
        self, accounts: Sequence[Account], watch: Watch | None
    ) -> Sequence[str]:
        """raises: TokenRejected when there is an account, and none is accepted."""
        rejection: TokenRejected | None = None
        for account in accounts:
            try:
                return self._models_of(account.kind, account.token, watch)
            except TokenRejected as error:
                rejection = error
        if rejection:
            raise rejection
        return ()

    def _models_of(self, kind: str, key: str, watch: Watch | None) -> Sequence[str]:
        """raises: TokenRejected for a credential of a caller's own; ClientDisconnected."""
        try:
            return self._models.get(key, watch)
        except ClientDisconnected:
            raise
        except GatewayError as error:
            if isinstance(error, TokenRejected) and key != kind:
                raise
            log.warning("the models of %s cannot be listed: %s", kind, error)
            return ()

    def _ask_models(self, key: str) -> Sequence[str]:
        """Ask for the models of the pool's accounts of a kind, or of a credential.

        raises: GatewayError, of the first account whose token is not rejected.
        """
        pool = key in self._upstreams
        candidates = (
            self._pool.all_accounts().of_kinds([key])
            if pool
            else self._pool.caller_accounts([key])
        )
        refusal: GatewayError = TokenRejected("there is no account to ask with")
        for account in candidates.live() if candidates else ():
            try:
                return self._upstreams[account.kind].models(account)
            except TokenRejected as error:
                refusal = error
        raise refusal
