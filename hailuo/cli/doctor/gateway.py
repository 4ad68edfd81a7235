"""The gateway: whether it runs and serves, or could be started."""

from collections.abc import Iterator, Sequence
from typing import Any

from ...net import listening
from ...settings import Settings
from ..gateways import Failure, Location, RunningGateway
from . import bounded
from .findings import Finding, error, ok, warning

CHECK = "gateway"
LIMIT_S = 15.0


def findings(location: Location, settings: Settings) -> Sequence[Finding]:
    """Check the running gateway, or else the port that one would use."""
    cure = "correct the address of the gateway, or start it again"
    late = [error(CHECK, "it does not answer in time", cure)]
    tasks = [lambda: list(_examine(location, settings))]
    return bounded.run(tasks, LIMIT_S)[0] or late


def _examine(location: Location, settings: Settings) -> Iterator[Finding]:
    try:
        gateway = location.gateway(settings)
        if gateway.is_running():
            yield _running_finding(gateway)
            yield from _pool_findings(gateway)
            return
    except Failure as failure:
        yield error(
            CHECK,
            failure.message,
            "stop the program that uses the gateway's port, or correct the address",
        )
        return
    if location.url:
        yield error(
            CHECK,
            f"none answers at {gateway.at}",
            "start it there (hailuo serve), or correct --url or HAILUO_URL",
        )
    else:
        yield _port_finding(settings.port)


def _running_finding(gateway: RunningGateway) -> Finding:
    if gateway.simulated:
        return warning(
            CHECK,
            f"one runs at {gateway.at}, on its simulator, which knows no real token",
            "add a token (`hailuo tokens add`), and start it again",
        )
    return ok(CHECK, f"one runs at {gateway.at}")


def _pool_findings(gateway: RunningGateway) -> Iterator[Finding]:
    try:
        listed = gateway.call("GET", "/v1/token")
    except Failure as failure:
        message, _, cure = failure.message.partition("\n")
        yield error("gateway key", message, cure or "see the gateway's log")
        return
    yield ok("gateway key", "the gateway accepts it")
    if not gateway.simulated:
        yield _accounts_finding(listed["data"])
    if problem := listed["problem"]:
        yield error(
            "gateway pool",
            problem,
            "make the tokens file readable and writable for the gateway; it reads and "
            "writes it again by itself",
        )


def _accounts_finding(accounts: Sequence[dict[str, Any]]) -> Finding:
    dead = [account["account"] for account in accounts if account["state"] == "dead"]
    if dead:
        return error(
            "gateway pool",
            f"{len(dead)} of {len(accounts)} accounts are dead: {', '.join(dead)}",
            "give each a new token with `hailuo tokens add`, or remove it with "
            "`hailuo tokens remove`",
        )
    if not accounts:
        return warning(
            "gateway pool", "it has no account", "add one with `hailuo tokens add`"
        )
    return ok(
        "gateway pool", f"accounts that it has not seen rejected: {len(accounts)}"
    )


def _port_finding(port: int) -> Finding:
    """Check that the port of a gateway that does not run is free."""
    if obstacle := listening.obstacle(port):
        return error("port", obstacle.reason, obstacle.cure)
    return ok("port", f"no gateway runs; port {port} is free (start: hailuo serve)")
