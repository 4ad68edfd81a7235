"""Calls to Redis: one script, and a few plain keys with a lifetime.

    client = SharedClient(url, "hailuo:", Timings(), metrics)
    (lease,) = client.run({"op": "acquire", …})

Every failure is a PoolUnavailable. After one, calls fail at once until the next attempt
is due, so that no request waits for a server that is known to be away.
"""

import hashlib
import logging
import os
import socket
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib import resources
from typing import Any

import orjson
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ...errors import PoolUnavailable
from ...metrics import Metrics
from .metrics import SharedPoolMetrics
from .timings import COMMAND_S, CONNECT_S, Timings

MAX_CONNECTIONS = 28
MAX_URGENT_CONNECTIONS = 4  # of the background work, which must not wait for requests
CONNECTION_WAIT_S = 15.0  # for one of them; a wait is no sign of trouble
RETRY_AFTER_S = 5.0
STATE_LIFETIME_S = 40 * 86_400  # of a credential's state; a token lives as long

Operation = Mapping[str, Any]

log = logging.getLogger(__name__)


class SharedClient:
    """Client of the Redis server that keeps the pool.

    url, prefix: the server, and how its keys begin.
    process: this process's name, unique among all that share the pool.
    failures: the number of calls that failed.
    """

    def __init__(
        self, url: str, prefix: str, timings: Timings, metrics: Metrics
    ) -> None:
        self.process = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
        self.timings = timings
        self.metrics = SharedPoolMetrics(metrics)
        self._prefix = prefix
        self._script = _script(timings)
        sha = hashlib.sha1(self._script.encode(), usedforsecurity=False)
        self._sha = sha.hexdigest()
        self._redis = _redis(url, MAX_CONNECTIONS)
        self._urgent_redis = _redis(url, MAX_URGENT_CONNECTIONS)
        self.failures = 0
        self._problem = ""
        self._retry_at = 0.0

    @property
    def problem(self) -> str:
        """Why the last call failed, "" if it did not."""
        return self._problem

    def run(self, *operations: Operation, urgent: bool = False) -> list[Any]:
        """Run operations of the script, in one call; return their results.

        urgent: also soon after a failure, when others are not attempted; and on a
            connection for which no request has to wait.
        raises: PoolUnavailable; the operations may have been run all the same.
        """
        arguments: list[Any] = [self._prefix, *map(orjson.dumps, operations)]
        server = self._urgent_redis if urgent else self._redis
        with self._call(urgent):
            try:
                results: Any = server.evalsha(self._sha, 1, *arguments)
            except redis.exceptions.NoScriptError:
                results = server.eval(self._script, 1, *arguments)
        return [orjson.loads(result) for result in results]

    def get(self, name: str) -> str | None:
        """Return the value of a key, None without one. raises: PoolUnavailable."""
        with self._call():
            value: Any = self._redis.get(self._prefix + name)
        return None if value is None else str(value)

    def set(self, name: str, value: str | bytes, lifetime_s: float) -> None:
        """Set a key for a while. raises: PoolUnavailable."""
        with self._call():
            lifetime_ms = max(1, int(1000 * lifetime_s))
            self._redis.set(self._prefix + name, value, px=lifetime_ms)

    def pop(self, name: str, wait_s: float) -> str | None:
        """Wait for the first item of a list, and remove it. raises: PoolUnavailable.

        wait_s: the longest wait, shorter than the timeout of a command.
        """
        try:
            popped: Any = self._urgent_redis.blpop([self._prefix + name], wait_s)
        except (redis.exceptions.RedisError, OSError) as error:
            self.metrics.count_error()
            self._leave_replica(error)
            raise self._unavailable() from error
        return popped[1] if popped else None

    def check_available(self) -> None:
        """Raise PoolUnavailable if the last call failed."""
        if self._problem:
            raise self._unavailable()

    def warn_of_eviction(self) -> None:
        """Log a warning if the server may evict leases and tokens.

        raises: PoolUnavailable.
        """
        with self._call():
            try:  # hosted servers forbid CONFIG, which says the same
                memory: Any = self._redis.info("memory")
            except redis.exceptions.ResponseError:
                memory = {}
        policy = memory.get("maxmemory_policy", "noeviction")
        if policy != "noeviction":
            log.warning(
                "maxmemory-policy of the shared pool's server is %s: it may discard "
                "leases and tokens; set it to noeviction",
                policy,
            )

    @contextmanager
    def _call(self, urgent: bool = False) -> Iterator[None]:
        """Count and convert failures of the block."""
        if self._problem and not urgent and time.monotonic() < self._retry_at:
            raise self._unavailable()
        try:
            yield
        except (redis.exceptions.RedisError, OSError) as error:
            self.failures += 1
            self.metrics.count_error()
            if not self._problem:
                log.error("the shared pool cannot be reached: %s", error)
            self._problem = type(error).__name__
            self._retry_at = time.monotonic() + self.timings.tick_s
            self._leave_replica(error)
            raise self._unavailable() from error
        if self._problem:
            log.warning("the shared pool is reached again")
            self._problem = ""

    def _leave_replica(self, error: Exception) -> None:
        """Close the idle connections if the server has become a replica.

        A new connection finds the primary. Those in use belong to other threads, which
        meet the same error.
        """
        if isinstance(error, redis.exceptions.ReadOnlyError):
            for server in (self._redis, self._urgent_redis):
                server.connection_pool.disconnect(inuse_connections=False)

    def _unavailable(self) -> PoolUnavailable:
        return PoolUnavailable(
            f"the shared pool of accounts cannot be reached ({self._problem}): "
            "try again in a moment",
            retry_after_s=RETRY_AFTER_S,
        )


def _redis(url: str, max_connections: int) -> "redis.Redis":
    """Return a client that waits for a connection if all are in use."""
    return redis.Redis(
        connection_pool=redis.BlockingConnectionPool.from_url(
            url,
            max_connections=max_connections,
            timeout=CONNECTION_WAIT_S,
            socket_timeout=COMMAND_S,
            socket_connect_timeout=CONNECT_S,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            protocol=2,
        )
    )


@lru_cache(10_000)
def fingerprint(text: str) -> str:
    """Return a short digest, which stands for an account or a token in keys."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return urlsafe_b64encode(digest[:12]).decode()


def _script(timings: Timings) -> str:
    """Return the Lua script, of which the files of script/ are the parts."""
    folder = resources.files(__package__) / "script"
    parts = sorted(folder.iterdir(), key=lambda part: part.name)
    config = ", ".join(f"{name} = {value}" for name, value in _config(timings).items())
    files = (part.read_text("utf-8") for part in parts if part.name.endswith(".lua"))
    return "\n".join([f"local config = {{ {config} }}", *files])


def _config(timings: Timings) -> Mapping[str, int]:
    """Return the numbers that the script needs."""
    return {
        "lease_ms": round(1000 * timings.lease_s),
        "claim_ms": round(1000 * timings.claim_s),
        "waiter_ms": round(1000 * timings.waiter_s),
        "silence_ms": round(1000 * timings.silence_s),
        "grace_ms": round(1000 * timings.grace_s),
        "scope_ms": 600_000,
        "state_s": STATE_LIFETIME_S,
        "max_changes": 10_000,
        "max_fields": 250,
        "max_slots": 100_000,
        "max_retired": 10_000,
    }


def pairs(flat: Sequence[str]) -> dict[str, str]:
    """Return a hash that the script returns as a list of fields and values."""
    items = list(flat)
    return dict(zip(items[::2], items[1::2], strict=True))
