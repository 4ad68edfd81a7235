"""The way out as production runs it: every socket is one of gevent's, TLS included."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PATCHED = ("-m", "gevent.monkey", "--module", "pytest", "-p", "no:cacheprovider", "-q")


def test_streams_and_connections():
    which = "TLS or tls or leaves or beat or hang_up_ends"
    command = [sys.executable, *PATCHED, str(HERE / "test_http.py"), "-k", which]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout
    assert " passed" in ran.stdout
