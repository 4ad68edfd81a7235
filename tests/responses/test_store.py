"""Where responses are kept: for a while, for their owner, within bounds."""

from typing import Any

import pytest

from hailuo.endpoints import response_store
from hailuo.endpoints.response_store import MemoryStore
from hailuo.endpoints.responses import stored
from hailuo.endpoints.responses.stored import StoredResponses

ID = "resp_" + "0" * 32
ITEM = {"type": "message", "id": f"msg_{'0' * 32}_0"}
RESPONSE: dict[str, Any] = {"id": ID, "output": [ITEM]}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_data_expires():
    clock = Clock()
    store = MemoryStore(10, clock)
    store.put("me", "a", b"1")
    clock.now = 5
    store.put("me", "b", b"2")
    clock.now = 10
    assert (store.get("me", "a"), store.get("me", "b")) == (None, b"2")
    assert not store.delete("me", "a")


def test_ttl_of_zero_keeps_nothing():
    store = MemoryStore(0, Clock())
    store.put("me", "a", b"1")
    assert store.get("me", "a") is None


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """A store of ten bytes, or of five entries."""
    monkeypatch.setattr(response_store, "MAX_TOTAL_BYTES", 10)
    monkeypatch.setattr(response_store, "MAX_RESPONSES", 5)
    return MemoryStore(10)


def kept(store: MemoryStore, owner: str) -> str:
    """The ids of what is kept."""
    return "".join(id for id in "abcdefgh" if store.get(owner, id))


def test_oldest_data_goes_first(small: MemoryStore):
    for id in "abcdef":
        small.put("me", id, b"1")
    assert kept(small, "me") == "bcdef"
    small.put("me", "g", b"1234")
    assert kept(small, "me") == "defg"
    small.put("me", "g", b"1")  # in place of what was kept
    small.put("me", "h", b"1")
    assert kept(small, "me") == "defgh"


def test_owner_of_most_makes_room_for_others(small: MemoryStore):
    for id in "ab":
        small.put("you", id, b"1")
    for id in "abcdefgh":
        small.put("me", id, b"1")
    assert (kept(small, "me"), kept(small, "you")) == ("fgh", "ab")
    small.put("other", "a", b"1")
    assert kept(small, "other") == "a"
    assert (kept(small, "me"), kept(small, "you")) == ("gh", "ab")


def test_emptied_store_holds_nothing(small: MemoryStore):
    for owner in ("me", "you"):
        small.put(owner, "a", b"1")
        assert small.delete(owner, "a")
    assert not vars(small)["_ids"] and not vars(small)["_sizes"]


def test_data_belongs_to_its_owner():
    store = MemoryStore(10)
    store.put("me", "a", b"1")
    assert store.get("you", "a") is None and not store.delete("you", "a")
    assert store.delete("me", "a") and not store.delete("me", "a")


def test_response_is_found_with_the_items_before_it():
    own = StoredResponses(MemoryStore(10), "sk-1")
    own.save(RESPONSE, [{"a": "1\n2"}, {"b": 2}])

    assert own.find(ID) == (RESPONSE, [{"a": "1\n2"}, {"b": 2}])
    assert own.item(ITEM["id"]) == ITEM
    assert own.item(ITEM["id"].replace("_0", "_1")) is None
    assert own.item("msg_1") is None


def test_response_belongs_to_its_credential():
    store = MemoryStore(10)
    StoredResponses(store, "sk-1").save(RESPONSE, [])
    other = StoredResponses(store, "sk-2")
    assert other.find(ID) is None and other.item(ITEM["id"]) is None
    assert not other.delete(ID)
    assert StoredResponses(store, "sk-1").delete(ID)


def test_response_that_is_too_large_or_too_deep_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
):
    own = StoredResponses(MemoryStore(10), "sk-1")
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    own.save(RESPONSE, [{"a": deep}])
    assert own.find(ID) is None
    monkeypatch.setattr(stored, "MAX_RESPONSE_BYTES", 100)
    own.save(RESPONSE, [{"a": "b" * 100}])
    assert own.find(ID) is None
