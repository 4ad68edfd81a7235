"""Hailuo AI's web protocol: what hailuoai.com's own client speaks (protocol.md)."""

from collections.abc import Sequence
from contextlib import closing
from urllib.parse import quote

from ...errors import (
    BadRequest,
    CallerLeft,
    NotUnderstood,
    TokenRejected,
)
from ...files import File
from ...watch import Watch
from .. import (
    Answer,
    Credential,
    Question,
    Recording,
    Sound,
    Speaker,
    Speech,
    Words,
)
from ..http import Http
from ..stream import Stream
from . import files, prompt, protocol, repetition, voices
from .account import identify
from .chat import Transcript
from .client import Client
from .files import Uploads
from .reading import learn_id, pieces
from .recognition import Recognition
from .removal import Removals
from .signing import chat_digest
from .voice import Voice


class Web:
    """The web service, on whichever account a call is made for.

    replaced: the voices in place of OpenAI's, as REPLACE_AUDIO_MODEL spells them.
    """

    kind = protocol.KIND
    fetches = False

    def __init__(self, http: Http, origin: str, replaced: str = "") -> None:
        self._http = http
        self._client = Client(http, origin)
        self._uploads = Uploads(self._client, http)
        self._removals = Removals(self._remove)
        self._voice = Voice(http, self._client, self._ask, self._removals)
        self._recognition = Recognition(self._client)
        self._replaced = voices.replacements(replaced)

    def offers(self, model: str) -> bool:
        return False  # there is one model, and nobody names it

    def limited_model(self, model: str) -> str:
        return ""

    def models(self, account: Credential) -> Sequence[str]:
        return ()

    def objection(self, question: Question) -> BadRequest | None:
        """A tool that must be called: nothing here can force the model to.

        Neither can a file be uploaded that was not fetched.
        """
        choice = question.options.get("tool_choice")
        if choice == "required" or isinstance(choice, dict):
            message = "the web service's model cannot be forced to call a tool"
            return BadRequest(message, param="tool_choice", code="unsupported_value")
        if len(_here(question)) < len(question.files):
            return BadRequest("the web service fetches no files", param="messages")
        return None

    def answer(self, account: Credential, question: Question, watch: Watch) -> Answer:
        """Ask, in a conversation that is removed afterwards unless it is to be kept.

        One that is to be kept is removed all the same if nobody was told its id.
        """
        ids = yield from self._uploads.ids(account.token, _here(question), watch)
        transcript, told = Transcript(), False
        try:
            with closing(self._ask(account, question, watch, ids)) as stream:
                try:
                    for piece in pieces(stream, transcript):
                        told = told or bool(piece.id)
                        yield piece
                    stream.settle()
                except (CallerLeft, GeneratorExit):
                    learn_id(stream, transcript)
                    raise
        finally:
            kept = question.conversation and (told or question.conversation != "new")
            if transcript.chat_id and not kept:
                self._removals.add(account, transcript.chat_id)

    @property
    def speakers(self) -> Sequence[Speaker]:
        """The voices everybody may use."""
        return voices.SPEAKERS

    def cloned(self, account: Credential) -> list[Speaker]:
        """The voices that are the account's own. raises: UpstreamError."""
        return self._voice.cloned(account)

    def has_voice(self, account: Credential, speech: Speech) -> bool:
        """A cloned one belongs to one account; the others are everybody's."""
        voice = voices.chosen(speech.voice, speech.model, self._replaced)
        return not voices.is_cloned(voice) or self._voice.has(account, voice)

    def objection_to(self, speech: Speech) -> BadRequest | None:
        """What of *speech* this service cannot do on any account, by its field."""
        try:
            voices.chosen(speech.voice, speech.model, self._replaced)
            repetition.readable(speech.text)
        except BadRequest as objection:
            return objection
        return None

    def own(self, speech: Speech) -> Speech:
        return speech._replace(format="mp3", speed=1.0)

    def speak(self, account: Credential, speech: Speech, watch: Watch) -> Sound:
        """raises: BadRequest for a voice nobody knows; as Voice.speak()."""
        voice = voices.chosen(speech.voice, speech.model, self._replaced)
        yield from self._voice.speak(account, speech.text, voice, watch)

    def objection_to_hearing(self, recording: Recording) -> BadRequest | None:
        """It tells no times (protocol.md 6)."""
        if not recording.times:
            return None
        message = "response_format must be json or text: the web service tells no times"
        return BadRequest(message, param="response_format", code="unsupported_value")

    def transcribe(
        self, account: Credential, recording: Recording, watch: Watch
    ) -> Words:
        """raises: as Recognition.transcribe()."""
        return self._recognition.transcribe(account, recording, watch)

    def renew(self, account: Credential) -> str:
        """source: protocol.md 3; that the old token stops working is *assumed*."""
        data = self._client.ask("POST", protocol.RENEWAL, account.token, {})
        token = data.get("token") if isinstance(data, dict) else None
        if not isinstance(token, str) or not identify(token):
            raise NotUnderstood("the upstream's renewal holds no token")
        return token

    def lives(self, credential: str) -> bool:
        """source: protocol.md 3, userInfo is an object when the token is alive."""
        try:
            data = self._client.ask("GET", protocol.USER_INFO, credential)
        except TokenRejected:
            return False
        return isinstance(data, dict) and isinstance(data.get("userInfo"), dict)

    def hang_up(self) -> None:
        self._http.hang_up()

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
        known = question.conversation not in ("", "new")
        messages = prompt.latest(question.messages) if known else question.messages
        chat_id = question.conversation if known else protocol.NEW_CONVERSATION
        here = _here(question)
        text = prompt.fold(messages, bool(here))
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


def _here(question: Question) -> Sequence[File]:
    """The files that can be uploaded."""
    return [each for each in question.files if isinstance(each, File)]
