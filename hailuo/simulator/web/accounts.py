"""Accounts, their tokens and their registered devices.

Only tokens minted by the simulator are valid (see protocol.md 1 for their shape).
"""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import jwt

from ..report import SpeechRecord, UploadRecord
from ..script import Instruction

KEY = "the simulator of hailuo signs with this and nothing else does"
TOKEN_LIFETIME_S = 40 * 86_400  # protocol.md 1: about 40 days
MAX_MESSAGES = 200  # per account; the oldest are dropped
MAX_AUDIO_FILES = 200
DEVICE_LIFETIME_S = 10_800  # protocol.md 2


@dataclass
class Message:
    """Chat answer that can be read aloud.

    ended_at: when the answer was complete; speech: its record, once requested; plan:
    the instruction for the speech; voice_set_at: when the voice in use at the first
    msg_tts was set; polled_at: when msg_tts was last called.
    """

    chat_id: str
    text: str
    ended_at: float = field(default_factory=time.monotonic)
    speech: SpeechRecord | None = None
    plan: Instruction = field(default_factory=lambda: Instruction("msg_tts"))
    voice_set_at: float | None = None
    polled_at: float = 0.0


@dataclass
class Account:
    """Account of a user.

    files: uploads by fileID; messages: chat answers by msgID; voice: the account-wide
    setting.
    """

    user: str
    device_id: str
    files: dict[str, UploadRecord] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    voice: str = ""
    voice_set_at: float = 0.0

    def add_message(self, message_id: str, message: Message) -> None:
        """Keep an answer, dropping the oldest if there are too many."""
        self.messages[message_id] = message
        if len(self.messages) > MAX_MESSAGES:
            del self.messages[next(iter(self.messages))]

    def set_voice(self, voice: str) -> None:
        self.voice, self.voice_set_at = voice, time.monotonic()


@dataclass
class Device:
    token: str
    uuid: str
    registered_at: float
    known: bool = True


class Accounts:
    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._tokens: dict[str, tuple[Account, float]] = {}
        self._devices: dict[str, Device] = {}
        self.audio: dict[str, tuple[Message, bytes]] = {}  # by path

    def add_audio(self, path: str, message: Message, mp3: bytes) -> None:
        """Serve a part of a speech at *path*, dropping the oldest if there are many."""
        self.audio[path] = message, mp3
        if len(self.audio) > MAX_AUDIO_FILES:
            del self.audio[next(iter(self.audio))]

    def account(self, user: str) -> Account:
        if user not in self._accounts:
            self._accounts[user] = Account(user, _digits())
        return self._accounts[user]

    def mint(self, user: str, expires_in_s: float = TOKEN_LIFETIME_S) -> str:
        """Return a new, unique token for *user*."""
        account, now = self.account(user), int(time.time())
        payload: dict[str, Any] = {
            "exp": now + int(expires_in_s),
            "iat": now,
            "jti": uuid.uuid4().hex,
            "user": {"id": user, "deviceID": account.device_id, "name": f"小海{user}"},
        }
        token = jwt.encode(payload, KEY, algorithm="HS256")
        self._tokens[token] = account, payload["exp"]
        return token

    def account_of(self, token: str) -> Account | None:
        """Return the token's account; None if it is unknown, revoked or expired."""
        account, expires_at = self._tokens.get(token, (None, 0.0))
        return account if expires_at > time.time() else None

    def revoke(self, token: str) -> None:
        self._tokens.pop(token, None)

    def revoke_all_tokens(self) -> None:
        self._tokens.clear()

    def tokens(self, user: str) -> list[str]:
        """Return the valid tokens of *user*."""
        items = self._tokens.items()
        return [token for token, (account, _) in items if account.user == user]

    def register_device(self, token: str, client_uuid: str, known: bool = True) -> str:
        """Register a device for the token and the client's UUID; return its id.

        known: False for a device whose requests will be refused.
        """
        device_id = _digits()
        self._devices[device_id] = Device(token, client_uuid, time.monotonic(), known)
        return device_id

    def device(self, device_id: str) -> Device | None:
        return self._devices.get(device_id)

    def age_devices(self, seconds: float) -> None:
        """Make every device older by *seconds*."""
        for device in self._devices.values():
            device.registered_at -= seconds


def _digits() -> str:
    return str(uuid.uuid4().int)[:18]
