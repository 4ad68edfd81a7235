"""The page's modules that need no browser, tested with node's own test module."""

import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = sorted(Path(__file__).with_name("js").glob("*.test.js"))
OLDEST = (20, 19)  # that knows modules by their content


def node() -> str:
    """Return the program, "" if there is none that is new enough."""
    program = shutil.which("node")
    if program is None:
        return ""
    shown = subprocess.run([program, "--version"], capture_output=True, text=True)
    version = tuple(map(int, shown.stdout.strip("v\n").split(".")[:2]))
    return program if version >= OLDEST else ""


NODE = node()


@pytest.mark.skipif(
    not NODE, reason="NODE IS MISSING: the page's modules are NOT TESTED"
)
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_module_passes_its_tests(path: Path):
    done = subprocess.run(
        [NODE, "--test-reporter=tap", str(path)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    assert "# pass 0" not in done.stdout, "it has tests"
