"""The shared pool: whether its library is installed, and its server can be reached."""

from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec

from ...errors import PoolUnavailable
from ...metrics import Metrics
from ...settings import Settings
from . import bounded
from .findings import Finding, error, ok

LIMIT_S = 10.0


def findings(settings: Settings) -> Iterator[Finding]:
    """Check the server of the shared pool if one is configured."""
    if not settings.redis_url:
        return
    if not find_spec("redis"):
        yield error(
            "dependencies",
            "HAILUO_REDIS_URL is set, but the library redis is not installed",
            "run pip install 'hailuo[redis]'",
        )
        return
    (problem,) = bounded.run([partial(_problem, settings)], LIMIT_S)
    if problem == "":
        yield ok("shared pool", "its server can be reached")
        return
    yield error(
        "shared pool",
        problem or "its server does not answer in time",
        "start the Valkey or Redis server, or correct HAILUO_REDIS_URL",
    )


def _problem(settings: Settings) -> str:
    """Return why the server cannot be used, "" if it can."""
    from ...accounts.shared.client import SharedClient  # needs the library
    from ...accounts.shared.timings import Timings

    client = SharedClient(
        settings.redis_url, settings.redis_prefix, Timings(), Metrics()
    )
    try:
        client.get("doctor")
    except PoolUnavailable:
        return f"its server cannot be reached ({client.problem})"
    return ""
