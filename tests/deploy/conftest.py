"""A gateway behind a real nginx."""

from collections.abc import Callable, Iterator

import pytest

from tests.served import KEY, Served

from .nginx import PROGRAM, Nginx

OWN_KEY = "sk-secret-own"


@pytest.fixture(scope="session")
def behind(serve: Callable[..., Served]) -> Served:
    """The gateway behind nginx: it has both the well-known key and one of its own."""
    return serve(HAILUO_API_KEY=f"{KEY},{OWN_KEY}", HAILUO_LOG_LEVEL="debug")


@pytest.fixture(scope="session")
def nginx(
    behind: Served, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Nginx]]:
    """nginx(patience_s=1, gateway_port=…): nginx with the shipped site, one for all who
    ask for the same."""
    if PROGRAM is None:
        pytest.skip("NO NGINX HERE: the shipped site is NOT TESTED")
    running: dict[tuple[tuple[str, int], ...], Nginx] = {}

    def nginx(**wanted: int) -> Nginx:
        wanted.setdefault("gateway_port", behind.port)
        known = tuple(sorted(wanted.items()))
        if known not in running:
            running[known] = Nginx(tmp_path_factory.mktemp("nginx"), **wanted)
        return running[known]

    yield nginx
    assert [site.stop() for site in running.values()] == [0] * len(running)


@pytest.fixture
def site(nginx: Callable[..., Nginx]) -> Nginx:
    return nginx()
