"""Signature `Yy` (protocol.md 1)."""

import hashlib
from urllib.parse import quote


def md5(data: str | bytes) -> str:
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def encode_uri_component(text: str) -> str:
    """Encode like JavaScript's encodeURIComponent."""
    return quote(text, safe="-_.!~*'()")


def signature(uri: str, digest: str, unix: str) -> str:
    """Return the signature of a request.

    uri: path and query string as sent; unix: as in the query.
    """
    return md5(f"{encode_uri_component(uri)}_{digest}{md5(unix)}ooui")


def voice_digest(character_id: str, chat_id: str, audio: bytes) -> str:
    """Return the digest of a recording."""
    return md5(character_id) + md5(chat_id) + md5(audio[:1024])


def chat_digest(character_id: str, message: str, chat_id: str, form: str = "") -> str:
    """Return the digest of a chat message; form: "" if there is none."""
    message = message.replace("\r", "").replace("\n", "")
    return "".join(map(md5, (character_id, message, chat_id, form)))
