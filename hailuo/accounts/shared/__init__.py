"""Pool that several processes and machines share, kept in Redis (machines.md).

Each file of script/ is a part of one Lua script, whose operations run one at a time
inside Redis: everything that processes must agree on is decided there. The rest is:

    client.py       calls Redis; turns its failures into PoolUnavailable
    leases.py       SharedLeases: leases an account, or queues for one
    acquisition.py  a request for a lease, as the script takes it
    background.py   renews this process's leases, and wakes its waiters
    credentials.py  SharedCredentialStore: tokens, changed by compare-and-set
    local_copy.py   this process's copy of tokens and the state of credentials
    journal.py      SharedJournal: tells other processes about refusals and answers
    outbox.py       operations that must reach Redis, now or when it is back
    clock.py        Redis' clock, estimated
    timings.py      durations, all derived from the length of a lease

Only this package imports redis-py; only `create_app` and `hailuo doctor` import it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ...upstream import Identity
from ..pool import Pool
from ..tokens_file import TokensFile
from .background import BackgroundWork
from .client import SharedClient
from .clock import SharedClock
from .credentials import SharedCredentialStore
from .journal import SharedJournal
from .leases import SharedLeases
from .local_copy import LocalCopy
from .outbox import Outbox


class SharedPool(NamedTuple):
    """The parts of a shared pool that others use."""

    pool: Pool
    credentials: SharedCredentialStore
    background: BackgroundWork


def shared_pool(
    client: SharedClient,
    identify: Callable[[str], Identity | None],
    queue_timeout_s: float,
    file: TokensFile,
    environment: Sequence[str],
) -> SharedPool:
    """Return a pool that is kept in Redis; start no threads."""
    outbox, clock = Outbox(client), SharedClock()
    copy = LocalCopy(client, clock)
    leases = SharedLeases(client, outbox, copy, clock)
    background = BackgroundWork(client, outbox, copy, leases, clock)
    leases.on_start = background.start
    pool = Pool(identify, queue_timeout_s, leases, SharedJournal(client, outbox, clock))
    credentials = SharedCredentialStore(pool, client, copy, clock, file, environment)
    return SharedPool(pool, credentials, background)
