"""Citations (`protocol.md 4`, `platform.md, Speech`) and links resolve."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.served import ROOT

PLACES = ("hailuo", "tests", "bench", "deploy", "docs", ".github")
SUFFIXES = {".py", ".md", ".yml", ".yaml", ".conf", ".service", ""}
LEAST = 60  # citations there are: a scan that finds none proves nothing

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])

NUMBER = r"\d+(?:\.\d+)?"
PAGE = re.compile(
    rf"""
    (?<![\w/.*-]) ((?:docs/)?[\w-]+(?:\.zh-CN)?\.md) \b
    (?:
        \s (?P<numbers>{NUMBER} (?:(?:,\s|\sand\s){NUMBER})*)
      | ,\s (?=(?P<heading>[A-Z] (?![\w-]*\.md) [^\n]{{0,99}}))
    )?
    """,
    re.VERBOSE,
)


class Citation(NamedTuple):
    """Page, and the section of it if one is named.

    heading: runs on to the text behind it.
    """

    page: str
    numbers: tuple[str, ...] = ()
    heading: str = ""


def citations(text: str) -> Iterator[Citation]:
    """Find the citations in *text*, in which lines and comments may break them."""
    text = re.sub(r"[ \t]*\n[ \t]*(?:# ?)?(?=\S)", " ", text)
    for match in PAGE.finditer(text):
        numbers = re.findall(NUMBER, match["numbers"] or "")
        yield Citation(match[1], tuple(numbers), match["heading"] or "")


def page_text(name: str) -> str | None:
    """Read a page by the name it is cited under; None when there is none."""
    for path in (ROOT / "docs" / name, ROOT / name):
        if path.is_file():
            return path.read_text("utf-8")
    return None


def headings(text: str) -> Iterator[tuple[str, str]]:
    """Return the number ("" for none) and the title of each section of a page.

    A title ends at its colon: "Chat: `POST /v1/…`" is cited as "Chat".
    """
    for line in re.findall(r"^#{2,} (.+)$", text, re.MULTILINE):
        match = re.match(rf"(?:({NUMBER})\.? )?([^:]*)", line)
        assert match
        yield match[1] or "", match[2].strip()


def resolves(citation: Citation) -> bool:
    """Return whether the page has every section that the citation names."""
    text = page_text(citation.page)
    if text is None:
        return False
    sections = list(headings(text))
    if citation.heading:
        return any(
            re.match(rf"{re.escape(title)}(?!\w)", citation.heading)
            for _, title in sections
        )
    return {number for number, _ in sections}.issuperset(citation.numbers)


def files() -> Iterator[Path]:
    """Return every file that may cite a page."""
    yield from (path for path in ROOT.glob("*") if path.suffix in {".py", ".md"})
    for place in PLACES:
        for path in sorted((ROOT / place).rglob("*")):
            if path.is_file() and path.suffix in SUFFIXES and path != Path(__file__):
                yield path


def test_every_citation_leads_to_a_section():
    cited = [
        (path.relative_to(ROOT), citation)
        for path in files()
        for citation in citations(path.read_text("utf-8"))
        if ROOT / "tests" not in path.parents or citation.numbers or citation.heading
    ]
    assert len(cited) >= LEAST
    broken = [f"{path}: {cite}" for path, cite in cited if not resolves(cite)]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_in_a_page_exists(page: Path):
    """Paths are written from the root of the repository, or of the package."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    for path in re.findall(r"`((?:[\w.-]+/)+(?:[\w-]+\.\w+)?)`", text):
        assert (ROOT / path).exists() or (ROOT / "hailuo" / path).exists(), path


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\s-]", "", title.lower()) for title in titles)
    return {title.replace(" ", "-") for title in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_page(page: Path):
    text = re.sub(r"`[^`\n]*`", "", page.read_text("utf-8"))
    for link in re.findall(r"\]\((?!https?://)([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text("utf-8")), link


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(protocol.md)", [Citation("protocol.md")]),
        ("source: protocol.md 4.", [Citation("protocol.md", ("4",))]),
        ("protocol.md 4, extra", [Citation("protocol.md", ("4",))]),
        ("protocol.md 4 and 5", [Citation("protocol.md", ("4", "5"))]),
        (
            "see client-apis.md 1.2, 1.3 and",
            [Citation("client-apis.md", ("1.2", "1.3"))],
        ),
        ("# client-apis.md\n    # 2.1: no", [Citation("client-apis.md", ("2.1",))]),
        (
            "(platform.md, Chat) protocol.md 4",
            [
                Citation("platform.md", (), "Chat) protocol.md 4"),
                Citation("protocol.md", ("4",)),
            ],
        ),
        (
            "README.md, SECURITY.md",
            [Citation("README.md"), Citation("SECURITY.md")],
        ),
        ("platform.md, Base\naddress", [Citation("platform.md", (), "Base address")]),
    ],
)
def test_citations_are_found(text: str, expected: list[Citation]):
    assert list(citations(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("protocol.md 7", True),
        ("protocol.md 99", False),
        ("client-apis.md 1.1 and 9.9", False),
        ("platform.md, Base address and keys).", True),
        ("platform.md, Base address).", False),
        ("platform.md, Chatter", False),
        ("missing.md", False),
    ],
)
def test_only_existing_sections_resolve(text: str, expected: bool):
    (citation,) = citations(text)
    assert resolves(citation) is expected
