"""An HttpClient whose short calls the `responses` library can answer.

with responses.RequestsMock() as service:
    service.get("https://hailuoai.com/v1/…", json={…})
    Client(PlainHttp(), "https://hailuoai.com").ask(…)

The real one reads an answer from the connection's socket itself (net/stream.py), which
`responses` does not have: it replaces the adapter of `requests`. So these calls go
through `requests` alone; that the real one sends and reads the same is shown on real
sockets (tests/upstream) and against the simulator.
"""

from typing import Any

import requests

from hailuo.net.client import CALL_S, HttpClient


class PlainHttp(HttpClient):
    def send(
        self,
        method: str,
        url: str,
        *,
        watch: object = None,
        total_s: float = CALL_S,
        **call: Any,
    ) -> requests.Response:
        return requests.request(method, url, timeout=total_s, **call)
