"""The web service: the protocol of hailuoai.com's own web client (protocol.md)."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from urllib.parse import quote

from ...concurrency.watch import HEARTBEAT, Heartbeat, Watch
from ...errors import (
    BadRequest,
    ClientDisconnected,
    TokenRejected,
    UpstreamProtocolError,
)
from ...files import File
from ...net.client import HttpClient
from ...net.stream import Stream
from .. import (
    Answer,
    AudioStream,
    Credential,
    Message,
    ModelChoice,
    Piece,
    Purpose,
    Question,
    Recording,
    Speech,
    TranscriptStream,
    Voice,
)
from ..answer_pieces import answer_pieces
from . import capabilities, prompt, protocol, read_aloud, voices
from .chat import AnswerParser, read_chat_id
from .client import Client
from .credential import identify
from .files import FileUploader, form_field
from .no_images import NoImages
from .removal import Removals
from .signing import chat_digest
from .speech import SpeechClient
from .tools import Notation, ToolPrompt, ToolUse, with_calls
from .transcription import TranscriptionClient

RENEWAL_S = 120.0  # long, since the new token is lost if its answer is not awaited


class Web(NoImages):
    """The web service, an Upstream.

    voice_replacements: the operator's voices by OpenAI's names.
    with_tools: whether functions can be called; they are ignored otherwise.
    """

    kind = protocol.KIND
    audio_models: Sequence[str] = ()
    lists_models = False
    fetches_images = False
    reports_usage = False
    supports_speech_style = False
    gives_segment_times = False  # protocol.md 6
    calls_functions = False  # see tools/
    keeps_conversations = True

    def __init__(
        self,
        http: HttpClient,
        origin: str,
        voice_replacements: Mapping[str, str] = {},
        *,
        with_tools: bool = True,
    ) -> None:
        self._http = http
        self._client = Client(http, origin)
        self._removals = Removals(self._remove)
        self._untrusted_http = http.for_untrusted_urls(origin)
        self._uploader = FileUploader(self._client, self._untrusted_http)
        self._speech = SpeechClient(
            self._untrusted_http, self._client, self._ask, self._removals
        )
        self._transcription = TranscriptionClient(self._client)
        self._with_tools = with_tools
        self._voice_replacements = voice_replacements

    def has_model(self, model: str) -> bool:
        return False

    def limited_model(self, purpose: Purpose, model: str) -> str:
        return ""

    def models(
        self, accounts: Sequence[Credential], watch: Watch | None = None
    ) -> Sequence[str]:
        return ()

    def choose_model(
        self, accounts: Sequence[Credential], model: str, watch: Watch
    ) -> ModelChoice:
        return ModelChoice()  # its only model has no name

    def unsupported_chat(self, question: Question) -> BadRequest | None:
        return capabilities.unsupported_chat(
            question, _text(question), with_tools=self._with_tools
        )

    def answer(self, account: Credential, question: Question, watch: Watch) -> Answer:
        """Ask, in a conversation that is deleted afterwards unless it is to be kept.

        A new one is deleted even then if the client did not receive its id.
        """
        question, files = self._usable(question), _files(question)
        notation = Notation.of(account.name, question)
        file_ids = yield from self._uploader.upload(account.token, files, watch)
        parser, id_sent = AnswerParser(streamed=question.streamed), False
        tools = ToolPrompt.of(notation, question)
        answer = self._turn(account, question, watch, parser, file_ids, tools)
        if use := ToolUse.of(notation, question):

            def ask_again(request: str) -> Answer:
                """Ask in the same conversation, for the gateway alone."""
                follow_up = Question(
                    [Message("user", (request,))], conversation=parser.chat_id
                )
                second = AnswerParser(streamed=False)
                second.chat_id = parser.chat_id
                return self._turn(account, follow_up, watch, second)

            answer = with_calls(answer, use, ask_again, watch)
        try:
            with closing(answer):
                for piece in answer:
                    id_sent = id_sent or _tells_id(piece, question)
                    yield piece
        finally:
            keep = _continues(question) or (question.conversation == "new" and id_sent)
            if parser.chat_id and not keep:
                self._removals.add(account, parser.chat_id)

    def remove_conversation(self, account: Credential, conversation: str) -> None:
        self._removals.add(account, conversation)

    @property
    def voices(self) -> Sequence[Voice]:
        return voices.VOICES

    def account_voices(
        self, account: Credential, watch: Watch | None = None
    ) -> list[Voice]:
        return self._speech.account_voices(account, watch)

    def has_voice(
        self, account: Credential, speech: Speech, watch: Watch | None = None
    ) -> bool:
        """Return whether the voice is not a cloned one of another account."""
        voice = self._voice_id(speech)
        if not voices.is_cloned(voice):
            return True
        return self._speech.has_cloned_voice(account, voice, watch)

    def unsupported_speech(self, speech: Speech) -> BadRequest | None:
        """Reject an unknown voice, and a text without anything to speak."""
        try:
            self._voice_id(speech)
            read_aloud.speakable_pieces(speech.text)
        except BadRequest as error:
            return error
        return None

    def native_speech(self, speech: Speech) -> Speech:
        return speech._replace(format="mp3", speed=1.0)

    def speak(self, account: Credential, speech: Speech, watch: Watch) -> AudioStream:
        """Yield one MP3, as it arrives. raises: as SpeechClient.speak()."""
        voice = self._voice_id(speech)
        yield from self._speech.speak(account, speech.text, voice, watch)

    def unsupported_recording(self, recording: Recording) -> BadRequest | None:
        return capabilities.unsupported_recording(recording)

    def transcribe(
        self, account: Credential, recording: Recording, watch: Watch
    ) -> TranscriptStream:
        return self._transcription.transcribe(account, recording, watch)

    def renew(self, account: Credential) -> str:
        """Return a new token. source: protocol.md 3.

        *assumed*: the old token is dead afterwards.
        """
        data = self._client.ask(
            "POST", protocol.RENEWAL, account.token, {}, total_s=RENEWAL_S
        )
        token = data.get("token") if isinstance(data, dict) else None
        if not isinstance(token, str) or not identify(token):
            raise UpstreamProtocolError("the upstream returned no valid token")
        return token

    def quota(self, account: Credential) -> None:
        """Return None: the service has no plans."""

    def is_token_valid(self, credential: str, watch: Watch | None = None) -> bool:
        """Return whether the answer has a userInfo. source: protocol.md 3."""
        try:
            data = self._client.ask("GET", protocol.USER_INFO, credential, watch=watch)
        except TokenRejected:
            return False
        return isinstance(data, dict) and isinstance(data.get("userInfo"), dict)

    def abort_streams(self) -> None:
        self._http.abort_streams()
        self._untrusted_http.abort_streams()

    def drain(self, wait_s: float) -> int:
        return self._removals.drain(wait_s)

    def _voice_id(self, speech: Speech) -> str:
        """Return the id of the requested voice. raises: BadRequest."""
        return voices.voice_id(speech.voice, speech.model, self._voice_replacements)

    def _turn(
        self,
        account: Credential,
        question: Question,
        watch: Watch,
        parser: AnswerParser,
        file_ids: Sequence[str] = (),
        tools: ToolPrompt = prompt.NO_TOOLS,
    ) -> Answer:
        """Send a chat message; yield the pieces of its answer.

        parser: of this answer; it has the conversation's id afterwards.
        """
        with closing(self._ask(account, question, watch, file_ids, tools)) as stream:
            try:
                yield from answer_pieces(stream, parser)
                stream.drain()
            except (ClientDisconnected, GeneratorExit):
                read_chat_id(stream, parser)
                raise

    def _ask(
        self,
        account: Credential,
        question: Question,
        watch: Watch,
        file_ids: Sequence[str] = (),
        tools: ToolPrompt = prompt.NO_TOOLS,
    ) -> Stream:
        """Send a chat message; return the stream of its answer.

        file_ids: the ids of the question's uploaded files, in order.
        """
        chat_id, referer = protocol.NEW_CONVERSATION, protocol.REFERER
        if _continues(question):
            chat_id = question.conversation
            referer = f"{protocol.REFERER}?chat={chat_id}"
        text = _text(question, tools)
        form = form_field(_files(question), file_ids, text)
        fields = [
            ("characterID", protocol.CHARACTER_ID),
            ("msgContent", text),
            ("chatID", chat_id),
            ("searchMode", protocol.SEARCH_MODE),
            *([("form", form)] if form else ()),
        ]
        return self._client.open_stream(
            protocol.CHAT,
            account.token,
            fields,
            digest=chat_digest(protocol.CHARACTER_ID, text, chat_id, form),
            headers={"Accept": "text/event-stream", "Referer": referer},
            watch=watch,
        )

    def _usable(self, question: Question) -> Question:
        """Return a question without tools if they are turned off."""
        return question if self._with_tools else question._replace(tools=())

    def _remove(self, token: str, chat_id: str) -> None:
        path = protocol.HISTORY + quote(chat_id, safe="")
        self._client.ask("DELETE", path, token)


def _tells_id(piece: Piece | Heartbeat, question: Question) -> bool:
    """Return whether the client has the conversation's id once *piece* is sent.

    A client that waits for the whole answer has it with the last piece only.
    """
    if piece is HEARTBEAT or not piece.id:
        return False
    return question.streamed or bool(piece.finish)


def _continues(question: Question) -> bool:
    """Return whether the question continues a conversation of the service's."""
    return question.conversation not in ("", "new")


def _text(question: Question, tools: ToolPrompt = prompt.NO_TOOLS) -> str:
    """Return the message to send, "" if there is nothing to ask."""
    messages = question.messages
    if _continues(question):
        messages = prompt.new_messages(messages)
    return prompt.fold(messages, bool(_files(question)), question.prefill, tools)


def _files(question: Question) -> Sequence[File]:
    """Return the files to upload, without images that were not fetched."""
    return [file for file in question.files if isinstance(file, File)]
