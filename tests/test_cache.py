"""Cache: values are computed once for concurrent requests."""

import socket
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest

from hailuo.concurrency import cache
from hailuo.concurrency.cache import SingleFlightCache
from hailuo.concurrency.watch import Watch
from hailuo.errors import ClientDisconnected


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Computation:
    """Computes values and counts them; it fails, or waits, as configured."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.fails = False
        self.go = threading.Event()
        self.go.set()

    def __call__(self, key: str) -> str:
        self.keys.append(key)
        self.go.wait(30)
        if self.fails:
            raise ValueError(key)
        return f"{key}{len(self.keys)}"


def test_values_of_several_keys_are_computed_at_once():
    together = threading.Barrier(2)

    def make(key: str) -> str:
        together.wait(10)
        return key.upper()

    cache = SingleFlightCache(make, 60.0)

    futures = [cache.start(key) for key in ("a", "b", "a")]

    assert [future.result() for future in futures] == ["A", "B", "A"]
    assert cache.start("a").result() == cache.get("a", Watch()) == "A"


def test_last_value_is_known_after_its_lifetime(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cache, "MAX_ENTRIES", 2)
    make, clock = Computation(), Clock()
    values = SingleFlightCache(make, 10, clock)
    assert values.last("a") is None
    values.get("a")
    values.get("b")
    clock.now += 10
    assert (values.cached("a"), values.last("a")) == (None, "a1")
    values.get("c")
    assert (values.last("a"), values.last("b")) == ("a1", None), "b was used before a"


def test_cached_value_is_made_once_and_expires():
    make, clock = Computation(), Clock()
    values = SingleFlightCache(make, 10, clock)
    assert [values.get("a"), values.get("b"), values.get("a")] == ["a1", "b2", "a1"]
    clock.now += 9.9
    assert values.get("a") == "a1"
    clock.now += 0.1
    assert values.get("a") == "a3"


@pytest.mark.parametrize("fails", [False, True], ids=["a value", "a failure"])
def test_concurrent_lookups_share_one_flight(fails: bool):
    make = Computation()
    make.fails = fails
    make.go.clear()
    values = SingleFlightCache(make, 10)
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(values.get, "a") for _ in range(8)]
        make.go.set()
        outcomes = {str(each.exception() or each.result()) for each in asked}
    if not fails:
        assert make.keys == ["a"] and outcomes == {"a1"}
    else:
        assert outcomes == {"a"}


def test_failure_is_not_cached():
    make = Computation()
    values = SingleFlightCache(make, 10)
    make.fails = True
    with pytest.raises(ValueError, match="a"):
        values.get("a")
    make.fails = False
    assert values.get("a") == "a2"


def test_invalidated_value_is_made_anew():
    values = SingleFlightCache(Computation(), 10)
    old = values.get("a")
    values.invalidate("a", old)
    values.invalidate("never asked for", old)
    new = values.get("a")
    assert new == "a2"
    values.invalidate("a", old)
    assert values.get("a") is new, "who still has the old one cannot undo the new"


def test_least_recently_used_value_is_evicted():
    make = Computation()
    values = SingleFlightCache(make, 1e9)
    values.get("first")
    values.get("second")
    for number in range(cache.MAX_ENTRIES - 2):
        values.get(str(number))
    values.get("first")
    values.get("one too many")
    make.keys.clear()
    values.get("first")
    assert make.keys == []
    values.get("second")
    assert make.keys == ["second"]


def test_cached_value_takes_little_memory():
    """Callers bring tokens of their own, by the thousand; what shares the making of a
    value is gone when it is made."""
    cache = SingleFlightCache(lambda key: key, 60)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(1_000):
        cache.get(f"{number:032}")
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 1_000 * 600


def test_disconnect_does_not_end_a_shared_flight():
    make = Computation()
    make.go.clear()
    values = SingleFlightCache(make, 10)
    ours, theirs = socket.socketpair()
    with ours, ThreadPoolExecutor(2) as threads:
        left = threads.submit(values.get, "a", Watch(ours))
        other = threads.submit(values.get, "a", Watch())
        theirs.close()
        assert isinstance(left.exception(5), ClientDisconnected)
        make.go.set()
        assert other.result(5) == "a1"
    assert make.keys == ["a"]
