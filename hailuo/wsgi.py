"""The application for a WSGI server. Importing this module has effects."""

import logging.config
import os

from . import create_app
from .endpoints import home
from .logs import configuration
from .settings import Settings

settings = Settings.read(os.environ)
logging.config.dictConfig(configuration(settings.log_level, settings.log_format))
app = create_app(settings)
log = logging.getLogger(__name__)
log.info(home.greeting(settings), extra={"verbatim": True})
for warning in settings.warnings:
    log.warning(warning)
app.extensions["hailuo"].start()
