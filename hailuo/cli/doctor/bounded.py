"""Tasks in threads, for a limited time, whatever hangs.

A look-up of a name cannot be interrupted. So the threads are daemons, which the end of
the program does not wait for, unlike those of concurrent.futures.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import TypeVar

MAX_THREADS = 16

Result = TypeVar("Result")


def run(
    tasks: Sequence[Callable[[], Result]], limit_s: float
) -> Sequence[Result | None]:
    """Run tasks at the same time; return their results, None for an unfinished one.

    raises: an exception of a task.
    """
    futures: list[Future[Result]] = [Future() for _ in tasks]
    waiting = iter(list(zip(tasks, futures, strict=True)))  # shared by the threads

    def work() -> None:
        for task, future in waiting:
            try:
                future.set_result(task())
            except BaseException as error:  # noqa: BLE001 - raised by the caller
                future.set_exception(error)

    for _ in range(min(MAX_THREADS, len(tasks))):
        threading.Thread(target=work, daemon=True).start()
    done, _ = wait(futures, limit_s, return_when=FIRST_EXCEPTION)
    return [future.result() if future in done else None for future in futures]
