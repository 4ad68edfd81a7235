"""What a WSGI server imports: `gunicorn wsgi:app`."""

import logging

from hailuo import create_app
from hailuo.endpoints import home

app = create_app()

settings = app.extensions["hailuo"].settings
logging.basicConfig(
    level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s"
)
logging.getLogger(__name__).info(home.greeting(settings))
