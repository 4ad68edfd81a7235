"""Parser of multipart/form-data bodies."""

import re
from email.message import Message
from typing import NamedTuple

from ..server import Request
from .envelope import forbidden


class Part(NamedTuple):
    """Part of a body.

    filename: None for a plain field; content_type: "" if not sent.
    """

    name: str
    filename: str | None
    content_type: str
    value: bytes


def parts(request: Request) -> list[Part]:
    """Return the parts of the body in the order they were sent.

    raises: Forbidden if it is not multipart/form-data.
    """
    content_type = request.header("content-type")
    boundary = re.fullmatch(
        r'multipart/form-data; ?boundary="?([^";]+)"?', content_type
    )
    if not boundary:
        raise forbidden(
            f"the Content-Type is {content_type!r}, not multipart/form-data"
        )
    pieces = (b"\r\n" + request.body).split(b"\r\n--" + boundary[1].encode())
    if len(pieces) < 2 or pieces[0] or not pieces[-1].startswith(b"--"):
        raise forbidden("the multipart body does not begin or end with its boundary")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, separator, value = piece.partition(b"\r\n\r\n")
    if not separator:
        raise forbidden("a part of the multipart body has unterminated headers")
    headers = Message()
    for line in head.decode(errors="replace").splitlines():
        name, _, text = line.partition(":")
        if name:
            headers[name] = text.strip()
    field = headers.get_param("name", "", "content-disposition")
    content_type = headers["content-type"] or ""
    return Part(str(field), headers.get_filename(), content_type, value)
