"""Upload the files of a message (protocol.md 4 and 5).

uploader = FileUploader(client, http)
file_ids = yield from uploader.upload(account.token, files, watch)
fields.append(("form", form_field(files, file_ids, text)))
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
from .oss import UploadPolicy

POLICY_MARGIN_S = 60.0  # a policy that expires sooner is not used any more


class FileUploader:
    """Uploads files; caches their ids and the upload policies.

    A file is uploaded once per token, even if the question is asked several times.
    """

    def __init__(self, client: Client, http: HttpClient) -> None:
        self._client = client
        self._http = http
        self._policies = SingleFlightCache(self._request_policy, inf)
        self._ids_by_token: weakref.WeakKeyDictionary[File, dict[str, str]] = (
            weakref.WeakKeyDictionary()
        )

    def upload(
        self, token: str, files: Sequence[File], watch: Watch
    ) -> Generator[Heartbeat, None, list[str]]:
        """Upload files, yielding heartbeats; return their ids in order.

        raises: UploadFailed, TokenRejected; ClientDisconnected.
        """
        tasks = [
            partial(self._id, token, file, self._ids_by_token.setdefault(file, {}))
            for file in files
        ]
        return (yield from gather(tasks, watch)) if tasks else []

    def _id(
        self, token: str, file: File, ids: dict[str, str], cancel_token: CancelToken
    ) -> str:
        if token not in ids:
            ids[token] = self._upload_with_retry(token, file, cancel_token)
        return ids[token]

    def _upload_with_retry(
        self, token: str, file: File, cancel_token: CancelToken
    ) -> str:
        """Upload a file; retry once, with a new policy. Return the file's id."""
        try:
            return self._upload(token, file, cancel_token)
        except TokenRejected:
            raise
        except UpstreamError:
            _raise_if_cancelled(cancel_token)
        try:
            return self._upload(token, file, cancel_token)
        except TokenRejected:
            raise
        except UpstreamError as error:
            raise UploadFailed(f"{file.name}: {error.message}") from error

    def _upload(self, token: str, file: File, cancel_token: CancelToken) -> str:
        """Upload a file; discard its policy if that fails. Return the file's id."""
        policy = self._policy(token)
        # The file is closed once its client has disconnected.
        _raise_if_cancelled(cancel_token)
        name = f"{uuid.uuid4()}{file.suffix}"
        key = f"{policy.folder.strip('/')}/{name}"
        on_progress = partial(_raise_if_cancelled, cancel_token)
        try:
            with file.open() as body, self._client.count_call("put"):
                oss.put_object(self._http.session, policy, key, body, on_progress)
            return self._register_file(token, file, name, policy)
        except UpstreamError:
            self._policies.invalidate(token, policy)
            raise

    def _register_file(
        self, token: str, file: File, name: str, policy: UploadPolicy
    ) -> str:
        """Register an uploaded file with the service; return the file's id."""
        body = {
            "fileName": name,
            "originFileName": file.name,
            "dir": policy.folder,
            "endpoint": policy.endpoint,
            "bucketName": policy.bucket,
            "size": str(file.size),
            "mimeType": file.media_type,
        }
        data = self._client.ask("POST", protocol.POLICY_CALLBACK, token, body)
        fields = data if isinstance(data, Mapping) else {}
        if not (file_id := untrusted_json.identifier(fields, "fileID")):
            raise UpstreamProtocolError("the upstream returned no id for the file")
        return file_id

    def _policy(self, token: str) -> UploadPolicy:
        """Return a policy that is valid for a while, from the cache if possible."""
        policy = self._policies.get(token)
        if policy.expires_at - POLICY_MARGIN_S <= time.time():
            self._policies.invalidate(token, policy)
            policy = self._policies.get(token)
        return policy

    def _request_policy(self, token: str) -> UploadPolicy:
        data = self._client.ask("GET", protocol.REQUEST_POLICY, token)
        return UploadPolicy.parse(data)


def form_field(files: Sequence[File], file_ids: Sequence[str], text: str) -> str:
    """Return the `form` field of a chat message, "" without files.

    source: protocol.md 4.
    """
    if not files:
        return ""
    entries: list[dict[str, str | int]] = [
        {
            "name": "",
            "formType": (
                protocol.FORM_IMAGE if file.is_image else protocol.FORM_DOCUMENT
            ),
            "content": file.name,
            "fileID": file_id,
        }
        for file, file_id in zip(files, file_ids, strict=True)
    ]
    entries.append({"name": "", "formType": protocol.FORM_TEXT, "content": text})
    return json.dumps(entries, ensure_ascii=False, separators=(",", ":"))


def _raise_if_cancelled(cancel_token: CancelToken) -> None:
    """Raise ClientDisconnected if the upload is cancelled."""
    if cancel_token.cancelled:
        raise ClientDisconnected("the upload was cancelled: its client disconnected")
