from collections.abc import Iterator

import pytest

from tests.simulated import Simulated
from tests.simulator.browser import Browser


@pytest.fixture(scope="session")
def process() -> Iterator[Simulated]:
    with Simulated() as simulated:
        yield simulated


@pytest.fixture
def simulated(process: Simulated) -> Simulated:
    process.reset()
    return process


@pytest.fixture
def browser(simulated: Simulated) -> Browser:
    """A client whose device is registered already."""
    browser = Browser(simulated.origin, simulated.token("1001"))
    browser.register()
    return browser
