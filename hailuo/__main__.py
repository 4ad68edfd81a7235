"""`python -m hailuo`: run gunicorn as in production, with a simulator if needed.

Without a credential there is no upstream to talk to, so the simulator is started beside
the gateway and takes its place. It ends with the last process that holds the other end
of its standard input: this one, which becomes gunicorn, and gunicorn's worker.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping

from .accounts.tokens_file import TokensFile
from .logs import redact
from .net import listening
from .settings import Settings, WrongSettings
from .upstream.registry import identify

GUNICORN = (
    "-m",
    "gunicorn",
    "--config",
    "python:hailuo.gunicorn_config",
    "hailuo.wsgi:app",
)


def main() -> None:
    try:
        settings = Settings.read(os.environ)
    except WrongSettings as error:
        sys.exit(redact(str(error)))
    if obstacle := listening.obstacle(settings.port):
        sys.exit(f"{obstacle.reason}: {obstacle.cure}")
    environ = dict(os.environ)
    file = TokensFile(settings.tokens_file)
    file.load()
    has_credential = any(map(identify, [*settings.tokens, *file.tokens]))
    # An unreadable file is not an empty one, and a shared pool has its own tokens.
    if not has_credential and not file.problem and not settings.redis_url:
        environ |= start_simulator()
    os.execve(sys.executable, [sys.executable, *GUNICORN], environ)


def start_simulator() -> Mapping[str, str]:
    """Start the simulator and return the settings that point the gateway to it."""
    simulator = subprocess.Popen(
        [sys.executable, "-m", "hailuo.simulator", "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert simulator.stdin and simulator.stdout
    os.set_inheritable(simulator.stdin.fileno(), True)
    announcement = json.loads(simulator.stdout.readline())
    return {
        "HAILUO_SIMULATED": "1",
        "HAILUO_ORIGIN": announcement["origin"],
        "HAILUO_PLATFORM_ORIGIN": announcement["origin"],
        "HAILUO_TOKENS": ",".join(announcement["tokens"]),
    }


if __name__ == "__main__":
    main()
