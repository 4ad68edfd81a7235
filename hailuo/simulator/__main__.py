"""`python -m hailuo.simulator`: run the simulator.

Once it listens, it prints one line of JSON:

    {"origin": "http://127.0.0.1:40404", "tokens": ["eyJ…", …]}

With --until-stdin-closes it exits when its standard input ends, and thus together with
its parent process; it then ignores SIGINT, which the parent handles.
"""

import argparse
import asyncio
import json
import os
import resource
import signal
import ssl
import sys
import threading

from . import control
from .platform.routes import ROUTES as PLATFORM
from .simulator import Simulator
from .web.routes import ROUTES as WEB

FIRST_USER = 1001
BACKLOG = 4096
MAX_OPEN_FILES = 65_536


def main() -> None:
    _raise_descriptor_limit()
    asyncio.run(serve(_arguments()))


def _raise_descriptor_limit() -> None:
    """Raise the soft limit, whose default is far below the streams of a bench."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    infinite = resource.RLIM_INFINITY
    limit = MAX_OPEN_FILES if hard == infinite else min(hard, MAX_OPEN_FILES)
    if soft != infinite and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hailuo.simulator", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument(
        "--accounts", type=int, default=3, help="number of demo accounts"
    )
    parser.add_argument("--until-stdin-closes", action="store_true")
    parser.add_argument("--cert", help="certificate to serve TLS with (PEM)")
    parser.add_argument("--key", help="private key of the certificate (PEM)")
    return parser.parse_args()


async def serve(arguments: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    stop_requested = asyncio.Event()
    simulator = Simulator([*control.ROUTES, *WEB, *PLATFORM])
    tls = _tls(arguments)
    server = await loop.create_server(
        simulator.connection,
        arguments.host,
        arguments.port,
        backlog=BACKLOG,
        ssl=tls,
    )
    _stop_on(loop, stop_requested, arguments.until_stdin_closes)
    users = range(FIRST_USER, FIRST_USER + arguments.accounts)
    port = server.sockets[0].getsockname()[1]
    scheme = "https" if tls else "http"
    host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    _announce(
        f"{scheme}://{host}:{port}",
        [simulator.accounts.mint(str(user)) for user in users],
    )
    await stop_requested.wait()


def _tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    if not arguments.cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(arguments.cert, arguments.key)
    return context


def _announce(origin: str, tokens: list[str]) -> None:
    sys.stdout.write(json.dumps({"origin": origin, "tokens": tokens}) + "\n")
    sys.stdout.flush()


def _stop_on(
    loop: asyncio.AbstractEventLoop, stop_requested: asyncio.Event, stdin_closes: bool
) -> None:
    loop.add_signal_handler(signal.SIGTERM, stop_requested.set)
    if not stdin_closes:
        loop.add_signal_handler(signal.SIGINT, stop_requested.set)
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait_for_eof() -> None:
        # os.read holds no lock that the interpreter would wait for at exit.
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(stop_requested.set)

    threading.Thread(target=wait_for_eof, daemon=True).start()


if __name__ == "__main__":
    main()
