"""Reading of JSON bodies, apart from what the routes' own tests show."""

import pytest
from flask import Flask

from hailuo.endpoints import json_body
from hailuo.settings import Settings
from hailuo.units import MB


def test_other_requests_run_after_each_count_of_a_large_body(
    monkeypatch: pytest.MonkeyPatch,
):
    turns: list[str] = []
    monkeypatch.setattr(json_body, "yield_to_others", lambda: turns.append("others"))
    for size, expected in ((10, 0), (2 * MB, 4)):
        turns.clear()
        body = b'{"a": "%s"}' % (b"x" * size)
        with Flask("test").test_request_context(method="POST", data=body) as context:
            read = json_body.read(context.request, Settings())
        assert (len(read["a"]), len(turns)) == (size, expected)
