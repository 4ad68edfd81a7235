"""Runs the curl lines that the page shows."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def run(line: str, key: str, directory: Path) -> bytes:
    """Return what a curl line prints in a directory with the files that it reads."""
    if not shutil.which("curl"):
        pytest.skip("CURL IS MISSING: the page's curl lines are NOT TESTED")
    done = subprocess.run(
        ["sh"],
        input=line.replace(
            "curl ", "curl --noproxy '*' --silent --show-error ", 1
        ).encode()
        + b"\n",
        cwd=directory,
        env={**os.environ, "HAILUO_API_KEY": key},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
