"""GET /: what answers."""

import pytest

from hailuo import create_app
from hailuo.settings import Settings

WEB, PLATFORM = "https://web.example", "https://platform.example"


@pytest.mark.parametrize(("prefer", "origin"), [("web", WEB), ("platform", PLATFORM)])
def test_home_page_names_the_preferred_upstream(prefer: str, origin: str):
    app = create_app(Settings(prefer=prefer, origin=WEB, platform_origin=PLATFORM))
    for media_type in ("text/html", "application/json"):
        page = app.test_client().get("/", headers={"Accept": media_type}).text
        assert f"Answers come from {origin}." in page
