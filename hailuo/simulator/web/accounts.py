"""Accounts, their tokens, and the devices that are registered for them.

The simulator knows only tokens that it made itself (protocol.md 1 for their shape).
"""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import jwt

from ..report import SpeechSeen, UploadSeen
from ..script import Instruction

KEY = "the simulator of hailuo signs with this and nothing else does"
TOKEN_LIFETIME_S = 40 * 86_400  # protocol.md 1: about 40 days
KEPT = 200  # answers of an account, and parts of speeches, that are remembered
DEVICE_LIFETIME_S = 10_800  # protocol.md 2


@dataclass
class Said:
    """An answer of chat, which can be read aloud.

    speech: once it is asked for, and plan: the instruction for it; voice_set_at: when
    the voice was set that its first msg_tts found; at: when it ended.
    """

    chat_id: str
    text: str
    at: float = field(default_factory=time.monotonic)
    speech: SpeechSeen | None = None
    plan: Instruction = field(default_factory=lambda: Instruction("msg_tts"))
    voice_set_at: float | None = None
    polled_at: float = 0.0


@dataclass
class Account:
    """files: what was uploaded and may be named in a form, by its fileID; said: what
    chat has answered, {msgID: Said}; voice: as set, for the whole account."""

    user: str
    device_id: str
    files: dict[str, UploadSeen] = field(default_factory=dict)
    said: dict[str, Said] = field(default_factory=dict)
    voice: str = ""
    voice_set_at: float = 0.0

    def say(self, message_id: str, said: Said) -> None:
        """Remember an answer, and forget an old one."""
        self.said[message_id] = said
        if len(self.said) > KEPT:
            del self.said[next(iter(self.said))]

    def set_voice(self, voice: str) -> None:
        self.voice, self.voice_set_at = voice, time.monotonic()


@dataclass
class Device:
    token: str
    uuid: str
    registered: float
    known: bool = True


class Accounts:
    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._tokens: dict[str, tuple[Account, float]] = {}
        self._devices: dict[str, Device] = {}
        self.audio: dict[str, tuple[Said, bytes]] = {}  # by path

    def keep_audio(self, path: str, said: Said, mp3: bytes) -> None:
        """Let a part of a speech lie at *path*, and forget an old one."""
        self.audio[path] = said, mp3
        if len(self.audio) > KEPT:
            del self.audio[next(iter(self.audio))]

    def account(self, user: str) -> Account:
        if user not in self._accounts:
            self._accounts[user] = Account(user, _digits())
        return self._accounts[user]

    def mint(self, user: str, expires_in_s: float = TOKEN_LIFETIME_S) -> str:
        """A new token for *user*, different from all before."""
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

    def holder(self, token: str) -> Account | None:
        """Whose token it is; None when it is unknown, renewed, revoked or run out."""
        account, expires = self._tokens.get(token, (None, 0.0))
        return account if expires > time.time() else None

    def revoke(self, token: str) -> None:
        self._tokens.pop(token, None)

    def forget_tokens(self) -> None:
        self._tokens.clear()

    def tokens(self, user: str) -> list[str]:
        return [token for token, (of, _) in self._tokens.items() if of.user == user]

    def register(self, token: str, client: str, known: bool = True) -> str:
        """A new device for this token and the client's UUID; returns its id."""
        device_id = _digits()
        self._devices[device_id] = Device(token, client, time.monotonic(), known)
        return device_id

    def device(self, device_id: str) -> Device | None:
        return self._devices.get(device_id)

    def age_devices(self, seconds: float) -> None:
        """Let every device be older by so many seconds."""
        for device in self._devices.values():
            device.registered -= seconds


def _digits() -> str:
    return str(uuid.uuid4().int)[:18]
