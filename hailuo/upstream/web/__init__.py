"""Hailuo AI's web protocol: what hailuoai.com's own client speaks (protocol.md)."""

from collections.abc import Sequence
from contextlib import closing
from urllib.parse import quote

from ...concurrency.watch import HEARTBEAT, Watch
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
    Question,
    Recording,
    Speech,
    TranscriptStream,
    Voice,
)
from ..answer_pieces import answer_pieces
from . import files, prompt, protocol, read_aloud, voices
from .chat import AnswerParser, read_chat_id
from .client import Client
from .credential import identify
from .files import Uploads
from .removal import Removals
from .signing import chat_digest
from .speech import SpeechClient
from .transcription import TranscriptionClient

RENEWAL_S = 120.0  # the new token is lost with an answer that is not awaited


class Web:
    """The web service, on whichever account a call is made for.

    replaced: the voices in place of OpenAI's, as REPLACE_AUDIO_MODEL spells them.
    """

    kind = protocol.KIND
    fetches_images = False
    counts = False
    styles = False
    times = False  # protocol.md 6

    def __init__(self, http: HttpClient, origin: str, replaced: str = "") -> None:
        self._http = http
        self._client = Client(http, origin)
        self._removals = Removals(self._remove)
        self._elsewhere = http.for_untrusted_urls(origin)
        self._uploads = Uploads(self._client, self._elsewhere)
        self._speech = SpeechClient(
            self._elsewhere, self._client, self._ask, self._removals
        )
        self._transcription = TranscriptionClient(self._client)
        self._replaced = voices.replacements(replaced)

    def has_model(self, model: str) -> bool:
        return False  # there is one model, and nobody names it

    def limited_model(self, model: str) -> str:
        return ""

    def models(self, account: Credential) -> Sequence[str]:
        return ()

    def unsupported_chat(self, question: Question) -> BadRequest | None:
        """A tool that must be called: nothing here can force the model to.

        Neither can a file be uploaded that was not fetched, or nothing be asked.
        """
        if question.choice.required:
            message = "the web service's model cannot be forced to call a tool"
            return BadRequest(message, param="tool_choice", code="unsupported_value")
        if len(_here(question)) < len(question.files):
            return BadRequest("the web service fetches no files", param="messages")
        if not _text(question):
            return BadRequest(
                "messages hold no text and no file to answer, or only an image in "
                "Markdown, which is not looked at: say something, or attach the image",
                param="messages",
                code="invalid_value",
            )
        return None

    def answer(self, account: Credential, question: Question, watch: Watch) -> Answer:
        """Ask, in a conversation that is removed afterwards unless it is to be kept.

        One that is to be kept is removed all the same if nobody was told its id.
        """
        ids = yield from self._uploads.ids(account.token, _here(question), watch)
        transcript, told = AnswerParser(streamed=question.streamed), False
        try:
            with closing(self._ask(account, question, watch, ids)) as stream:
                try:
                    for piece in answer_pieces(stream, transcript):
                        told = told or (piece is not HEARTBEAT and bool(piece.id))
                        yield piece
                    stream.drain()
                except (ClientDisconnected, GeneratorExit):
                    read_chat_id(stream, transcript)
                    raise
        finally:
            kept = question.conversation and (told or question.conversation != "new")
            if transcript.chat_id and not kept:
                self._removals.add(account, transcript.chat_id)

    @property
    def voices(self) -> Sequence[Voice]:
        """The voices everybody may use."""
        return voices.VOICES

    def account_voices(
        self, account: Credential, watch: Watch | None = None
    ) -> list[Voice]:
        """The voices that are the account's own. raises: UpstreamError; ClientDisconnected."""
        return self._speech.account_voices(account, watch)

    def has_voice(
        self, account: Credential, speech: Speech, watch: Watch | None = None
    ) -> bool:
        """A cloned one belongs to one account; the others are everybody's."""
        voice = voices.chosen(speech.voice, speech.model, self._replaced)
        return not voices.is_cloned(voice) or self._speech.has(account, voice, watch)

    def unsupported_speech(self, speech: Speech) -> BadRequest | None:
        """What of *speech* this service cannot do on any account, by its field."""
        try:
            voices.chosen(speech.voice, speech.model, self._replaced)
            read_aloud.readable(speech.text)
        except BadRequest as objection:
            return objection
        return None

    def native_speech(self, speech: Speech) -> Speech:
        return speech._replace(format="mp3", speed=1.0)

    def speak(self, account: Credential, speech: Speech, watch: Watch) -> AudioStream:
        """raises: BadRequest for a voice nobody knows; as Voice.speak()."""
        voice = voices.chosen(speech.voice, speech.model, self._replaced)
        yield from self._speech.speak(account, speech.text, voice, watch)

    def transcribe(
        self, account: Credential, recording: Recording, watch: Watch
    ) -> TranscriptStream:
        """raises: as Recognition.transcribe()."""
        return self._transcription.transcribe(account, recording, watch)

    def renew(self, account: Credential) -> str:
        """source: protocol.md 3; that the old token stops working is *assumed*."""
        data = self._client.ask(
            "POST", protocol.RENEWAL, account.token, {}, total_s=RENEWAL_S
        )
        token = data.get("token") if isinstance(data, dict) else None
        if not isinstance(token, str) or not identify(token):
            raise UpstreamProtocolError("the upstream's renewal holds no token")
        return token

    def is_token_valid(self, credential: str, watch: Watch | None = None) -> bool:
        """source: protocol.md 3, userInfo is an object when the token is alive."""
        try:
            data = self._client.ask("GET", protocol.USER_INFO, credential, watch=watch)
        except TokenRejected:
            return False
        return isinstance(data, dict) and isinstance(data.get("userInfo"), dict)

    def abort_streams(self) -> None:
        self._http.abort_streams()
        self._elsewhere.abort_streams()

    def drain(self, wait_s: float) -> int:
        return self._removals.drain(wait_s)

    def _ask(
        self,
        account: Credential,
        question: Question,
        watch: Watch,
        ids: Sequence[str] = (),
    ) -> Stream:
        """ids: of the question's files, as the service calls them."""
        known = _goes_on(question)
        chat_id = question.conversation if known else protocol.NEW_CONVERSATION
        here = _here(question)
        text = _text(question)
        referer = f"{protocol.REFERER}?chat={chat_id}" if known else protocol.REFERER
        form = files.form(here, ids, text)
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

    def _remove(self, token: str, chat_id: str) -> None:
        path = protocol.HISTORY + quote(chat_id, safe="")
        self._client.ask("DELETE", path, token)


def _goes_on(question: Question) -> bool:
    """Whether it goes on with a conversation that the service knows."""
    return question.conversation not in ("", "new")


def _text(question: Question) -> str:
    """What is asked, in one text."""
    messages = question.messages
    if _goes_on(question):
        messages = prompt.latest(messages)
    return prompt.fold(messages, bool(_here(question)))


def _here(question: Question) -> Sequence[File]:
    """The files that can be uploaded."""
    return [each for each in question.files if isinstance(each, File)]
