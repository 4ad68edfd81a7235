"""Python programs in child processes, which read what might harm the server.

with ChildProcess("-m", "hailuo.audio.worker", "parts", "300") as child:
    data = child.wire.recv(65_536)
"""

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from typing import IO, Self

MAX_REASON = 500  # characters of its standard error
MAX_STDERR = 65_536  # bytes of that which are looked at


class ChildProcess:
    """A Python program; leaving the `with` block kills it.

    arguments: of the interpreter.
    stdin: a file that it reads by itself; without one, it reads what `wire` is sent.
    wire: its standard output, and its input. Its standard streams are sockets, the
        only thing on which waiting works alike in a patched and an unpatched
        interpreter.
    """

    def __init__(self, *arguments: str, stdin: IO[bytes] | None = None) -> None:
        self.wire, its_wire = socket.socketpair()
        self._stderr, its_stderr = socket.socketpair()
        self._stderr.setblocking(False)
        its_stderr.setblocking(False)  # writing too much must not block it
        with ExitStack() as on_failure, its_wire, its_stderr:
            on_failure.callback(self.wire.close)
            on_failure.callback(self._stderr.close)
            self._process = subprocess.Popen(
                [sys.executable, "-P", *arguments],
                stdin=its_wire.fileno() if stdin is None else stdin,
                stdout=its_wire.fileno(),
                stderr=its_stderr.fileno(),
                env=_environment(),
            )
            on_failure.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()
        self._stderr.close()
        self.kill()
        self._process.wait()

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout_s: float) -> int:
        """Return its exit code, a negative one for a signal.

        raises: subprocess.TimeoutExpired.
        """
        return self._process.wait(timeout_s)

    def reason(self) -> str:
        """Return the end of its standard error in one line, "" if there is none."""
        try:
            output = self._stderr.recv(MAX_STDERR)
        except OSError:
            return ""
        return " ".join(output.decode("utf-8", "replace").split())[-MAX_REASON:]


def describe_exit(code: int) -> str:
    """Describe an exit code in words, for the log."""
    if code < 0:
        return f"was killed ({signal.strsignal(-code)})"
    return f"failed (exit code {code})"


def _environment() -> dict[str, str]:
    """Return the variables that Python needs to find its libraries and this package.

    No keys are among them: a hostile file might take over the child.
    """
    libraries = {"LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
    return libraries | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
