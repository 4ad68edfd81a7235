"""The start page of the web service, which browsers open without a token."""

from email.utils import formatdate

from ..server import Reply, Request
from ..simulator import Simulator


async def home(simulator: Simulator, request: Request) -> Reply:
    date = formatdate(usegmt=True)
    return Reply(200, b"<!doctype html>", "text/html", headers=(("Date", date),))
