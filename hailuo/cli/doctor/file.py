"""The tokens file: whether it can be read, replaced, and understood."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ...accounts.tokens_file import MODE, TokensFile
from ...settings import Settings
from ...upstream import Identity, registry
from .findings import Finding, error, ok, warning

CHECK = "tokens file"


class Credential(NamedTuple):
    """A credential of the pool. source: "file" or "environment"."""

    token: str
    identity: Identity
    source: str


def credentials(settings: Settings) -> tuple[Sequence[Credential], list[Finding]]:
    """Return the credentials of the file and the environment, and findings."""
    file = TokensFile(settings.tokens_file)
    file.load()
    findings = list(_file_findings(Path(settings.tokens_file), file.problem))
    usable: dict[str, Credential] = {}
    for source, tokens in (("file", file.tokens), ("environment", settings.tokens)):
        unknown = []
        for number, token in enumerate(tokens, 1):
            if identity := registry.identify(token):
                usable.setdefault(token, Credential(token, identity, source))
            else:
                unknown.append(str(number))
        if unknown:
            place = settings.tokens_file if source == "file" else "HAILUO_TOKENS"
            findings.append(
                error(
                    CHECK if source == "file" else "settings",
                    f"{place}: number {', '.join(unknown)} is no token or key",
                    "copy it again as a whole, or remove it",
                )
            )
    if not usable and not file.problem and not settings.redis_url:
        findings.append(
            warning(
                "accounts",
                "neither the tokens file nor HAILUO_TOKENS has an account: a gateway "
                "that is started here begins with a simulator",
                "run `hailuo tokens add`, or have clients send their own tokens",
            )
        )
    return list(usable.values()), findings


def _file_findings(path: Path, problem: str) -> Iterator[Finding]:
    target = Path(os.path.realpath(path))
    if problem:
        yield error(CHECK, problem, _cure(target))
    elif not target.parent.exists():
        yield error(
            CHECK,
            f"{path} cannot be created: its folder {target.parent} does not exist",
            f"run mkdir -p {target.parent}, or correct HAILUO_TOKENS_FILE",
        )
    elif not os.access(target.parent, os.W_OK | os.X_OK):
        yield error(
            CHECK,
            f"{path} cannot be replaced: its folder {target.parent} is not writable, "
            "so a renewed token would be lost",
            "give the gateway's user write access to the folder, or set "
            "HAILUO_TOKENS_FILE to a path in one that is writable",
        )
    elif os.path.ismount(target):
        yield error(
            CHECK,
            f"{path} cannot be replaced: it is a mount point",
            "mount its folder instead, and set HAILUO_TOKENS_FILE to the path in it",
        )
    elif not target.exists():
        yield ok(CHECK, f"{path} does not exist yet; it can be created")
    elif stat.S_IMODE(target.stat().st_mode) & ~MODE:
        yield warning(CHECK, f"other users may read {path}", f"run chmod 600 {path}")
    else:
        yield ok(CHECK, f"{path} can be read and replaced")


def _cure(target: Path) -> str:
    """Return what to do about a file that cannot be read."""
    if target.is_dir():
        return "set HAILUO_TOKENS_FILE to the path of a file, not of a folder"
    if not os.access(target, os.R_OK):
        return (
            f"give the gateway's user the right to read it: chown $USER {target} && "
            f"chmod 600 {target}"
        )
    return 'correct it by hand to an array of strings, such as ["TOKEN1", "TOKEN2"]'
