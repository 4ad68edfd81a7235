"""The retry policy: how often an answer is tried, after which pause, on which account.

In tenacity's words: `stop`, `wait_s`, `retry_if`. What a failure is, and whether its
account may be asked again at all, is a fact of its class (errors.py); every number is
here; how long a refused account is left alone is in accounts/cooldowns.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import (
    EmptyAnswer,
    PaidTimeout,
    SpeechNotRepeated,
    UploadFailed,
    UpstreamError,
)


@dataclass(frozen=True)
class RetryPolicy:
    """When an answer is tried again.

    attempts: tries of an answer in all, before anything was sent of it.
    fewer: tries in all after failures for which these are enough.
    pauses_s: before an account is asked for the second, third, … time; the last one
        for all others.
    """

    attempts: int = 3
    fewer: Mapping[type[UpstreamError], int] = field(
        default_factory=lambda: {
            UploadFailed: 1,
            EmptyAnswer: 2,
            PaidTimeout: 1,
            SpeechNotRepeated: 1,
        }
    )
    pauses_s: Sequence[float] = (0.3, 1.0)

    def stop(self, error: UpstreamError, failures: int) -> bool:
        """Return whether *failures*, of which *error* is the last, are enough."""
        few = (n for kind, n in self.fewer.items() if isinstance(error, kind))
        return failures >= min(next(few, self.attempts), self.attempts)

    def wait_s(self, failures: int) -> float:
        """Return the pause before an account is asked again after so many failures."""
        return self.pauses_s[min(failures, len(self.pauses_s)) - 1]

    def retry_if(self, error: UpstreamError) -> bool:
        """Return whether the account that failed may be asked again for the answer.

        Not where the service wants a longer pause than is ever made.
        """
        return error.retry_same_account and (error.retry_after_s or 0) <= max(
            self.pauses_s
        )


POLICY = RetryPolicy()
