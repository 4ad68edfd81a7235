"""The gateway that a command talks to: a running one, or its parts on the tokens file.

gateway = find(location)
gateway.call("GET", "/v1/token")        # the JSON of the route, or a Failure

Both answer the same routes; without a running gateway they are served in this process,
so the file is locked, checked and written as it always is.
"""

import json
import logging
import os
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import click

from .. import create_app, setting_values
from ..errors import Unreachable, UpstreamError, UpstreamTimeout
from ..logs import redact
from ..masking import conceal
from ..net.client import HttpClient
from ..settings import DEFAULT_API_KEY, Settings, WrongSettings

GREETING_S = 5.0
CALL_S = 60.0
REFRESH_S = 3_600.0  # accounts are renewed one after the other


class Failure(click.ClickException):
    """Failure of a command; the message says what to do."""


class Location(NamedTuple):
    """Address and key of the gateway, as the user gives them; "" for the defaults."""

    url: str
    key: str

    def gateway(self, settings: Settings) -> "RunningGateway":
        """Return the gateway there, which may not run. raises: Failure."""
        url = self.url or f"http://localhost:{settings.port}"
        key = setting_values.bare(self.key) or settings.api_keys[0]
        conceal([key] if key != DEFAULT_API_KEY else [])
        return RunningGateway(url.rstrip("/").removesuffix("/v1"), key)


class Gateway(Protocol):
    """Gateway that a command is sent to.

    via: "gateway" for a running one, "file" for the tokens file.
    at: its address, or the path of the file.
    simulated: whether it runs on its simulator, which knows no real token.
    """

    via: str
    at: str
    simulated: bool

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Return the JSON that a route answers. raises: Failure."""


class RunningGateway:
    """A gateway that is reached by its address."""

    via = "gateway"

    def __init__(self, address: str, key: str) -> None:
        try:
            self.address = setting_values.address(address)
        except ValueError as error:
            raise Failure(f"the URL of the gateway is not {error}") from None
        self.at = setting_values.shown(self.address)
        self.simulated = False
        self.http = HttpClient()
        self.headers = {
            "Authorization": f"Bearer {key}".encode().decode("latin-1"),
            "Content-Type": "application/json",
        }

    def is_running(self) -> bool:
        """Return whether it answers. raises: Failure if another program does."""
        headers = {"Accept": "application/json"}
        try:
            answer = self.http.send(
                "GET", f"{self.address}/", headers=headers, total_s=GREETING_S
            )
        except Unreachable:
            return False
        except UpstreamError as error:
            raise lost(self.at, error) from None
        about = _object(answer.content)
        if about.get("name") != "hailuo":
            raise Failure(
                f"what answers at {self.at} is no hailuo gateway: give the gateway's "
                "address with --url or HAILUO_URL, or set PORT"
            )
        self.simulated = bool(about.get("simulated"))
        return True

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Return the JSON that a route answers. raises: Failure."""
        data = None if body is None else json.dumps(body).encode()
        total_s = REFRESH_S if path.endswith("/refresh") else CALL_S
        try:
            answer = self.http.send(
                method,
                self.address + path,
                headers=self.headers,
                data=data,
                total_s=total_s,
            )
        except UpstreamError as error:
            raise lost(self.at, error) from None
        return checked(answer.status_code, answer.content, self.at)


class TokensFileGateway:
    """The parts of a gateway in this process, on the tokens file."""

    via = "file"
    simulated = False

    def __init__(self, settings: Settings) -> None:
        logging.disable()  # its answers say it
        self.at = settings.tokens_file
        self._key = settings.api_keys[0]
        self._app = create_app(settings)

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Return the JSON that a route answers. raises: Failure."""
        answer = self._app.test_client().open(
            path,
            method=method,
            json=body,
            headers={"Authorization": f"Bearer {self._key}"},
            buffered=True,
        )
        return checked(answer.status_code, answer.data, self.at)


def find(location: Location) -> Gateway:
    """Return the running gateway, or the tokens file if none runs on this machine.

    raises: Failure.
    """
    settings = read_settings()
    gateway = location.gateway(settings)
    if gateway.is_running():
        return gateway
    if location.url:
        raise Failure(
            f"no gateway answers at {gateway.at}: start it, correct --url or "
            "HAILUO_URL, or leave it out to work on the tokens file of this machine"
        )
    if settings.redis_url:
        raise Failure(
            f"no gateway answers at {gateway.at}, and its pool is in HAILUO_REDIS_URL: "
            "start it (hailuo serve), or give the address of another with --url"
        )
    return TokensFileGateway(settings)


def running(location: Location) -> RunningGateway:
    """Return the running gateway. raises: Failure if there is none."""
    gateway = location.gateway(read_settings())
    if not gateway.is_running():
        raise Failure(
            f"no gateway answers at {gateway.at}: start one (hailuo serve), or give "
            "the address of another with --url or HAILUO_URL"
        )
    return gateway


def read_settings() -> Settings:
    """Read the environment. raises: Failure, naming every wrong value."""
    try:
        settings = Settings.read(os.environ)
    except WrongSettings as error:
        raise Failure(f"{error}\n`hailuo doctor` says how to correct it") from None
    conceal(settings.secrets)
    return settings


def lost(address: str, error: UpstreamError) -> Failure:
    """Return the failure for a connection to the gateway that broke off."""
    if isinstance(error, UpstreamTimeout):
        return Failure(f"{address} does not answer in time: see the gateway's log")
    return Failure(f"the connection to {address} broke off: see the gateway's log")


def checked(status: int, content: bytes, address: str) -> dict[str, Any]:
    """Return the JSON of an answer. raises: Failure for an error, with its cure."""
    body = _object(content)
    if not body:
        raise Failure(f"{address} has answered HTTP {status} without JSON")
    if status >= 400:
        raise refusal(body.get("error"), address)
    return body


def refusal(error: Any, address: str) -> Failure:
    """Return the failure for an error of the gateway."""
    known: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
    message = redact(str(known.get("message") or "no reason given"))
    if known.get("code") == "invalid_api_key":
        message += (
            f"\nGive a key of the gateway at {address} with --key or HAILUO_API_KEY: "
            "one of those that its own HAILUO_API_KEY holds."
        )
    return Failure(message)


def _object(content: bytes) -> dict[str, Any]:
    """Return a JSON object, empty if the text is none."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}
