"""An OpenAI-compatible gateway in front of Hailuo AI."""

import logging
import os

from flask import Flask

from . import endpoints, tokens
from .endpoints.service import Service
from .gateway import Gateway
from .pool import Pool
from .settings import Settings
from .upstream.http import Http
from .upstream.web import Web

log = logging.getLogger(__name__)


def create_app(settings: Settings | None = None) -> Flask:
    """The gateway as a WSGI application; making it starts nothing.

    settings: what a test wants; else they are read from the environment.
    raises: WrongSettings.
    """
    settings = settings or Settings.read(os.environ)
    web = Web(Http(settings.proxy), settings.origin)
    pool = Pool(web.identify, settings.queue_timeout_s)
    for token, source in tokens.all_of(settings):
        if not pool.add(token, source):
            log.warning("the %s holds something that is no credential", source)
    gateway = Gateway(pool, {web.kind: web})
    app = Flask(__name__)
    endpoints.init_app(app, Service(settings, pool, gateway))
    return app
