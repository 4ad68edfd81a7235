"""WSGI middleware around the application, each of which needs no Flask context."""
