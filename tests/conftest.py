"""Shared fixtures: the simulator and the gateway as processes, and a fresh account.

Processes live as long as the session; each worker of pytest-xdist has its own. A test
that wants its own state takes a new account, whose token leaves the pool alone:

    def test_something(upstream, gateway, account):
        upstream.script({"call": account.call, "text": "Hello"})
        account.ask("Hi") == "Hello"

An account is one of the web service; `@BOTH` runs a test with a platform key, too.

A test that uses `upstream` fails when, at its end, the simulator has seen a violation
of the protocol, or a conversation or an open answer is left. Tests that mean to leave
something are marked: `@pytest.mark.leaves("conversations")`.
"""

import gc
import itertools
from collections.abc import Callable, Generator, Iterator
from itertools import groupby
from typing import Any

import pytest
from hypothesis import settings

from tests.secret_leaks import LOGS, SECRET
from tests.served import CLIENT, Served
from tests.simulated import Simulated

BOTH = pytest.mark.parametrize("kind", ["web", "platform"])
LEFT_S = 45.0  # a removal that fails is repeated after 1, 5 and 30 s
CALLS = {"web": "chat", "platform": "completion"}  # the simulator's names

_users = itertools.count(7001)

# The same examples in every run, and no deadline: a busy machine is slow.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "leaves(what, …): what a test leaves upstream")
    config.addinivalue_line("markers", "slow: takes more than five seconds")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Collect no garbage among the tests and libraries, which live until the end.

    It would take half of the time of their collection, and again with each collection
    of garbage while tests run.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Let each worker of pytest-xdist begin with its share of the slow tests.

    None is then left to run alone in the end. One worker gets those of a folder,
    which share processes. A worker is first given an equal part of the list; when it
    has run them, it takes from the end of another's. What needs the browser follows on
    the first worker, since each worker starts its own.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    quick.sort(key=lambda item: not item.nodeid.startswith("tests/page/"))
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for _, folder in groupby(slow, key=lambda item: item.path.parent):
        min(shares, key=len).extend(folder)
    ordered: list[pytest.Item] = []
    for number, first in enumerate(shares):
        count = (len(items) - len(ordered)) // (workers - number) - len(first)
        ordered += [*first, *quick[:count]]
        del quick[:count]
    items[:] = ordered


@pytest.fixture(scope="session", autouse=True)
def secret_leaks() -> Iterator[None]:
    """Fail when a log holds a token, a key, or a word of a question or an answer.

    Each worker of pytest-xdist searches the logs of what it has started.
    """
    yield
    leaks = LOGS.leaks()
    assert not leaks, "\n".join(leaks)


@pytest.fixture(autouse=True)
def client_address() -> None:
    CLIENT.renew()


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulated]:
    with Simulated() as process:
        yield process


@pytest.fixture
def upstream(
    simulator: Simulated, request: pytest.FixtureRequest
) -> Iterator[Simulated]:
    """Return the simulator, with nothing scripted and nothing seen."""
    simulator.reset()
    yield simulator
    mark = request.node.get_closest_marker("leaves")
    left = mark.args if mark else ()
    report = simulator.report()
    for what in ("open_answers", "conversations"):
        if report[what] and what not in left:
            simulator.wait(what, exactly=0, timeout_s=LEFT_S)
            report = simulator.report()
    if "violations" not in left:
        assert report["violations"] == []


@pytest.fixture(scope="session")
def serve(
    simulator: Simulated, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Served]]:
    """serve(HAILUO_X=…): a gateway with these settings, shared by tests with the same.

    It has no pool, since tests that share one would affect each other: tests bring
    accounts, or give the gateway a pool of their own.
    """
    directory = tmp_path_factory.mktemp("gateways")
    running: dict[tuple[tuple[str, Any], ...], Served] = {}

    def serve(**settings: Any) -> Served:
        settings.setdefault("HAILUO_ORIGIN", simulator.origin)
        settings.setdefault("HAILUO_PLATFORM_ORIGIN", simulator.origin)
        known = tuple(sorted(settings.items()))
        if known not in running or running[known].process.poll() is not None:
            running[known] = Served(directory, **settings)
        return running[known]

    yield serve
    for gateway in running.values():
        gateway.leave()
    codes = {known: gateway.stop() for known, gateway in running.items()}
    assert not any(codes.values()), f"a gateway did not leave in order: {codes}"


@pytest.fixture(scope="session")
def gateway(serve: Callable[..., Served], simulator: Simulated) -> Served:
    """Return the gateway of most tests, which logs as much as it can."""
    tokens = ",".join(simulator.tokens)
    return serve(HAILUO_TOKENS=tokens, HAILUO_LOG_LEVEL="debug")


class Caller:
    """A client with accounts of its own that no test has used before.

    users, tokens: one for each account; a platform key is both.
    call: the simulator's name for the call that asks for an answer.
    """

    def __init__(
        self, gateway: Served, upstream: Simulated, accounts: int, kind: str = "web"
    ) -> None:
        self.gateway = gateway
        self.call = CALLS[kind]
        self.users = [str(next(_users)) for _ in range(accounts)]
        if kind == "platform":
            self.users = [f"sk-api-sim-{user}" for user in self.users]
            self.tokens = self.users
        else:
            self.tokens = [upstream.token(user) for user in self.users]

    @property
    def key(self) -> str:
        return ",".join(self.tokens)

    @property
    def client(self) -> Any:
        return self.gateway.client(self.key)

    def create(self, question: str = "Hello", **options: Any) -> Any:
        """Return a chat completion as the official library gives it."""
        messages = [{"role": "user", "content": f"{question} {SECRET}"}]
        arguments = {"model": "hailuo", "messages": messages, **options}
        return self.client.chat.completions.create(**arguments)

    def ask(self, question: str = "Hello", **options: Any) -> str:
        """Return the text of a whole answer."""
        return self.create(question, **options).choices[0].message.content

    def stream(self, question: str = "Hello", **options: Any) -> Any:
        return self.create(question, stream=True, **options)

    def pieces(self, question: str = "Hello", **options: Any) -> list[str]:
        """Return the texts of a streamed answer."""
        with self.stream(question, **options) as stream:
            return [text for chunk in stream if (text := text_of(chunk))]

    def send(self, path: str = "/v1/chat/completions", **call: Any) -> Any:
        """Post the same question without the library, streamed by default."""
        messages = [{"role": "user", "content": SECRET}]
        call.setdefault("json", {"messages": messages, "stream": True})
        headers = {"Authorization": f"Bearer {self.key}"}
        return self.gateway.request("POST", path, headers=headers, **call)


def text_of(chunk: Any) -> str:
    """Return the text of a chunk, "" if it has none."""
    return (chunk.choices[0].delta.content or "") if chunk.choices else ""


@pytest.fixture
def kind() -> str:
    """Return the upstream of new accounts, which BOTH overrides."""
    return "web"


@pytest.fixture
def caller(gateway: Served, upstream: Simulated, kind: str) -> Callable[..., Caller]:
    """caller(accounts=2, served=…): a client with new accounts."""
    usual = kind

    def caller(
        accounts: int = 1, served: Served | None = None, kind: str = ""
    ) -> Caller:
        return Caller(served or gateway, upstream, accounts, kind or usual)

    return caller


@pytest.fixture
def account(caller: Callable[..., Caller]) -> Caller:
    """Return a client with one new account."""
    return caller()
