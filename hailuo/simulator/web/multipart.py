"""The parts of a multipart/form-data body, in the order they were sent."""

import re
from email.message import Message
from typing import NamedTuple

from ..server import Request
from .envelope import forbidden


class Part(NamedTuple):
    """filename is None for a plain field; content_type is "" when not given."""

    name: str
    filename: str | None
    content_type: str
    value: bytes


def parts(request: Request) -> list[Part]:
    """raises: Forbidden when the body is not multipart/form-data."""
    kind = request.header("content-type")
    boundary = re.fullmatch(r'multipart/form-data; ?boundary="?([^";]+)"?', kind)
    if not boundary:
        raise forbidden(f"the Content-Type is {kind!r}, not multipart/form-data")
    pieces = (b"\r\n" + request.body).split(b"\r\n--" + boundary[1].encode())
    if len(pieces) < 2 or pieces[0] or not pieces[-1].startswith(b"--"):
        raise forbidden("the multipart body does not begin or end with its boundary")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, separator, value = piece.partition(b"\r\n\r\n")
    if not separator:
        raise forbidden("a part of the multipart body has no end of headers")
    headers = Message()
    for line in head.decode(errors="replace").splitlines():
        name, _, text = line.partition(":")
        if name:
            headers[name] = text.strip()
    field = headers.get_param("name", "", "content-disposition")
    given = headers["content-type"] or ""
    return Part(str(field), headers.get_filename(), given, value)
