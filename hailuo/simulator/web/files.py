"""Files: a policy to upload by, and the word that it is done (protocol.md 5)."""

import itertools
import json
from typing import Any

from ..report import UploadSeen
from ..server import Reply, Request
from ..simulator import Simulator
from .admission import admit, json_digest
from .envelope import forbidden, success
from .instructed import instead, take
from .storage import BUCKET, LIFETIME_S

TOLD = ["fileName", "originFileName", "dir", "endpoint", "bucketName", "size"]
_ids = itertools.count(310_000_000_000_000_000)


async def policy(simulator: Simulator, request: Request) -> Reply:
    caller = admit(simulator, request, json_digest(request))
    instruction = take(simulator, "policy", caller)
    if reply := await instead(simulator, instruction, request):
        return reply
    lifetime_s = instruction.expires_in_s if instruction else None
    granted = simulator.storage.grant(
        caller.account,
        f"{request.scheme}://{request.header('host')}",
        LIFETIME_S if lifetime_s is None else lifetime_s,
    )
    return success(granted.as_json())


async def callback(simulator: Simulator, request: Request) -> Reply:
    digest = json_digest(request)
    caller = admit(simulator, request, digest)
    told = json.loads(digest)
    _check(told)
    key = f"{told['dir']}/{told['fileName']}"
    stored = simulator.storage.objects.get(key)
    if stored is None or stored.policy.account is not caller.account:
        raise forbidden(f"{key} was not put by this account")
    where = stored.policy.endpoint, BUCKET, str(stored.size)
    if (told["endpoint"], told["bucketName"], told["size"]) != where:
        raise forbidden(f"endpoint, bucketName and size are not {where}")
    instruction = take(simulator, "callback", caller)
    if reply := await instead(simulator, instruction, request):
        return reply
    seen = UploadSeen(
        user=caller.user,
        key=key,
        name=told["originFileName"],
        media_type=told["mimeType"],
        size=stored.size,
        sha256=stored.sha256,
        file_id=str(next(_ids)),
    )
    caller.account.files[seen.file_id] = seen
    simulator.report.upload(seen)
    return success({"fileID": seen.file_id})


def _check(told: Any) -> None:
    """raises: Forbidden unless the body has the seven names, each with a text."""
    if not isinstance(told, dict) or list(told) != [*TOLD, "mimeType"]:
        raise forbidden(f"the body of a callback has {[*TOLD, 'mimeType']}")
    if not all(isinstance(value, str) and value for value in told.values()):
        raise forbidden("the body of a callback holds something that is no text")
