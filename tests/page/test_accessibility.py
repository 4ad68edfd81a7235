"""WCAG A and AA, as far as a program can tell: axe-core finds no violation."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Caller
from tests.page.conftest import WIDTHS, Page
from tests.served import ROOT, Served
from tests.simulated import Simulated

AXE = ROOT / ".venv" / "page" / "node_modules" / "axe-core" / "axe.min.js"
ANSWER = (
    "# Title\n\n> - `code` [link](https://a.example/)\n\n```\n%s\n```\n|a|b|\n|-|-|\n|c|d|"
    % ("long " * 99)
)
RUN = """
const done = arguments[arguments.length - 1];
const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const options = {runOnly, resultTypes: ["violations"]};
axe.run(document, options).then(done, (error) => done({failed: String(error)}));
"""

pytestmark = pytest.mark.skipif(
    not AXE.exists(), reason="AXE-CORE IS MISSING: accessibility is NOT TESTED"
)


def violations(page: Page) -> Iterator[str]:
    """Yield what axe finds on each device, with the elements in question."""
    for width, scheme in ((WIDTHS["wide"], "light"), (WIDTHS["narrow"], "dark")):
        page.emulate(width, scheme)
        found = page.browser.execute_async_script(RUN)
        assert "failed" not in found, found
        for each in found["violations"]:
            nodes = [node["html"] for node in each["nodes"]]
            yield f"{each['id']}: {each['help']}: {json.dumps(nodes)}"


def test_page_violates_no_rule(page: Page, pool: Served):
    page.run_at_start(AXE.read_text("utf-8"))
    page.open(pool)
    page.click("#first-run summary")
    page.click("#tab-accounts")
    page.wait_for("#panel-accounts tbody tr")
    found = list(violations(page))
    page.click("#tab-now")
    page.wait_for("#panel-now svg")
    assert [*found, *violations(page)] == []


def test_try_tab_in_use_violates_no_rule(
    page: Page, caller: Callable[..., Caller], upstream: Simulated, tmp_path: Path
):
    account = caller(kind="platform")
    answer = {"text": ANSWER, "reasoning": "Let me think."}
    upstream.script({"call": "completion", "token": account.key, **answer})
    page.run_at_start(AXE.read_text("utf-8"))
    page.open(account.gateway, key=account.key)
    (tmp_path / "notes.txt").write_text("Notes")
    for field in ("#try_attach_file", "#try_choose_file"):
        page.type(field, str(tmp_path / "notes.txt"))
    page.failures = {400}  # it is no recording
    page.type("#try_question", "Hello\n")
    page.type("#try_attach_file", str(tmp_path / "notes.txt"))
    page.type("#try_input", "Good morning")
    page.click("section[aria-labelledby=try_speech] button.main")
    page.wait(lambda: page.find(".answer[aria-busy=false]"))
    page.wait(lambda: page.find(".result [role=alert]"))
    page.wait(lambda: page.find("section[aria-labelledby=try_speech] audio[src]"))
    for summary in page.find_all("#panel-try summary"):
        summary.click()
    assert list(violations(page)) == []
