"""POST /v1/images/generations and POST /v1/images/edits (client-apis.md 1.11)."""

from .view import bp as bp
