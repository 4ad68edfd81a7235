"""Gateways whose log is read, and what each request's line says."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import SECRET, Caller
from tests.served import Served

SOON_S = 30.0


@pytest.fixture(scope="session")
def machine(serve: Callable[..., Served]) -> Served:
    """It logs for machines, and gives up soon."""
    return serve(
        HAILUO_LOG_FORMAT="json",
        HAILUO_LOG_LEVEL="debug",
        HAILUO_QUEUE_TIMEOUT_S=0.2,
        HAILUO_IDLE_TIMEOUT_S=0.5,
    )


class LoggedRequest:
    """A request with an id of its own, by which its line is found."""

    def __init__(self, gateway: Served) -> None:
        self.gateway = gateway
        self.id = f"test-{uuid.uuid4().hex}"

    def by(self, account: Caller, whole: bool = False, **call: Any) -> Any:
        """A chat completion of *account*."""
        messages = [{"role": "user", "content": SECRET}]
        call.setdefault("json", {"messages": messages, "stream": not whole})
        return self.send("POST", "/v1/chat/completions", key=account.key, **call)

    def send(self, method: str, path: str, key: str = "", **call: Any) -> Any:
        headers = {"x-request-id": self.id, **call.pop("headers", {})}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        return self.gateway.request(method, path, headers=headers, **call)

    @property
    def lines(self) -> list[str]:
        """Every line of the log with the id, once there is one."""
        until = time.monotonic() + SOON_S
        while time.monotonic() < until:
            found = [
                line for line in self.gateway.log().splitlines() if self.id in line
            ]
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError(f"nothing was logged:\n{self.gateway.log()}")

    @property
    def line(self) -> dict[str, Any]:
        """The one line, of a gateway that logs for machines."""
        (line,) = self.lines
        return json.loads(line)


@pytest.fixture
def logged(machine: Served) -> LoggedRequest:
    return LoggedRequest(machine)


@pytest.fixture
def account(caller: Callable[..., Caller], machine: Served) -> Caller:
    return caller(served=machine)
