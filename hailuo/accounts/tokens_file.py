"""tokens.json: an array of credentials, written so that no crash loses one.

    file = TokensFile("tokens.json")
    file.change([Change(old=None, new=token)])      # on disk when it returns

The owner may edit it by hand at any time, so it is read again before each change. A
file that cannot be parsed is never overwritten. While the disk cannot be written,
changes are kept in memory and retried. Reserve the place of a token that must not be
lost before asking for it:

    with file.reserve():                            # raises Unwritable without one
        token = …
        file.apply([Change(old, token)])
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
SPARE_BYTES = 16_384  # a new token may be longer than the old one, but by less

log = logging.getLogger(__name__)


class TokensFileInvalid(GatewayError):
    """The file cannot be read, so changes to it are rejected."""

    status = 409
    type = "conflict_error"
    code = "tokens_file_invalid"
    should_retry = False


class Unwritable(GatewayError):
    """The file cannot be written, so no new token is requested."""

    status = 503
    code = "tokens_file_unwritable"


class Change(NamedTuple):
    """Replacement of a credential; an addition without *old*, a removal without *new*.

    A change whose *old* is no longer in the file, removed by the owner, has no effect.
    """

    old: str | None
    new: str | None


def apply_changes(tokens: Sequence[str], changes: Iterable[Change]) -> list[str]:
    """Return *tokens* after *changes*, in order and without duplicates."""
    changed = list(tokens)
    for old, new in changes:
        added = [new] if new and (new == old or new not in changed) else []
        if old is None:
            changed += added
        elif old in changed:
            index = changed.index(old)
            changed[index : index + 1] = added
    return changed


class TokensFile:
    """The file, and changes that could not be written to it yet.

    problem: why it cannot be read, for a log; "" when it can.
    write_error: why the last write failed; "" when it did not.
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
        return self.write_error or "the tokens file cannot be parsed"

    @property
    def persisted(self) -> bool:
        """True when every change is on disk."""
        return not self._unwritten

    def load(self) -> None:
        """Read the file; keep the tokens known before if it cannot be parsed."""
        with self._lock:
            self._seen = self._signature()
            try:
                self.tokens = apply_changes(self._read(), self._unwritten)
                problem = ""
            except (OSError, ValueError, RecursionError) as error:
                problem = f"{self._path} {_reason(error)}"
            if problem and problem != self.problem:
                log.error("%s: it is not changed until it is repaired", problem)
            self.problem = problem

    def edited(self) -> bool:
        """Return whether the file has changed since it was last read or written."""
        return self._signature() != self._seen

    def check(self) -> None:
        """Read the file. raises: TokensFileInvalid when it cannot be read."""
        self.load()
        if self.problem:
            raise TokensFileInvalid(
                f"{self.problem}: repair it; until then it cannot be changed"
            )

    def change(self, changes: Iterable[Change]) -> None:
        """Apply *changes*. raises: TokensFileInvalid, with nothing changed."""
        with self._lock:
            self.check()
            self.apply(changes)

    def apply(self, changes: Iterable[Change] = ()) -> bool:
        """Apply *changes*, which are kept until they can be written.

        returns: whether every change is on disk.
        """
        with self._lock:
            new_changes = list(changes)
            self.tokens = apply_changes(self.tokens, new_changes)
            self._unwritten += new_changes
            self.load()
            if not self.problem and self._write():
                self._unwritten.clear()
            return self.persisted

    @contextmanager
    def reserve(self) -> Iterator[None]:
        """Prove that a new token can be written, before a service is asked for it.

        A draft of the next file is written and synced, with room for a new token; the
        next change is written into it. Before the first draft the file is rewritten as
        it is, which shows that it can be replaced: a file that is a mount point cannot.
        raises: TokensFileInvalid, Unwritable.
        """
        with self._lock:
            self.check()
            if not (self._replaced and self.persisted):
                self.apply()
            if self._replaced:
                self._write_draft()
            if self.write_error:
                raise Unwritable(f"{self.write_error}: no new token is requested")
        try:
            yield
        finally:
            with self._lock:
                self._drop_draft()

    def _read(self) -> list[str]:
        """Read the tokens, none without a file.

        raises: OSError, ValueError, RecursionError.
        """
        try:
            tokens = json.loads(self._path.read_text("utf-8-sig"))
        except FileNotFoundError:
            return []
        if not isinstance(tokens, list) or not all(
            isinstance(token, str) for token in tokens
        ):
            raise ValueError("is not an array of strings")
        return [token.strip() for token in tokens]

    def _write(self) -> bool:
        """Write the file atomically: a crash leaves the old file or the new one."""
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
        """Replace the file, but not one that an edit by hand has broken.

        raises: OSError.
        """
        target, successor = self._paths()
        descriptor = self._open_draft(successor) or _create(successor)
        with open(descriptor, "wb") as file:
            _keep_owner(target, descriptor)
            file.write(self._content())
            file.truncate()
            file.flush()
            os.fsync(descriptor)
            signature = _signature(os.fstat(descriptor))
        if self.edited():  # by hand, while the disk was busy: merge that, too
            self.load()
            if not self.problem:
                self._replace()
            return
        os.replace(successor, target)
        self._seen = signature
        _sync_folder(target.parent)

    def _paths(self) -> tuple[Path, Path]:
        """Return the file, with symlinks resolved, and its successor."""
        target = self._path.resolve()
        return target, target.with_name(f".{target.name}.new")

    def _content(self) -> bytes:
        """Return the file as bytes; a lone surrogate is written as an escape."""
        text = json.dumps(list(self.tokens), indent=2, ensure_ascii=False) + "\n"
        return text.encode("utf-8", "backslashreplace")

    def _write_draft(self) -> None:
        _, successor = self._paths()
        try:
            self._draft = _create(successor)
            with open(self._draft, "wb", closefd=False) as file:
                file.write(self._content())
                file.write(os.urandom(SPARE_BYTES))  # incompressible
                file.flush()
                os.fsync(self._draft)
        except OSError as error:
            self._drop_draft()
            self.write_error = f"{self._path} cannot be written ({error.strerror})"

    def _open_draft(self, successor: Path) -> int | None:
        """Return the descriptor of the draft, if it is still in its place."""
        draft, self._draft = self._draft, None
        if draft is None:
            return None
        with suppress(OSError):
            if os.path.samestat(os.fstat(draft), successor.lstat()):
                os.lseek(draft, 0, os.SEEK_SET)
                return draft
        os.close(draft)
        return None

    def _drop_draft(self) -> None:
        """Delete a draft that was not used."""
        _, successor = self._paths()
        if (draft := self._open_draft(successor)) is not None:
            os.close(draft)
            successor.unlink(missing_ok=True)

    def _signature(self) -> tuple[int, ...]:
        try:
            return _signature(self._path.stat())
        except OSError:
            return ()


def _signature(stat: os.stat_result) -> tuple[int, ...]:
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _create(path: Path) -> int:
    """Create a file in place of a leftover, and return its descriptor."""
    path.unlink(missing_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)


def _keep_owner(target: Path, descriptor: int) -> None:
    """Keep the old file's owner, if the process has permission to."""
    os.fchmod(descriptor, MODE)
    try:
        stat = target.stat()
        os.fchown(descriptor, stat.st_uid, stat.st_gid)
    except OSError:
        pass  # there is no old file, or the process is not root


def _sync_folder(folder: Path) -> None:
    """Sync a folder: a rename is only on disk when the folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is not an array of strings"
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror})"
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON ({error.msg}, line {error.lineno})"
    return str(error)
