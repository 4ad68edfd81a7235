"""Owners of kept conversations: only the account that began one can continue it.

In memory the owners are bounded in number, and unknown after a restart, which does not
matter where only one account could be meant. Processes that share their pool share the
owners as well (shared_conversations.py).
"""

import threading
from collections import OrderedDict
from contextlib import closing
from typing import Protocol

from ..accounts.candidates import Candidates
from ..concurrency.watch import HEARTBEAT
from ..errors import BadRequest
from ..upstream import Answer

MAX_CONVERSATIONS = 10_000


class ConversationOwners(Protocol):
    """Accounts that own conversations, as Identity.account names them."""

    def get(self, conversation: str) -> str | None:
        """Return the owner of a conversation, None if it is unknown.

        raises: PoolUnavailable.
        """

    def set(self, conversation: str, owner: str) -> None:
        """Record the owner of a conversation; never raises."""


class OwnersInMemory:
    """Owners that this process remembers, the most recent ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: OrderedDict[str, str] = OrderedDict()

    def get(self, conversation: str) -> str | None:
        """Return the owner of a conversation."""
        return self._owners.get(conversation)

    def set(self, conversation: str, owner: str) -> None:
        """Record the owner of a conversation."""
        with self._lock:
            self._owners[conversation] = owner
            self._owners.move_to_end(conversation)
            if len(self._owners) > MAX_CONVERSATIONS:
                self._owners.popitem(last=False)


class Conversations:
    """Kept conversations, and the accounts that can continue them."""

    def __init__(self, owners: ConversationOwners) -> None:
        self._owners = owners

    def recorded(self, answer: Answer, owner: str) -> Answer:
        """Yield an answer, and record the owner of its conversation on the way."""
        recorded = ""
        with closing(answer):
            for piece in answer:
                if piece is not HEARTBEAT and piece.id and piece.id != recorded:
                    recorded = piece.id
                    self._owners.set(piece.id, owner)
                yield piece

    def narrow(self, candidates: Candidates, conversation: str) -> Candidates:
        """Return the candidates that can continue a conversation.

        raises: BadRequest when its owner is unknown or not a candidate;
            PoolUnavailable.
        """
        owner = self._owners.get(conversation)
        accounts = {account.identity.account for account in candidates.accounts()}
        if owner is None and len(accounts) == 1:
            return candidates
        if owner not in accounts:
            raise BadRequest(
                f"the conversation {conversation} is unknown: start another with "
                '"conversation_id": "new", or leave it out and send the whole history',
                param="conversation_id",
                code="unknown_conversation",
            )
        return candidates.where(lambda account: account.identity.account == owner)
