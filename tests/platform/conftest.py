from collections.abc import Iterator

import pytest

from hailuo.net.client import HttpClient
from hailuo.upstream.platform import Platform
from tests.simulated import Simulated


@pytest.fixture(scope="session")
def process() -> Iterator[Simulated]:
    with Simulated() as simulated:
        yield simulated


@pytest.fixture
def simulated(process: Simulated) -> Iterator[Simulated]:
    """The simulator; what the protocol forbids fails the test that did it."""
    process.reset()
    yield process
    assert process.report()["violations"] == []


@pytest.fixture
def platform(simulated: Simulated) -> Platform:
    return Platform(HttpClient(), simulated.origin, "MiniMax-M3")
