"""Answer a request: choose its upstream and accounts, and what is asked of them.

Which upstream serves a request is decided here (see routing.py), and nowhere above;
how accounts are leased and failures retried, in attempts.py.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial

from .. import audio
from ..accounts.account import Account, Use
from ..accounts.candidates import Candidates
from ..accounts.pool import Pool
from ..accounts.proofs import Proofs
from ..concurrency.watch import Watch
from ..metrics import Metrics
from ..upstream import (
    Answer,
    AudioStream,
    ImagePrompt,
    ImageStream,
    Question,
    Recording,
    Speech,
    TranscriptStream,
    Upstream,
)
from . import chat, digests, routing, structured_output
from .attempts import Attempts
from .conversations import ConversationOwners, Conversations
from .request_state import RequestState
from .retry import POLICY, RetryPolicy
from .shutdown import GracefulShutdown
from .speech import speak_natively_or_transcode


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
        self._proofs = proofs
        self._attempts = Attempts(pool, upstreams, shutdown, metrics, proofs)
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
        chosen = routing.chosen_models(
            self._upstreams, state.candidates, question.model, watch
        )
        models = {kind: choice.model for kind, choice in chosen.items()}
        questions = {kind: question._replace(model=models[kind]) for kind in models}
        state.candidates = routing.having_model(state.candidates, chosen)
        kinds = routing.eligible_kinds(
            self._upstreams,
            state.candidates,
            lambda upstream: chosen[upstream.kind].is_named,
            lambda upstream: upstream.unsupported_chat(questions[upstream.kind]),
        )
        if self._prefer_native and routing.is_demanding(question):
            kinds = routing.native_first(self._upstreams, kinds)
        state.candidates = state.candidates.of_kinds(kinds)
        state.use = Use("chat", models)
        state.digest = partial(digests.of_question, question)
        if question.conversation not in ("", "new"):
            state.candidates = self._conversations.narrow(
                state.candidates, question.conversation
            )

        def ask(upstream: Upstream, account: Account) -> Answer:
            asked = questions[upstream.kind]
            pieces = chat.answer(upstream, account, asked, format, watch)
            if question.conversation:
                owner = account.identity.account
                pieces = self._conversations.recorded(pieces, owner)
            return pieces

        return self._attempts.run(state, kinds, watch, ask)

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
            yield from self._attempts.run(state, kinds, watch, ask)

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

        return self._attempts.run(state, kinds, watch, ask)

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

        return self._attempts.run(state, kinds, watch, ask)
