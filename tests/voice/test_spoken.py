"""The part of a text that is read aloud."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.endpoints.speech_text import spoken

SPOKEN = {
    "emphasis": (
        "**Hi**, *you* and ***me***, _so_ __to__ speak",
        "Hi, you and me, so to speak",
    ),
    "emphasis in Chinese": ("这是**重点**内容", "这是重点内容"),
    "half a pair, of a text sent by sentence": ("**Note: this is", "Note: this is"),
    "struck out": ("~~gone~~ but a~b and 5~10", "gone but a~b and 5~10"),
    "products": ("2*3*4 and 2 * 3 and 2**8", "2*3*4 and 2 * 3 and 2**8"),
    "underscores within words": ("snake_case_name", "snake_case_name"),
    "code": ("Use `pip install` now", "Use pip install now"),
    "escapes": (r"1 \* 2 \# 3", "1 * 2 # 3"),
    "entities": ("Q&amp;A &lt;3 AT&T", "Q&A <3 AT&T"),
    "headings": ("# Title #\n\n## Part two\nText", "Title\n\nPart two\nText"),
    "underlined headings": ("Title\n=====\nText", "Title\n\nText"),
    "no heading": ("#1 of C#", "#1 of C#"),
    "items": ("- one\n* two\n+ three\n  • four", "one\ntwo\nthree\nfour"),
    "tasks": ("- [ ] open\n- [x] done", "open\ndone"),
    "numbers of items": ("1. one\n2) two", "1. one\n2) two"),
    "a year": ("2024. What a year!", "2024. What a year!"),
    "quotations": ("> said\n> > again", "said\nagain"),
    "rules": ("one\n\n---\n\n***\ntwo", "one\n\n\n\n\ntwo"),
    "tables": ("| a | b |\n|---|:-:|\n| 1 | 2 |", "a, b\n\n1, 2"),
    "tables without borders": ("a | b\n--|--\n1 | 2", "a, b\n\n1, 2"),
    "indented text": ("    Once upon a time", "Once upon a time"),
    "links": ("See [the page](https://a.b/c 'd').", "See the page."),
    "links with brackets": ("[x](https://a.b/c_(d)) y", "x y"),
    "links by reference": ("See [it][1].\n\n[1]: https://a.b", "See it."),
    "no links": ("arr[i][j] and [Narrator]: Hello", "arr[i][j] and [Narrator]: Hello"),
    "images": ("![a cat](cat.png) sits", "a cat sits"),
    "images in links": ("[![a cat](cat.png)](https://a.b) sits", "a cat sits"),
    "addresses": ("See https://a.b/c?d=e#f, or www.a.b/c.", "See, or."),
    "addresses in brackets": ("<https://a.b>, <me@a.b>", ", me@a.b"),
    "addresses in Chinese": ("请看https://a.b/c。谢谢", "请看。谢谢"),
    "footnotes": ("So it is[^1].\n[^1]: Why", "So it is.\nWhy"),
    "code blocks": ("Run:\n```sh\nrm -r x\n```\nDone.", "Run:\nDone."),
    "code blocks in items": ("- Run:\n  ~~~\n  rm\n  ~~~\n- Done.", "Run:\nDone."),
    "code blocks within others": ("````\n```\nrm\n```\n````\nDone.", "Done."),
    "code blocks without an end": ("Run:\n```\nrm -r x", "Run:"),
    "code in a line": ("```rm``` it", "rm it"),
    "tags": ("H<sub>2</sub>O <a href='b'>c</a><br/>d", "H2O c\nd"),
    "comments": ("a <!-- b c --> d", "a d"),
    "no tags": ("a < b, c > d, <b and c>, <3", "a < b, c > d, <b and c>, <3"),
    "pauses of the platform": ("So <#0.5#> what", "So <#0.5#> what"),
    "emoji": ("Well done 🎉! 👍🏽 ❤️", "Well done!"),
    "families": ("A 👨‍👩‍👧 and 🇩🇪 and 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "A and and"),
    "emoji between words": ("Hi👋there", "Hi there"),
    "digits as emoji": ("1️⃣ first", "1 first"),
    "signs that are read": ("30°C, №5, ©, ™, 5 €", "30°C, №5, ©, ™, 5 €"),
    "Persian with joiners": ("می‌خواهم", "می‌خواهم"),
    "Arabic": ("مرحبا بالعالم", "مرحبا بالعالم"),
    "nothing": ("```\nx\n```\n🎉 https://a.b\n---", ""),
}


@pytest.mark.parametrize(("text", "expected"), SPOKEN.values(), ids=SPOKEN)
def test_markdown_is_not_spoken(text: str, expected: str):
    assert spoken(text) == expected


@given(st.lists(st.text(st.characters(categories=["L", "Nd"]), min_size=1)))
def test_words_are_spoken_unchanged(words: list[str]):
    """In any script; sentences and lines are kept."""
    text = "\n".join(f"{word}, {word}." for word in words)

    assert spoken(text) == text


MARKS = list("*_`~#>|[]()<>!\\&;:\n\t -=+.1aé") + ["```", "https://", "🎉", "\u200d"]


@given(st.lists(st.sampled_from(MARKS), max_size=60).map("".join))
def test_random_text_keeps_its_letters(text: str):
    """Nothing fails, nothing is added, and what is left is not marked anew."""
    said = spoken(text)

    assert said == said.strip()
    assert "🎉" not in said and "```" not in said
    assert said.count("é") <= text.count("é")
