"""Cached look-ups at the services: voices, models, validity of credentials."""

import logging
from collections.abc import Mapping, Sequence

from ..accounts.candidates import Candidates
from ..accounts.proofs import Proofs
from ..concurrency.watch import Watch
from ..errors import ClientDisconnected, GatewayError, TokenRejected, Unreachable
from ..upstream import Upstream, Voice

log = logging.getLogger(__name__)


class Catalog:
    """Look-ups of voices, models and credentials.

    upstreams: by the kind of the accounts they serve, the preferred one first.
    Below, *watch* is that of a client that waits; ClientDisconnected is raised when it
    disconnects.
    """

    def __init__(self, upstreams: Mapping[str, Upstream], proofs: Proofs) -> None:
        self._upstreams = upstreams
        self._proofs = proofs

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
        """Return the names of the models that any of the candidates can use.

        The services' answers are cached for 10 minutes. A service that cannot be asked
        is left out.
        raises: TokenRejected when a service rejects every credential of the client.
        """
        models: list[str] = []
        for kind, upstream in self._upstreams.items():
            accounts = candidates.of_kinds([kind]).live()
            try:
                models += upstream.models(accounts, watch) if accounts else ()
            except ClientDisconnected:
                raise
            except GatewayError as error:
                if isinstance(error, TokenRejected) and candidates.from_caller:
                    raise
                log.warning("the models of %s cannot be listed: %s", kind, error)
        return models

    def audio_models(self, candidates: Candidates) -> Sequence[str]:
        """Return the candidates' models for speech and transcription."""
        kinds = {account.kind for account in candidates.live()}
        return [
            model
            for kind, upstream in self._upstreams.items()
            if kind in kinds
            for model in upstream.audio_models
        ]

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
