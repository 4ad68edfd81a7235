"""Owners of kept conversations: only the account that began one can continue it.

The map is bounded and in memory. After a restart the owner is unknown, which does not
matter where only one account could be meant.
"""

import threading
from collections import OrderedDict
from contextlib import closing

from ..accounts.account import Candidates
from ..concurrency.watch import HEARTBEAT
from ..errors import BadRequest
from ..upstream import Answer

MAX_CONVERSATIONS = 10_000


class Conversations:
    """Accounts that own conversations, by the conversation's id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: OrderedDict[str, str] = OrderedDict()

    def record(self, conversation: str, owner: str) -> None:
        """Record the owner of a conversation, as Identity.account names it."""
        with self._lock:
            self._owners[conversation] = owner
            self._owners.move_to_end(conversation)
            if len(self._owners) > MAX_CONVERSATIONS:
                self._owners.popitem(last=False)

    def recorded(self, answer: Answer, owner: str) -> Answer:
        """Yield an answer, and record the owner of its conversation on the way."""
        with closing(answer):
            for piece in answer:
                if piece is not HEARTBEAT and piece.id:
                    self.record(piece.id, owner)
                yield piece

    def narrow(self, candidates: Candidates, conversation: str) -> Candidates:
        """Return the candidates that can continue a conversation.

        raises: BadRequest when its owner is unknown or not a candidate.
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
