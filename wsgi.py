"""The WSGI entry point of a checkout, `gunicorn wsgi:app`: the package's."""

from hailuo.wsgi import app as app
