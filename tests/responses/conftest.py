"""Fixtures for the Responses API: an application without a server, and its client."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hailuo import create_app
from hailuo.endpoints import rate_limit
from hailuo.settings import Settings


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Return one whose pool is empty: what is valid ends in 503, and asks nobody."""
    return create_app(
        Settings(
            tokens_file=str(tmp_path_factory.mktemp("app") / "none.json"),
            origin="http://127.0.0.1:9",
            platform_origin="http://127.0.0.1:9",
            api_keys=("My API Key",),
            queue_timeout_s=0.1,
        )
    )


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return one whose address was never refused anything."""
    app.extensions[rate_limit.KEY] = rate_limit.Refusals()
    return app.test_client()
