"""Conversations that must not stay behind, removed in the background.

The service keeps every conversation in the account's list; a gateway's callers do not
expect that. Removing one never delays an answer and never changes an account's state:
what fails is tried again, with whatever token the account has by then.
"""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from ...errors import GatewayError
from .. import Credential

PAUSES_S = (1.0, 5.0, 30.0, 120.0, 600.0)  # before the second try, the third, …
MAX_CONCURRENT = 16  # at once; each ends when there is nothing to do

log = logging.getLogger(__name__)


class Removal(NamedTuple):
    """One conversation, and how often its removal has failed."""

    account: Credential
    chat_id: str
    tries: int = 0


class Removals:
    """What is still to be removed.

    remove: removes a conversation, given a token and the conversation's id.
    """

    def __init__(self, remove: Callable[[str, str], None]) -> None:
        self._remove = remove
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Removal]] = []
        self._order = itertools.count()
        self._workers = 0
        self._running = 0
        self._leaving = False

    def add(self, account: Credential, chat_id: str) -> None:
        """Have a conversation removed, soon."""
        self._put(Removal(account, chat_id), 0.0)

    def drain(self, wait_s: float) -> int:
        """Wait until all are removed; what is waiting for its next try has it now.

        returns: how many are left after *wait_s*.
        """
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
            self._changed.wait_for(self._idle, wait_s)
            return len(self._due) + self._running

    def _idle(self) -> bool:
        return not self._due and not self._running

    def _put(self, removal: Removal, in_s: float) -> None:
        at = time.monotonic() + in_s
        with self._changed:
            heapq.heappush(self._due, (at, next(self._order), removal))
            self._changed.notify()
            idle = self._workers - self._running
            if idle < len(self._due) and self._workers < MAX_CONCURRENT:
                self._workers += 1
                threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while removal := self._next():
            done = False
            try:
                done = self._try(removal)
            finally:
                self._finish(removal, done)

    def _next(self) -> Removal | None:
        """Wait for what is due; None, and one worker less, when nothing is left."""
        with self._changed:
            while self._due:
                at, _, removal = self._due[0]
                if at <= time.monotonic() or self._leaving:
                    heapq.heappop(self._due)
                    self._running += 1
                    return removal
                self._changed.wait(at - time.monotonic())
            self._workers -= 1
            return None

    def _try(self, removal: Removal) -> bool:
        try:
            self._remove(removal.account.token, removal.chat_id)
        except GatewayError as error:
            log.debug("account %s: not removed: %s", removal.account.name, error)
            return False
        except Exception:  # noqa: BLE001 - a worker survives every error
            log.exception("account %s: not removed", removal.account.name)
            return False
        return True

    def _finish(self, removal: Removal, done: bool) -> None:
        account, chat_id, tries = removal
        if not done and tries < len(PAUSES_S) and not self._leaving:
            self._put(Removal(account, chat_id, tries + 1), PAUSES_S[tries])
        elif not done:
            log.warning("account %s: conversation %s stays", account.name, chat_id)
        with self._changed:
            self._running -= 1
            self._changed.notify_all()
