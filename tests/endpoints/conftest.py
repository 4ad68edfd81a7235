"""The application without a server: enough for what is decided before any upstream."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hailuo import create_app
from hailuo.endpoints import rate_limit
from hailuo.settings import Settings


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """A pool that is empty: what is allowed ends in 503, and asks nobody."""
    return create_app(
        Settings(
            tokens_file=str(tmp_path_factory.mktemp("app") / "none.json"),
            origin="http://127.0.0.1:9",
            platform_origin="http://127.0.0.1:9",
            api_keys=("sk-hailuofreeapi", "My API Key", "ключ", "clé à"),
            queue_timeout_s=0.1,
        )
    )


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """One whose address was never refused anything."""
    app.extensions[rate_limit.KEY] = rate_limit.Refusals()
    return app.test_client()


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).resolve().parents[2]
