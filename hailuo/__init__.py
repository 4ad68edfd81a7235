"""An OpenAI-compatible gateway in front of Hailuo AI."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from .settings import Settings


def create_app(settings: "Settings | None" = None) -> "Flask":
    """The gateway as a WSGI application; making it starts nothing.

    What it is made of is imported here, not above: the simulator and the child
    processes are modules of this package too, and must not pay for it.

    settings: what a test wants; else they are read from the environment.
    raises: WrongSettings.
    """
    from flask import Flask

    from . import endpoints
    from .endpoints.service import Service
    from .gateway import Gateway
    from .pool import Pool
    from .refresh import Refresh
    from .roster import Roster
    from .settings import Settings
    from .tokens import TokensFile
    from .upstream.http import Http
    from .upstream.web import Web

    settings = settings or Settings.read(os.environ)
    web = Web(Http(settings.proxy), settings.origin)
    upstreams = {web.kind: web}
    pool = Pool(web.identify, settings.queue_timeout_s)
    roster = Roster(pool, TokensFile(settings.tokens_file), settings.tokens)
    roster.load()
    refresh = Refresh(pool, roster, upstreams, settings.token_refresh_interval_s)
    gateway = Gateway(pool, upstreams)
    app = Flask(__name__)
    endpoints.init_app(app, Service(settings, pool, roster, refresh, gateway))
    return app
