"""The interface of an upstream: a service that answers on behalf of the gateway.

An upstream turns a Question into a stream of Pieces, on one account. How it encodes a
conversation, what its protocol looks like and how it reads its credentials is its own
business; nothing above the gateway depends on which upstream answers.
"""

from collections.abc import Generator, Sequence
from typing import Literal, Protocol

from ..concurrency.watch import Heartbeat, Watch
from ..errors import BadRequest
from .account_records import Credential, Identity
from .chat_records import (
    AnswerFormat,
    Call,
    Link,
    Message,
    ModelChoice,
    Piece,
    Question,
    Tool,
    ToolCall,
    ToolChoice,
    Usage,
)
from .image_records import GeneratedImage, ImagePrompt, ImagesMissing
from .quota import Quota
from .speech_records import Recording, Segment, Speech, TranscriptPiece, Voice

__all__ = [
    "Answer",
    "AnswerFormat",
    "AudioStream",
    "Call",
    "Credential",
    "GeneratedImage",
    "Identity",
    "ImagePrompt",
    "ImagesMissing",
    "ImageStream",
    "Link",
    "Message",
    "ModelChoice",
    "Piece",
    "Purpose",
    "Question",
    "Quota",
    "Recording",
    "Segment",
    "Speech",
    "Tool",
    "ToolCall",
    "ToolChoice",
    "TranscriptPiece",
    "TranscriptStream",
    "Upstream",
    "Usage",
    "Voice",
]

# Streams of an answer, of audio, of a transcript and of images. Each yields HEARTBEAT
# when one is due; closing it ends the request to the upstream.
Answer = Generator[Piece | Heartbeat, None, None]
AudioStream = Generator[bytes | Heartbeat, None, None]
TranscriptStream = Generator[TranscriptPiece | Heartbeat, None, None]
ImageStream = Generator[GeneratedImage | Heartbeat, None, None]

# What an upstream does for a request.
Purpose = Literal["chat", "speech", "transcription", "images"]


class Upstream(Protocol):
    """A service that answers.

    A method that takes a Watch raises ClientDisconnected when the client of that watch
    disconnects; None stands for a call that no client waits for.

    kind: its name in credentials, settings and metrics.
    lists_models: whether its accounts have models to choose from.
    fetches_images: whether it downloads an image from a public address itself, and a
        video, if it accepts any.
    reports_usage: whether an answer ends with its usage in tokens.
    supports_speech_style: whether speech can have an emotion, a pitch, a volume and a
        language.
    gives_segment_times: whether a transcript can have the times of its segments.
    calls_functions: whether its model calls functions by itself, not by emulation.
    keeps_conversations: whether an answer can be followed by another question without
        sending the history again.
    audio_models: its models for speech and transcription, which any account has.
    """

    kind: str
    audio_models: Sequence[str]
    lists_models: bool
    fetches_images: bool
    reports_usage: bool
    supports_speech_style: bool
    gives_segment_times: bool
    calls_functions: bool
    keeps_conversations: bool

    def has_model(self, model: str) -> bool:
        """Return whether *model* names one of its own for speech or images."""

    def limited_model(self, purpose: Purpose, model: str) -> str:
        """Return the model whose rate limit speech or images count against.

        "" if all models share one limit.
        """

    def models(
        self, accounts: Sequence[Credential], watch: Watch | None = None
    ) -> Sequence[str]:
        """Return the models that clients may choose with any of these accounts.

        The upstream's answers are cached for a while.
        raises: GatewayError when no account can be asked; TokenRejected when all are
            rejected; ClientDisconnected.
        """

    def choose_model(
        self, accounts: Sequence[Credential], model: str, watch: Watch
    ) -> ModelChoice:
        """Return the model for a question that these accounts may answer.

        model: as the client names it, "" for none.
        The upstream's answers are cached for a while, its failures, too.
        raises: ModelUnknown when the name is one of its own, and no account has it;
            ClientDisconnected.
        """

    def unsupported_chat(self, question: Question) -> BadRequest | None:
        """Return an error for a question that no account can answer, else None.

        It names the field at fault. Makes no call to the upstream.
        """

    def answer(self, account: Credential, question: Question, watch: Watch) -> Answer:
        """Ask once; yield pieces as they arrive.

        Closing the answer deletes its conversation, unless that is to be kept.
        raises: UpstreamError.
        """

    def remove_conversation(self, account: Credential, conversation: str) -> None:
        """Have a conversation that was kept deleted, in the background."""

    @property
    def voices(self) -> Sequence[Voice]:
        """The voices that are available to every account."""

    def account_voices(
        self, account: Credential, watch: Watch | None = None
    ) -> Sequence[Voice]:
        """Return the voices that belong to the account. raises: UpstreamError."""

    def has_voice(
        self, account: Credential, speech: Speech, watch: Watch | None = None
    ) -> bool:
        """Return whether the account can speak with the requested voice.

        The upstream's answer is cached for a while.
        raises: UpstreamError.
        """

    def unsupported_recording(self, recording: Recording) -> BadRequest | None:
        """Return an error for a recording that no account can transcribe as wanted.

        It names the field at fault. Makes no call to the upstream.
        """

    def unsupported_speech(self, speech: Speech) -> BadRequest | None:
        """Return an error for a speech that no account can make, else None.

        It names the field at fault. Makes no call to the upstream.
        """

    def native_speech(self, speech: Speech) -> Speech:
        """Return the request that this upstream can serve natively.

        If its format or speed differs from the client's, the audio is MP3, which the
        gateway transcodes.
        """

    def speak(self, account: Credential, speech: Speech, watch: Watch) -> AudioStream:
        """Yield one audio file of the whole text, as it arrives.

        speech: as native_speech() returns it.
        raises: UpstreamError.
        """

    def transcribe(
        self, account: Credential, recording: Recording, watch: Watch
    ) -> TranscriptStream:
        """Yield the transcript of a recording, part by part. raises: UpstreamError."""

    def unsupported_images(self, prompt: ImagePrompt) -> BadRequest | None:
        """Return an error for images that no account can make, else None."""

    def draw(
        self, account: Credential, prompt: ImagePrompt, watch: Watch
    ) -> ImageStream:
        """Yield at least one image, and at most as many as are wanted.

        raises: UpstreamError; ImagesMissing for an order that must not be repeated,
            since it may be charged.
        """

    def renew(self, account: Credential) -> str:
        """Return a new token for the account; the old one may be dead afterwards.

        Called only for credentials that are renewable.
        raises: UpstreamError.
        """

    def quota(self, account: Credential) -> Quota | None:
        """Return what is left of the account's plan, None if the upstream does not say.

        Called only for credentials that have a plan.
        raises: as renew().
        """

    def is_token_valid(self, credential: str, watch: Watch | None = None) -> bool:
        """Return whether the upstream accepts a credential, by its cheapest call.

        raises: UpstreamError if the check itself fails.
        """

    def abort_streams(self) -> None:
        """Abort every running answer; each fails as if its connection had broken."""

    def drain(self, wait_s: float) -> int:
        """Finish background work; return how much is left after *wait_s* seconds."""
