"""tokens.json: no crash loses a token, and nothing that is not understood is lost."""

import json
import os
import random
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.accounts.tokens_file import (
    Change,
    TokensFile,
    TokensFileInvalid,
    Unwritable,
    apply_changes,
)
from tests.served import ROOT


def add(*tokens: str) -> list[Change]:
    return [Change(old=None, new=token) for token in tokens]


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        pytest.param([], add("a", "b"), ["a", "b"], id="additions"),
        pytest.param(["a"], add("a", "a"), ["a"], id="what is there already"),
        pytest.param(["a", "b"], [Change("a", "c")], ["c", "b"], id="in its place"),
        pytest.param(["a", "b"], [Change("a", None)], ["b"], id="a removal"),
        pytest.param(["b"], [Change("a", "c")], ["b"], id="its owner took it out"),
        pytest.param(["a", "c"], [Change("a", "c")], ["c"], id="the new one is there"),
        pytest.param(["a"], [Change("a", "a")], ["a"], id="renewed to the same"),
        pytest.param(["b"], [*add("a"), Change("a", "b")], ["b"], id="done before"),
    ],
)
def test_changes_apply_to_the_current_tokens(
    before: list[str], changes: list[Change], after: list[str]
):
    assert apply_changes(before, changes) == after


TOKENS = st.sampled_from("abcdef")
CHANGES = st.lists(st.builds(Change, st.none() | TOKENS, st.none() | TOKENS))


@given(st.lists(TOKENS, unique=True), CHANGES)
def test_changes_keep_tokens_they_do_not_name(before: list[str], changes: list[Change]):
    named = {change.old for change in changes}
    after = apply_changes(before, changes)

    assert [token for token in before if token not in named] == [
        token for token in after if token in before and token not in named
    ]
    assert len(after) == len(set(after))


def test_added_tokens_survive_a_restart(path: Path):
    file = TokensFile(str(path))
    file.change(add("a", "b"))
    file.change([Change("a", "c")])

    again = TokensFile(str(path))
    again.load()

    assert again.tokens == ["c", "b"]
    assert file.persisted


def test_tokens_file_is_readable_by_its_owner_only(path: Path):
    path.write_text("[]")
    path.chmod(0o644)

    TokensFile(str(path)).change(add("a"))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_tokens_file_keeps_its_owner(path: Path):
    """Its owner must still be able to edit it after a server run by root wrote it."""
    path.write_text("[]")
    owner = (12_345, 12_345) if os.getuid() == 0 else (os.getuid(), os.getgid())
    os.chown(path, *owner)

    TokensFile(str(path)).change(add("a"))

    assert (path.stat().st_uid, path.stat().st_gid) == owner


def test_tokens_file_stays_a_symlink(path: Path, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "real.json"
    target.write_text("[]")
    path.symlink_to(target)

    TokensFile(str(path)).change(add("a"))

    assert path.is_symlink()
    assert json.loads(target.read_text()) == ["a"]


def test_tokens_file_is_replaced_atomically_without_leftovers(path: Path):
    """A reader that has the old file open reads the old file to its end."""
    file = TokensFile(str(path))
    file.change(add("a"))
    with path.open() as old:
        file.change(add("b"))

        assert json.load(old) == ["a"]
    assert os.listdir(path.parent) == ["tokens.json"]


def test_draft_left_by_a_crash_is_ignored(path: Path):
    path.write_text('["a"]')
    (path.parent / ".tokens.json.new").write_text('["a", "b')
    file = TokensFile(str(path))

    file.change(add("c"))

    assert json.loads(path.read_text()) == ["a", "c"]
    assert os.listdir(path.parent) == ["tokens.json"]


def test_symlink_in_the_drafts_place_is_not_followed(path: Path):
    other = path.parent / "other"
    other.write_text("not ours")
    (path.parent / ".tokens.json.new").symlink_to(other)

    TokensFile(str(path)).change(add("a"))

    assert other.read_text() == "not ours"
    assert json.loads(path.read_text()) == ["a"]


WRONG = {
    "empty": b"",
    "not JSON": b'["a", ]',
    "half": b'["a", "b',
    "an object": b'{"tokens": ["a"]}',
    "not all strings": b'["a", 1]',
    "not UTF-8": b'["\xff"]',
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_invalid_tokens_file_is_never_overwritten(path: Path, content: bytes):
    path.write_bytes(content)
    file = TokensFile(str(path))

    file.load()
    with pytest.raises(TokensFileInvalid, match="tokens.json"):
        file.change(add("b"))
    file.apply([Change("a", "renewed")])

    assert path.read_bytes() == content
    assert str(path) in file.problem
    assert not file.persisted


def test_unreadable_tokens_file_is_never_overwritten(path: Path):
    """A folder in its place: that stops root, too."""
    path.mkdir()
    file = TokensFile(str(path))

    with pytest.raises(TokensFileInvalid, match="cannot be read"):
        file.change(add("b"))

    assert path.is_dir()


def test_syntax_error_names_its_line(path: Path):
    path.write_text('[\n  "a",\n  b\n]')
    file = TokensFile(str(path))

    file.load()

    assert file.problem.endswith("line 3)")


def test_file_problem_is_logged_once(path: Path, caplog: pytest.LogCaptureFixture):
    file = TokensFile(str(path))
    file.change(add("a"))
    path.write_text("oops")

    file.apply(add("b"))
    file.load()

    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"{path} is not JSON")


def test_byte_order_mark_is_accepted(path: Path):
    """Some editors write one."""
    path.write_bytes(b'\xef\xbb\xbf["a"]')
    file = TokensFile(str(path))

    file.change(add("b"))

    assert json.loads(path.read_text()) == ["a", "b"]


def test_loaded_tokens_stay_when_the_file_breaks(path: Path):
    file = TokensFile(str(path))
    file.change(add("a"))

    path.write_text("oops")
    file.load()

    assert file.tokens == ["a"]
    assert file.problem


def test_changes_made_while_the_file_was_broken_are_written_once_repaired(path: Path):
    file = TokensFile(str(path))
    file.change(add("a", "b"))
    path.write_text("oops")
    file.apply([Change("a", "renewed")])

    path.write_text('["a", "b", "by hand"]')
    file.apply()

    assert json.loads(path.read_text()) == ["renewed", "b", "by hand"]
    assert file.persisted and not file.problem


@pytest.fixture(params=["no folder", "no room"])
def unwritable(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A path that cannot be written, by root neither, until blocked() is mended."""
    if request.param == "no folder":
        return tmp_path / "missing" / "tokens.json"
    (tmp_path / ".tokens.json.new").mkdir()
    return tmp_path / "tokens.json"


def test_changes_are_kept_in_memory_until_the_file_can_be_written(unwritable: Path):
    file = TokensFile(str(unwritable))
    file.change(add("a"))
    file.change(add("b"))
    assert (file.tokens, file.persisted) == (["a", "b"], False)

    if unwritable.parent.exists():
        (unwritable.parent / ".tokens.json.new").rmdir()
    else:
        unwritable.parent.mkdir()
    file.apply()

    assert json.loads(unwritable.read_text()) == ["a", "b"]
    assert file.persisted


def test_changes_apply_to_a_file_edited_by_hand(path: Path):
    file = TokensFile(str(path))
    file.change(add("a", "b"))
    path.write_text('["by hand", "b"]')

    file.change([Change("b", "renewed")])

    assert json.loads(path.read_text()) == ["by hand", "renewed"]
    assert file.tokens == ["by hand", "renewed"]


def test_edit_by_hand_during_a_write_is_not_lost(path: Path):
    """Writing takes a while, since the disk has to say that it is done.

    Only a moment between a look and a rename is left, in which one may be.
    """
    file = TokensFile(str(path))
    file.change(add(*(f"{number}" * 100 for number in range(2_000))))
    here, lost = random.Random(7), 0

    for number in range(60):
        hand = threading.Timer(here.random() * 0.006, edit, (path, f"hand{number}"))
        hand.start()
        file.apply(add(f"ours{number}"))
        hand.join()
        file.apply()
        lost += f"hand{number}" not in file.tokens

    assert lost <= 3


def edit(path: Path, token: str) -> None:
    """As an editor saves: the owner's own tokens and a new one."""
    saved = path.with_name("saved")
    saved.write_text(json.dumps(["0" * 100, token]))
    os.replace(saved, path)


def test_file_counts_as_edited_only_by_others(path: Path):
    file = TokensFile(str(path))
    file.change(add("a"))
    assert not file.edited()

    path.write_text('["b"]')

    assert file.edited()


def test_lone_surrogate_in_the_file_is_preserved(path: Path):
    """A string that is no credential belongs to the owner all the same."""
    path.write_text('["\\ud800", "海螺"]')
    file = TokensFile(str(path))

    file.change(add("a"))

    assert json.loads(path.read_text("utf-8")) == ["\ud800", "海螺", "a"]
    assert "海螺" in path.read_text("utf-8")


class TestReserve:
    """A place for a new token, proven before it is asked for."""

    def test_reservation_has_room_for_the_file_and_a_new_token(self, path: Path):
        file = TokensFile(str(path))
        file.change(add("a" * 1_000, "b" * 1_000))
        with file.reserve():
            draft = path.parent / ".tokens.json.new"
            assert draft.stat().st_size > path.stat().st_size + 8_192
            assert stat.S_IMODE(draft.stat().st_mode) == 0o600
            reserved = draft.stat().st_ino
            file.apply([Change("a" * 1_000, "c" * 9_000)])
            assert path.stat().st_ino == reserved, "it is written into that place"
        assert json.loads(path.read_text()) == ["c" * 9_000, "b" * 1_000]
        assert os.listdir(path.parent) == ["tokens.json"]

    def test_unused_reservation_is_removed(self, path: Path):
        file = TokensFile(str(path))
        file.change(add("a"))
        for _ in range(3):
            with file.reserve():
                pass
        assert os.listdir(path.parent) == ["tokens.json"]
        assert json.loads(path.read_text()) == ["a"]

    def test_missing_draft_is_recreated(self, path: Path):
        file = TokensFile(str(path))
        file.change(add("a"))
        with file.reserve():
            draft = path.parent / ".tokens.json.new"
            draft.unlink()
            draft.symlink_to(path.parent / "other")
            file.apply(add("b"))
        assert json.loads(path.read_text()) == ["a", "b"]
        assert not path.is_symlink()

    def test_reservation_fails_when_the_file_is_unwritable(self, unwritable: Path):
        file = TokensFile(str(unwritable))
        with pytest.raises(Unwritable, match="cannot be written"), file.reserve():
            raise AssertionError("nobody may ask now")

    def test_reservation_fails_when_the_file_is_broken(self, path: Path):
        path.write_text("oops")
        with pytest.raises(TokensFileInvalid), TokensFile(str(path)).reserve():
            raise AssertionError("nobody may ask now")

    def test_reservation_fails_when_the_disk_is_full(self, path: Path):
        """The kernel's limit of a file's length is the disk: what is there just fits.

        A process of its own, since the limit holds for all that it writes.
        """
        TokensFile(str(path)).change(add("a" * 100))
        code = (
            "import resource, sys; from hailuo.accounts.tokens_file import TokensFile\n"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({path.stat().st_size},) * 2)\n"
            "with TokensFile(sys.argv[1]).reserve(): print('asked')"
        )
        ended = subprocess.run(
            [sys.executable, "-c", code, str(path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert "cannot be written (File too large)" in ended.stderr
        assert not ended.stdout
        assert json.loads(path.read_text()) == ["a" * 100]
        assert os.listdir(path.parent) == ["tokens.json"]
