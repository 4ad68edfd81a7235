"""The WSGI entry point, `gunicorn wsgi:app`: the only module with import effects."""

import logging.config
import os

from hailuo import create_app
from hailuo.endpoints import home
from hailuo.logs import configuration
from hailuo.settings import Settings

settings = Settings.read(os.environ)
logging.config.dictConfig(configuration(settings.log_level, settings.log_format))
app = create_app(settings)
log = logging.getLogger(__name__)
log.info(home.greeting(settings), extra={"verbatim": True})
for warning in settings.warnings:
    log.warning(warning)
app.extensions["hailuo"].start()
