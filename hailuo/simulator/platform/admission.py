"""Authentication by platform key (platform.md)."""

import re

from ..server import Request
from ..simulator import Simulator
from .failures import BAD_KEY, refused

DEMO_KEY = "sk-api-demo"
VALID_KEY = re.compile(r"sk-api-demo|sk-(api|cp)-sim-[\w-]+")
SIMULATED = (
    "invalid api key: this is hailuo's simulator, which does not know real keys, only "
    f"{DEMO_KEY} and keys that begin with sk-api-sim- or sk-cp-sim-"
)


def admit(simulator: Simulator, request: Request) -> str:
    """Return the key of a request, which is also its account.

    raises: Refused for an unknown key.
    """
    scheme, _, key = request.header("authorization").partition(" ")
    if scheme != "Bearer" or not VALID_KEY.fullmatch(key):
        raise refused(BAD_KEY, SIMULATED)
    simulator.identify(request, key, key)
    return key
