"""WCAG A and AA, as far as a program can tell: axe-core finds no violation."""

import json
from collections.abc import Iterator

import pytest

from tests.page.conftest import WIDTHS, Page
from tests.served import ROOT, Served

AXE = ROOT / ".venv" / "page" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """
const done = arguments[arguments.length - 1];
const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
axe.run(document, {runOnly}).then(done, (error) => done({failed: String(error)}));
"""

pytestmark = pytest.mark.skipif(
    not AXE.exists(), reason="AXE-CORE IS MISSING: accessibility is NOT TESTED"
)


def violations(page: Page) -> Iterator[str]:
    """Yield what axe finds, with the elements in question."""
    page.run(AXE.read_text("utf-8"))
    found = page.browser.execute_async_script(RUN)
    assert "failed" not in found, found
    for each in found["violations"]:
        nodes = [node["html"] for node in each["nodes"]]
        yield f"{each['id']}: {each['help']}: {json.dumps(nodes)}"


@pytest.mark.parametrize(("width", "scheme"), [("wide", "light"), ("narrow", "dark")])
def test_page_violates_no_rule(page: Page, pool: Served, scheme: str, width: str):
    page.open(pool, width=WIDTHS[width], prefers_color_scheme=scheme)
    page.click("#first-run summary")
    found = list(violations(page))
    page.click("#tab-accounts")
    page.wait(lambda: page.find("#panel-accounts tbody tr").is_displayed())
    found += violations(page)
    page.click("#panel-accounts tbody button")
    found += violations(page)
    page.click("dialog button")
    page.click("#tab-now")
    page.wait(lambda: page.find("#panel-now svg").is_displayed())
    page.click("#panel-now summary")
    found += violations(page)
    assert found == []
