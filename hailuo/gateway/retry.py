"""Retry policy: how many attempts an answer has, after which pauses.

The names are tenacity's: `stop`, `wait_s`, `retry_if`. Whether the same account may be
asked again after a failure is an attribute of its class (errors.py); every number is
here; how long a refused account cools down is in accounts/cooldowns.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import (
    EmptyAnswer,
    PaidTimeout,
    SchemaNotMet,
    SpeechNotRepeated,
    ToolCallMissing,
    UploadFailed,
    UpstreamError,
)
from ..upstream import ImagesMissing


@dataclass(frozen=True)
class RetryPolicy:
    """Rules for retrying an answer.

    attempts: the maximum number of attempts, until anything of the answer was sent.
    fewer: lower maximums, by the class of the failure.
    pauses_s: seconds before an account is asked for the second, third, … time; the last
        one holds for all others.
    """

    attempts: int = 3
    fewer: Mapping[type[UpstreamError], int] = field(
        default_factory=lambda: {
            UploadFailed: 1,
            EmptyAnswer: 2,
            PaidTimeout: 1,
            SpeechNotRepeated: 1,
            ToolCallMissing: 1,
            SchemaNotMet: 1,
            ImagesMissing: 1,
        }
    )
    pauses_s: Sequence[float] = (0.3, 1.0)

    def stop(self, error: UpstreamError, failures: int) -> bool:
        """Return whether no attempt is left after *failures* that end in *error*."""
        limits = (n for kind, n in self.fewer.items() if isinstance(error, kind))
        return failures >= min(next(limits, self.attempts), self.attempts)

    def wait_s(self, failures: int) -> float:
        """Return the pause before an account is asked again, after *failures*."""
        return self.pauses_s[min(failures, len(self.pauses_s)) - 1]

    def retry_if(self, error: UpstreamError) -> bool:
        """Return whether the account that failed may be asked again for this answer.

        False where the service asks for a longer pause than the policy has.
        """
        return error.retry_same_account and (error.retry_after_s or 0) <= max(
            self.pauses_s
        )


POLICY = RetryPolicy()
