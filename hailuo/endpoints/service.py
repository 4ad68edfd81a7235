"""What the endpoints work with: put on the application once, found by every view."""

from typing import NamedTuple, cast

from flask import Flask, current_app

from ..gateway import Gateway
from ..leaving import Leaving
from ..metrics import Metrics
from ..pool import Pool
from ..refresh import Refresh
from ..roster import Roster
from ..services import Services
from ..settings import Settings

_KEY = "hailuo"


class Service(NamedTuple):
    """The settings, the accounts and those who keep them, the way to an answer."""

    settings: Settings
    pool: Pool
    roster: Roster
    refresh: Refresh
    gateway: Gateway
    services: Services
    leaving: Leaving
    metrics: Metrics

    def start(self) -> None:
        """Begin what runs by itself."""
        self.refresh.start()

    def leave(self) -> bool:
        """For the server to call on SIGTERM; 26 s later at most it may end.

        returns: whether nobody is left who waits for an answer.
        """
        return self.leaving.leave()


def init_app(app: Flask, service: Service) -> None:
    app.extensions[_KEY] = service


def current() -> Service:
    return cast(Service, current_app.extensions[_KEY])
