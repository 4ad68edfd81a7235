"""The page's texts: each is there in both languages, and none is missing."""

import re

from tests.served import ROOT

FOLDER = ROOT / "hailuo" / "page"
TEXTS = "".join(path.read_text("utf-8") for path in FOLDER.glob("js/texts*.js"))
CODE = "".join(
    path.read_text("utf-8")
    for path in [*FOLDER.glob("js/*.js"), FOLDER / "index.html"]
    if not path.name.startswith("texts")
)
CODE = re.sub(r"^ *//.*$", "", CODE, flags=re.MULTILINE)
STRING = r'"((?:[^"\\]|\\.)+)"'
ENTRY = re.compile(rf"^  (\w+): \[\s*{STRING},\s*{STRING},?\s*\],$", re.MULTILINE)
USE = re.compile(
    r"""\b(?:t|button|acting|chart|quotaLine)\("(\w+)"|\b(?:t|label|hint): "(\w+)\""""
    r"""|data-t="(\w+)"|"(try_\w+)\""""
)
FROM_THE_API = {"web", "platform", "file", "environment", "shared"} | {
    "idle", "answering", "resting", "dead",
}  # fmt: skip
ENTRIES = {key: (english, chinese) for key, english, chinese in ENTRY.findall(TEXTS)}


def test_every_text_is_in_english_and_chinese():
    assert set(ENTRIES) == set(re.findall(r"^  (\w+): \[", TEXTS, re.MULTILINE))
    for key, (english, chinese) in ENTRIES.items():
        holes = [sorted(re.findall(r"\{\w+\}", each)) for each in (english, chinese)]
        assert holes[0] == holes[1], key


def test_every_text_that_is_used_is_there():
    used = {next(filter(None, found)) for found in USE.findall(CODE)}
    assert len(used) > 50 and used <= set(ENTRIES)


def test_no_text_is_superfluous():
    words = set(re.findall(r"[\w-]+", CODE)) | FROM_THE_API
    words |= {word.replace("-", "_") for word in words}
    assert set(ENTRIES) <= words
