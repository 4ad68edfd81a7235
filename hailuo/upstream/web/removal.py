"""Deletion of conversations in the background.

The web service keeps every conversation in the account's list, where a gateway's
clients do not expect it. A deletion never delays an answer and never changes an
account's state; a failed one is retried, with the token that the account has by then.
"""

import logging
import threading
from collections.abc import Callable

from ...errors import GatewayError
from .. import Credential

PAUSES_S = (0.0, 1.0, 5.0, 30.0, 120.0, 600.0)  # before each attempt
MAX_CONCURRENT = 16

log = logging.getLogger(__name__)


class Removals:
    """Deletions that are running or waiting for their next attempt, a thread each.

    remove: deletes a conversation, given a token and the conversation's id.
    """

    def __init__(self, remove: Callable[[str, str], None]) -> None:
        self._remove = remove
        self._slots = threading.Semaphore(MAX_CONCURRENT)
        self._draining = threading.Event()
        self._changed = threading.Condition()
        self._pending = 0

    def add(self, account: Credential, chat_id: str) -> None:
        """Delete a conversation soon."""
        with self._changed:
            self._pending += 1
        arguments = account, chat_id
        threading.Thread(target=self._run, args=arguments, daemon=True).start()

    def drain(self, wait_s: float) -> int:
        """Make the last attempts now, without pauses, and wait for their end.

        returns: how many deletions are left after *wait_s*.
        """
        self._draining.set()
        with self._changed:
            self._changed.wait_for(lambda: not self._pending, wait_s)
            return self._pending

    def _run(self, account: Credential, chat_id: str) -> None:
        try:
            for pause_s in PAUSES_S:
                is_last = self._draining.is_set()
                if pause_s:  # to wait for 0 s takes a turn of the event loop
                    is_last = self._draining.wait(pause_s)
                if self._succeeds(account, chat_id):
                    return
                if is_last:
                    break
            log.warning("account %s: conversation %s stays", account.name, chat_id)
        finally:
            with self._changed:
                self._pending -= 1
                self._changed.notify_all()

    def _succeeds(self, account: Credential, chat_id: str) -> bool:
        try:
            with self._slots:
                self._remove(account.token, chat_id)
        except GatewayError as error:
            log.debug("account %s: not removed: %s", account.name, error)
            return False
        except Exception:  # noqa: BLE001 - the next attempt may succeed
            log.exception("account %s: not removed", account.name)
            return False
        return True
