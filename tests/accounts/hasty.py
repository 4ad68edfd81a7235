"""The gateway with a short shutdown: `gunicorn tests.accounts.hasty:app()`."""

from typing import Any

from hailuo.gateway import shutdown

ABORT_S = 9.0


def app() -> Any:
    shutdown.LAST_LEASE_S, shutdown.ABORT_S = 2.0, ABORT_S
    from hailuo import wsgi  # which starts the gateway

    return wsgi.app
