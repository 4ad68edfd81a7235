"""What a crowd has left behind is let go of when the crowd is over.

    tidying = Tidying(here=lambda: len(streams), let_go=…)
    tidying.used()      # a call begins

Connections are kept to be used again, and an interpreter keeps its memory: good for
who comes next, too much for the few who are left of two thousand.
"""

import threading
import time
from collections.abc import Callable

from ..memory import give_back

CROWD = 64  # more streams at once than so many are one
QUIET_S = 30.0  # without one, until it counts as over


class Tidying:
    """Looks for it as long as calls are made.

    here: tells how many streams there are.
    let_go: lets go of connections, where they are too many.
    """

    def __init__(
        self, here: Callable[[], int], let_go: Callable[[], None], quiet_s: float
    ) -> None:
        self._here = here
        self._let_go = let_go
        self._quiet_s = quiet_s
        self._running = threading.Lock()
        self._used = False  # since it was last looked
        self._most = 0  # streams at once, since then
        self._crowded = False  # since memory was last given back

    def used(self) -> None:
        """A call begins."""
        self._used = True
        self._most = max(self._most, self._here())
        self._crowded = self._crowded or self._most > CROWD
        if self._running.acquire(blocking=False):
            threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            while self._used or self._crowded:
                self._used, self._most = False, self._here()
                time.sleep(self._quiet_s)
                if self._most <= CROWD:
                    self._tidy()
        finally:
            self._running.release()

    def _tidy(self) -> None:
        self._let_go()
        if self._crowded:
            self._crowded = False
            give_back()
