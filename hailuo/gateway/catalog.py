"""What the services can be asked without an answer running: voices, models, tokens."""

import logging
from collections.abc import Mapping, Sequence

from ..accounts.account import Candidates
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

    def voices(self, scope: Candidates) -> Sequence[Voice]:
        """Return the voices that any live account of *scope* can speak.

        Where there is no account at all, those that callers' own accounts may.
        """
        kinds = {account.kind for account in scope.live()}
        anybody = not scope.accounts()
        return [
            speaker
            for kind, upstream in self._upstreams.items()
            if anybody or kind in kinds
            for speaker in upstream.voices
        ]

    # *watch*: of the client that waits; raises: ClientDisconnected.

    def account_voices(
        self, scope: Candidates, watch: Watch | None = None
    ) -> Sequence[Voice]:
        """The voices that accounts of *scope* have cloned, as far as they can say."""
        found: list[Voice] = []
        for account in scope.live():
            try:
                found += self._upstreams[account.kind].account_voices(account, watch)
            except ClientDisconnected:
                raise
            except GatewayError as error:
                log.warning("account %s lists no voices: %s", account.name, error)
        return found

    def models(self, watch: Watch | None = None) -> Sequence[str]:
        """The names of the pool's services' own models, kept for 10 minutes.

        A service that cannot be asked now is left out, until it is next asked for.
        """
        kinds = {account.kind for account in self._pool.all_accounts().live()}
        return [
            model
            for kind in self._upstreams
            if kind in kinds
            for model in self._models_of(kind, watch)
        ]

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

    def _models_of(self, kind: str, watch: Watch | None) -> Sequence[str]:
        try:
            return self._models.get(kind, watch)
        except ClientDisconnected:
            raise
        except GatewayError as error:
            log.warning("the models of %s cannot be listed: %s", kind, error)
            return ()

    def _ask_models(self, kind: str) -> Sequence[str]:
        """raises: GatewayError, of the first account whose token is not rejected."""
        refusal: GatewayError = TokenRejected("there is no account to ask with")
        for account in self._pool.all_accounts().of_kinds([kind]).live():
            try:
                return self._upstreams[kind].models(account)
            except TokenRejected as error:
                refusal = error
        raise refusal
