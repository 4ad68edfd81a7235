"""Owners of kept conversations, for processes that share their pool."""

import logging

from ..accounts.shared.client import SharedClient, fingerprint
from ..errors import PoolUnavailable

LIFETIME_S = 7 * 86_400.0  # since an answer was added last

log = logging.getLogger(__name__)


class SharedOwners:
    """ConversationOwners that are kept in Redis, each under a key of its own."""

    def __init__(self, client: SharedClient) -> None:
        self._client = client

    def get(self, conversation: str) -> str | None:
        """Return the owner of a conversation. raises: PoolUnavailable."""
        return self._client.get(_key(conversation))

    def set(self, conversation: str, owner: str) -> None:
        """Record the owner of a conversation, if Redis can be reached."""
        try:
            self._client.set(_key(conversation), owner, LIFETIME_S)
        except PoolUnavailable:
            log.warning("the owner of a conversation was not recorded")


def _key(conversation: str) -> str:
    """Return the key of a conversation, whose id a client may have invented."""
    return f"conversation:{fingerprint(conversation)}"
