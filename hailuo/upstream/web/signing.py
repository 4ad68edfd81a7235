"""The signature of the web service (protocol.md 1), made over exactly what is sent.

`requests` runs its authentication last, when the URL and the body are final, so a
Signature cannot drift from the request it signs:

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
    """Lower-case hex, of the UTF-8 bytes where it is text."""
    data = text.encode() if isinstance(text, str) else text
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def encode(uri: str) -> str:
    """JavaScript's encodeURIComponent, which leaves A-Z a-z 0-9 - _ . ! ~ * ' ( )."""
    return quote(uri, safe="!~*'()")


def signature(uri: str, digest: str) -> str:
    """The value of the `Yy` header.

    uri: path and whole query string, as sent; it holds `unix`.
    digest: what stands for the body, by the kind of request.
    """
    (unix_ms,) = _UNIX.findall(uri)
    return md5(f"{encode(uri)}_{digest}{md5(unix_ms)}ooui")


def chat_digest(character_id: str, text: str, chat_id: str, form: str = "") -> str:
    """What stands for a chat message's body.

    text: msgContent; its line breaks do not count.
    form: the JSON of the files, "" when there are none.
    """
    flat = text.replace("\r", "").replace("\n", "")
    return md5(character_id) + md5(flat) + md5(chat_id) + md5(form)


def voice_digest(character_id: str, chat_id: str, audio: bytes) -> str:
    """What stands for a voice message's body; of the audio only its beginning does."""
    return md5(character_id) + md5(chat_id) + md5(audio[:1024])


class Signature(AuthBase):
    """Signs a request as it leaves.

    digest: what stands for a multipart body. Without it the body is JSON and stands for
        itself; a request without a body signs `{}`.
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
