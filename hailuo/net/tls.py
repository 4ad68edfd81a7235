"""TLS to other servers: authorities are loaded once, and sessions are resumed.

urllib3 would load them anew for each connection: 0.5 MB, and some 25 ms in which no
other request runs. As everywhere, the certificate of a server is not verified again
when its session is resumed.
"""

import ssl
import time
from functools import cache
from typing import Any

import certifi
from urllib3.util.ssl_ import create_urllib3_context

MAX_SESSIONS = 100  # each of another server


class Context(ssl.SSLContext):
    """Context that resumes a session of each server.

    sessions: by the server's name.
    """

    sessions: dict[str, ssl.SSLSession]

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
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.verify_flags |= create_urllib3_context().verify_flags
    made.hostname_checks_common_name = False
    made.load_verify_locations(certifi.where())
    made.sessions = {}
    return made


def keep_session(sock: ssl.SSLSocket) -> None:
    """Keep the session of a connection on which the first answer has arrived.

    With TLS 1.3 a server sends it behind the handshake. It is read once in its
    lifetime, usually two hours: CPython (3.11, 3.13) leaks 6 kB each time.
    """
    name, context = sock.server_hostname, sock.context
    if name is None or not isinstance(context, Context):
        return  # that of a proxy's library
    known = context.sessions.pop(name, None)
    if known is None or known.time + known.timeout < time.time():
        known = sock.session
    if known:
        context.sessions[name] = known
    if len(context.sessions) > MAX_SESSIONS:
        context.sessions.pop(next(iter(context.sessions)), None)
