"""One attempt at an answer, and what its outcome means for the account.

with Attempt(…) as attempt:
    for item in upstream.answer(…):
        attempt.record_item()
        …
attempt.error  # the UpstreamError that ended it, None when it is complete
"""

import time
from types import TracebackType
from typing import Self

from ..accounts.account import Account
from ..accounts.pool import Pool
from ..accounts.proofs import Proofs
from ..errors import (
    BadRequest,
    ClientDisconnected,
    LeaseLost,
    TokenRejected,
    UpstreamBusy,
    UpstreamError,
)
from ..metrics import Metrics
from .request_state import RequestState


class Attempt:
    """An attempt on a leased account. It suppresses UpstreamError and keeps it.

    error: the failure of the upstream, None for none.
    """

    def __init__(
        self,
        state: RequestState,
        account: Account,
        pool: Pool,
        proofs: Proofs,
        metrics: Metrics,
    ) -> None:
        self.error: UpstreamError | None = None
        self._state = state
        self._account = account
        self._pool = pool
        self._proofs = proofs
        self._metrics = metrics
        self._token = account.token  # the account may have another in the end
        self._started_at = time.monotonic()

    def record_item(self) -> None:
        """Record that a part of the answer has arrived and is sent on."""
        state = self._state
        if not state.pieces:
            self._pool.prove(self._account)
            state.record_answer(self._account)
        state.pieces += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        match error:
            case None:
                self._succeed()
            case GeneratorExit() | ClientDisconnected():
                if self._state.started:  # the client has read all that it wants
                    self._succeed()
                else:
                    self._count(ClientDisconnected.code)
            case BadRequest() | LeaseLost():
                self._count(error.code or error.type)
            case UpstreamError():
                self._count(error.code or error.type)
                # Whatever went wrong after that says nothing about the account.
                self._pool.check_lease(self._account)
                self._judge(error)
                self.error = error
                return True
        return False

    def _succeed(self) -> None:
        self._account.succeeded(self._state.use, self._started_at)
        self._count("ok")

    def _count(self, outcome: str) -> None:
        self._metrics.count_attempt(self._account.kind, outcome)

    def _judge(self, error: UpstreamError) -> None:
        """Decide what a failure of the service means for the account."""
        account = self._account
        if account.token != self._token:
            return
        if isinstance(error, TokenRejected):
            self._proofs.withdraw(self._token)
            self._pool.reject(account, error.message)
        elif error.limits and (error.about_account or error.retry_after_s):
            account.refused(error, self._state.use)
        elif isinstance(error, UpstreamBusy):
            account.last_error = error.message
            self._state.refusals.setdefault(account, error)
