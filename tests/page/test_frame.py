"""The frame around what the page does: tabs, key, languages, themes, first run."""

from selenium.webdriver.common.keys import Keys

from tests.page.conftest import OTHER_KEY, WIDTHS, Page
from tests.served import KEY, Served

CONTENTS = {
    "try": "#try_question",
    "accounts": "#panel-accounts tbody tr",
    "now": "#panel-now svg",
}
SHOWN = """const shown = (selector) => [...document.querySelectorAll(selector)]
    .filter((each) => each.checkVisibility()).map(({ id }) => id);
return [shown("nav [aria-current=page]"), shown("#app > section")];"""


def chosen(page: Page) -> str:
    """Return the name of the tab whose panel, and no other, is shown."""
    (link,), (panel,) = page.run(SHOWN)
    tab = link.removeprefix("tab-")
    assert panel == f"panel-{tab}"
    return tab


def test_tab_is_chosen_by_the_address_and_with_the_keyboard(
    page: Page, gateway: Served
):
    page.open(gateway, "accounts")
    assert chosen(page) == "accounts"
    page.type("#tab-now", Keys.ENTER)
    page.wait(lambda: chosen(page) == "now")
    page.browser.back()
    page.wait(lambda: chosen(page) == "accounts")


def test_page_fits_a_narrow_screen(page: Page, pool: Served):
    page.open(pool, width=WIDTHS["narrow"])
    page.click("#first-run summary")
    for tab, content in CONTENTS.items():
        page.click(f"#tab-{tab}")
        page.wait_for(content)
        assert page.run("return document.documentElement.scrollWidth <= innerWidth")


def test_key_stays_in_the_tab_and_out_of_the_address(page: Page, gateway: Served):
    page.open(gateway, key=None)
    page.click("#default-key")
    for tab in CONTENTS:
        page.click(f"#tab-{tab}")
    page.wait_for("#panel-now svg")
    asked = "return performance.getEntriesByType('resource').map(each => each.name)"
    assert KEY not in " ".join([page.browser.current_url, *page.run(asked)])
    assert page.run("return sessionStorage.getItem('key')") == KEY
    assert KEY not in page.run("return JSON.stringify(localStorage)")
    assert page.browser.get_cookies() == []
    assert not page.find("#default-key").is_displayed()


def test_key_that_is_typed_is_used(page: Page, gateway: Served):
    page.open(gateway, "now", key=None)
    page.wait_for_text("#panel-now [role=alert]", "Enter an API key")
    page.type("#key", KEY + Keys.ENTER)
    page.wait_for("#panel-now svg")
    assert page.find("#key").get_attribute("type") == "password"


def test_key_in_any_script_is_sent(page: Page, pool: Served):
    page.open(pool, "now", key=OTHER_KEY)
    page.wait_for("#panel-now svg")


def test_language_is_the_browsers_until_it_is_chosen(page: Page, gateway: Served):
    agent = page.run("return navigator.userAgent")
    page.command(
        "Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage="zh-CN"
    )
    page.open(gateway, "now")
    assert page.text("#tab-accounts") == "账号"
    assert page.find("html").get_attribute("lang") == "zh-CN"
    page.wait_for_text("#panel-now figcaption", "最近一小时")
    assert page.run("return localStorage.getItem('language')") is None
    page.click("#language")
    assert page.text("#tab-accounts") == "Accounts"
    page.wait_for_text("#panel-now figcaption", "in the last hour")
    page.browser.refresh()
    page.wait_for_text("#tab-accounts", "Accounts")
    assert page.find("html").get_attribute("lang") == "en"


def test_colours_are_the_systems(page: Page, gateway: Served):
    colours = []
    page.open(gateway)
    for scheme in ("dark", "light"):
        page.emulate(WIDTHS["wide"], scheme)
        colours.append(page.find("body").value_of_css_property("background-color"))
    assert colours[0] != colours[1]


def test_first_run_tells_how_to_get_real_answers(page: Page, pool: Served):
    page.open(pool)
    assert "A simulator answers" in page.text("#first-run")
    page.click("#first-run summary")
    told = page.text("#first-run")
    for step in ("hailuoai.com", "_token", "Local Storage", "sk-api-", "tokens.json"):
        assert step in told
    page.click("#language")
    assert "模拟器" in page.text("#first-run")


def test_real_service_needs_no_first_run(page: Page, gateway: Served):
    page.open(gateway)
    assert page.find_all("#first-run") == []
