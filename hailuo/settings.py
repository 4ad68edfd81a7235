"""Settings: names, defaults and meanings, read once from the environment.

    settings = Settings.read(os.environ)      # or Settings(origin=…) in a test

A wrong value stops the start; the error names all wrong values at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from .setting_values import (
    STRAY,
    address,
    bare,
    choice,
    keys,
    lease,
    passwords,
    port,
    proxy,
    redis_address,
    seconds,
    seconds_or_never,
    shown,
    switch,
    text,
    whole,
    words,
)

DEFAULT_API_KEY = "sk-hailuofreeapi"  # publicly known: for loopback clients only


class WrongSettings(Exception):
    """Wrong values, one sentence a line, which names the setting and its error."""


def setting(name: str, default: str, read: Callable[[str], Any], meaning: str) -> Any:
    """Return a field of Settings, with its environment variable as metadata."""
    metadata = {"name": name, "default": default, "read": read, "meaning": meaning}
    return field(default=read(default), metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings. Seconds are floats, MB are 1,048,576 bytes."""

    port: int = setting("PORT", "8000", port, "port; binds `0.0.0.0`")
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
        "auto",
        choice("auto", "web", "platform"),
        "which accounts of a mixed pool serve first: `web`, `platform`, or `auto`: the "
        "platform for tools, images and structured output, web accounts for the rest",
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
    web_tools: bool = setting(
        "HAILUO_WEB_TOOLS", "1", switch, "0: tools are ignored on the web upstream"
    )
    replace_audio_model: str = setting(
        "REPLACE_AUDIO_MODEL",
        "",
        text,
        "voices for alloy, echo, fable, onyx, nova, shimmer, comma-separated",
    )
    strict_voices: bool = setting(
        "HAILUO_STRICT_VOICES",
        "0",
        switch,
        "1: a voice that the platform does not have is an error, not the nearest one",
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
    def preferred_origin(self) -> str:
        """Address of the upstream that serves first."""
        return self.platform_origin if self.prefer == "platform" else self.origin

    @property
    def secrets(self) -> Sequence[str]:
        """Secrets of the owner: keys, tokens, passwords."""
        addresses = [
            getattr(self, setting.name)
            for setting in fields(self)
            if setting.metadata["read"] in (address, proxy, redis_address)
        ]
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
            if STRAY.match(value) or STRAY.match(value[-1:])
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
