"""Record of everything the simulator has received and sent.

`GET /simulator/report` returns these keys:

    violations          a sentence for each breach of the protocol
    conversations       {user: [chatID, …]}: those not deleted
    requests            [{method, path, call, user, token_tail, status, at, wall,
                          ended}]
    answers             [{user, token_tail, call, chat_id, sent_chat_id, message, form,
                          events, started, started_wall, ended, how, left_at}]
    uploads             [{user, key, name, media_type, size, sha256, file_id}]
    speeches            [{user, voice, text, hz, polls, parts, fetched, format,
                          speed, style}]: hz is the tone that represents the voice;
                        fetched, how many of the parts were downloaded; style, the
                        requested emotion, pitch, vol and language_boost
    recordings          [{user, seconds, size, md5, language, level}]: audio sent for
                        recognition; language and timestamp level on the platform only
    open_answers        number of answers in progress
    held_answers        number of those that wait for POST /simulator/release
    most_open_by_account {user: most answers requested at once}
    connections         {open, total}
    now                 the simulator's clock

`at`, `started`, `ended`, `left_at` and `now` are seconds of one monotonic clock; `wall`
and `started_wall` are Unix seconds. `ended` is None while the request or answer is in
progress. `how` an answer ended: "done", "client left" (at `left_at`), "cut" (by an
instruction), "refused" (by an instruction, or for a reported violation) or "failed" (an
error in the simulator). `events` counts the message_result events written. A
conversation exists from the moment its id is written to the client.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

MAX_RECORDS = 50_000  # of each kind; the oldest are dropped

now = time.monotonic


@dataclass
class RequestRecord:
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
class AnswerRecord:
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
class UploadRecord:
    """Uploaded and announced file; *name* is its original file name."""

    user: str
    key: str
    name: str
    media_type: str
    size: int
    sha256: str
    file_id: str


@dataclass
class SpeechRecord:
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
class RecordingRecord:
    user: str
    seconds: float
    size: int
    md5: str
    language: str = ""
    level: str = ""


class Report:
    """Everything recorded since the start or the last reset."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self.open_connections = 0
        self.total_connections = 0
        self.clear()

    def clear(self) -> None:
        self.violations: list[str] = []
        self.conversations: dict[str, dict[str, None]] = {}
        self.requests: deque[RequestRecord] = deque(maxlen=MAX_RECORDS)
        self.answers: deque[AnswerRecord] = deque(maxlen=MAX_RECORDS)
        self.uploads: deque[UploadRecord] = deque(maxlen=MAX_RECORDS)
        self.speeches: deque[SpeechRecord] = deque(maxlen=MAX_RECORDS)
        self.recordings: deque[RecordingRecord] = deque(maxlen=MAX_RECORDS)
        self.open: set[AnswerRecord] = set()
        self._open_by_user: Counter[str] = Counter()
        self.held: set[asyncio.Future[None]] = set()
        self.most_open: Counter[str] = Counter()
        self.notify()

    def notify(self) -> None:
        """Have every waiter check its condition again."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until *condition* holds; return False if it did not in time."""
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

    def add_violation(self, sentence: str) -> None:
        self.violations.append(sentence)
        self.notify()

    def add_request(self, request: RequestRecord) -> None:
        self.requests.append(request)
        self.notify()

    def add_upload(self, upload: UploadRecord) -> None:
        self.uploads.append(upload)
        self.notify()

    def open_count(self, user: str) -> int:
        """Return the number of answers in progress on an account."""
        return self._open_by_user[user]

    def record_demand(self, user: str) -> None:
        """Record that *user* requests one more answer than are in progress."""
        demand = self.open_count(user) + 1
        self.most_open[user] = max(self.most_open[user], demand)

    def begin_answer(self, answer: AnswerRecord) -> None:
        self.answers.append(answer)
        self.open.add(answer)
        self._open_by_user[answer.user] += 1
        self.notify()

    def end_answer(self, answer: AnswerRecord) -> None:
        answer.ended = now()
        if answer.how == "client left":
            answer.left_at = answer.ended
        if answer in self.open:
            self.open.remove(answer)
            self._open_by_user[answer.user] -= 1
        self.notify()

    async def hold(self) -> None:
        """Pause until release()."""
        future = asyncio.get_running_loop().create_future()
        self.held.add(future)
        self.notify()
        try:
            await future
        finally:
            self.held.discard(future)
            self.notify()

    def release(self) -> int:
        """Resume all held answers; return how many there were."""
        held = [future for future in self.held if not future.done()]
        for future in held:
            future.set_result(None)
        return len(held)

    def add_conversation(self, user: str, chat_id: str) -> None:
        self.conversations.setdefault(user, {})[chat_id] = None

    def remove_conversation(self, user: str, chat_id: str) -> None:
        self.conversations.get(user, {}).pop(chat_id, None)
        self.notify()

    def as_json(self) -> dict[str, Any]:
        return {
            "violations": self.violations,
            "conversations": {
                user: list(ids) for user, ids in self.conversations.items() if ids
            },
            "requests": [asdict(record) for record in self.requests],
            "answers": [asdict(record) for record in self.answers],
            "uploads": [asdict(record) for record in self.uploads],
            "speeches": [asdict(record) for record in self.speeches],
            "recordings": [asdict(record) for record in self.recordings],
            "open_answers": len(self.open),
            "held_answers": len(self.held),
            "most_open_by_account": dict(self.most_open),
            "connections": {
                "open": self.open_connections,
                "total": self.total_connections,
            },
            "now": now(),
        }
