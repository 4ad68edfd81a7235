"""State of the application, which is shared by all views."""

from typing import NamedTuple, cast

from flask import Flask, current_app

from ..accounts.interfaces import CredentialStore
from ..accounts.pool import Pool
from ..accounts.quota import QuotaPoller
from ..accounts.refresh import TokenRefresher
from ..gateway import Gateway
from ..gateway.catalog import Catalog
from ..gateway.shutdown import GracefulShutdown
from ..metrics import Metrics
from ..settings import Settings
from .request_stats import RequestStats
from .response_store import Store

_KEY = "hailuo"


class AppState(NamedTuple):
    """Parts of the application that the views use."""

    settings: Settings
    pool: Pool
    credential_store: CredentialStore
    refresher: TokenRefresher
    quota_poller: QuotaPoller
    gateway: Gateway
    catalog: Catalog
    shutdown: GracefulShutdown
    metrics: Metrics
    stats: RequestStats
    response_store: Store

    def start(self) -> None:
        """Start the background work."""
        self.pool.start()
        self.refresher.start()
        self.quota_poller.start()

    def shut_down(self) -> bool:
        """Shut down gracefully, within 26 s; called by the server on SIGTERM.

        returns: whether no client is left waiting for an answer.
        """
        return self.shutdown.run()


def init_app(app: Flask, state: AppState) -> None:
    """Store *state* in the application."""
    app.extensions[_KEY] = state


def get_state() -> AppState:
    """Return the state of the current application."""
    return cast(AppState, current_app.extensions[_KEY])
