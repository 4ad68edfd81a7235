"""Interfaces of what processes may share, in memory and in Redis.

    interface          in this process            shared by several (shared/)
    Leases             wait_queue.WaitQueue       leases.SharedLeases
    account.Journal    account.NoJournal          journal.SharedJournal
    CredentialStore    credential_store.…         credentials.SharedCredentialStore

`create_app` chooses. The pool, the gateway and the endpoints do not know which they
use. Only the shared ones raise PoolUnavailable: an answer per account holds everywhere
or nowhere, so they never fall back to the memory of one process.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from ..concurrency.watch import Watch
from .account import Account, Slot
from .wait_queue import Waiter


class Leases(Protocol):
    """Leases of accounts, and the queue of requests that wait for one.

    Of several free accounts the least recently used one is leased; an account that is
    released goes to the first waiter, by ticket, that may use it.
    in_use: the number of accounts that this process leases.
    closed: whether no account is leased any more.
    process: this process's name, "" if it is the only one.
    """

    in_use: int
    closed: bool

    @property
    def process(self) -> str: ...

    def __len__(self) -> int:
        """Return the number of this process's requests in the queue."""

    def ticket(self) -> int:
        """Return a place in the queue: later requests get higher ones."""

    def acquire(self, waiter: Waiter, watch: Watch, wait_s: float) -> Account | None:
        """Wait *wait_s* at most for an account; return None when none came free.

        raises: ClientDisconnected, PoolUnavailable; the place in the queue is given up.
        """

    def release(self, account: Account) -> None:
        """Release an account, in every case; never raises."""

    def check(self, account: Account) -> None:
        """Raise LeaseLost if another process may have leased *account* meanwhile."""

    def check_available(self) -> None:
        """Raise PoolUnavailable if nothing can be leased for now."""

    def unproven(self, slot: Slot) -> list[Account]:
        """Return this process's leases of *slot* whose credential is unproven."""

    def prove(self, token: str) -> None:
        """Count the leases of a credential as proven: they block other requests."""

    def dispatch(self) -> None:
        """Lease available accounts to the waiters; call it when there are more."""

    def notify(self) -> None:
        """Wake the waiters that can never be served."""

    def observe(self, accounts: Sequence[Account]) -> None:
        """Read who leases *accounts*. raises: PoolUnavailable."""

    def holders(self, account: Account) -> Sequence[str]:
        """Return the names of the processes that lease an account, as last read."""

    def start(self) -> None:
        """Start the background work, once."""

    def close(self) -> None:
        """Lease no account any more."""

    def idle(self, wait_s: float) -> bool:
        """Wait *wait_s* at most until this process leases nothing and nobody waits."""


class Added(NamedTuple):
    """Numbers of credentials that were added, updated and unchanged."""

    added: int
    updated: int
    unchanged: int


class CredentialStore(Protocol):
    """The pool's credentials, where they survive this process.

    Below, NotKept stands for the errors of the place: TokensFileInvalid and Unwritable,
    or PoolUnavailable.
    """

    @property
    def problem(self) -> str:
        """Why the credentials cannot be read or kept; "" when they can."""

    @property
    def unreadable(self) -> bool:
        """True while the credentials cannot be read, so that none is renewed."""

    @property
    def unkept(self) -> str:
        """Why a new token is in memory only; "" while everything is kept."""

    @property
    def persisted(self) -> bool:
        """True when every change is kept."""

    def load(self) -> None:
        """Read the credentials at the start, and update the pool."""

    def poll(self) -> None:
        """Read what others have changed; retry changes that could not be kept."""

    def reload(self) -> None:
        """Read the credentials before a change. raises: NotKept."""

    def add(self, tokens: Mapping[str, str]) -> Added:
        """Add credentials, all or none; a newer one replaces an account's older one.

        tokens: by the name of the field that each was sent in.
        raises: BadRequest, naming the field of an invalid one; NotKept.
        """

    def remove(self, account: Account) -> None:
        """Remove every token of an account. raises: BadRequest, NotKept."""

    def renewal(self, account: Account) -> AbstractContextManager[None]:
        """Read the credentials, and reserve the place of a new token.

        Within the block no other process renews it.
        raises: NotKept; AccountsBusy while another process renews the account.
        """

    def renewed(self, old: str, token: str) -> bool:
        """Replace a token by its renewed one, before anything else is done.

        returns: whether it is kept; if not, it is used from memory and kept later.
        """

    def renewed_at(self, account: Account) -> float | None:
        """Return when any process renewed an account's token last, if that is known.

        On the clock of time.monotonic.
        """
