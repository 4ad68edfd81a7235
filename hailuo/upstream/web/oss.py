"""Where the web service has its files put: Alibaba Cloud OSS (protocol.md 5).

policy = Policy.read(data)
put(session, policy, "folder/name.pdf", body, on_progress)
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
ANSWER_S = 30.0  # from the last byte sent to the answer

_REGION = re.compile(r"oss-(?!accelerate)([a-z0-9-]+?)(-internal)?\.aliyuncs\.com")
_NAMES = (
    ("accessKeyId", "key_id"),
    ("accessKeySecret", "key_secret"),
    ("securityToken", "token"),
    ("dir", "folder"),
    ("endpoint", "endpoint"),
    ("bucketName", "bucket"),
)


class Policy(NamedTuple):
    """A permission to put files somewhere, until *ends_at* (Unix seconds)."""

    key_id: str
    key_secret: str
    token: str
    folder: str
    endpoint: str
    bucket: str
    ends_at: float

    @classmethod
    def read(cls, data: Any) -> Self:
        """raises: UpstreamProtocolError when a field is missing, or the endpoint is none."""
        if not isinstance(data, Mapping) or not all(
            data.get(name) for name, _ in _NAMES
        ):
            raise UpstreamProtocolError("the upstream has given no policy for uploads")
        fields = {field: str(data[name]) for name, field in _NAMES}
        if not _has_host(fields["endpoint"]):
            raise UpstreamProtocolError("the upstream's policy leads nowhere")
        return cls(**fields, ends_at=_seconds(data.get("expiration")))

    @property
    def address(self) -> str:
        """The endpoint with its scheme. A bare IP address has no certificate."""
        if "://" in self.endpoint:
            return self.endpoint
        return f"http{'' if _is_ip(self.endpoint) else 's'}://{self.endpoint}"

    @property
    def region(self) -> str:
        """Named by the endpoint if it is one of Alibaba's own, else ""."""
        found = _REGION.fullmatch(self._host)
        return found[1] if found else ""

    @property
    def path_style(self) -> bool:
        """Whether the bucket is in the path: where it cannot be in the host's name."""
        as_it_is = "://" in self.endpoint or _is_ip(self.endpoint)
        return as_it_is and not self._host.endswith(".aliyuncs.com")

    @property
    def _host(self) -> str:
        return self.endpoint.partition("://")[2] or self.endpoint


def put(
    session: requests.Session,
    policy: Policy,
    key: str,
    body: IO[bytes],
    on_progress: Callable[[], None],
) -> None:
    """PutObject, once: the library's own retries would multiply ours.

    on_progress: called at every piece; what it raises ends the upload.
    raises: Unreachable, with what OSS says.
    """
    # Only who sends files pays for it: 50 ms and 8 MB.
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
        # The library's V1 signature names the token in a header that OSS's own pages
        # know for addresses only; this is the one they know for requests.
        headers={"x-oss-security-token": policy.token},
    )
    try:
        oss.Client(_config(oss, session, policy)).put_object(request)
    except oss.exceptions.OperationError as error:
        raise _translated(error.unwrap()) from error


def _config(oss: Any, session: requests.Session, policy: Policy) -> Any:
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


def _translated(error: Exception) -> GatewayError:
    """What OSS says, without the request and its signature; or what is ours already."""
    if isinstance(error, GatewayError):
        return error
    status, code = getattr(error, "status_code", ""), getattr(error, "code", "")
    said = f"{status} {code}".strip() or type(error).__name__
    return Unreachable(f"the upstream's storage does not take the file ({said})")


def _seconds(expiration: Any) -> float:
    """ISO time to Unix seconds; 0.0, so never kept, for what is none."""
    try:
        found = datetime.fromisoformat(str(expiration))
    except ValueError:
        return 0.0
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _has_host(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_ip(endpoint: str) -> bool:
    """Whether it is an IP address, with or without a port."""
    host = urlsplit(f"//{endpoint}").hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
