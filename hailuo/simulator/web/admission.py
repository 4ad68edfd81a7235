"""Checks that every request must pass (protocol.md 1 and 2).

    client = admit(simulator, request, json_digest(request))

Each check is independent and raises `Forbidden` with a sentence that names the fault.
"""

import json
import re
import time
from typing import NamedTuple
from uuid import UUID

from ..server import Request
from ..simulator import Simulator
from .accounts import DEVICE_LIFETIME_S, Account
from .envelope import BAD_TOKEN, UNKNOWN, forbidden, refused
from .signing import signature

ORIGIN = "https://hailuoai.com"
CLOCK_TOLERANCE_S = 60  # of `unix`
DEVICE_OPTIONAL = "device_id"
QUERY = (  # protocol.md 1; None: the value is checked separately
    ("device_platform", "web"),
    ("app_id", "3001"),
    ("version_code", "22200"),
    ("uuid", None),
    (DEVICE_OPTIONAL, None),
    ("os_name", "Windows"),
    ("browser_name", "chrome"),
    ("device_memory", "8"),
    ("cpu_core_num", "12"),
    ("browser_language", "zh-CN"),
    ("browser_platform", "Win32"),
    ("screen_width", "1920"),
    ("screen_height", "1080"),
    ("unix", None),
)
HEADERS = {
    "accept-language": "zh-CN,zh;q=0.9,en;q=0.8",
    "cache-control": "no-cache",
    "pragma": "no-cache",
}
REQUIRED_HEADERS = (
    "accept",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
)
CHROME = re.compile(r"Mozilla/5\.0 \((Windows|Macintosh|X11)[^)]*\).* Chrome/(\d+)")
SIMULATED = (
    "This is hailuo's simulator, which does not know real tokens. Put the token into "
    "HAILUO_TOKENS or the tokens file to make the gateway talk to hailuoai.com."
)


class Client(NamedTuple):
    """Sender of an admitted request: its account, token and UUID."""

    account: Account
    token: str
    uuid: str

    @property
    def user(self) -> str:
        return self.account.user


def admit(
    simulator: Simulator,
    request: Request,
    digest: str,
    *,
    own_query: tuple[str, ...] = (),
    registers: bool = False,
) -> Client:
    """Check a request and return its sender.

    digest: the text that is signed besides the URI; own_query: parameters of this path
    that precede the common ones; registers: there is no device yet.
    raises: Forbidden; Refused for an invalid or expired token.
    """
    token = request.header("token")
    account = _account(simulator, token)
    simulator.identify(request, account.user, token)
    _check_headers(request)
    _check_referer(request)
    query = _checked_query(request, own_query)
    _check_signature(request, query["unix"], digest)
    if registers and DEVICE_OPTIONAL in query:
        raise forbidden("device_id is present before the device is registered")
    if not registers:
        _check_device(simulator, token, query)
    return Client(account, token, query["uuid"])


def json_digest(request: Request) -> str:
    """Return the body as sent, or {} for GET and DELETE.

    raises: Forbidden if it is not exactly what JSON.stringify writes.
    """
    if request.method in ("GET", "DELETE"):
        if request.body not in (b"", b"{}"):
            raise forbidden(f"a {request.method} has a body")
        return "{}"
    if not request.header("content-type").startswith("application/json"):
        raise forbidden("the Content-Type of a JSON body is not application/json")
    try:
        text = request.body.decode()
        compact = json.dumps(
            json.loads(text), ensure_ascii=False, separators=(",", ":")
        )
    except ValueError:
        raise forbidden("the body is not JSON") from None
    if compact != text:
        raise forbidden("the body is not formatted as JSON.stringify does")
    return text


def _account(simulator: Simulator, token: str) -> Account:
    if not token:
        raise forbidden("there is no Token header", BAD_TOKEN, 401)
    account = simulator.accounts.account_of(token)
    if account is None:
        raise refused(BAD_TOKEN, SIMULATED, 401)
    return account


def _check_headers(request: Request) -> None:
    for name, value in HEADERS.items():
        if request.header(name) != value:
            raise forbidden(f"{name} is {request.header(name)!r}, not {value!r}")
    for name in REQUIRED_HEADERS:
        if not request.header(name):
            raise forbidden(f"there is no {name} header")
    if request.header("cookie"):
        raise forbidden("there is a Cookie header; accounts must share nothing")
    chrome = CHROME.match(request.header("user-agent"))
    if not chrome:
        raise forbidden("the User-Agent is not a desktop Chrome")
    if f'v="{chrome[2]}"' not in request.header("sec-ch-ua"):
        raise forbidden(f"sec-ch-ua does not match Chrome/{chrome[2]} in User-Agent")


def _origins(request: Request) -> tuple[str, ...]:
    """Return the accepted origins: the real one, and the simulator's own address."""
    host = request.header("host")
    return ORIGIN, f"http://{host}", f"https://{host}"


def _check_referer(request: Request) -> None:
    origin, referer = request.header("origin"), request.header("referer")
    if origin not in _origins(request):
        raise forbidden(f"Origin is {origin!r}")
    pattern = re.escape(origin) + r"/(\?chat=\d+)?"
    if not re.fullmatch(pattern, referer):
        raise forbidden(f"Referer is {referer!r}")


def _checked_query(request: Request, own: tuple[str, ...]) -> dict[str, str]:
    names = [name for name, _ in request.query]
    query = dict(request.query)
    common = [name for name, _ in QUERY if name != DEVICE_OPTIONAL or name in query]
    if names != [*own, *common]:
        raise forbidden(f"the query parameters are {names}, not {[*own, *common]}")
    for name, value in QUERY:
        if value is not None and query[name] != value:
            raise forbidden(f"{name} is {query[name]!r}, not {value!r}")
    _check_uuid(query["uuid"])
    _check_unix(query["unix"])
    return query


def _check_uuid(text: str) -> None:
    try:
        UUID(text)
    except ValueError:
        raise forbidden(f"uuid is {text!r}, which is not a UUID") from None


def _check_unix(unix: str) -> None:
    if not re.fullmatch(r"\d{10}000", unix):
        raise forbidden(f"unix is {unix!r}, not milliseconds that end in 000")
    if abs(int(unix) / 1000 - time.time()) > CLOCK_TOLERANCE_S:
        raise forbidden(f"unix is {unix!r}, which is not the current time")


def _check_signature(request: Request, unix: str, digest: str) -> None:
    expected = signature(request.target, digest, unix)
    if request.header("yy") != expected:
        sentence = f"the signature Yy is {request.header('yy')!r}, not {expected!r}"
        raise forbidden(sentence, BAD_TOKEN, 401)


def _check_device(simulator: Simulator, token: str, query: dict[str, str]) -> None:
    if DEVICE_OPTIONAL not in query:
        raise forbidden("device_id is missing: the device is not registered")
    device = simulator.accounts.device(query[DEVICE_OPTIONAL])
    if device is None or (device.token, device.uuid) != (token, query["uuid"]):
        raise forbidden("device_id was not issued to this token and uuid")
    if not device.known:
        raise refused(UNKNOWN, "the device is not known")
    if time.monotonic() - device.registered_at > DEVICE_LIFETIME_S:
        raise forbidden("the device was registered more than 10,800 s ago")
