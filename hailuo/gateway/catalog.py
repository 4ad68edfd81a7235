"""Cached look-ups at the services: voices, models, validity of credentials."""

import logging
from collections.abc import Mapping, Sequence

from ..accounts.account import Account, Candidates
from ..accounts.pool import Pool
from ..accounts.proofs import Proofs
from ..concurrency.cache import SingleFlightCache
from ..concurrency.watch import Watch
from ..errors import ClientDisconnected, GatewayError, TokenRejected, Unreachable
from ..upstream import Upstream, Voice

MODELS_LIFETIME_S = 600.0

log = logging.getLogger(__name__)


class Catalog:
    """Look-ups of voices, models and credentials.

    upstreams: by the kind of the accounts they serve, the preferred one first.
    Below, *watch* is that of a client that waits; ClientDisconnected is raised when it
    disconnects.
    """

    def __init__(
        self, pool: Pool, upstreams: Mapping[str, Upstream], proofs: Proofs
    ) -> None:
        self._pool = pool
        self._upstreams = upstreams
        self._proofs = proofs
        self._models = SingleFlightCache(self._ask_models, MODELS_LIFETIME_S)

    def voices(self, candidates: Candidates) -> Sequence[Voice]:
        """Return the voices that every live account of a candidate's kind has.

        Without any account, those of all upstreams: clients may bring accounts.
        """
        kinds = {account.kind for account in candidates.live()}
        all_kinds = not candidates.accounts()
        return [
            voice
            for kind, upstream in self._upstreams.items()
            if all_kinds or kind in kinds
            for voice in upstream.voices
        ]

    def account_voices(
        self, candidates: Candidates, watch: Watch | None = None
    ) -> Sequence[Voice]:
        """Return the voices of the candidates' own; accounts that fail are left out."""
        voices: list[Voice] = []
        for account in candidates.live():
            try:
                voices += self._upstreams[account.kind].account_voices(account, watch)
            except ClientDisconnected:
                raise
            except GatewayError as error:
                log.warning("account %s lists no voices: %s", account.name, error)
        return voices

    def models(
        self, candidates: Candidates, watch: Watch | None = None
    ) -> Sequence[str]:
        """Return the names of the models of the candidates' services.

        They are cached for 10 minutes: the pool's by service, a client's by credential.
        A service that cannot be asked is left out, and asked again the next time.
        raises: TokenRejected when a service rejects every credential of the client.
        """
        models: list[str] = []
        for kind in self._upstreams:
            accounts = candidates.of_kinds([kind]).live()
            if candidates.from_caller:
                models += self._models_of_client(accounts, watch)
            elif accounts:
                models += self._models_of(kind, kind, watch)
        return models

    def is_token_valid(self, credential: str, watch: Watch | None = None) -> bool:
        """Return whether a service accepts a credential; cached for 10 minutes.

        raises: Unreachable when it cannot be asked.
        """
        try:
            return self._proofs.accepts(credential, watch)
        except GatewayError as error:
            raise Unreachable(
                f"the credential could not be checked: {error.message}"
            ) from error

    def knows(self, credential: str) -> bool:
        """Return whether a service is known to accept a credential, without a call."""
        return self._proofs.knows(credential)

    def _models_of_client(
        self, accounts: Sequence[Account], watch: Watch | None
    ) -> Sequence[str]:
        """Return the models that the client's first accepted credential can use.

        raises: TokenRejected when there are credentials, and none is accepted.
        """
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
        """Return cached models, none when they cannot be listed.

        key: the kind, for the pool's accounts; else a credential of a client.
        raises: TokenRejected for a credential of a client; ClientDisconnected.
        """
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
        if key in self._upstreams:
            accounts = self._pool.all_accounts().of_kinds([key]).live()
        else:
            candidates = self._pool.caller_accounts([key])
            accounts = candidates.live() if candidates else []
        rejection = TokenRejected("there is no account to ask with")
        for account in accounts:
            try:
                return self._upstreams[account.kind].models(account)
            except TokenRejected as error:
                rejection = error
        raise rejection
