"""Alibaba Cloud OSS as far as uploads need it: PutObject, path style, signature V1.

The signature is that of OSS's own pages ("Include signatures in the Authorization
header"): HMAC-SHA1 over the method, Content-MD5, Content-Type, Date, every x-oss-
header and /bucket/key.
"""

import base64
import hmac
import re
import time
from email.utils import formatdate, parsedate_to_datetime
from typing import cast
from urllib.parse import unquote
from xml.sax.saxutils import escape

from ..server import Reply, Request
from ..simulator import Forbidden, Simulator
from .storage import BUCKET, Digest, Policy, Stored

CLOCK_TOLERANCE_S = 900
LARGEST = 100 * 1_048_576  # protocol.md 5: up to 100 MiB
KEY = re.compile(r"(.+)/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.\w+")


async def put(simulator: Simulator, request: Request) -> Reply:
    """raises: Forbidden."""
    policy = _admit(simulator, request)
    user = policy.account.user
    simulator.admitted(request, user, "")
    key = key_of(request)
    if key.rpartition("/")[0] != policy.folder:
        raise denied("AccessDenied", f"{key} is not in the policy's folder")
    body = cast(Digest, request.sink)
    if body.size > LARGEST:
        raise denied("EntityTooLarge", "the file is larger than 100 MiB")
    instruction = simulator.script.take("put", user, "")
    if reply := await simulator.before(instruction, request):
        return reply
    simulator.storage.objects[key] = Stored(policy, body.size, body.sha256)
    return Reply(200, b"", "application/xml", (_date(),))


def _admit(simulator: Simulator, request: Request) -> Policy:
    """By which policy the request was signed. raises: Forbidden."""
    signed = re.fullmatch(r"OSS ([^:]+):(.+)", request.header("authorization"))
    if not signed:
        raise denied("AccessDenied", "the Authorization is no signature V1")
    policy = simulator.storage.policy(signed[1])
    if policy is None:
        raise denied("InvalidAccessKeyId", f"{signed[1]} was never given out")
    _check(request, policy, signed[2])
    return policy


def key_of(request: Request) -> str:
    """The object's key. raises: Forbidden unless it is <dir>/<uuid>.<ext>."""
    key = unquote(request.path).removeprefix(f"/{BUCKET}/")
    if not KEY.fullmatch(key):
        raise denied("AccessDenied", f"the key is {key!r}, not <dir>/<uuid>.<ext>")
    return key


def denied(code: str, sentence: str) -> Forbidden:
    """What OSS says no with."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(sentence)}</Message></Error>"
    )
    reply = Reply(403, body.encode(), "application/xml", (_date(),))
    return Forbidden(sentence, reply)


def _date() -> tuple[str, str]:
    """The header that every answer of OSS has."""
    return "Date", formatdate(usegmt=True)


def _check(request: Request, policy: Policy, signed: str) -> None:
    if request.header("x-oss-security-token") != policy.token:
        raise denied("InvalidAccessKeyId", "the security token is not the policy's")
    if policy.ends_at <= time.time():
        raise denied("SecurityTokenExpired", "the policy has ended")
    expected = signature(request, policy.secret)
    if not hmac.compare_digest(signed.encode(), expected.encode()):
        raise denied("SignatureDoesNotMatch", f"the signature is not {expected}")
    try:
        age_s = time.time() - parsedate_to_datetime(request.header("date")).timestamp()
    except ValueError:
        raise denied("AccessDenied", "there is no Date") from None
    if abs(age_s) > CLOCK_TOLERANCE_S:
        raise denied("RequestTimeTooSkewed", "the Date is not now")


def signature(request: Request, secret: str) -> str:
    """V1, in base64."""
    ours = sorted(item for item in request.headers.items() if item[0][:6] == "x-oss-")
    lines = [
        request.method,
        *(request.header(name) for name in ("content-md5", "content-type", "date")),
        *(f"{name}:{value}" for name, value in ours),
        unquote(request.path),
    ]
    digest = hmac.digest(secret.encode(), "\n".join(lines).encode(), "sha1")
    return base64.b64encode(digest).decode()
