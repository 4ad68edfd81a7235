"""Fixtures for the Responses API: the application without a server, and its client."""

from tests.endpoints.conftest import app as app
from tests.endpoints.conftest import client as client
