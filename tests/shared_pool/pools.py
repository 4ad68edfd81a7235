"""Pools in this process, to test both implementations of the interfaces alike."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hailuo.accounts.credential_store import FileCredentialStore
from hailuo.accounts.pool import Pool
from hailuo.accounts.shared import shared_pool
from hailuo.accounts.shared.client import SharedClient
from hailuo.accounts.shared.timings import Timings
from hailuo.accounts.tokens_file import TokensFile
from hailuo.metrics import Metrics
from hailuo.upstream import Identity
from tests.shared_pool.server import client as connection

_serial = itertools.count()


def identify(credential: str) -> Identity | None:
    """Credentials of these tests are "user", or "user/days" with an expiry."""
    user, _, days = credential.partition("/")
    expires_at = 86_400.0 * float(days) if days else None
    return Identity("web", f"web:{user}", user, expires_at) if user else None


class Process:
    """The parts of one process: a pool and its credentials."""

    def __init__(self, pool: Pool, credentials: Any, client: Any = None) -> None:
        self.pool = pool
        self.credentials = credentials
        self.client = client

    @property
    def tokens(self) -> list[str]:
        return sorted(account.token for account in self.pool.accounts)

    def close(self) -> None:
        self.pool.close()


def alone(path: Path, tokens: Sequence[str], queue_timeout_s: float) -> Process:
    """Return a process with a pool of its own."""
    pool = Pool(identify, queue_timeout_s)
    file = TokensFile(str(path / f"tokens-{next(_serial)}.json"))
    credentials = FileCredentialStore(pool, file, [])
    credentials.load()
    if tokens:
        credentials.add({str(at): token for at, token in enumerate(tokens)})
    return Process(pool, credentials)


def sharing(
    url: str,
    prefix: str,
    tokens: Sequence[str] = (),
    queue_timeout_s: float = 20,
    lease_s: float = 9,
    identified: Callable[[str], Identity | None] | None = None,
) -> Process:
    """Return a process that shares its pool, with its threads running.

    It need not wait until other processes have reported: there are none. A waiter has a
    tenth of a lease to claim what it was granted, and the machine may be busy.
    """
    client = SharedClient(url, prefix, Timings(lease_s), Metrics())
    file = TokensFile("/nonexistent/tokens.json")
    shared = shared_pool(client, identified or identify, queue_timeout_s, file, tokens)
    pool, credentials = shared.pool, shared.credentials
    credentials.load()
    with connection(url) as redis:
        redis.set(f"{prefix}grace", 0)
    pool.start()
    return Process(pool, credentials, client)
