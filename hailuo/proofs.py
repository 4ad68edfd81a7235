"""Which credentials their services accept, asked once and kept for 10 minutes.

Anybody can write a token or invent a key, so a credential that a client brings proves
nothing until its service has accepted it (design.md, Whom to trust).
"""

from collections.abc import Callable, Mapping

from .kept import Kept
from .upstream import Identity, Upstream

KEPT_S = 600.0  # the seed asks not to ask more often


class Proofs:
    """Single-flight cache of what the services say about credentials.

    identify: returns a credential's identity, None when it is none we know.
    upstreams: by the kind of credential they take.
    """

    def __init__(
        self,
        identify: Callable[[str], Identity | None],
        upstreams: Mapping[str, Upstream],
    ) -> None:
        self._identify = identify
        self._upstreams = upstreams
        self._accepted = Kept(self._ask, KEPT_S)

    def accepts(self, credential: str) -> bool:
        """Return whether its service takes *credential*.

        raises: UpstreamError when the service cannot be asked.
        """
        return self._identify(credential) is not None and self._accepted.of(credential)

    def knows(self, credential: str) -> bool:
        """Return whether its service has accepted *credential*, without asking."""
        return bool(self._accepted.known(credential))

    def confirm(self, credential: str) -> None:
        """Remember that the service has accepted *credential*, for an answer."""
        self._accepted.put(credential, True)

    def withdraw(self, credential: str) -> None:
        """Forget the proof of a credential that was rejected since."""
        self._accepted.forget(credential, True)

    def _ask(self, credential: str) -> bool:
        identity = self._identify(credential)
        return bool(identity and self._upstreams[identity.kind].lives(credential))
