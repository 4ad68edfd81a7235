"""The services: whether each can be reached, and accepts the accounts' credentials."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from urllib.parse import urlsplit

from ...errors import GatewayError
from ...net import reachability
from ...net.client import HttpClient
from ...net.reachability import Reach
from ...setting_values import shown
from ...settings import Settings
from ...upstream import Upstream, registry
from ..output import lasting, when
from . import bounded
from .file import Credential
from .findings import Finding, error, ok, warning

PROBE_S = 8.0
ACCOUNTS_S = 20.0
MAX_SKEW_S = 60.0  # of the clock; signatures and expiries depend on it
SOON_S = 3 * 86_400.0

NO_NETWORK = "check this machine's network, and whether a firewall blocks it"
CURES = {
    reachability.DNS: "check this machine's network and name server (/etc/resolv.conf)",
    reachability.PROXY: "check that the proxy of HAILUO_PROXY runs, its address, user "
    "and password",
    reachability.TLS: "check the clock, and whether a proxy or an antivirus program "
    "replaces certificates; `pip install --upgrade certifi` renews the known ones",
    reachability.CONNECTION: NO_NETWORK,
    reachability.SILENCE: f"{NO_NETWORK}; try again later",
}
REASONS = {
    reachability.DNS: "its name is not known",
    reachability.PROXY: "the proxy does not connect to it",
    reachability.TLS: "its certificate is not accepted",
    reachability.CONNECTION: "it does not accept connections",
    reachability.SILENCE: "it does not answer",
}
RENEWAL = {
    "web": "sign in at https://hailuoai.com again, copy `_token`, and run "
    "`hailuo tokens add`",
    "platform": "make a new key at https://platform.minimax.io, and run "
    "`hailuo tokens add`",
}


def findings(
    settings: Settings, credentials: Sequence[Credential]
) -> Iterator[Finding]:
    """Check the services, and the credentials with those that can be reached."""
    origins = {"web": settings.origin, "platform": settings.platform_origin}
    tasks = [
        partial(reachability.probe, origin, settings.proxy, PROBE_S)
        for origin in origins.values()
    ]
    # A look-up may hang, and a connection takes some time before the probe's limit.
    reaches = bounded.run(tasks, 2 * PROBE_S)
    results = {
        kind: reach or Reach(reachability.SILENCE)
        for kind, reach in zip(origins, reaches, strict=True)
    }
    used = {credential.identity.kind for credential in credentials}
    for kind, reach in results.items():
        yield _reach_finding(
            kind, origins[kind], reach, needed=kind in used or not used
        )
    yield from _clock_findings(results.values())
    reachable = [kind for kind, reach in results.items() if not reach.failure]
    yield from _account_findings(settings, credentials, reachable)


def _reach_finding(kind: str, origin: str, reach: Reach, needed: bool) -> Finding:
    check, address = f"{kind} service", shown(origin)
    if not reach.failure and reach.status < 500:
        return ok(check, f"{address} can be reached")
    if not reach.failure:
        reason, cure = f"it answers with HTTP {reach.status}", "try again later"
    else:
        reason, cure = REASONS[reach.failure], CURES[reach.failure]
        if reach.failure == reachability.DNS and _is_changed(kind, origin):
            cure = f"correct {_setting(kind)}"
    problem = error if needed else warning
    return problem(check, f"{address} cannot be used: {reason}", cure)


def _setting(kind: str) -> str:
    return "HAILUO_ORIGIN" if kind == "web" else "HAILUO_PLATFORM_ORIGIN"


def _is_changed(kind: str, origin: str) -> bool:
    """Return whether an address is not the default one."""
    default = Settings().origin if kind == "web" else Settings().platform_origin
    return urlsplit(origin).hostname != urlsplit(default).hostname


def _clock_findings(reaches: Iterable[Reach]) -> Iterator[Finding]:
    """Compare the clock with those of the services."""
    skews = [reach.sent_at - time.time() for reach in reaches if reach.sent_at]
    if not skews:
        return
    skew_s = min(skews, key=abs)
    if abs(skew_s) <= MAX_SKEW_S:
        yield ok("clock", "it agrees with the services'")
        return
    direction = "slow" if skew_s > 0 else "fast"
    yield error(
        "clock",
        f"it is {lasting(abs(skew_s))} {direction}, so tokens seem valid or expired "
        "when they are not",
        "have it set over the network: timedatectl set-ntp true",
    )


def _account_findings(
    settings: Settings, credentials: Sequence[Credential], reachable: Sequence[str]
) -> Iterator[Finding]:
    upstreams = registry.build(settings, HttpClient(settings.proxy))
    asked = [each for each in credentials if each.identity.kind in reachable]
    tasks = [partial(_is_live, upstreams, credential) for credential in asked]
    outcomes = dict(zip(asked, bounded.run(tasks, ACCOUNTS_S), strict=True))
    for credential in credentials:
        if credential in outcomes:
            yield _account_finding(settings, credential, outcomes[credential])
        else:
            yield warning(
                _name(credential),
                "it was not checked: its service cannot be reached",
                "see above",
            )


def _is_live(upstreams: Mapping[str, Upstream], credential: Credential) -> bool | str:
    """Return whether a service accepts a credential, or why it could not be asked."""
    try:
        return upstreams[credential.identity.kind].is_token_valid(credential.token)
    except GatewayError as error:
        return error.message


def _account_finding(
    settings: Settings, credential: Credential, live: bool | str | None
) -> Finding:
    name, kind = _name(credential), credential.identity.kind
    expires_at = credential.identity.expires_at
    if isinstance(live, str) or live is None:
        reason = live or "no answer in time"
        return warning(name, f"it could not be checked: {reason}", "try again later")
    if not live and expires_at and expires_at < time.time():
        return error(name, f"its token expired {when(expires_at)}", RENEWAL[kind])
    if not live:
        return error(name, "its service does not accept the token", RENEWAL[kind])
    if expires_at is None:
        return ok(name, "it lives; its credential does not expire")
    message = f"it lives; its token ends {when(expires_at)}"
    if expires_at - time.time() >= SOON_S:
        return ok(name, message)
    if not credential.identity.renewable or not settings.token_refresh_interval_s:
        return warning(name, f"{message} and is not renewed", RENEWAL[kind])
    if credential.source == "environment":
        message = f"{message}, and tokens of HAILUO_TOKENS are not renewed"
        return warning(name, message, "move it to the file: hailuo tokens add")
    return ok(name, f"{message}, and is renewed before")


def _name(credential: Credential) -> str:
    return f"account {credential.identity.name}"
