"""The settings: wrong values, misspelt names, and the safety of the keys."""

import difflib
import socket
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ...settings import DEFAULT_API_KEY, Settings, WrongSettings
from .findings import Finding, error, ok, warning

MIN_KEY = 16  # characters of a key that cannot be guessed
WEB_SERVER_PORTS = (80, 443)
CONNECT_S = 0.5
NEW_KEY = "set HAILUO_API_KEY to a key of your own, such as `openssl rand -hex 24`"

OTHER_NAMES = ("HAILUO_URL",)  # of the command line
CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")
# Variables of hosts whose programs are reached through a proxy of theirs.
HOSTS = ("KUBERNETES_SERVICE_HOST", "DYNO", "RENDER", "FLY_APP_NAME", "VERCEL")

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    each.metadata["name"]: each.metadata for each in fields(Settings)
}


def read(environ: Mapping[str, str]) -> tuple[Settings, list[Finding]]:
    """Return the settings, with defaults in place of wrong values, and findings."""
    findings = list(_misspelt(environ))
    right = {}
    for name in filter(environ.__contains__, SETTINGS):
        try:
            Settings.read({name: environ[name]})
            right[name] = environ[name]
        except WrongSettings as wrong:
            findings.append(_wrong(name, str(wrong)))
    settings = Settings.read(right)
    findings += [
        warning("settings", message, "remove that character from the value")
        for message in settings.warnings
    ]
    if not findings:
        count = len(SETTINGS.keys() & environ.keys())
        findings.append(ok("settings", f"{count} set, all understood"))
    return settings, findings


def key_findings(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Check that the keys cannot be guessed, and the default key is safe here."""
    own = [key for key in settings.api_keys if key != DEFAULT_API_KEY]
    short = [key for key in own if len(key) < MIN_KEY]
    if short:
        yield warning(
            "key",
            f"a key has fewer than {MIN_KEY} characters, so it may be guessed",
            NEW_KEY,
        )
    if DEFAULT_API_KEY not in settings.api_keys:
        if not short:
            yield ok("key", "the gateway has a key of its own")
    elif reason := _danger(environ):
        yield warning(
            "key",
            f"the default key is in use and {reason}; everyone knows that key, and "
            "what is forwarded without X-Forwarded-For looks like this machine's own",
            NEW_KEY,
        )
    else:
        yield ok(
            "key",
            "the default key serves only programs on this machine; before you forward "
            f"the port or put a proxy in front, {NEW_KEY}",
        )


def _wrong(name: str, message: str) -> Finding:
    metadata = SETTINGS[name]
    default = metadata["default"]
    usual = f"its default is {default}" if default else "it is empty by default"
    meaning = metadata["meaning"].replace("`", "")
    return error("settings", message, f"correct it or unset it; {usual} ({meaning})")


def _misspelt(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a warning for each variable that looks like a setting and is none."""
    for name in sorted(environ):
        known = name in SETTINGS or name in OTHER_NAMES
        if name.startswith("HAILUO_") and not known:
            close = difflib.get_close_matches(name, SETTINGS, 1)
            cure = f"rename it to {close[0]}" if close else "remove it"
            message = f"{name} is not a setting, so it has no effect"
            yield warning("settings", message, cure)


def _danger(environ: Mapping[str, str]) -> str:
    """Return why requests from elsewhere may come through a proxy, "" if none does."""
    if any(name in environ for name in HOSTS):
        return "this is a hosting platform, whose proxy forwards all requests"
    if any(Path(mark).exists() for mark in CONTAINER_MARKS):
        return "this is a container, whose clients are all outside of it"
    for port in WEB_SERVER_PORTS:
        with socket.socket() as probe:
            probe.settimeout(CONNECT_S)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return f"a web server listens on port {port}, which may be a proxy"
    return ""
