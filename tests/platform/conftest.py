from collections.abc import Iterator

import pytest

from hailuo.net.client import HttpClient
from hailuo.upstream.platform import Platform
from tests.simulated import Simulated


@pytest.fixture
def simulated(simulator: Simulated) -> Iterator[Simulated]:
    """The simulator; what the protocol forbids fails the test that did it."""
    simulator.reset()
    yield simulator
    assert simulator.report()["violations"] == []


@pytest.fixture
def platform(simulated: Simulated) -> Platform:
    return Platform(HttpClient(), simulated.origin, "MiniMax-M3")
