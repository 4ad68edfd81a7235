"""MiniMax's official platform: the paid API of Hailuo's makers (platform.md)."""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing

from ...concurrency.watch import Watch
from ...errors import BadRequest, TokenRejected
from ...net.client import HttpClient
from .. import (
    Answer,
    AudioStream,
    Credential,
    ImagePrompt,
    ImageStream,
    ModelChoice,
    Purpose,
    Question,
    Quota,
    Recording,
    Speech,
    TranscriptStream,
    Voice,
)
from . import (
    capabilities,
    chat,
    history,
    images,
    models,
    protocol,
    quota,
    request,
    speech,
)
from .client import Client
from .documents import Documents
from .images import ImageClient
from .message_files import MessageFiles
from .models import ModelLists
from .speech import SpeechClient
from .transcription import TranscriptionClient


class Platform:
    """The official platform, for any key.

    origin: its address; a key works in its own region only.
    default_model: used for model names that are not the platform's own.
    voice_replacements: the operator's voices by OpenAI's names.
    strict_voices: whether a voice of the web service is an error.
    """

    kind = protocol.KIND
    audio_models: Sequence[str] = protocol.AUDIO_MODELS
    lists_models = True
    fetches_images = True
    reports_usage = True
    supports_speech_style = True
    gives_segment_times = True
    calls_functions = True
    keeps_conversations = False

    def __init__(
        self,
        http: HttpClient,
        origin: str,
        default_model: str,
        voice_replacements: Mapping[str, str] = {},
        *,
        strict_voices: bool = False,
    ) -> None:
        self._http = http
        self._client = Client(http, origin)
        self._default_model = default_model
        self._models = ModelLists(self._client)
        self._documents = Documents()
        self._speech = SpeechClient(
            self._client, voice_replacements, strict=strict_voices
        )
        self._transcription = TranscriptionClient(self._client)
        self._images = ImageClient(self._client)

    def has_model(self, model: str) -> bool:
        return any(
            models.name_in_family(family, model) for family in protocol.MEDIA_MODELS
        )

    def limited_model(self, purpose: Purpose, model: str) -> str:
        """Return the model that serves speech, images or a transcript."""
        match purpose:
            case "speech":
                return speech.model_of(model)
            case "images":
                return images.model_of(model)
        return protocol.ASR_MODEL

    def models(
        self, accounts: Sequence[Credential], watch: Watch | None = None
    ) -> Sequence[str]:
        return self._models.union([account.token for account in accounts], watch)

    def choose_model(
        self, accounts: Sequence[Credential], model: str, watch: Watch
    ) -> ModelChoice:
        return self._models.choose(accounts, model, self._default_model, watch)

    def unsupported_chat(self, question: Question) -> BadRequest | None:
        return capabilities.unsupported_chat(question, self._model(question))

    def answer(self, account: Credential, question: Question, watch: Watch) -> Answer:
        """Read the question's documents, then ask with the account's key."""
        model = self._model(question)
        files = MessageFiles(self._documents, model)
        messages = yield from files.with_files(question, watch)
        messages = history.normalized(messages)
        if question.prefill:
            messages.append(question.prefill)
        question = question._replace(messages=messages)
        body = request.body(question, model)
        stream = self._client.open_stream(
            protocol.CHAT, account.token, body, watch=watch
        )
        with closing(stream):
            yield from chat.pieces(
                stream,
                streamed=question.streamed,
                tools=body.get("tools", ()),
                parallel=question.tool_choice.parallel,
            )
            stream.drain()

    def remove_conversation(self, account: Credential, conversation: str) -> None:
        """Do nothing: the platform keeps no conversations."""

    @property
    def voices(self) -> Sequence[Voice]:
        """Voices open to everybody: none is known without a key."""
        return ()

    def account_voices(
        self, account: Credential, watch: Watch | None = None
    ) -> Sequence[Voice]:
        """Return all voices the key may use."""
        return self._speech.voices(account, watch)

    def has_voice(
        self, account: Credential, speech: Speech, watch: Watch | None = None
    ) -> bool:
        return self._speech.has(account, speech.voice, watch)

    def unsupported_speech(self, speech: Speech) -> BadRequest | None:
        return self._speech.unsupported(speech)

    def native_speech(self, speech: Speech) -> Speech:
        return self._speech.native_speech(speech)

    def speak(self, account: Credential, speech: Speech, watch: Watch) -> AudioStream:
        return self._speech.speak(account, speech, watch)

    def unsupported_recording(self, recording: Recording) -> BadRequest | None:
        return None

    def transcribe(
        self, account: Credential, recording: Recording, watch: Watch
    ) -> TranscriptStream:
        return self._transcription.transcribe(account, recording, watch)

    def unsupported_images(self, prompt: ImagePrompt) -> BadRequest | None:
        return None

    def draw(
        self, account: Credential, prompt: ImagePrompt, watch: Watch
    ) -> ImageStream:
        return self._images.draw(account, prompt, watch)

    def renew(self, account: Credential) -> str:
        """Return the key as it is: keys do not expire."""
        return account.token

    def quota(self, account: Credential) -> Quota | None:
        """Return the quota of the chat models; mainland servers may refuse to say."""
        answer = self._client.ask("GET", protocol.REMAINS, account.token)
        return quota.read(answer, time.time())

    def is_token_valid(self, credential: str, watch: Watch | None = None) -> bool:
        """Check a key with the cheapest authenticated call, the list of models."""
        try:
            self._models.ask(credential, watch)
        except TokenRejected:
            return False
        return True

    def abort_streams(self) -> None:
        self._http.abort_streams()
        self._documents.abort()

    def drain(self, wait_s: float) -> int:
        """Return 0: nothing is left to do after an answer."""
        return 0

    def _model(self, question: Question) -> str:
        return question.model or self._default_model
