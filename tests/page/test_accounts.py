"""The Accounts tab: the pool as it is, and what can be done to it."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from selenium.webdriver.remote.webelement import WebElement

from tests.conftest import SECRET
from tests.page.conftest import Page
from tests.served import KEY, Served
from tests.simulated import Simulated

HOSTILE = "<img src=x onerror=alert(1)>"
HELD = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}]}
OWNER = {"Authorization": f"Bearer {KEY}"}


def row(page: Page, account: str) -> WebElement:
    """Wait until the table has a row of this account, and return it."""
    rows = "#panel-accounts tbody tr"
    return page.wait(
        lambda: next(
            (row for row in page.find_all(rows) if account in row.text.split()), None
        )
    )


def described(**changes: Any) -> dict[str, Any]:
    """Return an account as GET /v1/token describes it."""
    account: dict[str, Any] = {
        "account": "1",
        "kind": "web",
        "state": "idle",
        "source": "file",
    }
    account |= {"token": "eyJh…abcd", "resting_until": None, "expires_at": None}
    return account | {"last_error": None, "answers": 0, "quota": None} | changes


def stubbed(page: Page, gateway: Served, **changes: Any) -> str:
    """Open the page with a single account, and return the text of its row."""
    page.stub({"v1/token": {"data": [described(**changes)], "problem": None}})
    page.open(gateway, "accounts")
    return page.wait(lambda: page.text("#panel-accounts tbody tr"))


def test_account_is_shown_with_state_kind_source_and_expiry(page: Page, pool: Served):
    page.open(pool, "accounts")
    shown = row(page, "6501").text
    for text in ("idle", "Hailuo AI", "file", "in 39 days", "2"):
        assert text in shown


def test_added_token_is_not_shown_again(page: Page, pool: Served, upstream: Simulated):
    tokens = upstream.token("6503"), upstream.token("6504")
    page.open(pool, "accounts")
    page.paste("#tokens", "\n".join(tokens))
    page.click("#add")
    assert row(page, "6503") and row(page, "6504")
    page.wait_for_text("#panel-accounts", "2 added")
    assert page.find("#tokens").get_attribute("value") == ""
    assert not any(token in page.browser.page_source for token in tokens)


def test_account_is_removed_after_a_question(
    page: Page, pool: Served, upstream: Simulated
):
    tokens = {"tokens": [upstream.token("6505")]}
    pool.request("POST", "/v1/token", headers=OWNER, json=tokens)
    page.open(pool, "accounts")
    remove = '[aria-label="Remove 6505"]'
    page.wait(lambda: page.find(remove)).click()
    question = page.browser.switch_to.alert
    assert "6505" in question.text
    question.dismiss()
    page.find(remove).click()
    page.browser.switch_to.alert.accept()
    page.wait(lambda: not page.find_all(remove))
    listed = pool.request("GET", "/v1/token", headers=OWNER).json()["data"]
    assert "6505" not in [account["account"] for account in listed]
    page.wait_for_text("#panel-accounts", "Account 6505 was removed.")


def test_account_is_checked(page: Page, pool: Served, upstream: Simulated):
    token = upstream.token("6508")
    pool.request("POST", "/v1/token", headers=OWNER, json={"token": token})
    upstream.revoke(token=token)
    page.open(pool, "accounts")
    page.wait(lambda: page.find('[aria-label="Check 6501"]')).click()
    page.wait_for_text("#panel-accounts", "6501: valid")
    page.click('[aria-label="Check 6508"]')
    page.wait_for_text("#panel-accounts", "6508: not valid")


def test_token_is_checked_without_being_added(
    page: Page, pool: Served, upstream: Simulated
):
    good, revoked = upstream.token("6506"), upstream.token("6507")
    upstream.revoke(token=revoked)
    page.open(pool, "accounts")
    page.paste("#tokens", f"{good}, {revoked}")
    page.click("#check")
    page.wait_for_text("#panel-accounts", "1: valid, 2: not valid")
    assert "6506" not in page.text("#panel-accounts table")


def test_renewal_of_all_tokens_shows_how_far_it_is(
    page: Page, pool: Served, upstream: Simulated
):
    upstream.script(
        {"call": "renewal", "user": "6501", "http": {"status": 500}},
        {"call": "renewal", "user": "6502", "hold_headers": True},
    )
    page.open(pool, "accounts")
    page.click("#refresh")
    bar = page.find("#panel-accounts progress")
    page.wait(lambda: bar.get_property("value") == 1)
    assert bar.get_property("max") == len(page.find_all("#panel-accounts tbody tr"))
    upstream.release()
    page.wait_for_text("#panel-accounts", " renewed, ")
    assert "\n6501: " in page.text("#panel-accounts [role=status]")
    assert not bar.is_displayed()


def test_table_follows_the_pool_and_leaves_focus_and_selection_alone(
    page: Page, pool: Served, upstream: Simulated
):
    upstream.script({"call": "chat", **HELD})
    page.open(pool, "accounts")
    assert row(page, "6501")
    table = "#panel-accounts tbody"
    page.run("getSelection().selectAllChildren(arguments[0])", page.find(table))
    page.run("arguments[0].focus()", page.find(f"{table} button"))
    call = {"messages": [{"role": "user", "content": SECRET}], "stream": True}
    with ThreadPoolExecutor() as threads:
        path = "/v1/chat/completions"
        answer = threads.submit(pool.request, "POST", path, headers=OWNER, json=call)
        page.wait_for_text(table, "answering")
        assert "6501" in page.run("return getSelection().toString()")
        assert page.run("return document.activeElement.tagName") == "BUTTON"
        upstream.release()
        assert answer.result().ok


def test_markup_in_an_account_stays_text(page: Page, pool: Served):
    fields = ("account", "kind", "state", "source", "token", "last_error")
    shown = stubbed(page, pool, **dict.fromkeys(fields, HOSTILE))
    assert shown.count(HOSTILE) == len(fields)
    assert page.find_all("#panel-accounts img") == []


def test_quota_is_shown_with_its_ends(page: Page, pool: Served):
    now = time.time()
    quota: dict[str, Any] = {"window_percent": 12, "window_resets_at": now + 3600}
    quota |= {"week_percent": 80, "week_resets_at": None, "asked_at": now}
    shown = stubbed(page, pool, kind="platform", quota=quota)
    assert "12% left now until" in shown and "80% left this week" in shown
    values = [each.get_attribute("value") for each in page.find_all("meter")]
    assert values == ["12", "80"]


def test_cooldown_and_expiry_are_shown_as_times(page: Page, pool: Served):
    now = time.time()
    shown = stubbed(
        page, pool, state="resting", resting_until=now + 60, expires_at=now - 60
    )
    assert "cooling down until" in shown and "1 minute ago" in shown


def test_refused_key_is_reported_and_not_tried_again(page: Page, pool: Served):
    page.failures = {401}
    page.open(pool, "accounts", key="sk-wrong")
    page.wait_for_text("#panel-accounts [role=alert]", "requires an API key")
    page.click("#tab-now")
    page.wait_for_text("#panel-now [role=alert]", "requires an API key")
    asked = "return performance.getEntriesByType('resource').map(each => each.name)"
    before = page.run(asked)
    page.click("#tab-accounts")
    page.click("#tab-now")
    assert page.run(asked) == before
