"""Who may come in: a key that the simulator knows (platform.md)."""

import re

from ..server import Request
from ..simulator import Simulator
from .failures import BAD_KEY, refused

DEMO = "sk-api-demo"
KNOWN = re.compile(r"sk-api-(demo|sim-[\w-]+)")
SIMULATED = (
    "invalid api key: this is the simulator of hailuo, which knows no real keys, "
    f"only {DEMO} and those that begin with sk-api-sim-"
)


def admit(simulator: Simulator, request: Request) -> str:
    """The key a request came with, which is its account as well.

    raises: Refused for one that is not known.
    """
    scheme, _, key = request.header("authorization").partition(" ")
    if scheme != "Bearer" or not KNOWN.fullmatch(key):
        raise refused(BAD_KEY, SIMULATED)
    simulator.admitted(request, key, key)
    return key
