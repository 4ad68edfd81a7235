"""What a WSGI server imports, `gunicorn wsgi:app`: the only import with effects."""

import logging
import os

from hailuo import create_app
from hailuo.endpoints import home
from hailuo.settings import Settings

settings = Settings.read(os.environ)
logging.basicConfig(
    level=settings.log_level.upper(),
    format="%(asctime)s %(levelname)s %(message)s",
)
app = create_app(settings)
logging.getLogger(__name__).info(home.greeting(settings))
app.extensions["hailuo"].start()
