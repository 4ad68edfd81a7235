"""What is posted to the platform."""

from typing import Any

import pytest

from hailuo.errors import BadRequest
from hailuo.upstream.platform.client import written


def test_too_deeply_nested_field_is_refused_by_name():
    """It can be read that deep, but not written again."""
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    with pytest.raises(BadRequest) as raised:
        written({"model": "m", "tools": deep})
    assert raised.value.param == "tools"
