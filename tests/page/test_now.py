"""The Now tab: what runs, and the last hour in pictures and in words."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.conftest import Caller
from tests.page.conftest import Page
from tests.served import Served
from tests.simulated import Simulated

COUNTED = """{
window.asked = 0;
window.due = [];
const { fetch } = window;
window.fetch = (...given) => (window.asked += 1, fetch(...given));
window.setTimeout = (call) => window.due.push(call);
}"""
HIDE = """
Object.defineProperty(document, "hidden", {value: arguments[0], configurable: true});
document.dispatchEvent(new Event("visibilitychange"));"""
HELD = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}]}


def stats(*minutes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the answer of GET /v1/stats; `ago` of a minute is in minutes."""
    now = int(time.time())
    current = now - now % 60
    listed = [
        {"answers": 0, "first_piece_s": None, "failures": {}}
        | {name: value for name, value in minute.items() if name != "ago"}
        | {"at": current - 60 * minute["ago"]}
        for minute in minutes
    ]
    figures = {"now": now, "running": 0, "queued": 0, "processes": 1, "complete": True}
    return figures | changes | {"minutes": listed}


def heights(page: Page) -> list[list[float]]:
    """Return the heights of each picture's bars."""
    script = """return [...document.querySelectorAll("#panel-now svg")].map(picture =>
        [...picture.children].map(bar => Number(bar.getAttribute("height"))))"""
    return page.run(script)


def test_pictures_show_the_last_hour(page: Page, gateway: Served):
    page.stub(
        {
            "v1/stats": stats(
                {"ago": 59, "answers": 5, "first_piece_s": 0.5},
                {"ago": 1, "answers": 10, "first_piece_s": 2.0},
                {"ago": 0, "failures": {"accounts_busy": 3, "<b>": 1}},
                running=4,
                complete=False,
            )
        }
    )
    page.open(gateway, "now")
    page.wait_for_text("#panel-now", "15 in the last hour, at most 10 in a minute")
    answers, first_pieces, failures = heights(page)
    assert (len(answers), answers[0], answers[-2:]) == (60, 50, [100, 0])
    assert (first_pieces[0], first_pieces[-2]) == (25, 100)
    assert failures[-1] == 100 and sum(failures) == 100
    text = page.text("#panel-now")
    assert "2 s lately, at most 2 s" in text
    assert "accounts_busy 3, <b> 1" in text
    assert "Other processes could not be asked." in text
    labels = [each.get_attribute("aria-label") for each in page.find_all("svg")]
    assert labels == [each.text for each in page.find_all("figcaption")]
    title = page.find("#panel-now rect:nth-child(59) title")
    assert (title.get_attribute("textContent") or "").endswith(": 10")


def test_running_answers_are_counted(
    page: Page, gateway: Served, upstream: Simulated, account: Caller
):
    upstream.script({"call": "chat", **HELD})
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(account.pieces)
        upstream.wait("open_answers", at_least=1)
        page.open(gateway, "now")
        page.wait_for_text("#panel-now", "Answers running: 1")
        upstream.release()
        assert answer.result()


def test_page_that_cannot_be_seen_asks_nothing(page: Page, gateway: Served):
    page.run_at_start(COUNTED)
    page.open(gateway, "now")
    page.wait(lambda: page.run("return due.length"))
    before = page.run("return asked")
    page.run(HIDE, True)
    page.run("due.splice(0).forEach((call) => call())")
    assert page.run("return asked") == before
    page.run(HIDE, False)
    assert page.run("return asked") == before + 1
