"""The page's files, and the headers that keep browsers from running anything else."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from hailuo import create_app
from hailuo.settings import Settings
from tests.served import KEY, ROOT, Served

MAX_BYTES = 60_000
MARKUP_SINKS = (
    r"innerHTML|outerHTML|insertAdjacentHTML|parseFromString|createContextualFragment"
    r"|setHTML|document\.write|srcdoc|\beval\(|new Function|javascript:"
)
INLINE = r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)"
FOREIGN = (
    r"""(?<!<a )(?:src|href|fetch\(|import|url\()\s*=?\s*\(?["'`]?(?:https?:)?//"""
)
SECURITY = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def files(*suffixes: str) -> list[Path]:
    """Return the files of the page whose names end so, or all."""
    found = [path for path in (ROOT / "hailuo" / "page").rglob("*") if path.is_file()]
    return [path for path in found if not suffixes or path.suffix in suffixes]


def policy(value: str) -> dict[str, str]:
    """Return the directives of a Content-Security-Policy."""
    directives = (part.strip().partition(" ") for part in value.split(";"))
    return {name: sources for name, _, sources in directives}


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return create_app(Settings(tokens_file=str(tmp_path / "none.json"))).test_client()


def test_scripts_never_make_markup_of_text():
    found = [
        path.name
        for path in files(".js")
        if re.search(MARKUP_SINKS, path.read_text("utf-8"))
    ]
    assert found == []


def test_files_ask_no_other_host_and_have_nothing_inline():
    for path in files(".html", ".css", ".js"):
        text = path.read_text("utf-8")
        assert not re.search(FOREIGN, text), path.name
        assert path.suffix == ".js" or not re.search(INLINE, text), path.name


def test_page_is_small():
    assert sum(path.stat().st_size for path in files()) <= MAX_BYTES


def test_installed_package_has_all_files():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    patterns = setup["options.package_data"]["hailuo"].split(", ")
    packed = {path for pattern in patterns for path in (ROOT / "hailuo").glob(pattern)}
    assert packed == set(files())


def test_page_runs_only_its_own_scripts(gateway: Served):
    answer = gateway.request("GET", "/", headers={"Accept": "text/html"})
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    allowed = policy(answer.headers["Content-Security-Policy"])
    assert allowed["default-src"] == allowed["frame-ancestors"] == "'none'"
    assert allowed["script-src"] == allowed["style-src"] == "'self'"
    assert allowed["connect-src"] == "'self'"
    assert not re.search(r"unsafe|\*|https?:|data:", " ".join(allowed.values()))
    assert SECURITY.items() <= answer.headers.items()
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/models", 200), ("/v1/token", 401), ("/nowhere", 404)]
)
def test_answers_and_errors_are_no_pages(gateway: Served, path: str, status: int):
    answer = gateway.request("GET", path)
    assert answer.status_code == status
    allowed = policy(answer.headers["Content-Security-Policy"])
    assert allowed == {"default-src": "'none'", "frame-ancestors": "'none'"}
    assert SECURITY.items() <= answer.headers.items()


def test_every_file_is_sent_with_its_type_and_validators(gateway: Served):
    types = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
    for file in files(*types):
        path = f"/page/{file.relative_to(ROOT / 'hailuo' / 'page')}"
        answer = gateway.request("GET", path)
        assert answer.text == file.read_text("utf-8")
        assert answer.headers["Content-Type"].partition(";")[0] == types[file.suffix]
        assert answer.headers["Cache-Control"] == "no-cache"
        known = {"If-None-Match": answer.headers["ETag"]}
        assert gateway.request("GET", path, headers=known).status_code == 304


@pytest.mark.parametrize(
    "path",
    ["/page/index.html", "/page/", "/page/js/none.js", "/page/js/../../settings.py",
     "/page/%2e%2e/settings.py", "/page/js/%2e%2e/%2e%2e/__init__.py"],
)  # fmt: skip
def test_nothing_else_is_served(gateway: Served, path: str):
    answer = gateway.request("GET", path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_route"


def test_page_without_javascript_tells_how_to_call(client: FlaskClient):
    text = client.get("/", headers={"Accept": "text/html"}).text
    assert "An OpenAI-compatible gateway in front of Hailuo AI" in text
    assert "http://localhost/v1</code>" in text
    assert "curl http://localhost/v1/chat/completions" in text
    assert '<div id="app" hidden>' in text


def test_json_says_whether_the_simulator_answers(client: FlaskClient):
    about = client.get("/", headers={"Accept": "application/json"}).get_json()
    assert about["simulated"] is False
    assert about["base_url"] == "http://localhost/v1"


@pytest.mark.parametrize(
    ("headers", "offered"),
    [
        ({}, True),
        ({"X-Forwarded-For": "192.0.2.1"}, False),
        ({"Host": "gateway.example"}, False),
    ],
    ids=["local", "forwarded", "by a name"],
)
def test_default_key_is_offered_only_where_it_works(
    client: FlaskClient, headers: dict[str, str], offered: bool
):
    text = client.get("/", headers=headers).text
    assert (f'id="default-key" value="{KEY}"' in text) is offered


def test_default_key_is_not_offered_when_there_is_another(tmp_path: Path):
    settings = Settings(api_keys=("my own",), tokens_file=str(tmp_path / "none.json"))
    text = create_app(settings).test_client().get("/").text
    assert 'id="default-key" value=""' in text
    assert "my own" not in text
