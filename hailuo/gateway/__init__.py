"""Answer a request: lease an account, ask its upstream, retry on another account.

An answer is retried as the retry policy says (retry.py), until its first item was sent.
No other module retries a whole answer: each attempt made here is multiplied by those of
the client's own library.

Which upstream serves a request is decided here (see routing.py), and nowhere above.
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
from ..errors import ClientDisconnected, GatewayError, ShuttingDown, UpstreamError
from ..metrics import Metrics
from ..upstream import (
    Answer,
    AudioStream,
    GeneratedImage,
    ImagePrompt,
    ImageStream,
    Piece,
    Question,
    Recording,
    Speech,
    TranscriptPiece,
    TranscriptStream,
    Upstream,
)
from . import digests, routing, stop_sequences, structured_output
from .attempt import Attempt
from .conversations import ConversationOwners, Conversations
from .request_state import RequestState
from .retry import POLICY, RetryPolicy
from .shutdown import GracefulShutdown
from .speech import speak_natively_or_transcode

Item = TypeVar("Item", Piece, bytes, TranscriptPiece, GeneratedImage)
Items = Generator[Item | Heartbeat, None, None]
Ask = Callable[[Upstream, Account], Items[Item]]


class Gateway:
    """Answers requests on leased accounts.

    upstreams: by the kind of the accounts they serve, the preferred one first.
    policy: when an answer is retried.
    prefer_native: whether questions with tools, images or a format go first to an
        upstream that calls functions by itself.
    """

    def __init__(
        self,
        pool: Pool,
        upstreams: Mapping[str, Upstream],
        shutdown: GracefulShutdown,
        metrics: Metrics,
        proofs: Proofs,
        owners: ConversationOwners,
        policy: RetryPolicy = POLICY,
        *,
        prefer_native: bool = False,
    ) -> None:
        self._pool = pool
        self._upstreams = upstreams
        self._shutdown = shutdown
        self._metrics = metrics
        self._proofs = proofs
        self._conversations = Conversations(owners)
        self._prefer_native = prefer_native
        self.policy = policy

    def request_state(self, candidates: Candidates) -> RequestState:
        """Return the state of a new request, with its place in the queue."""
        return RequestState(candidates, self._pool.ticket(), self.policy)

    def fetches_images(self, candidates: Candidates) -> bool:
        """Return whether every upstream that may answer fetches images itself."""
        kinds = {account.kind for account in candidates.live()}
        return all(self._upstreams[kind].fetches_images for kind in kinds)

    def prove(self, candidates: Candidates, watch: Watch) -> None:
        """Have a service confirm one of the credentials that the client sent.

        Call it before work that an unknown client must not cause: a file fetched,
        opened or stored. Credentials are checked in turn until one is confirmed; a
        proof is kept for 10 minutes. Accounts of the pool need none.
        raises: Unauthorized when every one is rejected, UpstreamError when none is
            confirmed and one cannot be checked; ClientDisconnected.
        """
        self._proofs.prove(candidates, watch)

    def knows(self, account: Account) -> bool:
        """Return whether its service has confirmed a client's credential before."""
        answered = (
            account.client_credential is not None and account.client_credential.proven
        )
        return answered or self._proofs.knows(account.token)

    def answer(self, state: RequestState, question: Question, watch: Watch) -> Answer:
        """Return the pieces of an answer, and heartbeats.

        No account is leased before the first step; closing the generator ends the
        answer and releases the account.
        raises: BadRequest when no candidate can answer or has the model, or for an
            invalid schema. Its steps raise GatewayError, of the last attempt;
            ClientDisconnected.
        """
        format = question.format and structured_output.CheckedFormat.of(question.format)
        choices = routing.model_choices(
            self._upstreams, state.candidates, question.model, watch
        )
        questions = {
            kind: question._replace(model=choice.model)
            for kind, choice in choices.items()
        }
        state.candidates = routing.having_model(state.candidates, choices)
        kinds = routing.eligible_kinds(
            self._upstreams,
            state.candidates,
            lambda upstream: choices[upstream.kind].is_named,
            lambda upstream: upstream.unsupported_chat(questions[upstream.kind]),
        )
        if self._prefer_native and routing.is_demanding(question):
            kinds = routing.native_first(self._upstreams, kinds)
        state.candidates = state.candidates.of_kinds(kinds)
        models = {kind: choice.model for kind, choice in choices.items()}
        state.use = Use("chat", models)
        state.digest = partial(digests.of_question, question)
        if question.conversation not in ("", "new"):
            state.candidates = self._conversations.narrow(
                state.candidates, question.conversation
            )

        def ask(upstream: Upstream, account: Account) -> Answer:
            asked = questions[upstream.kind]
            if format:
                pieces = structured_output.answer(
                    upstream, account, asked, format, watch
                )
            else:
                pieces = upstream.answer(account, asked, watch)
            if question.stop_sequences:
                pieces = stop_sequences.truncate_at_stop(
                    pieces,
                    question.stop_sequences,
                    counted=question.include_usage and upstream.reports_usage,
                )
            if question.conversation:
                owner = account.identity.account
                pieces = self._conversations.recorded(pieces, owner)
            return pieces

        return self._serve(state, kinds, watch, ask)

    def speak(self, state: RequestState, speech: Speech, watch: Watch) -> AudioStream:
        """Yield audio as it arrives, and heartbeats.

        An upstream's audio is transcoded where its format or speed differ; the
        transcoder's slot is then acquired before the account.
        raises: as answer().
        """
        kinds = routing.eligible_kinds(
            self._upstreams,
            state.candidates,
            lambda upstream: upstream.has_model(speech.model),
            lambda upstream: upstream.unsupported_speech(speech),
        )
        if speech.has_style:
            kinds = sorted(
                kinds, key=lambda kind: not self._upstreams[kind].supports_speech_style
            )
        candidates = state.candidates.of_kinds(kinds)
        state.use = routing.use(self._upstreams, "speech", speech.model)
        state.digest = partial(digests.of_speech, speech)
        state.candidates = routing.having_voice(
            self._upstreams, candidates, speech, watch
        )

        def ask(upstream: Upstream, account: Account) -> AudioStream:
            return speak_natively_or_transcode(upstream, account, speech, watch)

        with ExitStack() as stack:
            if self.converts(state.candidates, speech):
                slot = stack.enter_context(audio.WORKER_SLOTS.acquire(watch.owner))
                yield from slot.wait(watch)
            yield from self._serve(state, kinds, watch, ask)

    def converts(self, candidates: Candidates, speech: Speech) -> bool:
        """Return whether any candidate's upstream needs its audio transcoded."""
        kinds = {account.kind for account in candidates.accounts()}
        return any(
            self._upstreams[kind].native_speech(speech) != speech for kind in kinds
        )

    def transcribe(
        self, state: RequestState, recording: Recording, watch: Watch
    ) -> TranscriptStream:
        """Return the pieces of a transcript, and heartbeats.

        raises: as answer().
        """
        kinds = routing.eligible_kinds(
            self._upstreams,
            state.candidates,
            lambda upstream: False,
            lambda upstream: upstream.unsupported_recording(recording),
        )
        if recording.timestamps:
            kinds = sorted(
                kinds, key=lambda kind: not self._upstreams[kind].gives_segment_times
            )
        state.candidates = state.candidates.of_kinds(kinds)
        state.use = routing.use(self._upstreams, "transcription", "")
        state.digest = partial(digests.of_recording, recording)

        def ask(upstream: Upstream, account: Account) -> TranscriptStream:
            return upstream.transcribe(account, recording, watch)

        return self._serve(state, kinds, watch, ask)

    def draw(
        self, state: RequestState, prompt: ImagePrompt, watch: Watch
    ) -> ImageStream:
        """Return images as they were made, and heartbeats. raises: as answer()."""
        kinds = routing.eligible_kinds(
            self._upstreams,
            state.candidates,
            lambda upstream: upstream.has_model(prompt.model),
            lambda upstream: upstream.unsupported_images(prompt),
        )
        state.candidates = state.candidates.of_kinds(kinds)
        state.use = routing.use(self._upstreams, "images", prompt.model)
        state.digest = partial(digests.of_image_prompt, prompt)

        def ask(upstream: Upstream, account: Account) -> ImageStream:
            return upstream.draw(account, prompt, watch)

        return self._serve(state, kinds, watch, ask)

    def _serve(
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
