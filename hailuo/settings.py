"""Settings: names, defaults and meanings, read once from the environment.

    settings = Settings.read(os.environ)      # or Settings(origin=…) in a test

A wrong value stops the start; the error names all wrong values at once.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

DEFAULT_API_KEY = "sk-hailuofreeapi"  # publicly known: for loopback clients only
MB = 1_048_576
MIN_LEASE_S = 3


class WrongSettings(Exception):
    """Wrong values, one sentence a line, which names the setting and its error."""


QUOTES = "\"'"
# Characters that are copied along with a key by mistake: quotes of all kinds, escaped
# line ends, invisible characters.
_STRAY = re.compile(r"[\"'`“”‘’«»„\s]|\\[nr]|[\x00-\x1f\x7f\u200b-\u200f\ufeff]")


def bare(value: str) -> str:
    """Return a value without the quotes and line ends that an .env file put around it.

    Docker's --env-file and systemd, for example, read .env files differently.
    """
    value = re.sub(r"^(?:\\[rn]|\s)+|(?:\\[rn]|\s)+$", "", value)
    inner = value[1:-1]
    if len(value) > 1 and value[0] == value[-1] in QUOTES and value[0] not in inner:
        return inner.strip()
    return value


def text(value: str) -> str:
    return value.strip()


def address(value: str) -> str:
    parts = urlsplit(value.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an http:// or https:// address")
    return value.strip().rstrip("/")


def proxy(value: str) -> str:
    parts = urlsplit(value.strip())
    schemes = ("http", "https", "socks5", "socks5h")
    if value.strip() and (parts.scheme not in schemes or not parts.hostname):
        raise ValueError("an http://, https:// or socks5:// address")
    return value.strip()


def redis_address(value: str) -> str:
    parts = urlsplit(value.strip())
    is_complete = parts.hostname or (parts.scheme == "unix" and parts.path)
    is_known = parts.scheme in ("redis", "rediss", "unix")
    if value.strip() and not (is_known and is_complete and has_valid_port(parts)):
        raise ValueError("a redis://, rediss:// or unix:// address")
    return value.strip()


def has_valid_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def keys(value: str) -> tuple[str, ...]:
    keys = words(value)
    if not keys:
        raise ValueError("a key: an empty one would let anyone in")
    return keys


def words(value: str) -> tuple[str, ...]:
    return tuple(word for part in value.split(",") if (word := bare(part)))


def whole(value: str) -> int:
    if not value.strip().isdecimal() or int(value) < 1:
        raise ValueError("a whole number above 0")
    return int(value)


def seconds(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1
    if not 0 < number < float("inf"):
        raise ValueError("a number of seconds above 0")
    return number


def lease(value: str) -> float:
    """Read the length of a lease, within which Redis is called several times."""
    if (number := seconds(value)) < MIN_LEASE_S:
        raise ValueError(f"a number of seconds, {MIN_LEASE_S} or more")
    return number


def seconds_or_never(value: str) -> float:
    return 0.0 if value.strip() == "0" else seconds(value)


def choice(*options: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value.strip().lower() not in options:
            raise ValueError("one of " + ", ".join(options))
        return value.strip().lower()

    return read


def switch(value: str) -> bool:
    return choice("0", "1")(value) == "1"


def shown(value: str) -> str:
    """Return an address without its user and password."""
    return re.sub(r"^([\w+.-]*://)?.*@", r"\1…@", value, flags=re.DOTALL)


def passwords(address: str) -> Sequence[str]:
    """Return the passwords in an address, encoded and decoded.

    redis-py takes one as a parameter, too.
    """
    parts = urlsplit(address)
    found = [parts.password or "", *parse_qs(parts.query).get("password", ())]
    return [
        form for written in found if written for form in (written, unquote(written))
    ]


def setting(name: str, default: str, read: Callable[[str], Any], meaning: str) -> Any:
    """Return a field of Settings, with its environment variable as metadata."""
    metadata = {"name": name, "default": default, "read": read, "meaning": meaning}
    return field(default=read(default), metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings. Seconds are floats, MB are 1,048,576 bytes."""

    port: int = setting("PORT", "8000", whole, "port; binds `0.0.0.0`")
    api_keys: tuple[str, ...] = setting(
        "HAILUO_API_KEY",
        DEFAULT_API_KEY,
        keys,
        "key(s), comma-separated, that stand for the pool; the default one serves only "
        "clients on this machine",
    )
    tokens: tuple[str, ...] = setting(
        "HAILUO_TOKENS",
        "",
        words,
        "credentials for the pool, comma-separated, besides the file; they are never "
        "renewed (nothing could keep the new one)",
    )
    tokens_file: str = setting(
        "HAILUO_TOKENS_FILE", "tokens.json", text, "where the pool is kept"
    )
    token_refresh_interval_s: float = setting(
        "HAILUO_TOKEN_REFRESH_INTERVAL_S",
        "604800",
        seconds_or_never,
        "seconds between renewals of the file's tokens; 0 = never",
    )
    origin: str = setting(
        "HAILUO_ORIGIN", "https://hailuoai.com", address, "the web upstream"
    )
    platform_origin: str = setting(
        "HAILUO_PLATFORM_ORIGIN",
        "https://api.minimax.io",
        address,
        "the official upstream",
    )
    platform_model: str = setting(
        "HAILUO_PLATFORM_MODEL",
        "MiniMax-M3",
        text,
        "model used there when the client's is not one of its own",
    )
    prefer: str = setting(
        "HAILUO_PREFER",
        "web",
        choice("web", "platform"),
        "`platform`: platform keys of the pool serve before web accounts",
    )
    proxy: str = setting(
        "HAILUO_PROXY",
        "",
        proxy,
        "`http://`, `https://` or `socks5://` address all upstream calls go through",
    )
    queue_timeout_s: float = setting(
        "HAILUO_QUEUE_TIMEOUT_S",
        "15",
        seconds,
        "seconds a request waits in the queue for an account before 429",
    )
    idle_timeout_s: float = setting(
        "HAILUO_IDLE_TIMEOUT_S",
        "120",
        seconds,
        "seconds without a byte, from upstream or to the client, before an answer is "
        "given up",
    )
    heartbeat_s: float = setting(
        "HAILUO_HEARTBEAT_S",
        "10",
        seconds,
        "seconds of silence after which a stream gets a `: ping`",
    )
    max_body_mb: int = setting(
        "HAILUO_MAX_BODY_MB",
        "32",
        whole,
        "largest JSON body, base64 included (MB = 1,048,576 bytes)",
    )
    max_file_mb: int = setting(
        "HAILUO_MAX_FILE_MB",
        "100",
        whole,
        "largest file from an address or a multipart upload (MB = 1,048,576 bytes)",
    )
    allow_private_urls: bool = setting(
        "HAILUO_ALLOW_PRIVATE_URLS",
        "0",
        switch,
        "1: file addresses may point into private networks, if an API key is sent",
    )
    caller_tokens: bool = setting(
        "HAILUO_CALLER_TOKENS",
        "1",
        switch,
        "0: only API keys are served, no tokens or platform keys that clients send",
    )
    responses_ttl_s: float = setting(
        "HAILUO_RESPONSES_TTL_S",
        "3600",
        seconds_or_never,
        "seconds for which a stored response can be referred to; 0 = never",
    )
    replace_audio_model: str = setting(
        "REPLACE_AUDIO_MODEL",
        "",
        text,
        "voices for alloy, echo, fable, onyx, nova, shimmer, comma-separated",
    )
    redis_url: str = setting(
        "HAILUO_REDIS_URL",
        "",
        redis_address,
        "`redis://`, `rediss://` or `unix://` address of a Valkey or Redis server, in "
        "which several processes share their pool",
    )
    redis_prefix: str = setting(
        "HAILUO_REDIS_PREFIX", "hailuo:", text, "beginning of the names of its keys"
    )
    lease_s: float = setting(
        "HAILUO_LEASE_S",
        "30",
        lease,
        "seconds after which a crashed process's accounts are free again; only with "
        "HAILUO_REDIS_URL",
    )
    log_level: str = setting(
        "HAILUO_LOG_LEVEL",
        "info",
        choice("debug", "info", "warning", "error"),
        "`debug`, `info`, `warning` or `error`",
    )
    log_format: str = setting(
        "HAILUO_LOG_FORMAT",
        "text",
        choice("text", "json"),
        "`text`, or `json` for one JSON object a line",
    )
    simulated: bool = setting(
        "HAILUO_SIMULATED",
        "0",
        switch,
        "set to 1 by `python -m hailuo` itself when the simulator is the upstream",
    )

    @property
    def secrets(self) -> Sequence[str]:
        """Secrets of the owner: keys, tokens, passwords."""
        addresses = (
            self.origin,
            self.platform_origin,
            self.proxy,
            self.redis_url,
        )
        return [
            *(key for key in self.api_keys if key != DEFAULT_API_KEY),
            *self.tokens,
            *(password for address in addresses for password in passwords(address)),
        ]

    @property
    def warnings(self) -> Sequence[str]:
        """Warnings of keys that begin or end with a character copied by mistake."""
        lists = {"HAILUO_API_KEY": self.api_keys, "HAILUO_TOKENS": self.tokens}
        return [
            f"{name}: value {number} begins or ends with a quote, a space or a line "
            "end; remove it unless it belongs to the key"
            for name, values in lists.items()
            for number, value in enumerate(values, 1)
            if _STRAY.match(value) or _STRAY.match(value[-1:])
        ]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the environment. raises: WrongSettings, naming every wrong value."""
        values, errors = {}, []
        for setting in fields(cls):
            name, read = setting.metadata["name"], setting.metadata["read"]
            try:
                value = environ.get(name, setting.metadata["default"])
                values[setting.name] = read(bare(value))
            except ValueError as error:
                errors.append(f'{name}: "{shown(environ[name])}" is not {error}')
        if errors:
            raise WrongSettings("\n".join(errors))
        return cls(**values)
