"""What is free goes back to the system, although a little is in use all over it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Much is used, and freed again. Between it were looked up names that are kept, with
# addresses; in a process of its own, whose memory nothing else has touched.
CROWD = """
import os, sys
from urllib.parse import urlsplit
from hailuo.memory import give_back

PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20

def used_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * PAGE_MB

before = used_mb()
crowd = []
for number in range(4_000):
    crowd.append([str(number) * part for part in range(1, 100)])
    getattr(crowd, f"name_{number}", None)
    urlsplit(f"http://localhost/{number}")
crowd.clear()
kept = used_mb()
give_back()
print(kept - before, used_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how much is used")
def test_memory_is_given_back_to_the_system():
    command = [sys.executable, "-c", CROWD]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    kept, left = map(float, told.stdout.split())
    assert kept > 10  # else there was nothing to give back
    assert left < 0.2 * kept
