"""Files on their way into a conversation (protocol.md 4 and 5).

uploads = Uploads(client, http)
ids = yield from uploads.ids(account.token, question.files, watch)
fields.append(("form", form(files, ids, text)))
"""

import json
import time
import uuid
import weakref
from collections.abc import Generator, Mapping, Sequence
from functools import partial
from math import inf

from ...concurrency.cache import SingleFlightCache
from ...concurrency.gather import CancelToken, gather
from ...concurrency.watch import Heartbeat, Watch
from ...errors import (
    ClientDisconnected,
    TokenRejected,
    UploadFailed,
    UpstreamError,
    UpstreamProtocolError,
)
from ...files import File
from ...net import untrusted_json
from ...net.client import HttpClient
from . import oss, protocol
from .client import Client
from .oss import Policy

SPARE_S = 60.0  # a policy is not used any more so long before it ends


class Uploads:
    """What has been uploaded, and by which policy more can be.

    A file is uploaded once for a token, however often a question is asked.
    """

    def __init__(self, client: Client, http: HttpClient) -> None:
        self._client = client
        self._http = http
        self._policies = SingleFlightCache(self._ask_policy, inf)
        self._known: weakref.WeakKeyDictionary[File, dict[str, str]] = (
            weakref.WeakKeyDictionary()
        )

    def ids(
        self, token: str, files: Sequence[File], watch: Watch
    ) -> Generator[Heartbeat, None, list[str]]:
        """Upload files, yielding heartbeats; return their ids in order.

        raises: UploadFailed, TokenRejected; ClientDisconnected.
        """
        tasks = [
            partial(self._id, token, file, self._known.setdefault(file, {}))
            for file in files
        ]
        return (yield from gather(tasks, watch)) if tasks else []

    def _id(
        self, token: str, file: File, known: dict[str, str], stop: CancelToken
    ) -> str:
        if token not in known:
            known[token] = self._uploaded(token, file, stop)
        return known[token]

    def _uploaded(self, token: str, file: File, stop: CancelToken) -> str:
        """Upload a file, and once more with a fresh policy if that fails."""
        try:
            return self._try(token, file, stop)
        except TokenRejected:
            raise
        except UpstreamError:
            _check(stop)
        try:
            return self._try(token, file, stop)
        except TokenRejected:
            raise
        except UpstreamError as error:
            raise UploadFailed(f"{file.name}: {error.message}") from error

    def _try(self, token: str, file: File, stop: CancelToken) -> str:
        policy = self._policy(token)
        _check(stop)  # the file of a caller who has left is closed
        name = f"{uuid.uuid4()}{file.suffix}"
        try:
            with file.open() as body:
                key = f"{policy.folder.strip('/')}/{name}"
                check = partial(_check, stop)
                with self._client.count_call("put"):
                    oss.put(self._http.session, policy, key, body, check)
            return self._announced(token, file, name, policy)
        except UpstreamError:
            self._policies.invalidate(token, policy)
            raise

    def _announced(self, token: str, file: File, name: str, policy: Policy) -> str:
        """Tell the service of a file that was put; it answers with the file's id."""
        told = {
            "fileName": name,
            "originFileName": file.name,
            "dir": policy.folder,
            "endpoint": policy.endpoint,
            "bucketName": policy.bucket,
            "size": str(file.size),
            "mimeType": file.media_type,
        }
        data = self._client.ask("POST", protocol.POLICY_CALLBACK, token, told)
        fields = data if isinstance(data, Mapping) else {}
        if not (file_id := untrusted_json.identifier(fields, "fileID")):
            raise UpstreamProtocolError("the upstream has given a file no id")
        return file_id

    def _policy(self, token: str) -> Policy:
        policy = self._policies.get(token)
        if policy.ends_at - SPARE_S <= time.time():
            self._policies.invalidate(token, policy)
            policy = self._policies.get(token)
        return policy

    def _ask_policy(self, token: str) -> Policy:
        return Policy.read(self._client.ask("GET", protocol.REQUEST_POLICY, token))


def form(files: Sequence[File], ids: Sequence[str], text: str) -> str:
    """The `form` field of a chat message, "" without files. source: protocol.md 4."""
    if not files:
        return ""
    entries: list[dict[str, str | int]] = [
        {
            "name": "",
            "formType": (
                protocol.FORM_IMAGE if file.is_image else protocol.FORM_DOCUMENT
            ),
            "content": file.name,
            "fileID": id,
        }
        for file, id in zip(files, ids, strict=True)
    ]
    entries.append({"name": "", "formType": protocol.FORM_TEXT, "content": text})
    return json.dumps(entries, ensure_ascii=False, separators=(",", ":"))


def _check(stop: CancelToken) -> None:
    """raises: ClientDisconnected when nobody waits for the file any more."""
    if stop.cancelled:
        raise ClientDisconnected("nobody waits for the upload any more")
