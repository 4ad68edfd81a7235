"""tokens.json: an array of credentials, kept so that no crash can lose one.

    file = TokensFile("tokens.json")
    file.change([Change(old=None, new=token)])      # on disk when it returns

Its owner may edit it by hand at any time, so it is read again before each change, and
what is ours is done to what is there. A file that cannot be understood is never
overwritten. While the disk cannot be written, changes are kept and tried again. Who is
about to get a token that must not be lost reserves its place first:

    with file.reserve():                            # Unwritable when there is none
        token = …
        file.note([Change(old, token)])
"""

import json
import logging
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from ..errors import GatewayError

MODE = 0o600
SPARE_BYTES = 16_384  # more than a new token can be longer than the old

log = logging.getLogger(__name__)


class TokensFileInvalid(GatewayError):
    """The file cannot be read, so what would change it is refused."""

    status = 409
    type = "conflict_error"
    code = "tokens_file_invalid"
    should_retry = False


class Unwritable(GatewayError):
    """The file cannot be written, so nothing is asked for that must be kept."""

    status = 503
    code = "tokens_file_unwritable"


class Change(NamedTuple):
    """One credential for another; without *old* an addition, without *new* a removal.

    An old one that is no longer there was taken out by the owner: nothing is done.
    """

    old: str | None
    new: str | None


def apply_changes(tokens: Sequence[str], changes: Iterable[Change]) -> list[str]:
    """*tokens* after *changes*, in their order, without duplicates."""
    found = list(tokens)
    for old, new in changes:
        fresh = [new] if new and (new == old or new not in found) else []
        if old is None:
            found += fresh
        elif old in found:
            at = found.index(old)
            found[at : at + 1] = fresh
    return found


class TokensFile:
    """The file, and the changes that could not be written to it yet.

    problem: what is wrong with it, as people should read it; "" while all is well.
    write_error: why it could not be written last time; "" when it could.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._lock = threading.RLock()
        self._unwritten: list[Change] = []
        self._seen: tuple[int, ...] = ()
        self.tokens: Sequence[str] = ()
        self.problem = ""
        self.write_error = ""
        self._draft: int | None = None  # descriptor of a reserved successor
        self._replaced = False  # whether the last attempt to replace it succeeded

    @property
    def unkept(self) -> str:
        """Why tokens are in memory only; "" while all that is known is on disk."""
        if self.persisted:
            return ""
        return self.write_error or "the tokens file cannot be understood"

    @property
    def persisted(self) -> bool:
        """Whether all that is known is on disk."""
        return not self._unwritten

    def load(self) -> None:
        """Read the file; what was there before stays if it cannot be understood."""
        with self._lock:
            self._seen = self._signature()
            try:
                self.tokens = apply_changes(self._read(), self._unwritten)
                problem = ""
            except (OSError, ValueError, RecursionError) as error:
                problem = f"{self._path} {_why(error)}"
            if problem and problem != self.problem:
                log.error("%s: it is left alone until it is mended", problem)
            self.problem = problem

    def edited(self) -> bool:
        """Whether somebody has changed the file since it was last read or written."""
        return self._signature() != self._seen

    def check(self) -> None:
        """raises: Invalid when the file cannot be read, hence not changed."""
        self.load()
        if self.problem:
            raise TokensFileInvalid(
                f"{self.problem}: mend it; until then nothing is changed"
            )

    def change(self, changes: Iterable[Change]) -> None:
        """Do *changes*. raises: Invalid, and nothing is done."""
        with self._lock:
            self.check()
            self.apply(changes)

    def apply(self, changes: Iterable[Change] = ()) -> bool:
        """Do *changes*, which must not be lost whatever the file looks like.

        returns: whether everything is on disk now.
        """
        with self._lock:
            fresh = list(changes)
            self.tokens = apply_changes(self.tokens, fresh)
            self._unwritten += fresh
            self.load()
            if not self.problem and self._write():
                self._unwritten.clear()
            return self.persisted

    @contextmanager
    def reserve(self) -> Iterator[None]:
        """Prove that a new token can be kept, before a service is asked for it.

        Its successor is written and synced at full length, with room for a new token;
        the next change is written into that one. Before the first of them the file is
        written anew as it is, which shows that it can be replaced: one that is mounted
        by itself cannot.
        raises: Invalid, Unwritable.
        """
        with self._lock:
            self.check()
            if not (self._replaced and self.persisted):
                self.apply()
            if self._replaced:
                self._write_draft()
            if self.write_error:
                raise Unwritable(f"{self.write_error}: no new token is asked for")
        try:
            yield
        finally:
            with self._lock:
                self._drop_draft()

    def _read(self) -> list[str]:
        """raises: OSError, ValueError, RecursionError, unless there is no file."""
        try:
            found = json.loads(self._path.read_text("utf-8-sig"))
        except FileNotFoundError:
            return []
        if not isinstance(found, list) or not all(
            isinstance(each, str) for each in found
        ):
            raise ValueError("is not an array of strings")
        return [each.strip() for each in found]

    def _write(self) -> bool:
        """Whole or not at all: a crash leaves the old file or the new one."""
        try:
            self._replace()
        except OSError as error:
            with suppress(OSError):
                self._paths()[1].unlink()
            self._replaced = False
            self.write_error = f"{self._path} cannot be written ({error.strerror})"
            return False
        self._replaced, self.write_error = not self.problem, ""
        return self._replaced

    def _replace(self) -> None:
        """raises: OSError. Nothing is done when it turns out to be broken by hand."""
        target, fresh = self._paths()
        descriptor = self._taken_draft(fresh) or _created(fresh)
        with open(descriptor, "wb") as file:
            _keep_owner(target, descriptor)
            file.write(self._content())
            file.truncate()
            file.flush()
            os.fsync(descriptor)
            ours = _signature(os.fstat(descriptor))
        if self.edited():  # by hand, while the disk was busy: take that in, too
            self.load()
            if not self.problem:
                self._replace()
            return
        os.replace(fresh, target)
        self._seen = ours  # what is edited from now on is not
        _sync_folder(target.parent)

    def _paths(self) -> tuple[Path, Path]:
        """Return the file itself, since a symlink stays one, and its successor."""
        target = self._path.resolve()
        return target, target.with_name(f".{target.name}.new")

    def _content(self) -> bytes:
        """Half a character becomes the escape it was in the file."""
        text = json.dumps(list(self.tokens), indent=2, ensure_ascii=False) + "\n"
        return text.encode("utf-8", "backslashreplace")

    def _write_draft(self) -> None:
        _, fresh = self._paths()
        try:
            self._draft = _created(fresh)
            with open(self._draft, "wb", closefd=False) as file:
                file.write(self._content())
                file.write(os.urandom(SPARE_BYTES))  # which no file system compresses
                file.flush()
                os.fsync(self._draft)
        except OSError as error:
            self._drop_draft()
            self.write_error = f"{self._path} cannot be written ({error.strerror})"

    def _taken_draft(self, fresh: Path) -> int | None:
        """Return the descriptor of the draft, if it is still in its place."""
        draft, self._draft = self._draft, None
        if draft is None:
            return None
        with suppress(OSError):
            if os.path.samestat(os.fstat(draft), fresh.lstat()):
                os.lseek(draft, 0, os.SEEK_SET)
                return draft
        os.close(draft)
        return None

    def _drop_draft(self) -> None:
        """Remove a draft that was not needed."""
        _, fresh = self._paths()
        if (draft := self._taken_draft(fresh)) is not None:
            os.close(draft)
            fresh.unlink(missing_ok=True)

    def _signature(self) -> tuple[int, ...]:
        try:
            return _signature(self._path.stat())
        except OSError:
            return ()


def _signature(stat: os.stat_result) -> tuple[int, ...]:
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _created(fresh: Path) -> int:
    """Return the descriptor of a new file in place of whatever was there before."""
    fresh.unlink(missing_ok=True)  # what a crash, or anybody else, left there
    return os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)


def _keep_owner(target: Path, descriptor: int) -> None:
    """The new file belongs to whom the old one did, where we may say so."""
    os.fchmod(descriptor, MODE)
    try:
        stat = target.stat()
        os.fchown(descriptor, stat.st_uid, stat.st_gid)
    except OSError:
        pass  # there is none yet, or we are not root: then it is ours


def _sync_folder(folder: Path) -> None:
    """A rename is only on disk when the folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is not an array of strings"
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror})"
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON ({error.msg}, line {error.lineno})"
    return str(error)
