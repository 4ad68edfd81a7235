"""Anthropic's Messages API: the views, their request and their answer."""

from .view import bp as bp
