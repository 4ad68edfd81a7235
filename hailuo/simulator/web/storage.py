"""Upload policies and stored objects."""

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


class HashingSink:
    """Sink that counts and hashes an object's bytes without holding them."""

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
    """Temporary credentials for a folder of one account."""

    account: Account
    endpoint: str
    expires_at: float
    folder: str = field(default_factory=lambda: f"simulated/{uuid.uuid4().hex}")
    key_id: str = field(default_factory=lambda: f"STS.{secrets.token_hex(12)}")
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    token: str = field(default_factory=lambda: secrets.token_urlsafe(120) + "+/=")

    def as_json(self) -> dict[str, Any]:
        expires_at = datetime.fromtimestamp(self.expires_at, UTC)
        return {
            "accessKeyId": self.key_id,
            "accessKeySecret": self.secret,
            "securityToken": self.token,
            "expiration": expires_at.isoformat(timespec="seconds").replace(
                "+00:00", "Z"
            ),
            "dir": self.folder,
            "endpoint": self.endpoint,
            "bucketName": BUCKET,
        }


@dataclass
class StoredObject:
    """Size and hash of an object, and the policy it was uploaded with."""

    policy: Policy
    size: int
    sha256: str


class Storage:
    """All policies and objects, by access key id and by object key."""

    def __init__(self) -> None:
        self._policies: dict[str, Policy] = {}
        self.objects: dict[str, StoredObject] = {}

    def grant(self, account: Account, endpoint: str, lifetime_s: float) -> Policy:
        policy = Policy(account, endpoint, time.time() + lifetime_s)
        self._policies[policy.key_id] = policy
        return policy

    def policy(self, key_id: str) -> Policy | None:
        return self._policies.get(key_id)
