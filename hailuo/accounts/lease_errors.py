"""Errors of requests that were not leased an account: why, and when to try again."""

from ..errors import (
    AccountsBusy,
    GatewayError,
    NoLiveAccount,
    ShuttingDown,
    Unauthorized,
)
from .account import Use
from .candidates import Candidates

BUSY_RETRY_S = 5.0  # after which an account that answers another request may be free


def shutting_down_error() -> ShuttingDown:
    return ShuttingDown("the server is shutting down: try again", retry_after_s=5)


def no_account_error(candidates: Candidates, use: Use) -> GatewayError:
    """Return the reason why no candidate could serve."""
    live = candidates.live()
    if not live:
        return _dead(candidates)
    cooldowns = [account.cooldown(use) for account in live]
    if all(cooldowns):
        running = list(filter(None, cooldowns))
        # A refusal that passes comes before one that makes retries pointless.
        first = min(
            running,
            key=lambda cooldown: (not cooldown.error.should_retry, cooldown.until),
        )
        return first.error(
            f"every account is cooling down after a refusal: {first.message}",
            retry_after_s=min(account.cooldown_s(use) for account in live),
        )
    return AccountsBusy(
        "every account is busy with other requests: try again, or add accounts",
        retry_after_s=BUSY_RETRY_S,
    )


def _dead(candidates: Candidates) -> GatewayError:
    accounts = candidates.accounts()
    errors = "; ".join(filter(None, [account.last_error for account in accounts]))
    if not candidates.from_caller:
        reason = f"its tokens were rejected ({errors})" if accounts else "it is empty"
        return NoLiveAccount(
            f"the pool has no live account: {reason}. Put a fresh _token into the "
            "tokens file or HAILUO_TOKENS, or send one as the bearer"
        )
    expired = any(account.expired for account in accounts)
    return Unauthorized(
        f"your token was rejected: {errors}. Send a fresh one; for the web service, "
        "sign in at hailuoai.com to get it",
        code="token_expired" if expired else None,
    )
