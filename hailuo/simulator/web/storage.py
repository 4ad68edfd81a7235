"""What is known of uploads: the policies given out, and what was put by them."""

import hashlib
import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..server import Request
from .accounts import Account

BUCKET = "hailuo-simulated"
LIFETIME_S = 3600.0


class Digest:
    """Where an object's bytes go: counted and hashed, not held."""

    def __init__(self, _: Request) -> None:
        self.size = 0
        self._sha256 = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.size += len(data)
        self._sha256.update(data)

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


@dataclass
class Policy:
    """Temporary credentials for one account's folder."""

    account: Account
    endpoint: str
    ends_at: float
    folder: str = field(default_factory=lambda: f"simulated/{uuid.uuid4().hex}")
    key_id: str = field(default_factory=lambda: f"STS.{secrets.token_hex(12)}")
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    token: str = field(default_factory=lambda: secrets.token_urlsafe(120) + "+/=")

    def as_json(self) -> dict[str, Any]:
        ends_at = datetime.fromtimestamp(self.ends_at, UTC)
        return {
            "accessKeyId": self.key_id,
            "accessKeySecret": self.secret,
            "securityToken": self.token,
            "expiration": ends_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "dir": self.folder,
            "endpoint": self.endpoint,
            "bucketName": BUCKET,
        }


@dataclass
class Stored:
    """An object: its bytes' digest, and by which policy it was put."""

    policy: Policy
    size: int
    sha256: str


class Storage:
    def __init__(self) -> None:
        self._policies: dict[str, Policy] = {}
        self.objects: dict[str, Stored] = {}

    def grant(self, account: Account, endpoint: str, lifetime_s: float) -> Policy:
        policy = Policy(account, endpoint, time.time() + lifetime_s)
        self._policies[policy.key_id] = policy
        return policy

    def policy(self, key_id: str) -> Policy | None:
        return self._policies.get(key_id)
