"""Concurrent tasks of one request, cancelled together.

    results = yield from gather([task, …], watch)

Each task runs in a thread of its own with a CancelToken, which is cancelled when the
result is no longer wanted: the client has disconnected, or another task has failed.
"""

import math
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from .watch import HEARTBEAT, Heartbeat, Watch

MAX_CONCURRENT = 8  # tasks of one request

Result = TypeVar("Result")


class CancelToken:
    """Flag that work is no longer wanted; once set, it stays set."""

    def __init__(self) -> None:
        self.cancelled = False
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    @contextmanager
    def on_cancel(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call *callback* if the work is cancelled within the block, or was before."""
        with self._lock:
            self._callbacks.append(callback)
            is_late = self.cancelled
        if is_late:
            callback()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)

    def cancel(self) -> None:
        """Set the flag and call the callbacks."""
        with self._lock:
            self.cancelled = True
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()


def gather(
    tasks: Sequence[Callable[[CancelToken], Result]], watch: Watch
) -> Generator[Heartbeat, None, list[Result]]:
    """Run tasks concurrently, yielding heartbeats; return their results in order.

    raises: the first exception of a task; ClientDisconnected.
    """
    cancel_token, waker = CancelToken(), _Waker()
    threads = ThreadPoolExecutor(MAX_CONCURRENT)
    futures: list[Future[Result]] = []
    try:
        futures += [threads.submit(task, cancel_token) for task in tasks]
        for future in futures:
            future.add_done_callback(waker.wake)
        while not _is_over(futures):
            if watch.wait(math.inf, waker.receiver):
                waker.clear()
            if watch.heartbeat_due:
                yield HEARTBEAT
                watch.heartbeat_sent()
        return [future.result() for future in _failed(futures) or futures]
    finally:
        cancel_token.cancel()
        threads.shutdown(wait=False, cancel_futures=True)
        waker.close()
        futures.clear()  # else a failure's traceback keeps the other results alive


def wait_for(future: "Future[Result]", watch: Watch) -> Result:
    """Wait for a future that other requests may share; no heartbeats are sent.

    raises: the future's exception; ClientDisconnected.
    """
    if future.done():
        return future.result()
    waker = _Waker()
    try:
        future.add_done_callback(waker.wake)
        while not future.done():
            watch.wait(math.inf, waker.receiver, heartbeats=False)
        return future.result()
    finally:
        waker.close()


def _is_over(futures: Sequence[Future[Result]]) -> bool:
    """Return whether all futures are done, or one has failed."""
    return bool(_failed(futures)) or all(future.done() for future in futures)


def _failed(futures: Sequence[Future[Result]]) -> list[Future[Result]]:
    return [future for future in futures if future.done() and future.exception()]


class _Waker:
    """Pair of sockets through which another thread ends a Watch's wait."""

    def __init__(self) -> None:
        self.receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)

    def wake(self, _: object) -> None:
        try:
            self._sender.send(b"!")
        except OSError:
            pass  # it is closed, or full of wake-ups

    def clear(self) -> None:
        self.receiver.recv(1024)

    def close(self) -> None:
        self.receiver.close()
        self._sender.close()
