"""Tasks in threads, for a limited time, whatever hangs.

A look-up of a name cannot be interrupted. So the threads are daemons, which the end of
the program does not wait for, unlike those of concurrent.futures.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

MAX_THREADS = 16

Result = TypeVar("Result")


def run(
    tasks: Sequence[Callable[[], Result]], limit_s: float
) -> Sequence[Result | None]:
    """Run tasks at the same time; return their results, None for an unfinished one.

    raises: an exception of a task.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    finished: queue.SimpleQueue[tuple[int, Future[Result]]] = queue.SimpleQueue()
    results: list[Result | None] = [None] * len(tasks)

    def work() -> None:
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            future: Future[Result] = Future()
            try:
                future.set_result(tasks[number]())
            except BaseException as error:  # noqa: BLE001 - raised by the caller
                future.set_exception(error)
            finished.put((number, future))

    for number in range(len(tasks)):
        waiting.put(number)
    for _ in range(min(MAX_THREADS, len(tasks))):
        threading.Thread(target=work, daemon=True).start()
    until = time.monotonic() + limit_s
    for _ in tasks:
        try:
            number, future = finished.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            break
        results[number] = future.result()
    return results
