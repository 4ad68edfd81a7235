"""The configuration that `gunicorn wsgi:app` finds in a checkout: the package's."""

from hailuo.gunicorn_config import *  # noqa: F403
