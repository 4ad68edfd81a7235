"""`hailuo tokens`: the accounts of the pool, in a running gateway or on the file."""

import re
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import click

from .gateways import Failure, Gateway, Location, find
from .options import as_json, with_location
from .output import note, print_json, print_table, progress, when
from .renewal import renew_all

STDIN = "-"
SEE_DOCTOR = "`hailuo doctor` says what to do."

_SEPARATORS = re.compile(r"[\s,]+")


@click.group()
def tokens() -> None:
    """Manage the accounts of the pool.

    The running gateway changes its own pool; if none runs, the tokens file is changed.
    """


@tokens.command("list")
@with_location
@as_json
def list_accounts(location: Location, as_json: bool) -> None:
    """List the accounts with their state."""
    gateway = find(location)
    listed = gateway.call("GET", "/v1/token")
    if as_json:
        print_json(_origin(gateway) | listed)
        return
    _tell_origin(gateway)
    _print_accounts(listed["data"])
    _tell_problem(listed)


@tokens.command()
@click.argument("credentials", metavar="[TOKEN|-]...", nargs=-1)
@with_location
@as_json
def add(location: Location, credentials: Sequence[str], as_json: bool) -> None:
    """Add tokens or platform keys to the pool.

    Without one, it is asked for and not shown; "-" reads standard input, where blanks
    or commas separate them.
    """
    sent = _read(credentials)
    gateway = find(location)
    changes = gateway.call("POST", "/v1/token", {"tokens": sent})
    _require_saved(gateway)
    if as_json:
        print_json(_origin(gateway) | changes)
        return
    _tell_origin(gateway)
    counts = (f"{changes[name]} {name}" for name in ("added", "updated", "unchanged"))
    click.echo(f"{', '.join(counts)}; {changes['total']} in all")


@tokens.command()
@click.argument("accounts", metavar="ACCOUNT...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@with_location
@as_json
def remove(
    location: Location, accounts: Sequence[str], yes: bool, as_json: bool
) -> None:
    """Remove accounts, by the names that `list` shows, with all their tokens."""
    gateway = find(location)
    _require_known(accounts, gateway)
    if not yes:
        _tell_origin(gateway)
        _confirm(f"Remove {', '.join(accounts)}?")
    for account in accounts:
        gateway.call("DELETE", f"/v1/token/{quote(account, safe='')}")
    _require_saved(gateway)
    if as_json:
        print_json(_origin(gateway) | {"removed": list(accounts)})
    else:
        click.echo(f"removed: {', '.join(accounts)}")


@tokens.command()
@click.argument("accounts", metavar="[ACCOUNT]...", nargs=-1)
@with_location
@as_json
def check(location: Location, accounts: Sequence[str], as_json: bool) -> int:
    """Ask the services whether they accept the accounts' tokens, by default all.

    A positive answer is kept for 10 minutes. The exit code is 1 if a token is not
    accepted or could not be checked, or the file could not be read.
    """
    gateway = find(location)
    listed = _require_known(accounts, gateway)
    kinds = {account["account"]: account["kind"] for account in listed["data"]}
    names = accounts or list(kinds)
    with progress("Checking") as show:
        results = []
        for number, name in enumerate(names):
            show(number, len(names))
            results.append({"account": name, "kind": kinds[name]} | _ask(gateway, name))
    if as_json:
        print_json(_origin(gateway) | {"accounts": results})
    else:
        _tell_origin(gateway)
        print_table(("ACCOUNT", "KIND", "LIVE", "ERROR"), map(_check_row, results))
        if any(result["live"] is False for result in results):
            note(
                "Replace what is not accepted by a new token or key: `hailuo tokens "
                "add`. `hailuo doctor` says where you get one."
            )
    _tell_problem(listed)
    return 0 if all(each["live"] for each in results) and not listed["problem"] else 1


@tokens.command()
@with_location
@as_json
def refresh(location: Location, as_json: bool) -> int:
    """Renew the tokens of the file now; the old ones are then invalid.

    The exit code is 1 if one was not renewed.
    """
    gateway = find(location)
    outcome = renew_all(gateway)
    if as_json:
        print_json(_origin(gateway) | outcome)
    else:
        _tell_origin(gateway)
        rows = [
            (each["account"], _yes(each["renewed"]), each["error"] or "")
            for each in outcome["accounts"]
        ]
        print_table(("ACCOUNT", "RENEWED", "ERROR"), rows)
        if not rows:
            note("There is no token to renew: only those of the file are renewed.")
    return 1 if outcome["failed"] else 0


def _read(credentials: Sequence[str]) -> list[str]:
    """Return tokens from the arguments, standard input or a prompt that hides them."""
    if not credentials and not sys.stdin.isatty():
        credentials = [STDIN]
    if not credentials:
        credentials = [click.prompt("Token", hide_input=True, err=True)]
    texts = (sys.stdin.read() if each == STDIN else each for each in credentials)
    tokens = [word for text in texts for word in _SEPARATORS.split(text) if word]
    if not tokens:
        raise Failure("no token was given")
    return tokens


def _require_known(accounts: Sequence[str], gateway: Gateway) -> dict[str, Any]:
    """Return the listing of the pool. raises: Failure for a name that is not in it."""
    listed = gateway.call("GET", "/v1/token")
    names = {account["account"] for account in listed["data"]}
    if unknown := [name for name in accounts if name not in names]:
        reason = listed["problem"] or "`hailuo tokens list` shows their names"
        raise Failure(f"the pool has no account {', '.join(unknown)}: {reason}")
    return listed


def _require_saved(gateway: Gateway) -> None:
    """Tell if a change is not on disk. raises: Failure if it is lost, therefore."""
    listed = gateway.call("GET", "/v1/token")
    if listed["persisted"]:
        return
    if gateway.via == "file":
        raise Failure(f"nothing was changed: {listed['problem']}\n{SEE_DOCTOR}")
    note(f"The change is not on disk, only in the gateway: {listed['problem']}")


def _confirm(question: str) -> None:
    """Ask for confirmation. raises: Failure without it."""
    try:
        confirmed = click.confirm(question, err=True)
    except click.Abort as abort:
        if not isinstance(abort.__context__, EOFError):
            raise
        click.echo(err=True)
        raise Failure("nothing was removed: without a terminal, add --yes") from None
    if not confirmed:
        raise Failure("nothing was removed")


def _ask(gateway: Gateway, account: str) -> dict[str, Any]:
    """Return whether a service accepts an account's token, None if it is not known."""
    try:
        live = gateway.call("POST", "/v1/token/check", {"account": account})["live"]
    except Failure as failure:
        return {"live": None, "error": failure.message}
    return {"live": live, "error": None}


def _print_accounts(accounts: Sequence[dict[str, Any]]) -> None:
    headings = ("ACCOUNT", "KIND", "STATE", "TOKEN", "EXPIRES", "FROM", "LAST ERROR")
    rows = [
        (
            account["account"],
            account["kind"],
            account["state"],
            account["token"],
            when(account["expires_at"]),
            account["source"],
            account["last_error"] or "",
        )
        for account in accounts
    ]
    print_table(headings, rows)


def _check_row(result: dict[str, Any]) -> Sequence[str]:
    live = "unknown" if result["live"] is None else _yes(result["live"])
    return result["account"], result["kind"], live, result["error"] or ""


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _origin(gateway: Gateway) -> dict[str, Any]:
    """Return where accounts are, for JSON."""
    return {"via": gateway.via, "at": gateway.at}


def _tell_origin(gateway: Gateway) -> None:
    if gateway.via == "file":
        note(f"No gateway runs; this is the tokens file {gateway.at}.")
    elif gateway.simulated:
        note(
            f"The gateway at {gateway.at} runs on its simulator, which knows no real "
            "token: restart it after you have added one."
        )
    else:
        note(f"The gateway at {gateway.at}:")


def _tell_problem(listed: dict[str, Any]) -> None:
    """Tell what is wrong with a listing, or that it is empty."""
    if listed["problem"]:
        note(f"Problem: {listed['problem']}\n{SEE_DOCTOR}")
    elif not listed["data"]:
        note("There is no account: `hailuo tokens add` adds one.")
