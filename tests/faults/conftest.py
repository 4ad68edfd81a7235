"""Gateways that are attacked: as they are shipped, directly and behind nginx."""

from collections.abc import Callable, Iterator

import pytest

from tests.deploy.nginx import PROGRAM, Nginx
from tests.served import Served
from tests.simulated import Simulated

OWN_KEY = "sk-secret-of-the-owner"
KEY_WITH_OTHER_LETTERS = "clé à"


@pytest.fixture(scope="session")
def attacked(serve: Callable[..., Served], simulator: Simulated) -> Served:
    """A gateway with a pool and keys of its own."""
    tokens = ",".join(simulator.tokens)
    keys = f"{OWN_KEY},{KEY_WITH_OTHER_LETTERS}"
    return serve(HAILUO_API_KEY=keys, HAILUO_TOKENS=tokens)


@pytest.fixture(scope="session")
def closed(serve: Callable[..., Served], simulator: Simulated) -> Served:
    """A gateway for API keys alone, and for small bodies and files."""
    return serve(
        HAILUO_API_KEY=OWN_KEY,
        HAILUO_CALLER_TOKENS=0,
        HAILUO_MAX_BODY_MB=1,
        HAILUO_MAX_FILE_MB=1,
        HAILUO_TOKENS=simulator.tokens[0],
    )


@pytest.fixture(scope="session")
def opened(serve: Callable[..., Served], simulator: Simulated) -> Served:
    """A gateway that fetches files from private addresses."""
    return serve(
        HAILUO_API_KEY=OWN_KEY,
        HAILUO_ALLOW_PRIVATE_URLS=1,
        HAILUO_TOKENS=simulator.tokens[0],
    )


@pytest.fixture(scope="session")
def behind_nginx(
    attacked: Served, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Served]]:
    """Gives nginx with the shipped site before it, started when it is first asked."""
    started: list[Nginx] = []

    def nginx() -> Nginx:
        if PROGRAM is None:
            pytest.skip("NO NGINX HERE: the shipped site is NOT TESTED")
        if not started:
            folder = tmp_path_factory.mktemp("nginx")
            started.append(Nginx(folder, gateway_port=attacked.port))
        return started[0]

    yield nginx
    assert [site.stop() for site in started] == [0] * len(started)


@pytest.fixture(params=["directly", "behind nginx"])
def frontend(
    request: pytest.FixtureRequest,
    attacked: Served,
    behind_nginx: Callable[[], Served],
) -> Served:
    """Where clients knock."""
    return attacked if request.param == "directly" else behind_nginx()
