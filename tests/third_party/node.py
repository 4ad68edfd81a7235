"""Programs from npm, which the suites run in `THIRD_PARTY`."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("THIRD_PARTY", ".venv/third_party")).resolve()
MODULES = FOLDER / "node_modules"


def needs(*packages: str) -> pytest.MarkDecorator:
    """Return a mark that skips tests when a package could not be installed."""
    missing = [package for package in packages if not (MODULES / package).exists()]
    return pytest.mark.skipif(
        bool(missing), reason=f"npm has not installed {', '.join(missing)} in {FOLDER}"
    )


def run(program: str, **given: Any) -> Any:
    """Return what *program* prints, as JSON; it reads *given* from its argument."""
    done = subprocess.run(
        ["node", "-e", program, json.dumps(given)],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=180,  # of a busy machine
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
