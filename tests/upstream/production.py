"""For pytest, under gevent: waiting is done as the server's configuration has it."""

import runpy
import select
from pathlib import Path

CONFIGURATION = Path(__file__).resolve().parents[2] / "gunicorn.conf.py"

select.poll = runpy.run_path(str(CONFIGURATION))["Poll"]  # type: ignore[misc]
