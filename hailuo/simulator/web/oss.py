"""Alibaba Cloud OSS: PutObject with path-style addresses and signature V1.

source: OSS documentation, "Include signatures in the Authorization header": the
signature is HMAC-SHA1 over the method, Content-MD5, Content-Type, Date, every x-oss-
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
from .storage import BUCKET, HashingSink, Policy, StoredObject

CLOCK_TOLERANCE_S = 900
MAX_BYTES = 100 * 1_048_576  # protocol.md 5
KEY = re.compile(r"(.+)/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.\w+")


async def put(simulator: Simulator, request: Request) -> Reply:
    """Store an object.

    raises: Forbidden.
    """
    policy = _admit(simulator, request)
    user = policy.account.user
    simulator.identify(request, user, "")
    key = object_key(request)
    if key.rpartition("/")[0] != policy.folder:
        raise denied("AccessDenied", f"{key} is not in the policy's folder")
    body = cast(HashingSink, request.sink)
    if body.size > MAX_BYTES:
        raise denied("EntityTooLarge", "the file is larger than 100 MiB")
    instruction = simulator.script.take("put", user, "")
    if reply := await simulator.apply(instruction, request):
        return reply
    simulator.storage.objects[key] = StoredObject(policy, body.size, body.sha256)
    return Reply(200, b"", "application/xml", (_date(),))


def _admit(simulator: Simulator, request: Request) -> Policy:
    """Return the policy that the request is signed with.

    raises: Forbidden.
    """
    credentials = re.fullmatch(r"OSS ([^:]+):(.+)", request.header("authorization"))
    if not credentials:
        raise denied("AccessDenied", "the Authorization is not a signature V1")
    policy = simulator.storage.policy(credentials[1])
    if policy is None:
        raise denied("InvalidAccessKeyId", f"{credentials[1]} was never issued")
    _check_signature(request, policy, credentials[2])
    return policy


def object_key(request: Request) -> str:
    """Return the object's key.

    raises: Forbidden unless it is <dir>/<uuid>.<ext>.
    """
    key = unquote(request.path).removeprefix(f"/{BUCKET}/")
    if not KEY.fullmatch(key):
        raise denied("AccessDenied", f"the key is {key!r}, not <dir>/<uuid>.<ext>")
    return key


def denied(code: str, sentence: str) -> Forbidden:
    """Return an error in OSS's own format."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(sentence)}</Message></Error>"
    )
    reply = Reply(403, body.encode(), "application/xml", (_date(),))
    return Forbidden(sentence, reply)


def _date() -> tuple[str, str]:
    """Return the Date header of every OSS answer."""
    return "Date", formatdate(usegmt=True)


def _check_signature(request: Request, policy: Policy, value: str) -> None:
    if request.header("x-oss-security-token") != policy.token:
        raise denied("InvalidAccessKeyId", "the security token is not the policy's")
    if policy.expires_at <= time.time():
        raise denied("SecurityTokenExpired", "the policy has expired")
    expected = signature(request, policy.secret)
    if not hmac.compare_digest(value.encode(), expected.encode()):
        raise denied("SignatureDoesNotMatch", f"the signature is not {expected}")
    try:
        age_s = time.time() - parsedate_to_datetime(request.header("date")).timestamp()
    except ValueError:
        raise denied("AccessDenied", "the Date is missing") from None
    if abs(age_s) > CLOCK_TOLERANCE_S:
        raise denied("RequestTimeTooSkewed", "the Date is not the current time")


def signature(request: Request, secret: str) -> str:
    """Return the signature V1 in base64."""
    oss_headers = sorted(
        item for item in request.headers.items() if item[0][:6] == "x-oss-"
    )
    lines = [
        request.method,
        *(request.header(name) for name in ("content-md5", "content-type", "date")),
        *(f"{name}:{value}" for name, value in oss_headers),
        unquote(request.path),
    ]
    digest = hmac.digest(secret.encode(), "\n".join(lines).encode(), "sha1")
    return base64.b64encode(digest).decode()
