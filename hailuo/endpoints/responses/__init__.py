"""POST /v1/responses: the view, its request, its events, and stored responses."""

from .view import bp as bp
