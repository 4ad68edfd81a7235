"""The one way from a question to an answer: lease, ask, try again on another account.

An answer is tried again as the retry policy says (retry.py), before anything was sent
of it. Nothing else in the program retries an answer: what is tried here is multiplied
by the caller's own client.

Here, and nowhere above, is decided which upstream serves (see choosing).
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import TypeVar

from .. import audio
from ..accounts.account import Account, Candidates, Use
from ..accounts.pool import Pool
from ..accounts.proofs import Proofs
from ..concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ..errors import (
    BadRequest,
    ClientDisconnected,
    GatewayError,
    ShuttingDown,
    TokenRejected,
    UpstreamBusy,
    UpstreamError,
)
from ..metrics import Metrics
from ..upstream import (
    Answer,
    AudioStream,
    Piece,
    Question,
    Recording,
    Speech,
    TranscriptPiece,
    TranscriptStream,
    Upstream,
)
from . import digests, routing, stop_sequences
from .conversations import Conversations
from .request_state import RequestState
from .retry import POLICY, RetryPolicy
from .shutdown import GracefulShutdown

Item = TypeVar("Item", Piece, bytes, TranscriptPiece)
Items = Generator[Item | Heartbeat, None, None]
Ask = Callable[[Upstream, Account], Items[Item]]


class Gateway:
    """Answers questions on leased accounts.

    upstreams: by the kind of the accounts they serve, the preferred one first.
    policy: when an answer is tried again.
    """

    def __init__(
        self,
        pool: Pool,
        upstreams: Mapping[str, Upstream],
        leaving: GracefulShutdown,
        metrics: Metrics,
        proofs: Proofs,
        policy: RetryPolicy = POLICY,
    ) -> None:
        self._pool = pool
        self._proofs = proofs
        self._upstreams = upstreams
        self._metrics = metrics
        self._conversations = Conversations()
        self._leaving = leaving
        self.policy = policy

    def turn(self, scope: Candidates) -> RequestState:
        """A place in line for a request that accounts of *scope* may serve."""
        return RequestState(scope, self._pool.ticket(), self.policy)

    def fetches(self, scope: Candidates) -> bool:
        """Whether whoever of *scope* may answer fetches a picture itself."""
        kinds = {account.kind for account in scope.live()}
        return all(self._upstreams[kind].fetches_images for kind in kinds)

    def prove(self, candidates: Candidates, watch: Watch) -> None:
        """Have a service confirm one of the credentials that the client brought.

        Call it before work that a stranger must not cause: a file fetched, opened or
        kept. Credentials are asked about in turn until one is confirmed; a proof is
        kept for 10 minutes. Accounts of the pool need none.
        raises: Unauthorized when every one is rejected, UpstreamError when none is
            confirmed and one cannot be asked about; ClientDisconnected.
        """
        self._proofs.prove(candidates, watch)

    def knows(self, account: Account) -> bool:
        """Return whether its service has confirmed a client's credential before."""
        answered = account.visitor is not None and account.visitor.proven
        return answered or self._proofs.knows(account.token)

    def answer(self, turn: RequestState, question: Question, watch: Watch) -> Answer:
        """The pieces of an answer, and heartbeats.

        Nothing happens before the first step; closing the generator ends the answer
        and gives the account back.
        raises: GatewayError, which made the last try fail; ClientDisconnected.
        """
        kinds = routing.eligible_kinds(
            self._upstreams,
            turn.candidates,
            question.model,
            lambda upstream: upstream.unsupported_chat(question),
        )
        turn.candidates = turn.candidates.of_kinds(kinds)
        turn.use = self._use("chat", question.model)
        turn.digest = partial(digests.of_question, question)
        if question.conversation not in ("", "new"):
            turn.candidates = self._conversations.narrow(
                turn.candidates, question.conversation
            )

        def ask(upstream: Upstream, account: Account) -> Answer:
            pieces = upstream.answer(account, question, watch)
            if question.stop_sequences:
                counted = question.include_usage and upstream.reports_usage
                pieces = stop_sequences.truncate_at_stop(
                    pieces, question.stop_sequences, counted=counted
                )
            with closing(pieces):
                for piece in pieces:
                    if piece is not HEARTBEAT and piece.id and question.conversation:
                        self._conversations.note(piece.id, account.identity.account)
                    yield piece

        yield from self._serve(turn, kinds, watch, ask)

    def speak(self, turn: RequestState, speech: Speech, watch: Watch) -> AudioStream:
        """Audio as it arrives, and heartbeats.

        What an upstream does not make itself is converted; who needs that waits for a
        place before he waits for an account.
        raises: as answer().
        """
        kinds = routing.eligible_kinds(
            self._upstreams,
            turn.candidates,
            speech.model,
            lambda upstream: upstream.unsupported_speech(speech),
        )
        if speech.has_style:
            kinds = sorted(
                kinds, key=lambda kind: not self._upstreams[kind].supports_speech_style
            )
        scope = turn.candidates.of_kinds(kinds)
        turn.use = self._use("speech", speech.model)
        turn.digest = partial(digests.of_speech, speech)
        turn.candidates = routing.having_voice(self._upstreams, scope, speech, watch)

        def ask(upstream: Upstream, account: Account) -> AudioStream:
            return spoken(upstream, account, speech, watch)

        with ExitStack() as kept:
            if self.converts(turn.candidates, speech):
                place = kept.enter_context(audio.WORKER_SLOTS.acquire(watch.owner))
                yield from place.wait(watch)
            yield from self._serve(turn, kinds, watch, ask)

    def converts(self, scope: Candidates, speech: Speech) -> bool:
        """Return whether an account that may serve leaves a speech to be converted."""
        kinds = {account.kind for account in scope.accounts()}
        return any(
            self._upstreams[kind].native_speech(speech) != speech for kind in kinds
        )

    def transcribe(
        self, turn: RequestState, recording: Recording, watch: Watch
    ) -> TranscriptStream:
        """What is said, and heartbeats.

        raises: as answer().
        """
        kinds = list(self._upstreams)
        if recording.timestamps:
            kinds.sort(key=lambda kind: not self._upstreams[kind].gives_segment_times)
        turn.candidates = turn.candidates.of_kinds(kinds)
        turn.use = self._use("transcription", "")
        turn.digest = partial(digests.of_recording, recording)

        def ask(upstream: Upstream, account: Account) -> TranscriptStream:
            return upstream.transcribe(account, recording, watch)

        yield from self._serve(turn, kinds, watch, ask)

    def _serve(
        self,
        turn: RequestState,
        kinds: Sequence[str],
        watch: Watch,
        ask: Ask[Item],
    ) -> Items[Item]:
        """Run *ask* on a leased account; retry on another until the first item."""
        self._leaving.track(watch)
        if turn.candidates.from_caller:
            self._proofs.introduce(turn.candidates, watch)
        try:
            while True:
                yield from watch.sleep(turn.pause_s)  # no account is held meanwhile
                with self._leased(turn, watch, kinds) as account:
                    error = yield from self._attempt(turn, account, watch, ask)
                if error is None:
                    return
                turn.record_failure(error)
                if watch.heartbeat_due:
                    yield HEARTBEAT
                    watch.heartbeat_sent()
        except UpstreamError as failure:
            told = failure if turn.started else turn.ended(failure)
            if told is failure:
                raise
            raise told from failure

    @contextmanager
    def _leased(
        self, turn: RequestState, watch: Watch, kinds: Sequence[str]
    ) -> Iterator[Account]:
        """An account of the pool's; the time in line counts however it ends."""
        came_at = time.monotonic()
        with ExitStack() as stack:
            try:
                account = stack.enter_context(
                    self._pool.lease(
                        turn.candidates,
                        watch,
                        plan=routing.fallback_plan(turn, kinds),
                        ticket=turn.ticket,
                        tried=turn.accounts,
                        use=turn.use,
                    )
                )
            except (ShuttingDown, ClientDisconnected):
                raise
            except GatewayError:  # no other came free: the last failure says more
                if last_error := turn.take_last_error():
                    raise last_error from None
                raise
            finally:
                self._metrics.observe_queue_wait(time.monotonic() - came_at)
            yield account

    def _attempt(
        self,
        turn: RequestState,
        account: Account,
        watch: Watch,
        ask: Ask[Item],
    ) -> Generator[Item | Heartbeat, None, UpstreamError | None]:
        """Try once, on a leased account.

        returns: why it failed, None when the answer is complete.
        raises: BadRequest, ClientDisconnected.
        """
        token, began_at = account.token, time.monotonic()
        try:
            yield from self._items(turn, account, watch, ask)
        except (GeneratorExit, ClientDisconnected):
            if turn.started:  # who has heard enough has been answered
                self._succeeded(turn, account, began_at)
            else:
                self._metrics.count_attempt(account.kind, ClientDisconnected.code)
            raise
        except BadRequest as error:
            self._metrics.count_attempt(account.kind, error.code or error.type)
            raise
        except UpstreamError as error:
            self._metrics.count_attempt(account.kind, error.code or error.type)
            self._judge(turn, account, token, error)
            return error
        self._succeeded(turn, account, began_at)
        return None

    def _items(
        self,
        turn: RequestState,
        account: Account,
        watch: Watch,
        ask: Ask[Item],
    ) -> Items[Item]:
        if not turn.accounts:
            watch.heartbeat_sent()  # the time in line is no silence
        turn.accounts.append(account)
        with closing(ask(self._upstreams[account.kind], account)) as items:
            for item in items:
                if item is not HEARTBEAT:
                    if not turn.started:
                        self._pool.prove(account)
                        turn.answered(account)
                    turn.record_piece()
                yield item
                watch.heartbeat_sent()

    def _use(self, purpose: str, model: str) -> Use:
        """Return what an account is wanted for, as the services' limits have it."""
        upstreams = self._upstreams.items()
        return Use(
            purpose, {kind: each.limited_model(model) for kind, each in upstreams}
        )

    def _succeeded(self, turn: RequestState, account: Account, began_at: float) -> None:
        account.succeeded(turn.use, began_at)
        self._metrics.count_attempt(account.kind, "ok")

    def _judge(
        self, turn: RequestState, account: Account, token: str, error: UpstreamError
    ) -> None:
        """Decide what a failure means for the account: only the service's words count.

        token: the one that was sent; the account may have another by now.
        """
        if account.token != token:
            return
        if isinstance(error, TokenRejected):
            self._proofs.withdraw(token)
            self._pool.reject(account, error.message)
        elif error.limits and (error.about_account or error.retry_after_s):
            account.refused(error, turn.use)
        elif isinstance(error, UpstreamBusy):
            account.last_error = error.message
            turn.refusals.setdefault(account, error)


def spoken(
    upstream: Upstream, account: Account, speech: Speech, watch: Watch
) -> AudioStream:
    """A speech in its format and at its speed, whoever makes them."""
    own = upstream.native_speech(speech)
    with closing(upstream.speak(account, own, watch)) as sound:
        if own == speech:
            yield from sound
        else:
            speed = speech.speed / own.speed
            yield from audio.transcode(sound, speech.format, speed)
