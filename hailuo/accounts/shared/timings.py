"""Durations of the shared pool, all derived from the length of a lease."""

from dataclasses import dataclass

CONNECT_S = 2.0
COMMAND_S = 2.0  # longer than any operation takes, shorter than a client's patience


@dataclass(frozen=True)
class Timings:
    """Durations in seconds.

    lease_s: a lease that is not renewed; a dead process's accounts are free after it.
    """

    lease_s: float = 30.0

    @property
    def renew_s(self) -> float:
        """Age at which a lease is renewed."""
        return self.lease_s / 3

    @property
    def tick_s(self) -> float:
        """Time between two looks at what has to be renewed and what has changed."""
        return self.lease_s / 30

    @property
    def claim_s(self) -> float:
        """Time in which a waiter has to claim what it was granted."""
        return self.lease_s / 10

    @property
    def waiter_s(self) -> float:
        """Life of a place in the queue that is not renewed."""
        return self.lease_s / 6

    @property
    def silence_s(self) -> float:
        """Time without any call after which leases may be lost."""
        return self.lease_s / 3

    @property
    def grace_s(self) -> float:
        """Time after a silence in which the holders of leases report.

        An attempt to reach Redis may just be failing, and the next is a tick away.
        """
        return self.lease_s / 7.5

    @property
    def awake_s(self) -> float:
        """Longest time between two attempts to reach Redis, which may both fail."""
        return self.renew_s + CONNECT_S + COMMAND_S
