"""What the simulator saw, for tests to look at afterwards.

`GET /simulator/report` answers with these keys:

    violations          sentences, one for each thing that the protocol forbids
    conversations       {user: [chatID, …]}: what was not removed
    requests            [{method, path, call, user, token_tail, status, at, wall,
                          ended}]
    answers             [{user, token_tail, call, chat_id, sent_chat_id, message, form,
                          events, started, started_wall, ended, how, left_at}]
    uploads             [{user, key, name, media_type, size, sha256, file_id}]
    speeches            [{user, voice, text, hz, polls, parts, fetched, format,
                          speed, style}]: hz is the tone that stands for the voice,
                        fetched how many parts were; style the emotion, pitch, vol and
                        language_boost that were asked for
    recordings          [{user, seconds, size, md5, language, level}]: what was to be
                        recognised, language and level of times on the platform
    open_answers        how many answers are being written now
    held_answers        how many of them wait for POST /simulator/release
    most_open_by_account {user: the most that were asked for at once}
    connections         {open, total}
    now                 the simulator's clock

`at`, `started`, `ended`, `left_at`, `now` are seconds of one monotonic clock; `wall`
and `started_wall` are Unix seconds. `ended` is None as long as it lasts. `how` an
answer ended: "done", "client left" (then `left_at` says when), "cut" (by instruction),
"refused" (by instruction; or because of the violation noted beside it), or "failed"
(the simulator's own mistake). `events` counts the message_result events written.
A conversation counts from the moment its id was written to the client.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

KEPT = 50_000  # requests and answers that are remembered

now = time.monotonic


@dataclass
class RequestSeen:
    method: str
    path: str
    call: str
    user: str = ""
    token_tail: str = ""
    status: int | None = None
    at: float = field(default_factory=now)
    wall: float = field(default_factory=time.time)
    ended: float | None = None


@dataclass(eq=False)
class AnswerSeen:
    user: str
    token_tail: str
    call: str
    message: str
    sent_chat_id: str
    form: Any = None
    chat_id: str = ""
    events: int = 0
    started: float = field(default_factory=now)
    started_wall: float = field(default_factory=time.time)
    ended: float | None = None
    how: str = ""
    left_at: float | None = None


@dataclass
class UploadSeen:
    """A file that was put and announced; name is the one people know."""

    user: str
    key: str
    name: str
    media_type: str
    size: int
    sha256: str
    file_id: str


@dataclass
class SpeechSeen:
    user: str
    voice: str
    text: str
    hz: int = 0
    polls: int = 0
    parts: int = 0
    fetched: int = 0
    format: str = "mp3"
    speed: float = 1.0
    style: dict[str, Any] = field(default_factory=dict)


@dataclass
class RecordingSeen:
    user: str
    seconds: float
    size: int
    md5: str
    language: str = ""
    level: str = ""


class Report:
    """Everything seen since the start or the last reset."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self.open_connections = 0
        self.total_connections = 0
        self.clear()

    def clear(self) -> None:
        self.violations: list[str] = []
        self.conversations: dict[str, dict[str, None]] = {}
        self.requests: deque[RequestSeen] = deque(maxlen=KEPT)
        self.answers: deque[AnswerSeen] = deque(maxlen=KEPT)
        self.uploads: deque[UploadSeen] = deque(maxlen=KEPT)
        self.speeches: deque[SpeechSeen] = deque(maxlen=KEPT)
        self.recordings: deque[RecordingSeen] = deque(maxlen=KEPT)
        self.open: set[AnswerSeen] = set()
        self._open_by_user: Counter[str] = Counter()
        self.held: set[asyncio.Future[None]] = set()
        self.most_open: Counter[str] = Counter()
        self.changed()

    def changed(self) -> None:
        """Let those who wait look again."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until *condition* holds; False when it did not in time."""
        end = now() + timeout_s
        while not condition():
            future = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
            try:
                await asyncio.wait_for(future, max(0.0, end - now()))
            except TimeoutError:
                return condition()
            finally:
                self._waiting.discard(future)
        return True

    def violation(self, sentence: str) -> None:
        self.violations.append(sentence)
        self.changed()

    def request(self, seen: RequestSeen) -> None:
        self.requests.append(seen)
        self.changed()

    def upload(self, seen: UploadSeen) -> None:
        self.uploads.append(seen)
        self.changed()

    def answering(self, user: str) -> int:
        """How many answers are being written on this account."""
        return self._open_by_user[user]

    def asked(self, user: str) -> None:
        """Note that *user* wants one more answer than are open."""
        wanted = self.answering(user) + 1
        self.most_open[user] = max(self.most_open[user], wanted)

    def begin(self, answer: AnswerSeen) -> None:
        self.answers.append(answer)
        self.open.add(answer)
        self._open_by_user[answer.user] += 1
        self.changed()

    def end(self, answer: AnswerSeen, how: str) -> None:
        answer.how, answer.ended = how, now()
        if how == "client left":
            answer.left_at = answer.ended
        if answer in self.open:
            self.open.remove(answer)
            self._open_by_user[answer.user] -= 1
        self.changed()

    async def hold(self) -> None:
        """Pause until release()."""
        future = asyncio.get_running_loop().create_future()
        self.held.add(future)
        self.changed()
        try:
            await future
        finally:
            self.held.discard(future)
            self.changed()

    def release(self) -> int:
        held = [future for future in self.held if not future.done()]
        for future in held:
            future.set_result(None)
        return len(held)

    def keep(self, user: str, chat_id: str) -> None:
        self.conversations.setdefault(user, {})[chat_id] = None

    def remove(self, user: str, chat_id: str) -> bool:
        removed = chat_id in self.conversations.get(user, {})
        self.conversations.get(user, {}).pop(chat_id, None)
        self.changed()
        return removed

    def as_json(self) -> dict[str, Any]:
        return {
            "violations": self.violations,
            "conversations": {
                u: list(ids) for u, ids in self.conversations.items() if ids
            },
            "requests": [asdict(seen) for seen in self.requests],
            "answers": [asdict(seen) for seen in self.answers],
            "uploads": [asdict(seen) for seen in self.uploads],
            "speeches": [asdict(seen) for seen in self.speeches],
            "recordings": [asdict(seen) for seen in self.recordings],
            "open_answers": len(self.open),
            "held_answers": len(self.held),
            "most_open_by_account": dict(self.most_open),
            "connections": {
                "open": self.open_connections,
                "total": self.total_connections,
            },
            "now": now(),
        }
