"""`python -m hailuo`, what `make run` calls: gunicorn, perhaps with the simulator."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import openai
import pytest

import hailuo.__main__
from tests.conftest import SECRET, text_of
from tests.served import KEY, Served, environment, free_port
from tests.simulated import Simulated

COMMAND = ("-m", "hailuo")
MESSAGES = [{"role": "user", "content": SECRET}]
REAL = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJleHAiOjQxMDAwMDAwMDAsInVzZXIiOnsiaWQiOiI0MiJ9fQ.c2lnbmF0dXJl"
)


def children(process: int) -> list[int]:
    """The process and all that descend from it."""
    found = [process]
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == process:
            found += children(int(path.parent.name))
    return found


def gone(processes: list[int], within_s: float = 30) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if not any(alive(process) for process in processes):
            return True
        time.sleep(0.02)
    return False


def alive(process: int) -> bool:
    """A zombie that nobody has collected yet is not."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def simulator_of(gateway: Served) -> int:
    (found,) = (
        process
        for process in children(gateway.process.pid)
        if b"hailuo.simulator" in Path(f"/proc/{process}/cmdline").read_bytes()
    )
    return found


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Without an account; the original program's placeholders are none."""
    folder = tmp_path_factory.mktemp("run")
    tokens = folder / "tokens.json"
    tokens.write_text(json.dumps(["your_token_1", "your_token_2"]))
    with Served(folder, COMMAND, HAILUO_TOKENS_FILE=tokens) as gateway:
        yield gateway


class TestRunWithoutAccount:
    def test_log_mentions_the_simulator_and_a_curl_command(self, tried: Served):
        log = tried.log()
        assert "simulator" in log
        assert f"curl http://localhost:{tried.port}/v1/chat/completions" in log
        assert "invalid credentials" in log, "the placeholders are told of"
        assert "your_token" not in log

    def test_front_page_mentions_the_simulator(self, tried: Served):
        page = tried.request("GET", "/").text
        assert "simulator" in page and f"curl http://127.0.0.1:{tried.port}/v1" in page
        said = tried.request("GET", "/", headers={"Accept": "application/json"}).json()
        assert "simulator" in said["upstream"]
        assert said["base_url"] == tried.base_url

    def test_simulator_answers_a_chat(self, tried: Served):
        with tried.client().chat.completions.create(
            model="hailuo", messages=MESSAGES, stream=True
        ) as stream:
            text = "".join(map(text_of, stream))
        assert "simulator" in text and SECRET in text

    def test_real_token_is_refused_with_a_hint_at_the_simulator(self, tried: Served):
        with pytest.raises(openai.AuthenticationError, match="simulator"):
            tried.client(REAL).chat.completions.create(
                model="hailuo", messages=MESSAGES
            )

    def test_wrong_key_is_refused_by_the_simulated_gateway(self, tried: Served):
        with pytest.raises(openai.AuthenticationError):
            tried.client("sk-secret").chat.completions.create(
                model="hailuo", messages=MESSAGES
            )


class TestRunWithAccount:
    def test_gateway_with_an_account_uses_the_real_upstream(
        self, upstream: Simulated, tmp_path: Path
    ):
        file = tmp_path / "tokens.json"
        file.write_text(json.dumps([upstream.token("6501")]))
        settings = {"HAILUO_TOKENS_FILE": file, "HAILUO_ORIGIN": upstream.origin}
        upstream.script({"call": "chat", "text": "Real"})
        with Served(tmp_path, COMMAND, **settings) as gateway:
            answer = gateway.client().chat.completions.create(
                model="hailuo", messages=MESSAGES
            )
            assert answer.choices[0].message.content == "Real"
            processes = children(gateway.process.pid)
            assert len(processes) == 2, "gunicorn's two, and no simulator"
            assert f"Answers come from {upstream.origin}" in gateway.log()

    @pytest.mark.parametrize(
        ("settings", "on_disk", "simulated"),
        [
            ({}, '["your_token_1"]', "1"),
            ({}, f'["{REAL}"]', None),
            ({"HAILUO_TOKENS": REAL}, '["your_token_1"]', None),
            ({"HAILUO_REDIS_URL": "redis://localhost"}, "[]", None),
            ({}, '["eyJh', None),
        ],
        ids=["none", "file", "environment", "shared pool", "broken file"],
    )
    def test_simulator_starts_only_where_nobody_has_an_account(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        settings: dict[str, str],
        on_disk: str,
        simulated: str | None,
    ):
        """The owner of a broken file has tokens, and must not be told otherwise."""
        file = tmp_path / "tokens.json"
        file.write_text(on_disk)
        terms = {"PORT": free_port(), "HAILUO_TOKENS_FILE": file, **settings}
        became: list[Mapping[str, str]] = []
        monkeypatch.setattr(os, "environ", environment(terms))
        monkeypatch.setattr(os, "execve", lambda *call: became.append(call[2]))
        started = {"HAILUO_SIMULATED": "1"}
        monkeypatch.setattr(hailuo.__main__, "start_simulator", lambda: started)
        hailuo.__main__.main()
        (environ,) = became
        assert environ.get("HAILUO_SIMULATED") == simulated


class TestRunEnds:
    @pytest.fixture
    def start(self, tmp_path: Path) -> Callable[[], Served]:
        return lambda: Served(tmp_path, COMMAND)

    @pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
    def test_signal_ends_gateway_and_simulator(
        self, start: Callable[[], Served], how: signal.Signals
    ):
        """Ctrl-C is tested in accounts/test_shutdown.py.

        A reload would make a second pool, so SIGHUP, which a closed terminal sends as
        well, ends it too.
        """
        gateway = start()
        processes = children(gateway.process.pid)
        assert len(processes) == 3
        gateway.process.send_signal(how)
        assert gateway.process.wait(30) == 0
        assert gone(processes)
        assert "Traceback" not in gateway.log()

    def test_killed_gateway_ends_its_simulator(self, start: Callable[[], Served]):
        gateway = start()
        processes = children(gateway.process.pid)
        simulator = simulator_of(gateway)
        gateway.process.kill()
        gateway.process.wait()
        assert gone([simulator, *processes])


@pytest.mark.parametrize("command", [COMMAND, ("-m", "gunicorn", "wsgi:app")])
def test_wrong_settings_stop_the_start(tmp_path: Path, command: tuple[str, ...]):
    with pytest.raises(RuntimeError) as raised:
        Served(tmp_path, command, HAILUO_API_KEY="", HAILUO_HEARTBEAT_S="soon")
    said = str(raised.value)
    assert 'HAILUO_API_KEY: "" is not a key' in said
    assert 'HAILUO_HEARTBEAT_S: "soon" is not a number' in said


@pytest.fixture(scope="module")
def plain(serve: Callable[..., Served]) -> Served:
    """Return a gateway that gunicorn has started, without an account."""
    return serve(HAILUO_API_KEY="sk-secret-own", WEB_CONCURRENCY=3)


def test_gunicorn_never_starts_the_simulator(plain: Served):
    assert len(children(plain.process.pid)) == 2
    assert "simulator" not in plain.log()


def test_web_concurrency_does_not_add_workers(plain: Served):
    """Several workers would be several pools, and several answers an account."""
    assert plain.log().count("Booting worker") == 1


def test_header_of_100_tokens_is_accepted(upstream: Simulated, plain: Served):
    tokens = ",".join(5 * [upstream.token(str(6600 + n)) for n in range(20)])
    assert 16_384 < len(tokens) < 60_000
    upstream.script({"call": "chat", "text": "Hi"})
    answer = plain.client(tokens).chat.completions.create(
        model="hailuo", messages=MESSAGES
    )
    assert answer.choices[0].message.content == "Hi"


def test_greeting_does_not_reveal_a_configured_key(plain: Served):
    page = plain.request("GET", "/").text
    assert "sk-secret-own" not in page + plain.log()
    assert "YOUR_KEY" in page and not re.search(KEY, page + plain.log())
