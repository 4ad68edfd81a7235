"""State of one request, from its place in the queue to the end of its tries."""

import time
from collections.abc import Callable

from ..accounts.account import CHAT, Account, Candidates, Use
from ..accounts.pool import BUSY_RETRY_S
from ..errors import TokenRejected, UpstreamBusy, UpstreamError, clear_tracebacks
from .retry import POLICY, RetryPolicy


class RequestState:
    """A request's turn.

    scope: whose accounts may serve it.
    ticket: its place in line; lower ones come first.
    policy: how often it is tried.
    use: what it wants accounts for.
    digest: returns the digest of its question.
    accounts: those it was lent, in order.
    spent: those that are not asked again.
    refusals: accounts that refused the question although no limit is known, and what
        they said: it may be the question's fault.
    failures: those that count as a try.
    pieces: how many of the answer were given away.
    first_at: when the first one was, on the clock of time.monotonic.
    last: why the last try failed.
    """

    def __init__(
        self,
        scope: Candidates,
        ticket: int,
        policy: RetryPolicy = POLICY,
        use: Use = CHAT,
    ) -> None:
        self.candidates = scope
        self.ticket = ticket
        self.policy = policy
        self.use = use
        self.digest: Callable[[], str] = str
        self.accounts: list[Account] = []
        self.spent: list[Account] = []
        self.refusals: dict[Account, UpstreamBusy] = {}
        self.failures = 0
        self.pieces = 0
        self.first_piece_at: float | None = None
        self.last_error: UpstreamError | None = None

    @property
    def started(self) -> bool:
        """Whether anything of the answer was given away."""
        return self.pieces > 0

    @property
    def pause_s(self) -> float:
        """Seconds to wait before an account is asked again; 0 while others are free."""
        if not self.failures or any(each.slot.free for each in self._fresh()):
            return 0.0
        return self.policy.wait_s(self.failures)

    def record_piece(self) -> None:
        """A piece is given away."""
        if not self.pieces:
            self.first_piece_at = time.monotonic()
        self.pieces += 1

    def answered(self, account: Account) -> None:
        """Judge earlier refusals, now that *account* has begun to answer.

        Where one other account refused what this one answers, that one is at fault, and
        left alone; where two did, the question is (apis.md 3).
        """
        if len(self.refusals) == 1 and account not in self.refusals:
            ((refusing, error),) = self.refusals.items()
            refusing.refused(error, self.use)
        self.refusals.clear()

    def record_failure(self, error: UpstreamError) -> None:
        """Go on without the account where it need not be asked again.

        raises: *error*, when nothing more is to be tried.
        """
        if not self._goes_on(error):
            raise error
        clear_tracebacks(error)

    def take_last_error(self) -> UpstreamError | None:
        """Return the last failure if its account could be asked again, once."""
        error, self.last_error = self.last_error, None
        again = error and error.retry_same_account and self.candidates.live()
        return error if again else None

    def ended(self, error: UpstreamError) -> UpstreamError:
        """Judge the refusals of a request that nobody answered.

        An account that was the only one to refuse it is left alone when it has refused
        another question before: one alone may be at fault itself.
        returns: what to tell the client: when an account is free, and nothing final
            while one will be.
        """
        if len(self.refusals) == 1:
            ((account, refusal),) = self.refusals.items()
            digest, before = self.digest(), account.cooldowns.refused_question
            if before not in ("", digest):
                account.refused(refusal, self.use)
            account.cooldowns.refused_question = digest
        if error.final and error.about_account:
            error = self._temporary() or error
        if isinstance(error, UpstreamBusy):
            error.retry_after_s = self._free_in_s()
        return error

    def _goes_on(self, error: UpstreamError) -> bool:
        if self.started:
            return False
        if isinstance(error, TokenRejected):
            return True  # its account is dead now: not a try, and no reason to tell
        if not (error.about_account and self._fresh()):
            self.failures += 1
        if not self.policy.retry_if(error):
            self._spend(self.accounts[-1])
        enough = error.retry_same_account and self.policy.stop(error, self.failures)
        if enough or not self.candidates.live():
            hopeless = error.status == 502 and not error.retry_after_s
            error.final = error.final or hopeless
            return False
        self.last_error = error
        return True

    def _fresh(self) -> list[Account]:
        """Return the candidates that were not asked yet and are not cooling down."""
        return [
            account
            for account in self.candidates.live()
            if account not in self.accounts and not account.rest_s(self.use)
        ]

    def _spend(self, account: Account) -> None:
        """Ask *account* no more for this answer."""
        if not self.spent:
            self.candidates = self.candidates.where(lambda each: each not in self.spent)
        self.spent.append(account)

    def _temporary(self) -> UpstreamError | None:
        """Return the failure of the first that will be free again, if one will."""
        cooldowns = (account.cooldown(self.use) for account in self.spent)
        passing = [each for each in cooldowns if each and not each.kind.final]
        first = min(passing, key=lambda each: each.until, default=None)
        return first.kind(first.why) if first else None

    def _free_in_s(self) -> float | None:
        """Return the seconds until a candidate is free, None when none will be."""
        waits = [
            account.rest_s(self.use) or (0 if account.slot.free else BUSY_RETRY_S)
            for account in self.candidates.live()
        ]
        waits += filter(None, (account.rest_s(self.use) for account in self.spent))
        return min(waits, default=None)
