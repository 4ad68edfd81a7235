"""`python -m hailuo.simulator`: one line of JSON when it listens, then it serves.

    {"origin": "http://127.0.0.1:40404", "tokens": ["eyJ…", …]}

With --until-stdin-closes it ends when its standard input does, and so together with
whoever started it; SIGINT is then left to them.
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
OPEN_FILES = 65_536


def main() -> None:
    _allow_many_connections()
    asyncio.run(serve(_arguments()))


def _allow_many_connections() -> None:
    """The usual limit is far below the streams that a bench opens."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hailuo.simulator", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--accounts", type=int, default=3, help="demo accounts")
    parser.add_argument("--until-stdin-closes", action="store_true")
    parser.add_argument("--cert", help="serve TLS with this certificate (PEM)")
    parser.add_argument("--key", help="its private key (PEM)")
    return parser.parse_args()


async def serve(arguments: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    simulator = Simulator([*control.ROUTES, *WEB, *PLATFORM])
    tls = _tls(arguments)
    server = await loop.create_server(
        simulator.connection,
        arguments.host,
        arguments.port,
        backlog=BACKLOG,
        ssl=tls,
    )
    _stop_on(loop, stopped, arguments.until_stdin_closes)
    users = range(FIRST_USER, FIRST_USER + arguments.accounts)
    port = server.sockets[0].getsockname()[1]
    scheme = "https" if tls else "http"
    host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    _announce(
        f"{scheme}://{host}:{port}",
        [simulator.accounts.mint(str(user)) for user in users],
    )
    await stopped.wait()


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
    loop: asyncio.AbstractEventLoop, stopped: asyncio.Event, stdin_closes: bool
) -> None:
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    if not stdin_closes:
        loop.add_signal_handler(signal.SIGINT, stopped.set)
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        # os.read holds no lock that the interpreter would wait for when it leaves.
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(stopped.set)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
