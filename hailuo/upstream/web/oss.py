"""Upload files to Alibaba Cloud OSS, the web service's storage (protocol.md 5).

policy = UploadPolicy.parse(data)
put_object(session, policy, "folder/name.pdf", body, on_progress)
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import IO, Any, NamedTuple, Self
from urllib.parse import urlsplit

import requests

from ...concurrency.fairness import TimeSlice
from ...errors import GatewayError, Unreachable, UpstreamProtocolError

CONNECT_S = 10.0
ANSWER_S = 30.0  # from the last byte sent until the answer

_REGION = re.compile(r"oss-(?!accelerate)([a-z0-9-]+?)(-internal)?\.aliyuncs\.com")
_FIELDS = (
    ("accessKeyId", "key_id"),
    ("accessKeySecret", "key_secret"),
    ("securityToken", "token"),
    ("dir", "folder"),
    ("endpoint", "endpoint"),
    ("bucketName", "bucket"),
)


class UploadPolicy(NamedTuple):
    """A temporary permission to upload files.

    key_id: the id of the access key.
    key_secret: the secret of the access key.
    token: the security token that goes with the key.
    folder: the folder in the bucket in which files may be created.
    endpoint: a host name or an IP address, perhaps with a scheme and a port.
    bucket: the bucket's name.
    expires_at: Unix seconds; 0.0 if unknown, so that it is used only once.
    """

    key_id: str
    key_secret: str
    token: str
    folder: str
    endpoint: str
    bucket: str
    expires_at: float

    @classmethod
    def parse(cls, data: Any) -> Self:
        """Read a policy from the service's answer.

        raises: UpstreamProtocolError if a field is missing or the endpoint is invalid.
        """
        if not isinstance(data, Mapping) or not all(
            data.get(name) for name, _ in _FIELDS
        ):
            raise UpstreamProtocolError("the upstream returned no upload policy")
        fields = {field: str(data[name]) for name, field in _FIELDS}
        if not _has_host(fields["endpoint"]):
            raise UpstreamProtocolError("the upload policy has an invalid endpoint")
        return cls(**fields, expires_at=_unix_seconds(data.get("expiration")))

    @property
    def address(self) -> str:
        """The endpoint with a scheme; an IP address has no certificate."""
        if "://" in self.endpoint:
            return self.endpoint
        scheme = "http" if _is_ip(self.endpoint) else "https"
        return f"{scheme}://{self.endpoint}"

    @property
    def region(self) -> str:
        """The region in the name of an endpoint of Alibaba's own, else ""."""
        match = _REGION.fullmatch(self._host)
        return match[1] if match else ""

    @property
    def path_style(self) -> bool:
        """True if the bucket is part of the path, not of the host name."""
        is_fixed = "://" in self.endpoint or _is_ip(self.endpoint)
        return is_fixed and not self._host.endswith(".aliyuncs.com")

    @property
    def _host(self) -> str:
        return self.endpoint.partition("://")[2] or self.endpoint


def put_object(
    session: requests.Session,
    policy: UploadPolicy,
    key: str,
    body: IO[bytes],
    on_progress: Callable[[], None],
) -> None:
    """Upload a file in one attempt; the library's retries would multiply the gateway's.

    key: the file's path in the bucket.
    on_progress: called for every piece; an error that it raises ends the upload.
    raises: Unreachable, with the status and the code of OSS; the errors of on_progress.
    """
    # Imported on the first upload only: it takes 50 ms and 8 MB.
    import alibabacloud_oss_v2 as oss

    time_slice = TimeSlice()

    def progress(*_: int) -> None:
        on_progress()
        time_slice.yield_if_over()

    request = oss.PutObjectRequest(
        bucket=policy.bucket,
        key=key,
        body=body,
        progress_fn=progress,
        # The library's V1 signature passes the token under a name that OSS documents
        # for signed addresses only; this is the documented header.
        headers={"x-oss-security-token": policy.token},
    )
    try:
        oss.Client(_config(oss, session, policy)).put_object(request)
    except oss.exceptions.OperationError as error:
        raise _map_error(error.unwrap()) from error


def _config(oss: Any, session: requests.Session, policy: UploadPolicy) -> Any:
    return oss.Config(
        endpoint=policy.address,
        region=policy.region or None,
        signature_version="v4" if policy.region else "v1",
        credentials_provider=oss.credentials.StaticCredentialsProvider(
            policy.key_id, policy.key_secret, policy.token
        ),
        use_path_style=policy.path_style,
        retry_max_attempts=1,
        http_client=oss.transport.RequestsHttpClient(
            session=session, connect_timeout=CONNECT_S, readwrite_timeout=ANSWER_S
        ),
    )


def _map_error(error: Exception) -> GatewayError:
    """Return the gateway's error for one of OSS, without the signed request in it."""
    if isinstance(error, GatewayError):
        return error
    status, code = getattr(error, "status_code", ""), getattr(error, "code", "")
    reason = f"{status} {code}".strip() or type(error).__name__
    return Unreachable(f"the upstream's storage rejected the file: {reason}")


def _unix_seconds(expiration: Any) -> float:
    """Convert an ISO time to Unix seconds; 0.0 if it is not one."""
    try:
        time = datetime.fromisoformat(str(expiration))
    except ValueError:
        return 0.0
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _has_host(endpoint: str) -> bool:
    """Return whether an endpoint has a host and, if any, a valid port."""
    try:
        parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_ip(endpoint: str) -> bool:
    """Return whether an endpoint is an IP address, with or without a port."""
    host = urlsplit(f"//{endpoint}").hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
