"""Check of whether this machine lets the gateway listen on a port."""

import errno
import socket
from typing import NamedTuple

FIRST_FREE_PORT = 1024


class Obstacle(NamedTuple):
    """Reason why a port cannot be used, and what to do about it."""

    reason: str
    cure: str


def obstacle(port: int) -> Obstacle | None:
    """Return why nothing can listen on a port, None if it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError as error:
            return _described(port, error)
    return None


def _described(port: int, error: OSError) -> Obstacle:
    if error.errno == errno.EADDRINUSE:
        return Obstacle(
            f"another program uses port {port}",
            f"stop it (`ss -ltnp` names it), or set PORT to another port than {port}",
        )
    if error.errno == errno.EACCES and port < FIRST_FREE_PORT:
        return Obstacle(
            f"only root may use port {port}",
            f"set PORT to {FIRST_FREE_PORT} or above, behind a proxy if need be",
        )
    return Obstacle(
        f"port {port} cannot be used ({error.strerror})", "set PORT to another one"
    )
