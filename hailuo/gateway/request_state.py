"""State of one request, from its place in the queue to the end of its attempts."""

import time
from collections.abc import Callable

from ..accounts.account import CHAT, Account, Candidates, Use
from ..accounts.lease_errors import BUSY_RETRY_S
from ..errors import TokenRejected, UpstreamBusy, UpstreamError
from ..tracebacks import clear_tracebacks
from .retry import POLICY, RetryPolicy


class RequestState:
    """State of one request's attempts.

    candidates: the accounts that may serve it.
    ticket: its place in the queue; lower ones come first.
    policy: when it is retried.
    use: the purpose it needs accounts for.
    digest: returns the digest of its question.
    accounts: those that were leased for it, in order.
    excluded: accounts that are not asked again.
    refusals: accounts that refused the question although no limit is known, with their
        errors: the question may be at fault.
    failures: the number of failed attempts that count.
    pieces: the number of pieces sent.
    first_piece_at: when the first one was, on the clock of time.monotonic.
    last_error: the failure of the last attempt.
    """

    def __init__(
        self,
        candidates: Candidates,
        ticket: int,
        policy: RetryPolicy = POLICY,
        use: Use = CHAT,
    ) -> None:
        self.candidates = candidates
        self.ticket = ticket
        self.policy = policy
        self.use = use
        self.digest: Callable[[], str] = str
        self.accounts: list[Account] = []
        self.excluded: list[Account] = []
        self.refusals: dict[Account, UpstreamBusy] = {}
        self.failures = 0
        self.pieces = 0
        self.first_piece_at: float | None = None
        self.last_error: UpstreamError | None = None

    @property
    def started(self) -> bool:
        """True once a piece of the answer was sent."""
        return self.pieces > 0

    @property
    def pause_s(self) -> float:
        """Seconds to wait before an account is asked again; 0 while others are free."""
        if not self.failures or any(each.slot.free for each in self._untried()):
            return 0.0
        return self.policy.wait_s(self.failures)

    def record_answer(self, account: Account) -> None:
        """Record the time, and judge earlier refusals, as *account* begins to answer.

        Where one other account refused the question, that account is at fault and
        cools down; where two did, the question is at fault (client-apis.md 3).
        """
        self.first_piece_at = time.monotonic()
        if len(self.refusals) == 1 and account not in self.refusals:
            ((refusing, error),) = self.refusals.items()
            refusing.refused(error, self.use)
        self.refusals.clear()

    def record_failure(self, error: UpstreamError) -> None:
        """Record a failed attempt; exclude the account if retrying on it is pointless.

        raises: *error*, when no attempt is left.
        """
        if not self._should_continue(error):
            raise error
        clear_tracebacks(error)

    def take_last_error(self) -> UpstreamError | None:
        """Return the last failure if its account could be asked again, once."""
        error, self.last_error = self.last_error, None
        again = error and error.retry_same_account and self.candidates.live()
        return error if again else None

    def final_error(self, error: UpstreamError) -> UpstreamError:
        """Return the error for the client, after the last attempt failed with *error*.

        It says when an account is free, and does not forbid retries while one will be.
        An account that was the only one to refuse the question cools down when it has
        refused another question before: a single refusal may be the question's fault.
        """
        if len(self.refusals) == 1:
            ((account, refusal),) = self.refusals.items()
            digest, previous = self.digest(), account.cooldowns.refused_question
            if previous not in ("", digest):
                account.refused(refusal, self.use)
            account.cooldowns.refused_question = digest
        if error.about_account and not error.should_retry:
            error = self._temporary_error() or error
        if isinstance(error, UpstreamBusy):
            error.retry_after_s = self._available_in_s()
        return error

    def _should_continue(self, error: UpstreamError) -> bool:
        if self.started:
            return False
        if isinstance(error, TokenRejected):
            return True  # the account is dead now: this attempt does not count
        if not (error.about_account and self._untried()):
            self.failures += 1
        if not self.policy.retry_if(error):
            self._exclude(self.accounts[-1])
        enough = error.retry_same_account and self.policy.stop(error, self.failures)
        if enough or not self.candidates.live():
            if error.status == 502 and not error.retry_after_s:
                error.should_retry = False  # all attempts are used
            return False
        self.last_error = error
        return True

    def _untried(self) -> list[Account]:
        """Return the candidates that were not asked yet and are not cooling down."""
        return [
            account
            for account in self.candidates.live()
            if account not in self.accounts and not account.cooldown_s(self.use)
        ]

    def _exclude(self, account: Account) -> None:
        """Do not ask *account* again for this answer."""
        if not self.excluded:
            self.candidates = self.candidates.where(
                lambda candidate: candidate not in self.excluded
            )
        self.excluded.append(account)

    def _temporary_error(self) -> UpstreamError | None:
        """Return the failure of the first account to be available again, if any."""
        cooldowns = (account.cooldown(self.use) for account in self.excluded)
        temporary = [each for each in cooldowns if each and each.error.should_retry]
        first = min(temporary, key=lambda cooldown: cooldown.until, default=None)
        return first.error(first.message) if first else None

    def _available_in_s(self) -> float | None:
        """Return the seconds until a candidate is free, None when none will be."""
        waits = [
            account.cooldown_s(self.use) or (0 if account.slot.free else BUSY_RETRY_S)
            for account in self.candidates.live()
        ]
        cooldowns_s = (account.cooldown_s(self.use) for account in self.excluded)
        waits += filter(None, cooldowns_s)
        return min(waits, default=None)
