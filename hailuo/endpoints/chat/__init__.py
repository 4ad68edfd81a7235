"""POST /v1/chat/completions: the view, its request and its response."""

from .view import bp as bp
