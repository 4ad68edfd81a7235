"""What one request goes through, from its place in line to the end of its tries."""

import time

from .accounts import Account, Scope
from .errors import TokenRejected, UpstreamError, untrace


class Turn:
    """A request's turn.

    scope: whose accounts may serve it.
    ticket: its place in line; lower ones come first.
    accounts: those it was lent, in order.
    failures: those that count as a try; a rejected token does not.
    pieces: how many of the answer were given away.
    first_at: when the first one was, on the clock of time.monotonic.
    last: why the last try failed.
    """

    def __init__(self, scope: Scope, ticket: int) -> None:
        self.scope = scope
        self.ticket = ticket
        self.accounts: list[Account] = []
        self.failures = 0
        self.pieces = 0
        self.first_at: float | None = None
        self.last: UpstreamError | None = None

    @property
    def begun(self) -> bool:
        """Whether anything of the answer was given away."""
        return self.pieces > 0

    def given(self) -> None:
        """A piece is given away."""
        if not self.pieces:
            self.first_at = time.monotonic()
        self.pieces += 1

    def failed(self, error: UpstreamError) -> None:
        """Go on without the account where it need not be asked again.

        raises: *error*, when nothing more is to be tried.
        """
        if not self._goes_on(error):
            raise error
        untrace(error)

    def _goes_on(self, error: UpstreamError) -> bool:
        if self.begun:
            return False
        if isinstance(error, TokenRejected):
            return True  # its account is dead now: not a try, and no reason to tell
        self.failures += 1
        if not error.again:
            spent = self.accounts[-1]
            self.scope = self.scope.where(lambda account: account is not spent)
        if self.failures >= error.tries or not self.scope.live():
            error.final = error.final or error.status == 502
            return False
        self.last = error
        return True
