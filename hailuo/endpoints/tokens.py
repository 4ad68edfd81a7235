"""The pool's accounts: handed in, looked at, taken out, renewed, and checked.

/v1/token, /v1/token/refresh, /v1/refresh-status take an API key; /token/check takes
none, since who has the token may as well ask the service.
"""

import time
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Request, Response, jsonify, request

from ..accounts.account import Account
from ..accounts.refresh import Outcome
from ..accounts.tokens_file import TokensFile
from ..errors import GatewayError
from ..settings import Settings
from . import app_state, auth, client_request, json_body, rate_limit
from .validation import invalid_field

bp = Blueprint("tokens", __name__)


class UnknownAccount(GatewayError):
    """There is no account of that name in the pool."""

    status = 404
    type = "invalid_request_error"
    code = "unknown_account"


@bp.before_request
def only_the_owner() -> None:
    settings = app_state.get_state().settings
    if request.endpoint != f"{bp.name}.{check.__name__}" or not settings.caller_tokens:
        auth.require_key(request, settings)


@bp.get("/token")
def listed() -> Response:
    here = app_state.get_state()
    return jsonify(
        {
            "object": "list",
            "data": [described(account) for account in here.pool.accounts],
            "persisted": here.credential_store.file.persisted,
            "problem": problem(here.credential_store.file),
        }
    )


@bp.post("/token")
def add() -> Response:
    here = app_state.get_state()
    done = here.credential_store.add(tokens_of(request, here.settings))
    return jsonify(
        {
            **done._asdict(),
            "total": len(here.pool.accounts),
            "accounts": [described(account) for account in here.pool.accounts],
            "persisted": here.credential_store.file.persisted,
        }
    )


@bp.delete("/token/<name>")
def remove(name: str) -> Response:
    """raises: UnknownAccount."""
    here = app_state.get_state()
    for account in here.pool.accounts:
        if account.name == name:
            here.credential_store.remove(account)
            return jsonify({"account": name, "deleted": True})
    raise UnknownAccount(f'there is no account "{name}" in the pool; see /v1/token')


@bp.route("/token/refresh", methods=["GET", "POST"])
def refresh() -> Response:
    here = app_state.get_state()
    watch = client_request.watch(request, here.settings)
    return jsonify(told(here.refresher.now(watch)))


@bp.get("/refresh-status")
def status() -> Response:
    here = app_state.get_state()
    due = (here.refresher.due_at(account) for account in here.pool.accounts)
    return jsonify(
        {
            **told(here.refresher.last or Outcome(0, ())),
            "next_refresh": min((at for at in due if at), default=None),
            "interval_s": here.settings.token_refresh_interval_s,
            "persisted": here.credential_store.file.persisted,
            "problem": problem(here.credential_store.file),
            "ending_soon": [
                each.name
                for each in here.pool.accounts
                if here.refresher.ends_soon(each)
            ],
        }
    )


@bp.post("/token/check")
def check() -> Response:
    """Whoever has many tokens that do not live is slowed like one who is refused."""
    here = app_state.get_state()
    token = token_of(request, here.settings)
    trusted = auth.is_owner(request, here.settings) or here.catalog.knows(token)
    if not trusted:
        rate_limit.check(request)
    watch = client_request.watch(request, here.settings)
    live = here.catalog.is_token_valid(token, watch)
    if not live and not trusted:
        rate_limit.count(request)
    return jsonify({"live": live})


def told(outcome: Outcome) -> dict[str, Any]:
    """A refresh, its time in Unix seconds; null before the first."""
    return {
        "last_refresh": outcome.at or None,
        "success": len(outcome.renewals) - outcome.failed,
        "failed": outcome.failed,
        "accounts": [
            {"account": account, "renewed": not error, "error": error or None}
            for account, error in outcome.renewals
        ],
    }


def problem(file: TokensFile) -> str | None:
    """What is wrong with the tokens file."""
    return file.problem or file.write_error or None


def described(account: Account) -> dict[str, Any]:
    """An account for its owner's eyes: times in Unix seconds, the token masked."""
    ago_s = time.monotonic() - account.slot.used_at
    now, cooldowns = time.time(), account.cooldowns.running()
    return {
        "account": account.name,
        "kind": account.kind,
        "state": account.state,
        "resting_until": now + max(cooldowns.values()) if cooldowns else None,
        "source": account.source,
        "token": masked(account.token),
        "expires_at": account.identity.expires_at,
        "last_used": now - ago_s if account.slot.used_at else None,
        "last_error": account.last_error or None,
        "answers": account.answer_count,
    }


def masked(token: str) -> str:
    """Enough to recognise one's own token by, and nobody else's to use."""
    return f"{token[:4]}…{token[-4:]}" if len(token) >= 24 else "…"


def tokens_of(request: Request, settings: Settings) -> Mapping[str, str]:
    """Credentials that are handed in: `tokens` or `token`, one, joined, or a list.

    returns: each by its field: token, tokens, tokens[1].
    raises: BadRequest, naming the one that is none.
    """
    body = json_body.read(request, settings, json_body.MAX_TOKENS_BYTES)
    name = "tokens" if body.get("tokens") is not None else "token"
    found = body.get(name)
    alone = isinstance(found, str) and "," not in found
    found = found.split(",") if isinstance(found, str) else found
    if not isinstance(found, list) or not found:
        raise invalid_field(name, "a string, comma-joined or not, or a list of strings")
    named = {name if alone else f"{name}[{at}]": each for at, each in enumerate(found)}
    for path, each in named.items():
        if not isinstance(each, str) or not each.strip():
            raise invalid_field(path, "a string that is not empty")
    return {path: each.strip() for path, each in named.items()}


def token_of(request: Request, settings: Settings) -> str:
    """The one credential to check. raises: BadRequest."""
    found = json_body.read(request, settings, json_body.MAX_TOKEN_BYTES).get("token")
    if not isinstance(found, str) or not found.strip():
        raise invalid_field("token", "a string that is not empty")
    return found.strip()
