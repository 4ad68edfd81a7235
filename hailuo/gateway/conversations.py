"""Which account a conversation that was kept belongs to.

Only the account that began a conversation can go on with it. The map is bounded and in
memory: after a restart the owner is unknown, which is no matter where only one account
could be meant.
"""

import threading
from collections import OrderedDict

from ..accounts.account import Candidates
from ..errors import BadRequest

KEPT = 10_000


class Conversations:
    """The owners of conversations, by the conversation's id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: OrderedDict[str, str] = OrderedDict()

    def note(self, conversation: str, owner: str) -> None:
        """owner: the account, as Identity.account names it."""
        with self._lock:
            self._owners[conversation] = owner
            self._owners.move_to_end(conversation)
            if len(self._owners) > KEPT:
                self._owners.popitem(last=False)

    def narrow(self, scope: Candidates, conversation: str) -> Candidates:
        """What of *scope* can go on with a conversation.

        raises: BadRequest when it is not known who that is.
        """
        owner = self._owners.get(conversation)
        accounts = {account.identity.account for account in scope.accounts()}
        if owner is None and len(accounts) == 1:
            return scope
        if owner not in accounts:
            raise BadRequest(
                f"the conversation {conversation} is unknown: start another with "
                '"conversation_id": "new", or leave it out and send the whole history',
                param="conversation_id",
                code="unknown_conversation",
            )
        return scope.where(lambda account: account.identity.account == owner)
