"""Several things at once, for one request that waits for them all.

    results = yield from gather([task, …], watch)

A task is called in a thread of its own with a Stop, which tells it when nobody waits
for it any more: when the caller has left, or when another task has failed.
"""

import math
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from .watch import HEARTBEAT, Heartbeat, Watch

MAX_CONCURRENT = 8  # at once

Result = TypeVar("Result")


class CancelToken:
    """Whether the work is still wanted; given once, it stays."""

    def __init__(self) -> None:
        self.cancelled = False
        self._lock = threading.Lock()
        self._calls: list[Callable[[], None]] = []

    @contextmanager
    def on_cancel(self, call: Callable[[], None]) -> Iterator[None]:
        """Have *call* called if the work is stopped in here, or was before."""
        with self._lock:
            self._calls.append(call)
            late = self.cancelled
        if late:
            call()
        try:
            yield
        finally:
            with self._lock:
                self._calls.remove(call)

    def cancel(self) -> None:
        with self._lock:
            self.cancelled = True
            calls = list(self._calls)
        for call in calls:
            call()


def gather(
    tasks: Sequence[Callable[[CancelToken], Result]], watch: Watch
) -> Generator[Heartbeat, None, list[Result]]:
    """Run tasks concurrently, yielding heartbeats; return their results in order.

    raises: what a task raised; ClientDisconnected.
    """
    stop, bell = CancelToken(), _Waker()
    threads = ThreadPoolExecutor(MAX_CONCURRENT)
    futures: list[Future[Result]] = []
    try:
        futures += [threads.submit(task, stop) for task in tasks]
        for future in futures:
            future.add_done_callback(bell.wake)
        while not _over(futures):
            if watch.wait(math.inf, bell.heard):
                bell.clear()
            if watch.heartbeat_due:
                yield HEARTBEAT
                watch.heartbeat_sent()
        return [future.result() for future in _failed(futures) or futures]
    finally:
        stop.cancel()
        threads.shutdown(wait=False, cancel_futures=True)
        bell.close()
        futures.clear()  # else the traceback of a failure keeps the other results alive


def awaited(future: "Future[Result]", watch: Watch) -> Result:
    """The result of *future*, which others may wait for, too.

    No beat can be sent meanwhile.
    raises: what it raises; ClientDisconnected.
    """
    bell = _Waker()
    try:
        future.add_done_callback(bell.wake)
        while not future.done():
            watch.wait(math.inf, bell.heard, beats=False)
        return future.result()
    finally:
        bell.close()


def _over(futures: Sequence[Future[Result]]) -> bool:
    """Whether all are done, or one has failed."""
    return bool(_failed(futures)) or all(future.done() for future in futures)


def _failed(futures: Sequence[Future[Result]]) -> list[Future[Result]]:
    return [each for each in futures if each.done() and each.exception()]


class _Waker:
    """Rung in any thread, heard where a Watch waits for bytes."""

    def __init__(self) -> None:
        self.heard, self._rope = socket.socketpair()
        self._rope.setblocking(False)

    def wake(self, _: object) -> None:
        try:
            self._rope.send(b"!")
        except OSError:
            pass  # nobody listens any more

    def clear(self) -> None:
        self.heard.recv(1024)

    def close(self) -> None:
        self.heard.close()
        self._rope.close()
