"""What is posted to the platform."""

from typing import Any

import pytest

from hailuo.errors import BadRequest
from hailuo.upstream.platform.client import to_json


def test_field_nested_too_deep_is_named():
    """It can be read that deep, but not written again."""
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    with pytest.raises(BadRequest) as raised:
        to_json({"model": "m", "tools": deep})
    assert raised.value.param == "tools"
