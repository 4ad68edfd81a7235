"""Tasks in threads, for a limited time, whatever hangs.

A look-up of a name cannot be interrupted. So the threads are daemons, which the end of
the program does not wait for, unlike those of concurrent.futures.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

MAX_THREADS = 16

Result = TypeVar("Result")


def run(
    tasks: Sequence[Callable[[], Result]], limit_s: float
) -> Sequence[Result | None]:
    """Run tasks at the same time; return their results, None for an unfinished one.

    A task that raises an exception is unfinished, too.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    finished: queue.SimpleQueue[tuple[int, Result | None]] = queue.SimpleQueue()
    results: list[Result | None] = [None] * len(tasks)

    def work() -> None:
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            result = None
            try:
                result = tasks[number]()
            finally:
                finished.put((number, result))

    for number in range(len(tasks)):
        waiting.put(number)
    for _ in range(min(MAX_THREADS, len(tasks))):
        threading.Thread(target=work, daemon=True).start()
    until = time.monotonic() + limit_s
    for _ in tasks:
        try:
            number, result = finished.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            break
        results[number] = result
    return results
