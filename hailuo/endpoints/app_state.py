"""What the endpoints work with: put on the application once, found by every view."""

from typing import NamedTuple, cast

from flask import Flask, current_app

from ..accounts.credential_store import CredentialStore
from ..accounts.pool import Pool
from ..accounts.refresh import TokenRefresher
from ..gateway import Gateway
from ..gateway.catalog import Catalog
from ..gateway.shutdown import GracefulShutdown
from ..metrics import Metrics
from ..settings import Settings

_KEY = "hailuo"


class AppState(NamedTuple):
    """The settings, the accounts and those who keep them, the way to an answer."""

    settings: Settings
    pool: Pool
    credential_store: CredentialStore
    refresher: TokenRefresher
    gateway: Gateway
    catalog: Catalog
    shutdown: GracefulShutdown
    metrics: Metrics

    def start(self) -> None:
        """Begin what runs by itself."""
        self.refresher.start()

    def shut_down(self) -> bool:
        """For the server to call on SIGTERM; 26 s later at most it may end.

        returns: whether nobody is left who waits for an answer.
        """
        return self.shutdown.run()


def init_app(app: Flask, service: AppState) -> None:
    app.extensions[_KEY] = service


def get_state() -> AppState:
    return cast(AppState, current_app.extensions[_KEY])
