"""Management of the pool's accounts: add, list, remove, renew and check tokens.

/v1/token, /v1/token/refresh and /v1/refresh-status require an API key. /v1/token/check
does not, because anyone who has a token could also ask the service.
"""

import time
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Request, Response, jsonify, request

from ..accounts.account import Account
from ..accounts.pool import Pool
from ..accounts.refresh import Outcome
from ..errors import GatewayError
from ..settings import Settings
from ..upstream import Quota
from . import app_state, auth, client_request, json_body, rate_limit
from .validation import invalid_field

bp = Blueprint("tokens", __name__)


class UnknownAccount(GatewayError):
    """The pool has no account of this name."""

    status = 404
    type = "invalid_request_error"
    code = "unknown_account"


@bp.before_request
def require_key() -> None:
    """Require an API key, except for a check if clients may bring tokens."""
    settings = app_state.get_state().settings
    if request.endpoint != f"{bp.name}.{check.__name__}" or not settings.caller_tokens:
        auth.require_key(request, settings)


@bp.get("/token")
def list_accounts() -> Response:
    """List the accounts of the pool. raises: PoolUnavailable."""
    state = app_state.get_state()
    return jsonify(
        {
            "object": "list",
            **described_process(state.pool),
            "data": described_accounts(state.pool),
            "persisted": state.credential_store.persisted,
            "problem": state.credential_store.problem or None,
        }
    )


@bp.post("/token")
def add() -> Response:
    """Add accounts to the pool, and save their tokens."""
    state = app_state.get_state()
    changes = state.credential_store.add(read_tokens(request, state.settings))
    return jsonify(
        {
            **changes._asdict(),
            "total": len(state.pool.accounts),
            "accounts": described_accounts(state.pool),
            "persisted": state.credential_store.persisted,
        }
    )


@bp.delete("/token/<name>")
def remove(name: str) -> Response:
    """Remove an account from the pool. raises: UnknownAccount."""
    state = app_state.get_state()
    state.credential_store.remove(find_account(state.pool, name))
    return jsonify({"account": name, "deleted": True})


@bp.route("/token/refresh", methods=["GET", "POST"])
def refresh() -> Response:
    """Renew the tokens of the pool now."""
    state = app_state.get_state()
    watch = client_request.watch(request, state.settings)
    outcome = describe_outcome(state.refresher.now(watch))
    return jsonify({**described_process(state.pool), **outcome})


@bp.get("/refresh-status")
def status() -> Response:
    """Report the last refresh and the next one."""
    state = app_state.get_state()
    due = (state.refresher.due_at(account) for account in state.pool.accounts)
    running = state.refresher.progress
    return jsonify(
        {
            **described_process(state.pool),
            **describe_outcome(state.refresher.last or Outcome(0, ())),
            "next_refresh": min((at for at in due if at), default=None),
            "interval_s": state.settings.token_refresh_interval_s,
            "running": running and running._asdict(),
            "persisted": state.credential_store.persisted,
            "problem": state.credential_store.problem or None,
            "ending_soon": [
                account.name
                for account in state.pool.accounts
                if state.refresher.ends_soon(account)
            ],
        }
    )


@bp.post("/token/check")
def check() -> Response:
    """Check a token, or for the owner that of an account of the pool.

    Invalid tokens count towards the rate limit of refusals.
    raises: UnknownAccount.
    """
    state = app_state.get_state()
    is_owner = auth.is_owner(request, state.settings)
    token = read_token(request, state.settings, state.pool if is_owner else None)
    trusted = is_owner or state.catalog.knows(token)
    if not trusted:
        rate_limit.check(request)
    watch = client_request.watch(request, state.settings)
    live = state.catalog.is_token_valid(token, watch)
    if not live and not trusted:
        rate_limit.count(request)
    return jsonify({"live": live})


def find_account(pool: Pool, name: str) -> Account:
    """Return the pool's account of this name. raises: UnknownAccount."""
    for account in pool.accounts:
        if account.name == name:
            return account
    raise UnknownAccount(
        f'the pool has no account "{name}"; GET /v1/token lists the accounts'
    )


def describe_outcome(outcome: Outcome) -> dict[str, Any]:
    """Describe a refresh, with its time in Unix seconds, or null before the first."""
    return {
        "last_refresh": outcome.at or None,
        "success": len(outcome.renewals) - outcome.failed,
        "failed": outcome.failed,
        "accounts": [
            {"account": account, "renewed": not error, "error": error or None}
            for account, error in outcome.renewals
        ],
    }


def described_process(pool: Pool) -> dict[str, Any]:
    """Return the name of the process that answers, if others share its pool."""
    return {"process": pool.process} if pool.process else {}


def described_accounts(pool: Pool) -> list[dict[str, Any]]:
    """Describe the accounts of the pool, as they are in all processes that share it.

    raises: PoolUnavailable.
    """
    pool.refresh()
    return [
        describe_account(account)
        | ({"processes": pool.holders(account)} if pool.process else {})
        for account in pool.accounts
    ]


def describe_account(account: Account) -> dict[str, Any]:
    """Describe an account: times in Unix seconds, and a masked token."""
    idle_s = time.monotonic() - account.slot.used_at
    now, cooldowns = time.time(), account.cooldowns.running()
    return {
        "account": account.name,
        "kind": account.kind,
        "state": account.state,
        "resting_until": now + max(cooldowns.values()) if cooldowns else None,
        "source": account.source,
        "token": mask(account.token),
        "expires_at": account.identity.expires_at,
        "last_used": now - idle_s if account.slot.used_at else None,
        "last_error": account.last_error or None,
        "answers": account.answer_count,
        "quota": describe_quota(account.quota) if account.quota else None,
    }


def describe_quota(quota: Quota) -> dict[str, float | None]:
    """Describe what is left of a plan in per cent, with times in Unix seconds."""
    return {
        "window_percent": quota.window_percent,
        "window_resets_at": whole(quota.window_resets_at),
        "week_percent": quota.week_percent,
        "week_resets_at": whole(quota.week_resets_at),
        "asked_at": whole(quota.asked_at),
    }


def whole(seconds: float | None) -> int | None:
    """Return whole seconds."""
    return None if seconds is None else round(seconds)


def mask(token: str) -> str:
    """Return a token's ends, by which its owner can recognize it."""
    return f"{token[:4]}…{token[-4:]}" if len(token) >= 24 else "…"


def read_tokens(request: Request, settings: Settings) -> Mapping[str, str]:
    """Read the credentials in `tokens` or `token`: one, comma-joined, or a list.

    returns: each by its field: token, tokens, tokens[1].
    raises: BadRequest, naming the invalid one.
    """
    body = json_body.read(request, settings, json_body.MAX_TOKENS_BYTES)
    name = "tokens" if body.get("tokens") is not None else "token"
    tokens = body.get(name)
    single = isinstance(tokens, str) and "," not in tokens
    tokens = tokens.split(",") if isinstance(tokens, str) else tokens
    if not isinstance(tokens, list) or not tokens:
        raise invalid_field(
            name, "a string, which may be comma-joined, or a list of strings"
        )
    by_field = {
        name if single else f"{name}[{at}]": token for at, token in enumerate(tokens)
    }
    for path, token in by_field.items():
        if not isinstance(token, str) or not token.strip():
            raise invalid_field(path, "a string that is not empty")
    return {path: token.strip() for path, token in by_field.items()}


def read_token(request: Request, settings: Settings, pool: Pool | None) -> str:
    """Read the credential to check.

    pool: whose accounts the client may name; None for a client without an API key.
    raises: BadRequest, UnknownAccount.
    """
    body = json_body.read(request, settings, json_body.MAX_TOKEN_BYTES)
    name, token = body.get("account"), body.get("token")
    if pool and token is None and isinstance(name, str):
        return find_account(pool, name).token
    if not isinstance(token, str) or not token.strip():
        raise invalid_field("token", "a string that is not empty")
    return token.strip()
