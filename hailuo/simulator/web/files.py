"""Upload policies and upload callbacks (protocol.md 5)."""

import itertools
import json
from typing import Any

from ..report import UploadRecord
from ..server import Reply, Request
from ..simulator import Simulator
from .admission import admit, json_digest
from .envelope import forbidden, success
from .scripted import scripted_reply, take_instruction
from .storage import BUCKET, LIFETIME_S

CALLBACK_FIELDS = (
    "fileName originFileName dir endpoint bucketName size mimeType"
).split()
_ids = itertools.count(310_000_000_000_000_000)


async def grant_policy(simulator: Simulator, request: Request) -> Reply:
    client = admit(simulator, request, json_digest(request))
    instruction = take_instruction(simulator, "policy", client)
    if reply := await scripted_reply(simulator, instruction, request):
        return reply
    lifetime_s = instruction.expires_in_s if instruction else None
    policy = simulator.storage.grant(
        client.account,
        f"{request.scheme}://{request.header('host')}",
        LIFETIME_S if lifetime_s is None else lifetime_s,
    )
    return success(policy.as_json())


async def callback(simulator: Simulator, request: Request) -> Reply:
    digest = json_digest(request)
    client = admit(simulator, request, digest)
    body = json.loads(digest)
    _check_callback(body)
    key = f"{body['dir']}/{body['fileName']}"
    stored = simulator.storage.objects.get(key)
    if stored is None or stored.policy.account is not client.account:
        raise forbidden(f"{key} was not uploaded by this account")
    expected = stored.policy.endpoint, BUCKET, str(stored.size)
    if (body["endpoint"], body["bucketName"], body["size"]) != expected:
        raise forbidden(f"endpoint, bucketName and size are not {expected}")
    instruction = take_instruction(simulator, "callback", client)
    if reply := await scripted_reply(simulator, instruction, request):
        return reply
    upload = UploadRecord(
        user=client.user,
        key=key,
        name=body["originFileName"],
        media_type=body["mimeType"],
        size=stored.size,
        sha256=stored.sha256,
        file_id=str(next(_ids)),
    )
    client.account.files[upload.file_id] = upload
    simulator.report.add_upload(upload)
    return success({"fileID": upload.file_id})


def _check_callback(body: Any) -> None:
    """Check that the body has its seven fields, each with a text.

    raises: Forbidden.
    """
    if not isinstance(body, dict) or list(body) != CALLBACK_FIELDS:
        raise forbidden(f"the fields of a callback are not {CALLBACK_FIELDS}")
    if not all(isinstance(value, str) and value for value in body.values()):
        raise forbidden("a field of the callback is not a text")
