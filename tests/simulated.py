"""The simulator as a process, with methods for tests.

    with Simulated() as upstream:
        upstream.script({"call": "chat", "text": "Hello"})
        ...
        upstream.wait("conversations", exactly=0)
        assert upstream.report()["violations"] == []

The instruction language is described in `hailuo.simulator.script`, the report in
`hailuo.simulator.report`, the conditions of wait() in `hailuo.simulator.control`.
"""

import json
import subprocess
import sys
from typing import Any, Self

import urllib3


class Simulated:
    """origin: its address; tokens: one for each demo account (users 1001, 1002, …)."""

    def __init__(self, *arguments: str, accounts: int = 3) -> None:
        command = [sys.executable, "-m", "hailuo.simulator", "--until-stdin-closes"]
        self._process = subprocess.Popen(
            [*command, f"--accounts={accounts}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        ready = json.loads(self._process.stdout.readline())
        self.origin: str = ready["origin"]
        self.tokens: list[str] = ready["tokens"]
        # TLS is not verified; requests would take twice the time.
        self._pool = urllib3.PoolManager(cert_reqs="CERT_NONE", retries=False)

    def script(self, *instructions: dict[str, Any]) -> None:
        self._ask("POST", "script", list(instructions))

    def report(self) -> dict[str, Any]:
        return self._ask("GET", "report")

    def work(self) -> list[dict[str, Any]]:
        """Return the requests it got, without those that prove a token or a key."""
        proofs = ("register", "info", "models")
        return [
            each for each in self.report()["requests"] if each["call"] not in proofs
        ]

    def wait(self, condition: str, timeout_s: float = 10, **bounds: Any) -> int:
        """bounds: at_least, at_most or exactly; user, call.

        raises: AssertionError with the report when it did not hold in time.
        """
        asked = {"for": condition, "timeout_s": timeout_s, **bounds}
        answer = self._ask("GET", "wait", params=asked)
        assert answer["met"], (condition, bounds, answer["value"], self.report())
        return answer["value"]

    def release(self) -> int:
        return self._ask("POST", "release")["released"]

    def reset(self, tokens: bool = False) -> None:
        self._ask("POST", "reset", {"tokens": tokens})

    def token(self, user: str, expires_in_s: float | None = None) -> str:
        """Return a new token of an account, which need not exist yet."""
        life = {} if expires_in_s is None else {"expires_in_s": expires_in_s}
        return self._ask("POST", "tokens", {"user": user, **life})["token"]

    def revoke(self, **whose: str) -> None:
        """whose: token or user."""
        self._ask("DELETE", "tokens", whose)

    def plan(self, key: str, **fields: Any) -> None:
        """Give a subscription key a new plan (see simulator.platform.plans.Plan)."""
        self._ask("POST", "plans", {"key": key, **fields})

    def age_devices(self, seconds: float) -> None:
        self._ask("POST", "devices", {"older_s": seconds})

    def stop(self) -> None:
        self._pool.clear()
        self._process.communicate(timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _ask(self, method: str, path: str, body: Any = None, params: Any = None) -> Any:
        address = f"{self.origin}/simulator/{path}"
        # ensure_ascii keeps lone surrogates whole on the way.
        data = None if body is None else json.dumps(body).encode()
        answer = self._pool.request(
            method, address, body=data, fields=params, timeout=300
        )
        assert answer.status == 200, answer.data
        return answer.json()
