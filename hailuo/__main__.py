"""`python -m hailuo`: gunicorn as in production, and a simulator where it is needed.

Without a credential there is nobody to talk to, so the simulator is started beside the
gateway and becomes its upstream. It ends when the last process that holds the other end
of its standard input does: this one, which turns into gunicorn, and its worker.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .accounts.tokens_file import TokensFile
from .logs import redact
from .settings import Settings, WrongSettings
from .upstream.registry import identify

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    try:
        settings = Settings.read(os.environ)
    except WrongSettings as error:
        sys.exit(redact(str(error)))
    environ = dict(os.environ)
    file = TokensFile(settings.tokens_file)
    file.load()
    known = any(map(identify, [*settings.tokens, *file.tokens]))
    if not known and not file.problem:  # a file that cannot be read is not an empty one
        environ |= simulated()
    server = ["gunicorn", "--config", str(ROOT / "gunicorn.conf.py")]
    arguments = [sys.executable, "-m", *server, "--pythonpath", str(ROOT), "wsgi:app"]
    os.execve(sys.executable, arguments, environ)


def simulated() -> Mapping[str, str]:
    """Start the simulator; what the gateway must be told to use it."""
    simulator = subprocess.Popen(
        [sys.executable, "-m", "hailuo.simulator", "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert simulator.stdin and simulator.stdout
    os.set_inheritable(simulator.stdin.fileno(), True)
    started = json.loads(simulator.stdout.readline())
    return {
        "HAILUO_SIMULATED": "1",
        "HAILUO_ORIGIN": started["origin"],
        "HAILUO_PLATFORM_ORIGIN": started["origin"],
        "HAILUO_TOKENS": ",".join(started["tokens"]),
    }


if __name__ == "__main__":
    main()
