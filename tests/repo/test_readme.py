"""The front pages and docs are true: settings, routes, errors, lines to paste."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from hailuo import create_app, errors
from hailuo.audio.formats import FORMATS
from hailuo.gateway.retry import POLICY
from hailuo.settings import Settings
from tests.conftest import SECRET
from tests.served import KEY, ROOT, Served
from tests.simulated import Simulated

README, CHINESE, CONFIGURATION, API, FACTS, CLIENTS, DEPLOY, MONITORING = (
    (ROOT / path).read_text("utf-8")
    for path in (
        "README.md",
        "README.zh-CN.md",
        "docs/configuration.md",
        "docs/api.md",
        "docs/client-apis.md",
        "docs/clients.md",
        "docs/deploy.md",
        "docs/monitoring.md",
    )
)
FRONT_PAGES = {"English": README, "Chinese": CHINESE}
MAX_FRONT_PAGE_LINES = 200
BLOCKS = re.findall(
    r"^ *```(?:ba)?sh\n(.*?)^ *```",
    README + CHINESE + API + CLIENTS + DEPLOY + MONITORING,
    re.MULTILINE | re.DOTALL,
)

PYTHON_BLOCKS = dict.fromkeys(
    re.findall(
        r"^```python\n(.*?)^```", README + CHINESE + CLIENTS, re.MULTILINE | re.DOTALL
    )
)


def rows(heading: str, page: str) -> list[list[str]]:
    """Return the cells of the table under a heading."""
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines[2:]]
    return [[cell.strip() for cell in row] for row in cells]


def defaults(heading: str, page: str) -> dict[str, str]:
    """Return the settings that a table names, with their defaults."""
    return {row[0].strip("`"): row[1].strip("`") for row in rows(heading, page)}


def test_every_setting_is_documented_with_its_default():
    real = {f.metadata["name"]: f.metadata["default"] for f in fields(Settings)}
    assert defaults("Settings", CONFIGURATION) == real
    for heading, page in {"Configuration": README, "设置": CHINESE}.items():
        selection = defaults(heading, page)
        assert selection and selection.items() <= real.items()


Routes = dict[str, set[str]]  # methods by path, without /v1 and names of variables


def routes_told(heading: str, page: str) -> Routes:
    told: Routes = {}
    for cell, *_ in rows(heading, page):
        for spelled in re.findall(r"`((?:[A-Z]+`[,、] ?`)*[A-Z]+ [^\s`]+)`", cell):
            *methods, path = re.sub(r"`[,、] ?`", " ", spelled).split()
            plain = re.sub(r"\{\w+\}", "{}", path.removeprefix("/v1"))
            told.setdefault(plain, set()).update(methods)
    return told


def test_every_route_is_documented(tmp_path: Path):
    app = create_app(Settings(tokens_file=str(tmp_path / "none.json")))
    real: Routes = {}
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            plain = re.sub(r"<[^>]+>", "{}", rule.rule)
            methods = set(rule.methods or ()) - {"HEAD", "OPTIONS"}
            real.setdefault(plain, set()).update(methods)
    assert routes_told("Routes", API) == real
    for heading, page in {"APIs": README, "接口": CHINESE}.items():
        for path, methods in routes_told(heading, page).items():
            assert methods <= real[path]


def kinds(error: type[errors.GatewayError]) -> list[type[errors.GatewayError]]:
    return [error, *(kind for each in error.__subclasses__() for kind in kinds(each))]


@pytest.mark.parametrize(
    ("heading", "page", "status", "code"),
    [("Errors", API, 0, 1), ("3. Failures", FACTS, 1, 2)],
    ids=["api", "client-apis"],
)
def test_every_error_is_documented(heading: str, page: str, status: int, code: int):
    told = {
        (row[status], name) for row in rows(heading, page) for name in codes(row[code])
    }
    for kind in kinds(errors.GatewayError):
        if kind.code and kind.status != 499:  # nobody is there to be told
            assert (str(kind.status), kind.code) in told, kind


def codes(cell: str) -> list[str]:
    return re.findall(r"`([\w-]+)`", cell.partition("/")[2])


@pytest.mark.parametrize(
    ("page", "listed"),
    [
        (API, r"\*\*Speech\.\*\* `response_format` is ([^;]+);"),
        (README, r"`POST /v1/audio/speech` \| text to speech: ([^|]+) \|"),
        (CHINESE, r"`POST /v1/audio/speech` \| 语音合成：([^|]+) \|"),
    ],
    ids=["api", "English", "Chinese"],
)
def test_every_format_of_speech_is_documented(page: str, listed: str):
    (formats,) = re.findall(listed, page)
    assert re.findall(r"`(\w+)`", formats) == list(FORMATS)


@pytest.mark.parametrize(
    ("page", "number_of_attempts"),
    [
        (API, r"a failed attempt is retried: (\w+) attempts in\s+all"),
        (FACTS, r"An answer is tried up to (\w+) times before"),
    ],
    ids=["api", "client-apis"],
)
def test_number_of_attempts_is_documented(page: str, number_of_attempts: str):
    """Only here is the policy's number written out in the tests."""
    assert re.findall(number_of_attempts, page) == ["three"]
    assert POLICY.attempts == 3


def commands() -> list[str]:
    """Return each curl line of the pages once, whole."""
    joined = "\n".join(BLOCKS).replace("\\\n", " ")
    found = re.findall(r"^ *(curl (?:[^'\n]|'[^']*')*)", joined, re.MULTILINE)
    return list(dict.fromkeys(found))


def curl(command: str, gateway: Served, folder: Path | None = None) -> str:
    """Return the output of a pasted command, and the status behind it."""
    there = command.replace("localhost:8000", f"127.0.0.1:{gateway.port}")
    asked = f"{there} --silent --max-time 20 --noproxy '*' -w '\\n%{{http_code}}'"
    done = subprocess.run(
        ["bash", "-c", asked],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        cwd=folder,
    )
    return done.stdout


@pytest.fixture(scope="module")
def gateway(
    serve: Callable[..., Served],
    simulator: Simulated,
    tmp_path_factory: pytest.TempPathFactory,
) -> Served:
    """One whose pool may be changed by what is pasted."""
    file = tmp_path_factory.mktemp("readme") / "tokens.json"
    file.write_text(json.dumps([simulator.token("6001")]))
    return serve(HAILUO_TOKENS=simulator.token("6003"), HAILUO_TOKENS_FILE=file)


CHATS = [
    each
    for each in commands()
    if "/chat/completions" in each and "file_url" not in each
]


@pytest.mark.parametrize("command", CHATS)
def test_chat_command_of_the_pages_works(
    upstream: Simulated, gateway: Served, command: str
):
    upstream.script({"call": "chat", "text": f"Hello {SECRET}", "times": None})
    printed = curl(command, gateway)
    assert printed.endswith("200"), printed
    if '"stream": true' in command:
        assert "\ndata: [DONE]\n" in printed
    else:
        assert f'"content":"Hello {SECRET}"' in printed


AUDIO = [each for each in commands() if "/v1/audio" in each]
OTHERS = [each for each in commands() if each not in CHATS + AUDIO]


@pytest.mark.parametrize("command", OTHERS)
def test_other_command_of_the_pages_works(
    upstream: Simulated, gateway: Served, command: str
):
    """With TOKEN and ACCOUNT filled in, as a reader would."""
    token = upstream.token("6002")
    for word, value in {
        "TOKEN1,TOKEN2": token,
        "TOKEN": token,
        "ACCOUNT": "6001",
    }.items():
        command = re.sub(rf"\b{word}\b", value, command)
    printed = curl(command, gateway)
    assert printed.endswith("200"), printed


def test_audio_commands_of_the_docs_work(
    upstream: Simulated, gateway: Served, tmp_path: Path
):
    """Each after the other: what was spoken is transcribed."""
    upstream.script({"call": "chat", "times": None})
    assert len(AUDIO) == 2
    for command in AUDIO:
        printed = curl(command, gateway, tmp_path)
        assert printed.endswith("200"), printed
    assert (tmp_path / "speech.mp3").stat().st_size


def test_python_examples_of_the_pages_work(upstream: Simulated, gateway: Served):
    """That of the front pages, then that of docs/clients.md."""
    upstream.script({"call": "chat", "text": f"Hello {SECRET}", "times": None})
    assert len(PYTHON_BLOCKS) == 2
    examples = "\nprint()\n".join(PYTHON_BLOCKS)
    code = examples.replace("localhost:8000", f"127.0.0.1:{gateway.port}")
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,  # of a busy machine
        env={**os.environ, "NO_PROXY": "*"},
    )
    assert done.stdout.splitlines() == [f"Hello {SECRET}"] * 2, done.stderr


def test_pages_have_chat_commands():
    assert len(CHATS) >= 4, "two front pages, a stream and a file"


@pytest.mark.parametrize("page", FRONT_PAGES.values(), ids=FRONT_PAGES)
def test_front_page_is_short(page: str):
    assert len(page.splitlines()) <= MAX_FRONT_PAGE_LINES


def sections(page: str) -> list[str]:
    return re.split(r"^## ", page, flags=re.MULTILINE)


def test_front_pages_have_the_same_sections():
    """In the same order, with the same rows, code, commands and links."""
    for english, chinese in zip(sections(README), sections(CHINESE), strict=True):
        assert skeleton(english) == skeleton(chinese), english.partition("\n")[0]


def skeleton(section: str) -> tuple[int, list[str], int, list[str], list[str]]:
    """Return what a translation keeps: rows, kinds of blocks, items, code, links."""
    prose = re.sub(r"^```.*?^```", "", section, flags=re.MULTILINE | re.DOTALL)
    return (
        len(re.findall(r"^\|", prose, re.MULTILINE)),
        re.findall(r"^```\w+$", section, re.MULTILINE),
        len(re.findall(r"^- ", prose, re.MULTILINE)),
        sorted(set(re.findall(r"`([^`]+)`", prose))),
        sorted(re.findall(r"\]\(([^)]+)\)", prose.replace(".zh-CN", ""))),
    )


ORIGINAL = """\
curl -X POST http://localhost:8000/v1/chat/completions \\
  -H "Content-Type: application/json" \\
  -H "Authorization: Bearer sk-hailuofreeapi" \\
  -d '{
    "model": "hailuo",
    "messages": [{"role": "user", "content": "Hello, how are you?"}]
  }'
"""


def test_original_programs_example_works_unchanged(
    upstream: Simulated, gateway: Served
):
    upstream.script({"call": "chat", "text": "Fine"})
    printed = curl(ORIGINAL.strip(), gateway)
    assert '"content":"Fine"' in printed and printed.endswith("200")
    assert ORIGINAL.strip() in README
    assert KEY in ORIGINAL
