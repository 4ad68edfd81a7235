"""The signature of the web service (protocol.md 1), made over exactly what is sent.

`requests` runs its authentication last, when the URL and the body are final, so a
Signature always matches its request:

    http.send("POST", url, headers=…, data=body, auth=Signature())
    http.send("POST", url, headers=…, data=form, auth=Signature(chat_digest(…)))
"""

import hashlib
import re
from urllib.parse import quote

import requests
from requests.auth import AuthBase

_UNIX = re.compile(r"[?&]unix=(\d+)")


def md5(text: str | bytes) -> str:
    """Return the MD5 in lower-case hex; a str is encoded as UTF-8."""
    data = text.encode() if isinstance(text, str) else text
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def encode(uri: str) -> str:
    """Encode like JavaScript's encodeURIComponent, which keeps - _ . ! ~ * ' ( )."""
    return quote(uri, safe="!~*'()")


def signature(uri: str, digest: str) -> str:
    """Return the value of the `Yy` header.

    uri: the path and the whole query string as sent, which contains `unix`.
    digest: the body's part of the signature; it depends on the kind of request.
    """
    (unix_ms,) = _UNIX.findall(uri)
    return md5(f"{encode(uri)}_{digest}{md5(unix_ms)}ooui")


def chat_digest(character_id: str, text: str, chat_id: str, form: str = "") -> str:
    """Return the digest of a chat message.

    text: the field msgContent; its line breaks do not count.
    form: the field form, "" without files.
    """
    one_line = text.replace("\r", "").replace("\n", "")
    return md5(character_id) + md5(one_line) + md5(chat_id) + md5(form)


def voice_digest(character_id: str, chat_id: str, audio: bytes) -> str:
    """Return the digest of a voice message; only the first 1024 bytes count."""
    return md5(character_id) + md5(chat_id) + md5(audio[:1024])


class Signature(AuthBase):
    """Authentication that signs a request just before it is sent.

    digest: the digest of a multipart body; None for a JSON body, which is its own
        digest, or for no body, whose digest is `{}`.
    """

    def __init__(self, digest: str | None = None) -> None:
        self._digest = digest

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        digest = self._digest
        if digest is None:
            assert not isinstance(request.body, str)
            digest = (request.body or b"{}").decode()
        request.headers["Yy"] = signature(request.path_url, digest)
        return request
