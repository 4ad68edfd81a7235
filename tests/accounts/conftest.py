"""The gateway in this process, on a tokens file of the test's own."""

import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from hailuo import create_app
from hailuo.gateway.retry import RetryPolicy
from hailuo.settings import Settings
from tests.served import KEY
from tests.simulated import Simulated

DAY_S = 86_400

_serial = itertools.count()


def written(user: str | None, ends_in_s: float = 40 * DAY_S, **claims: Any) -> str:
    """Return a token that anyone could write, which the upstream does not know."""
    payload = {"exp": int(time.time() + ends_in_s), "jti": next(_serial), **claims}
    if user:
        payload["user"] = {"id": user, "deviceID": "0"}
    return jwt.encode(payload, "a key that is nobody's and long enough", "HS256")


class InProcessGateway:
    """A gateway in this process, with its parts at hand, that retries soon.

    path: its tokens file.
    """

    def __init__(self, path: Path, **settings: Any) -> None:
        self.path = path
        self.app = create_app(Settings(tokens_file=str(path), **settings))
        self.parts = self.app.extensions["hailuo"]
        self.parts.gateway.policy = RetryPolicy(pauses_s=(0.01,))

    @property
    def on_disk(self) -> list[str]:
        return json.loads(self.path.read_text("utf-8"))

    def ask(self, method: str, path: str, **call: Any) -> Any:
        call.setdefault("headers", {"Authorization": f"Bearer {KEY}"})
        call.setdefault("buffered", True)  # read to its end and closed
        return self.app.test_client().open(path, method=method, **call)

    def accounts(self) -> dict[str, dict[str, Any]]:
        """Return what GET /v1/token says of each account, by its name."""
        listed = self.ask("GET", "/v1/token").json
        return {each["account"]: each for each in listed["data"]}

    def chat(self, key: str = KEY, **fields: Any) -> Any:
        body = {"messages": [{"role": "user", "content": "Hello"}], **fields}
        headers = {"Authorization": f"Bearer {key}"}
        whole = not fields.get("stream")
        return self.ask(
            "POST", "/v1/chat/completions", json=body, headers=headers, buffered=whole
        )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json"


@pytest.fixture
def in_process(path: Path, simulator: Simulated) -> Callable[..., InProcessGateway]:
    """in_process([token, …], tokens=…): a gateway whose file holds these tokens."""

    def in_process(
        on_disk: list[str] | None = None, **settings: Any
    ) -> InProcessGateway:
        if on_disk is not None:
            path.write_text(json.dumps(on_disk), "utf-8")
        settings.setdefault("origin", simulator.origin)
        return InProcessGateway(path, **settings)

    return in_process
