"""Assembly of a shared pool from its parts."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ...metrics import Metrics
from ...upstream import Identity
from ..pool import Pool
from ..tokens_file import TokensFile
from .client import SharedClient
from .clock import SharedClock
from .credentials import SharedCredentialStore
from .journal import SharedJournal
from .keeper import Keeper
from .leases import SharedLeases
from .metrics import SharedPoolMetrics
from .outbox import Outbox
from .replica import Replica
from .timings import Timings


class SharedParts(NamedTuple):
    """Parts of a shared pool that others use."""

    client: SharedClient
    pool: Pool
    credentials: SharedCredentialStore


def assemble(
    url: str,
    prefix: str,
    lease_s: float,
    identify: Callable[[str], Identity | None],
    queue_timeout_s: float,
    file: TokensFile,
    environment: Sequence[str],
    metrics: Metrics,
) -> SharedParts:
    """Return a pool that is kept in Redis, without starting threads.

    url, prefix: the server, and how its keys begin.
    """
    client = SharedClient(url, prefix, Timings(lease_s), SharedPoolMetrics(metrics))
    outbox, clock = Outbox(client), SharedClock()
    replica = Replica(client, clock)
    leases = SharedLeases(client, outbox, replica, clock)
    leases.on_start = Keeper(client, outbox, replica, leases).start
    pool = Pool(identify, queue_timeout_s, leases, SharedJournal(outbox, clock))
    credentials = SharedCredentialStore(pool, client, replica, clock, file, environment)
    return SharedParts(client, pool, credentials)
