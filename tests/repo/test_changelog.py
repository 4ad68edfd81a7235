"""CHANGELOG.md has the form of Keep a Changelog, and begins with this version."""

import json
import re
from datetime import date

import hailuo
from hailuo.endpoints.openapi import DOCUMENT
from tests.served import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
RELEASE = re.compile(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)")
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]


def releases() -> list[tuple[str, date]]:
    """Return the versions with their dates, the newest first."""
    titles = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
    matches = [RELEASE.fullmatch(title) for title in titles]
    return [(each[1], date.fromisoformat(each[2])) for each in matches if each]


def test_every_version_has_a_date():
    titles = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
    assert len(releases()) == len(titles) - titles.count("[Unreleased]")
    dates = [day for _, day in releases()]
    assert dates and dates == sorted(dates, reverse=True)


def test_changes_of_a_version_are_grouped_by_kind():
    for section in re.split(r"^## \[", CHANGELOG, flags=re.MULTILINE)[1:]:
        kinds = re.findall(r"^### (.+)$", section, re.MULTILINE)
        assert kinds == [kind for kind in KINDS if kind in kinds], "each once, in order"


def test_newest_version_is_that_of_the_package():
    assert releases()[0][0] == hailuo.__version__
    assert json.loads(DOCUMENT)["info"]["version"] == hailuo.__version__
