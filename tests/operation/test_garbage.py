"""A failed answer leaves nothing in memory that only a rare collection finds.

A traceback holds frames, and these hold bodies and events of megabytes. In a cycle they
stay until the oldest generation is collected, which counts objects and not bytes: 300
failures with events of 1 MB took 900 MB (measured).
"""

import gc
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hailuo import create_app
from hailuo.settings import Settings
from hailuo.simulator.faults import ANY_CALL, CHAT
from tests.conftest import SECRET
from tests.simulated import Simulated

MESSAGES = [{"role": "user", "content": SECRET}]
FAULTS = ANY_CALL | {
    name: fault for name, fault in CHAT.items() if name.endswith("after 1")
}
del FAULTS["silence after 1"]  # given up after two minutes


@pytest.fixture(scope="module")
def client(simulator: Simulated):
    settings = Settings(origin=simulator.origin, platform_origin=simulator.origin)
    return create_app(settings).test_client()


@contextmanager
def collected() -> Iterator[list[Any]]:
    """Collect the garbage that reference counting did not free."""
    found: list[Any] = []
    gc.disable()
    gc.freeze()  # else all that the tests have made so far is gone through each time
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
        found += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.unfreeze()
        gc.enable()


@pytest.mark.parametrize(
    ("name", "stream"),
    [*((name, True) for name in FAULTS), ("reset", False), ("garbage after 1", False)],
)
def test_failed_answer_leaves_no_frame_in_a_reference_cycle(
    upstream: Simulated, client: Any, name: str, stream: bool
):
    tokens = [upstream.token(str(user)) for user in range(6701, 6704)]
    body = {"messages": MESSAGES, "stream": stream}
    headers = {"Authorization": f"Bearer {','.join(tokens)}"}
    upstream.script({"call": "chat", "times": None, **FAULTS[name]})

    with collected() as garbage:
        response = client.post("/v1/chat/completions", json=body, headers=headers)
        response.get_data()
        response.close()

    frames = [each for each in garbage if isinstance(each, types.FrameType)]
    ours = [each for each in frames if "/hailuo/" in each.f_code.co_filename]
    assert [each.f_code.co_qualname for each in ours] == []
