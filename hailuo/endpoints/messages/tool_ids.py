"""Ids of calls: an upstream's become Anthropic's, and return as they were.

    to_client("call_7f3a")     # "toolu_7f3a"
    from_client("toolu_7f3a")  # "call_7f3a"

Clients send an id back with the call and with its result, so nothing is remembered. An
id of another form is sent in hexadecimal digits, since Anthropic's ids hold letters,
digits, `-` and `_` only.
"""

import re
import uuid

_USUAL = re.compile(r"call_((?!hex_)[A-Za-z0-9_-]+)")
_UNUSUAL = re.compile(r"toolu_hex_((?:[0-9a-f]{2})+)")


def to_client(id: str) -> str:
    """Return the id to send for an upstream's, a new one for ""."""
    if not id:
        return f"toolu_{uuid.uuid4().hex}"
    if usual := _USUAL.fullmatch(id):
        return f"toolu_{usual[1]}"
    return f"toolu_hex_{id.encode().hex()}"


def from_client(id: str) -> str:
    """Return the id that to_client() was given; any other id as it is."""
    if unusual := _UNUSUAL.fullmatch(id):
        return bytes.fromhex(unusual[1]).decode("utf-8", "replace")
    return f"call_{id[6:]}" if id.startswith("toolu_") else id
