"""Assembly of a shared pool from its parts."""

from collections.abc import Callable, Sequence

from ...upstream import Identity
from ..pool import Pool
from ..tokens_file import TokensFile
from .client import SharedClient
from .clock import SharedClock
from .credentials import SharedCredentialStore
from .journal import SharedJournal
from .keeper import Keeper
from .leases import SharedLeases
from .outbox import Outbox
from .replica import Replica


def shared_pool(
    client: SharedClient,
    identify: Callable[[str], Identity | None],
    queue_timeout_s: float,
    file: TokensFile,
    environment: Sequence[str],
) -> tuple[Pool, SharedCredentialStore]:
    """Return a pool that is kept in Redis, and its credentials; start no threads."""
    outbox, clock = Outbox(client), SharedClock()
    replica = Replica(client, clock)
    leases = SharedLeases(client, outbox, replica, clock)
    leases.on_start = Keeper(client, outbox, replica, leases, clock).start
    pool = Pool(identify, queue_timeout_s, leases, SharedJournal(outbox, clock))
    credentials = SharedCredentialStore(pool, client, replica, clock, file, environment)
    return pool, credentials
