"""Attempts at a request: each leases an account and asks its upstream.

An answer is retried as the retry policy says (retry.py), until its first item was sent.
No other module retries a whole answer: each attempt made here is multiplied by those of
the client's own library.
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import TypeVar

from ..accounts.account import Account
from ..accounts.pool import Pool
from ..accounts.proofs import Proofs
from ..concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ..errors import ClientDisconnected, GatewayError, ShuttingDown, UpstreamError
from ..metrics import Metrics
from ..upstream import GeneratedImage, Piece, TranscriptPiece, Upstream
from . import routing
from .attempt import Attempt
from .request_state import RequestState
from .shutdown import GracefulShutdown

Item = TypeVar("Item", Piece, bytes, TranscriptPiece, GeneratedImage)
Items = Generator[Item | Heartbeat, None, None]
Ask = Callable[[Upstream, Account], Items[Item]]


class Attempts:
    """Attempts at requests, on accounts of a pool.

    upstreams: by the kind of the accounts they serve.
    """

    def __init__(
        self,
        pool: Pool,
        upstreams: Mapping[str, Upstream],
        shutdown: GracefulShutdown,
        metrics: Metrics,
        proofs: Proofs,
    ) -> None:
        self._pool = pool
        self._upstreams = upstreams
        self._shutdown = shutdown
        self._metrics = metrics
        self._proofs = proofs

    def run(
        self,
        state: RequestState,
        kinds: Sequence[str],
        watch: Watch,
        ask: Ask[Item],
    ) -> Items[Item]:
        """Run *ask* on a leased account; retry on another until the first item."""
        self._shutdown.track(watch)
        if state.candidates.from_caller:
            self._proofs.introduce(state.candidates, watch)
        try:
            while True:
                yield from watch.sleep(state.pause_s)  # no account is held meanwhile
                with (
                    self._leased(state, watch, kinds) as account,
                    self._attempt(state, account) as attempt,
                ):
                    if not state.accounts:
                        watch.heartbeat_sent()  # time in the queue is no silence
                    state.accounts.append(account)
                    with closing(ask(self._upstreams[account.kind], account)) as items:
                        for item in items:
                            self._pool.check_lease(account)
                            if item is not HEARTBEAT:
                                attempt.record_item()
                            yield item
                            watch.heartbeat_sent()
                if attempt.error is None:
                    return
                state.record_failure(attempt.error)
                if watch.heartbeat_due:
                    yield HEARTBEAT
                    watch.heartbeat_sent()
        except UpstreamError as error:
            final_error = error if state.started else state.final_error(error)
            if final_error is error:
                raise
            raise final_error from error

    def _attempt(self, state: RequestState, account: Account) -> Attempt:
        return Attempt(state, account, self._pool, self._proofs, self._metrics)

    @contextmanager
    def _leased(
        self, state: RequestState, watch: Watch, kinds: Sequence[str]
    ) -> Iterator[Account]:
        """Lease an account, and record how long the request waited for it.

        raises: as Pool.lease(); the last attempt's failure where no other account came
            free, since it says more.
        """
        queued_at = time.monotonic()
        with ExitStack() as stack:
            try:
                account = stack.enter_context(
                    self._pool.lease(
                        state.candidates,
                        watch,
                        plan=routing.fallback_plan(state, kinds),
                        ticket=state.ticket,
                        tried=state.accounts,
                        use=state.use,
                    )
                )
            except (ShuttingDown, ClientDisconnected):
                raise
            except GatewayError:
                if last_error := state.take_last_error():
                    raise last_error from None
                raise
            finally:
                self._metrics.observe_queue_wait(time.monotonic() - queued_at)
            yield account
