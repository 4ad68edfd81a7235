"""Values of settings: how each is read from the text of a variable.

Each function returns the value; it raises ValueError, which says what the text is not.
"""

import re
from collections.abc import Callable, Sequence
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

MIN_LEASE_S = 3
MAX_PORT = 65_535
QUOTES = "\"'"
# Characters that are copied along with a key by mistake: quotes of all kinds, escaped
# line ends, invisible characters.
STRAY = re.compile(r"[\"'`“”‘’«»„\s]|\\[nr]|[\x00-\x1f\x7f\u200b-\u200f\ufeff]")


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


def port(value: str) -> int:
    number = int(value) if value.strip().isdecimal() else 0
    if not 0 < number <= MAX_PORT:
        raise ValueError(f"a port: a whole number from 1 to {MAX_PORT}")
    return number


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
    encoded = [parts.password or "", *parse_qs(parts.query).get("password", ())]
    return [form for each in encoded if each for form in (each, unquote(each))]
