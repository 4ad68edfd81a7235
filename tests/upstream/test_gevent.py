"""The HTTP client under gevent's patches, as in production, TLS included."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATCHED = ("-m", "gevent.monkey", "--module", "pytest")
# What the tests do not need takes a second to import.
OPTIONS = ("-q", "--noconftest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")
TESTS = (
    "tests/upstream/test_http.py",
    "tests/upstream/test_tls.py",
    "tests/test_watch.py",
)


@pytest.mark.slow
def test_network_tests_pass_under_gevent():
    command = [sys.executable, *PATCHED, *OPTIONS, *TESTS]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout
    assert " passed" in ran.stdout
