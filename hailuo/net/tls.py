"""TLS to other servers: authorities are loaded once, and sessions are resumed.

urllib3 would load them anew for each connection: 0.5 MB, and some 25 ms in which no
other request runs.
"""

import ssl
from collections import OrderedDict
from functools import cache
from typing import Any

import certifi

MAX_SESSIONS = 100  # each of another server


class Context(ssl.SSLContext):
    """Context that resumes the last session of each server.

    sessions: by the server's name, the one that was used last at the end.
    """

    sessions: OrderedDict[str, ssl.SSLSession]

    def wrap_socket(  # type: ignore[override]
        self, sock: Any, *, server_hostname: str, **options: Any
    ) -> ssl.SSLSocket:
        """Return a TLS connection on *sock*, resumed if the server agrees."""
        session = self.sessions.get(server_hostname)
        return super().wrap_socket(
            sock, server_hostname=server_hostname, session=session, **options
        )


@cache
def context() -> Context:
    """Return the context of all connections, which trusts the usual authorities."""
    made = Context(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(certifi.where())
    made.sessions = OrderedDict()
    return made


def keep_session(sock: ssl.SSLSocket) -> None:
    """Keep the session of a connection on which the first answer has arrived.

    With TLS 1.3 a server sends it behind the handshake. Reading it copies it.
    """
    name, session, sessions = sock.server_hostname, sock.session, context().sessions
    if name and session and session.has_ticket:
        sessions[name] = session
        sessions.move_to_end(name)
        if len(sessions) > MAX_SESSIONS:
            sessions.popitem(last=False)
