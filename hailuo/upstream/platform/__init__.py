"""MiniMax's official platform: the paid API of Hailuo's makers (platform.md)."""

from collections.abc import Sequence
from contextlib import closing

from ...errors import BadRequest, NotUnderstood, TokenRejected
from ...watch import Watch
from .. import Answer, Credential, Question, Recording, Sound, Speaker, Speech, Words
from ..http import Http
from . import chat, objections, protocol, request, voices
from .client import Client
from .content import Content
from .documents import Documents
from .recognition import Recognition
from .voice import Voice


class Platform:
    """The official platform, with whichever key a call is made.

    origin: its address; a key works in its own region only.
    default_model: answers callers whose model is none of the platform's own.
    """

    kind = protocol.KIND
    fetches = True

    def __init__(self, http: Http, origin: str, default_model: str) -> None:
        self._http = http
        self._client = Client(http, origin)
        self._default_model = default_model
        self._documents = Documents()
        self._voice = Voice(self._client)
        self._recognition = Recognition(self._client)

    def offers(self, model: str) -> bool:
        return model.startswith(protocol.OWN_MODELS)

    def limited_model(self, model: str) -> str:
        """Its own models by their names; all other names stand for its defaults."""
        own = (protocol.OWN_MODELS, protocol.SPEECH_MODELS)
        return model if model.startswith(own) else self._default_model

    def models(self, account: Credential) -> Sequence[str]:
        """The names of the models that the account's key may ask."""
        return self._models(account.token)

    def objection(self, question: Question) -> BadRequest | None:
        return objections.objection(question, self._model(question))

    def answer(self, account: Credential, question: Question, watch: Watch) -> Answer:
        """Ask with *account*'s key, once the documents are read."""
        content = Content(self._documents, self._model(question))
        messages = yield from content.placed(question, watch)
        question = question._replace(messages=messages)
        body = request.body(question, self._model(question))
        stream = self._client.open_stream(
            protocol.CHAT, account.token, body, watch=watch
        )
        with closing(stream):
            yield from chat.pieces(stream)
            stream.settle()

    @property
    def speakers(self) -> Sequence[Speaker]:
        """None that is known without a key."""
        return ()

    def cloned(self, account: Credential) -> Sequence[Speaker]:
        """All voices the key may use."""
        return self._voice.speakers(account)

    def has_voice(self, account: Credential, speech: Speech) -> bool:
        return voices.is_known(speech.voice, self._voice.speakers(account))

    def objection_to(self, speech: Speech) -> BadRequest | None:
        return self._voice.objection(speech)

    def own(self, speech: Speech) -> Speech:
        return self._voice.own(speech)

    def speak(self, account: Credential, speech: Speech, watch: Watch) -> Sound:
        return self._voice.speak(account, speech, watch)

    def objection_to_hearing(self, recording: Recording) -> BadRequest | None:
        """Nothing: it writes down whatever is MP3, with times or without."""
        return None

    def transcribe(
        self, account: Credential, recording: Recording, watch: Watch
    ) -> Words:
        return self._recognition.transcribe(account, recording, watch)

    def renew(self, account: Credential) -> str:
        """A key does not end: it stays what it is."""
        return account.token

    def lives(self, credential: str) -> bool:
        """Asked by the cheapest authenticated call there is, the list of models."""
        try:
            self._models(credential)
        except TokenRejected:
            return False
        return True

    def hang_up(self) -> None:
        self._http.hang_up()
        self._documents.hang_up()

    def drain(self, wait_s: float) -> int:
        """Nothing is left to do behind an answer."""
        return 0

    def _models(self, key: str) -> Sequence[str]:
        answer = self._client.ask("GET", protocol.MODELS, key)
        listed = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(listed, list):
            raise NotUnderstood("the platform lists no models")
        return [str(m["id"]) for m in listed if isinstance(m, dict) and m.get("id")]

    def _model(self, question: Question) -> str:
        return question.model if self.offers(question.model) else self._default_model
