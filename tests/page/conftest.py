"""A real browser for the page: one Chromium for the session, and one tab for all tests.

    def test_something(page):
        page.open(gateway, tab="accounts", key=KEY)
        page.click("#add")
        page.wait_for_text("#panel-accounts", "added")

A test that uses `page` fails when the browser's console has shown an error, which a
breach of the content security policy is.
"""

import itertools
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import (
    JavascriptException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.served import KEY, Served
from tests.simulated import Simulated

MISSING = "CHROMIUM IS MISSING (chromium and chromium-driver): the page is NOT TESTED"
OTHER_KEY = "ключ é"  # of the gateway with a pool, besides the default one
WAIT_S = 20.0
START = """
if (!sessionStorage.getItem(NAME)) {
    localStorage.clear();
    sessionStorage.clear();
    sessionStorage.setItem(NAME, "was opened, and may now be loaded again");
    if (KEY !== null) sessionStorage.setItem("key", KEY);
}"""
STUB = """{
const answers = ANSWERS;
const { fetch } = window;
window.fetch = async (path, ...rest) =>
    path in answers ? Response.json(answers[path]) : fetch(path, ...rest);
}"""
# What the driver has commands for, which take it several times as long. `hit` says
# whether the click reached the element, which what is still loading may have moved.
MIDDLE = """const found = document.querySelector(arguments[0]);
window.hit = false;
found.addEventListener("click", () => (window.hit = true), { once: true });
found.scrollIntoView({ block: "center" });
const { x, y, width, height } = found.getBoundingClientRect();
const middle = [x + width / 2, y + height / 2];
if (!found.contains(document.elementFromPoint(...middle))) throw new Error("covered");
return middle;"""
VISIBLE = "return document.querySelector(arguments[0]).checkVisibility()"
TEXT = """const found = document.querySelector(arguments[0]);
return found.checkVisibility() ? found.innerText.trim() : "";"""
WIDTHS = {"narrow": 360, "wide": 1200}

_loads = itertools.count()
_CHANGING = (
    JavascriptException,
    NoSuchElementException,
    StaleElementReferenceException,
)
# Failures that a test means to cause, as Chromium reports them: "… status of 401 (…)".
_HTTP_FAILURE = re.compile(r"the server responded with a status of (\d+)")


class Page:
    """The tab of the browser, with nothing kept from earlier tests.

    failures: statuses of failed requests that the test expects.
    """

    def __init__(self, browser: webdriver.Chrome) -> None:
        self.browser = browser
        self.failures: set[int] = set()
        self._scripts: list[str] = []

    def open(
        self,
        gateway: Served,
        tab: str = "try",
        *,
        key: str | None = KEY,
        width: int = WIDTHS["wide"],
    ) -> None:
        """Load the page.

        key: put into its key field beforehand; None for none.
        """
        self.emulate(width)
        start = START.replace("NAME", f'"{next(_loads)}"').replace(
            "KEY", json.dumps(key)
        )
        self.run_at_start(start)
        self.browser.get(f"{gateway.address}/#{tab}")
        self.wait_for("#app")

    def emulate(self, width: int, scheme: str = "light") -> None:
        """Have the page shown on a device of this width and colour scheme."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.command("Emulation.setEmulatedMedia", features=[feature])

    def stub(self, answers: dict[str, Any]) -> None:
        """Have pages that are opened from now on get these answers, by path."""
        self.run_at_start(STUB.replace("ANSWERS", json.dumps(answers)))

    def leave(self) -> None:
        """Leave the page, and undo what was set for the test."""
        for script in self._scripts:
            self.command("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
        self.command("Emulation.setUserAgentOverride", userAgent="")
        self.browser.get("about:blank")

    def run_at_start(self, script: str) -> None:
        """Have pages that are opened from now on begin with this script."""
        added = self.command("Page.addScriptToEvaluateOnNewDocument", source=script)
        self._scripts.append(added["identifier"])

    def command(self, name: str, **arguments: Any) -> Any:
        """Run a command of the DevTools protocol."""
        return self.browser.execute_cdp_cmd(name, arguments)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page, and return its value."""
        return self.browser.execute_script(script, *arguments)

    def find(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def find_all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def click(self, selector: str) -> None:
        """Click into the middle of an element, which must not be covered there."""
        self.wait(lambda: self._clicked(selector))

    def _clicked(self, selector: str) -> bool:
        """Click once; return whether the element was still there."""
        x, y = self.run(MIDDLE, selector)
        press = {"x": x, "y": y, "button": "left", "clickCount": 1}
        for event in ("mousePressed", "mouseReleased"):
            self.command("Input.dispatchMouseEvent", type=event, **press)
        return self.run("return window.hit !== false")  # undefined on another page

    def type(self, selector: str, text: str) -> None:
        self.find(selector).send_keys(text)

    def paste(self, selector: str, text: str) -> None:
        """Put in a long text at once, which costs no event for each character."""
        self.click(selector)
        self.command("Input.insertText", text=text)

    def text(self, selector: str) -> str:
        """Return the text of the first such element as it is seen, "" when hidden."""
        return self.run(TEXT, selector)

    def wait(self, condition: Callable[[], Any]) -> Any:
        """Wait until *condition* is true, and return its value.

        An element that is replaced while it is looked at counts as not there yet.
        """
        waiting = WebDriverWait(
            self.browser, WAIT_S, 0.05, ignored_exceptions=_CHANGING
        )
        return waiting.until(lambda _: condition())

    def attribute(self, selector: str, name: str) -> str:
        """Return an attribute, "" if there is none."""
        return self.find(selector).get_dom_attribute(name) or ""

    def wait_for(self, selector: str) -> None:
        """Wait until an element is there and can be seen."""
        self.wait(lambda: self.run(VISIBLE, selector))

    def wait_for_text(self, selector: str, text: str) -> None:
        self.wait(lambda: text in self.text(selector))

    def errors(self) -> list[str]:
        """Return what the console has shown since the last call, but for `failures`."""
        shown = [entry["message"] for entry in self.browser.get_log("browser")]
        return [
            message
            for message in shown
            if not (
                (failure := _HTTP_FAILURE.search(message))
                and int(failure[1]) in self.failures
            )
        ]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    chromium, driver = map(shutil.which, ("chromium", "chromedriver"))
    if not chromium or not driver:
        pytest.skip(MISSING)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    profile = tmp_path_factory.mktemp("chromium")
    for argument in (
        "headless=new",
        "no-sandbox",
        "disable-gpu",
        "disable-threaded-compositing",
        "disable-dev-shm-usage",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "no-proxy-server",
        "lang=en-US",
        "use-fake-device-for-media-stream",
        "use-fake-ui-for-media-stream",
        "autoplay-policy=no-user-gesture-required",
        f"user-data-dir={profile}",
    ):
        options.add_argument(f"--{argument}")
    service = webdriver.ChromeService(driver, env=_without_proxies())
    browser = webdriver.Chrome(options, service)
    yield browser
    browser.quit()


def _without_proxies() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


@pytest.fixture
def page(browser: webdriver.Chrome) -> Iterator[Page]:
    page = Page(browser)
    yield page
    errors = page.errors()
    page.leave()
    browser.get_log("browser")
    assert errors == []


@pytest.fixture(scope="session")
def pool(
    serve: Callable[..., Served],
    simulator: Simulated,
    tmp_path_factory: pytest.TempPathFactory,
) -> Served:
    """Return a gateway with a pool, which knows that a simulator answers.

    Its file begins with the accounts 6501 and 6502. Tests may add others.
    """
    file = tmp_path_factory.mktemp("page") / "tokens.json"
    file.write_text(json.dumps([simulator.token("6501"), simulator.token("6502")]))
    keys = f"{KEY},{OTHER_KEY}"
    return serve(HAILUO_SIMULATED=1, HAILUO_TOKENS_FILE=file, HAILUO_API_KEY=keys)
