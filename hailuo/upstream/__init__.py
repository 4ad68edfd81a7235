"""What an upstream offers, and the records that cross its border.

An upstream turns a Question into Pieces, on one account. How a history is folded, what
the wire looks like and how its tokens are read is its own business; nobody above the
gateway asks which upstream answers.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from ..concurrency.watch import Heartbeat, Watch
from ..errors import BadRequest
from ..files import File, Source
from .records import Call as Call
from .records import Message as Message
from .records import Tool as Tool
from .records import ToolChoice as ToolChoice


class Identity(NamedTuple):
    """What a credential says of itself: hints, never proof (SECURITY.md, Credentials).

    kind: the upstream that takes it.
    account: the account it speaks for; credentials that share it share its lock.
    name: what logs and people may see.
    expires_at: Unix seconds, None when it does not say.
    capacity: answers the account can stream at once, None for any number.
    renewable: whether the service gives a new one for it before it ends.
    """

    kind: str
    account: str
    name: str
    expires_at: float | None = None
    capacity: int | None = 1
    renewable: bool = False


class Credential(Protocol):
    """An account as an upstream sees it; a renewal changes the token."""

    @property
    def token(self) -> str: ...

    @property
    def name(self) -> str: ...


class Question(NamedTuple):
    """What is asked.

    messages: oldest first, the newest last; there is at least one.
    model: as the caller names it; an upstream that does not know it takes its own.
    options: what else the client said, by its name: temperature, top_p, thinking,
        reasoning_effort; an upstream uses what it understands.
    conversation: "" for one of its own, removed afterwards; "new" for one that is
        kept; else the id of the one to go on with.
    files: those of the newest message, one for each Source of its content, in order. A
        Source is a picture at a public address, which was not fetched.
    tools: the functions that may be called, without those that *choice* rules out.
    max_tokens: the most tokens an answer may have, None for no limit.
    stops: texts before the first of which the answer ends.
    streamed: whether each piece is passed on as it comes; else only the whole counts,
        so that an upstream may take back what it has said until the end.
    counted: whether the client is told the usage.
    """

    messages: Sequence[Message]
    model: str = ""
    options: Mapping[str, Any] = {}
    conversation: str = ""
    files: Sequence[File | Source] = ()
    tools: Sequence[Tool] = ()
    choice: ToolChoice = ToolChoice()
    max_tokens: int | None = None
    stops: Sequence[str] = ()
    streamed: bool = True
    counted: bool = True


class Link(NamedTuple):
    """A page the service read when it searched the web."""

    title: str
    url: str


class ToolCall(NamedTuple):
    """A function the model wants called, or a further part of its arguments.

    number: which of the answer's calls it is, from 0.
    id, name: with the first part only.
    arguments: JSON; the parts are to be joined.
    """

    number: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class Usage(NamedTuple):
    """What an answer cost, in the model's tokens."""

    prompt: int
    answer: int


class Piece(NamedTuple):
    """A part of an answer as it arrives; every field may be empty.

    One that brings nothing but an id says that the answer has begun.

    text: what is new of the answer.
    reasoning: what is new of the thinking before it.
    tool_calls: calls, or parts of them.
    links: all of them, with the last piece.
    finish: why the answer is over: "stop" for its natural end, "length", "tools" or
        "filtered"; then it is the last.
    usage: with the last piece, where the service counts.
    id: the answer's, with the first piece at the latest.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    links: tuple[Link, ...] = ()
    finish: str = ""
    usage: Usage | None = None
    id: str = ""


class Speech(NamedTuple):
    """What is to be read out.

    text: as it came; an upstream splits what is too long for it.
    voice: as the caller names it: one of OpenAI's or of an upstream's own.
    model: as the caller names it.
    format: a name of audio.formats.FORMATS.
    speed: how much faster than usual, 0.25 to 4; the pitch stays.
    emotion: one of happy, sad, angry, fearful, disgusted, surprised, calm, or "".
    pitch: semitones higher than usual, -12 to 12; None for as usual.
    volume: times as loud as usual, above 0, 10 at most; None for as usual.
    language: the code of one of languages.NAMES, "auto", or "" for none.
    """

    text: str
    voice: str
    model: str = ""
    format: str = "mp3"
    speed: float = 1.0
    emotion: str = ""
    pitch: int | None = None
    volume: float | None = None
    language: str = ""

    @property
    def styled(self) -> bool:
        """Return whether it is more than a voice and a speed."""
        style = (self.emotion or None, self.pitch, self.volume, self.language or None)
        return any(each is not None for each in style)


class Recording(NamedTuple):
    """What is to be written down.

    parts: MP3, 44.1 kHz, stereo, 192 kbit/s, of five minutes at most, in order; they
        can be gone through again.
    language: as the caller names it, "" when he does not.
    times: what has to be told with its times: "" for nothing, "phrase" or "word".
    """

    parts: Iterable[bytes]
    language: str = ""
    times: str = ""


class Segment(NamedTuple):
    """A sentence or a word of a recording.

    text: with the space before it.
    start, end: in seconds from the recording's beginning.
    """

    text: str
    start: float
    end: float


class TranscriptPiece(NamedTuple):
    """A part of what is said in a recording.

    text: what it adds to the text, with the space before it.
    segments: the same with its times, where they are asked for and the service tells
        them. Their texts joined need not be *text*.
    """

    text: str
    segments: tuple[Segment, ...] = ()


class Voice(NamedTuple):
    """A voice that can be asked for: by its id, and shown with its name."""

    id: str
    name: str


# Streams of an answer, of audio and of a transcript, as they arrive; each yields
# HEARTBEAT whenever one is due, and closing it ends the answer upstream.
Answer = Generator[Piece | Heartbeat, None, None]
AudioStream = Generator[bytes | Heartbeat, None, None]
TranscriptStream = Generator[TranscriptPiece | Heartbeat, None, None]


class Upstream(Protocol):
    """One service that answers."""

    kind: str
    fetches_images: bool  # a picture itself, when it is told its public address
    counts: bool  # what an answer costs, and tells it at its end
    styles: bool  # speech by emotion, pitch, volume and language
    times: bool  # what is said in a recording, when that is asked for

    def has_model(self, model: str) -> bool:
        """Whether *model* is a name of this service's own."""

    def limited_model(self, model: str) -> str:
        """Return the model whose limits a request for *model* counts against.

        "" where the service limits all models together.
        """

    def models(self, account: Credential) -> Sequence[str]:
        """The names of its models, where they can be chosen. raises: UpstreamError."""

    def unsupported_chat(self, question: Question) -> BadRequest | None:
        """What of *question* this service cannot do on any account, by its field.

        Told from the question alone, without a call; None when it can be asked.
        """

    def answer(self, account: Credential, question: Question, watch: Watch) -> Answer:
        """Ask once, and yield pieces as they come, and heartbeats.

        Closing the answer has its conversation removed.
        raises: UpstreamError for what the service did; ClientDisconnected.
        """

    @property
    def voices(self) -> Sequence[Voice]:
        """The voices everybody may use."""

    # Here and below: *watch* is of the client that waits, if one does; ClientDisconnected then.

    def account_voices(
        self, account: Credential, watch: Watch | None = None
    ) -> Sequence[Voice]:
        """The voices that are the account's own. raises: UpstreamError."""

    def has_voice(
        self, account: Credential, speech: Speech, watch: Watch | None = None
    ) -> bool:
        """Whether this account has the voice; what it was told is kept for a while.

        raises: UpstreamError when it cannot be asked.
        """

    def unsupported_speech(self, speech: Speech) -> BadRequest | None:
        """What of *speech* this service cannot do on any account, by its field."""

    def native_speech(self, speech: Speech) -> Speech:
        """*speech* as this service makes it.

        Where that is not the format or the speed it was, it is MP3: what is left to be
        done can be done to that.
        """

    def speak(self, account: Credential, speech: Speech, watch: Watch) -> AudioStream:
        """One file of the whole text, as it arrives. raises: as answer().

        speech: as own() has it.
        """

    def transcribe(
        self, account: Credential, recording: Recording, watch: Watch
    ) -> TranscriptStream:
        """What is said in a recording, part after part. raises: as answer()."""

    def renew(self, account: Credential) -> str:
        """A new token for the account, asked for only where tokens end.

        From here on the old one may be dead.
        raises: UpstreamError.
        """

    def is_token_valid(self, credential: str, watch: Watch | None = None) -> bool:
        """Whether the service takes it, as cheaply as it can be asked.

        raises: UpstreamError when it cannot be asked.
        """

    def abort_streams(self) -> None:
        """Cut off every answer that is running; each fails as if it had broken off."""

    def drain(self, wait_s: float) -> int:
        """Finish what runs in the background; how much was left when time ran out."""
