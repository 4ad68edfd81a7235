"""Reasoning in `encrypted_content`, the string in which clients keep it between turns.

The name is OpenAI's; nothing in it is secret. Clients that ask for it drop the text,
and the platform wants its reasoning back (platform.md, Thinking has to go round).
"""

import base64
import binascii

PREFIX = "hailuo1."  # and its version
MAX_CHARACTERS = 1_000_000  # of a reasoning, several times the longest answer


def encode(reasoning: str) -> str | None:
    """Return the string for a reasoning, None for one that is too long."""
    if len(reasoning) > MAX_CHARACTERS:
        return None
    return PREFIX + base64.urlsafe_b64encode(reasoning.encode()).decode()


def decode(content: str) -> str:
    """Return the reasoning in a string that encode() made, "" for any other."""
    if not content.startswith(PREFIX) or len(content) > 6 * MAX_CHARACTERS:
        return ""
    try:
        return base64.b64decode(
            content.removeprefix(PREFIX), altchars=b"-_", validate=True
        ).decode()
    except (binascii.Error, UnicodeError):
        return ""
