"""Tabs, language, theme and key: the frame around what the page does."""

import pytest

from tests.page.conftest import Page
from tests.served import Served


@pytest.mark.parametrize("tab", ["try", "accounts", "now"])
def test_tab_is_chosen_by_the_address(page: Page, gateway: Served, tab: str):
    page.open(gateway, tab)
    chosen = page.find("[role=tab][aria-selected=true]")
    assert chosen.get_attribute("aria-controls") == f"panel-{tab}"
    shown = [
        panel for panel in page.find_all("[role=tabpanel]") if panel.is_displayed()
    ]
    assert len(shown) <= 1
