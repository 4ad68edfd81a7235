"""SharedJournal: tells other processes what happens to credentials.

A rejection, a cooldown and the number of answers belong to the digest of a token, so a
renewed one begins with a fresh state.
"""

import orjson

from ...errors import PlanUsedUp
from ..account import CHAT, Account, Use
from ..cooldowns import Cooldown, Limit
from .client import Operation, SharedClient, fingerprint
from .clock import SharedClock
from .outbox import Outbox


def limit_name(limit: Limit) -> str:
    """Return the name of a limit in a credential's state."""
    return encodable(":".join(limit))


def encodable(text: str) -> str:
    """Return *text* without lone surrogates, which clients may send in names."""
    return text.encode("utf-8", "replace").decode()


class SharedJournal:
    """Journal that other processes read; a Journal (account.py)."""

    def __init__(
        self, client: SharedClient, outbox: Outbox, clock: SharedClock
    ) -> None:
        self._client = client
        self._outbox = outbox
        self._clock = clock

    def answered(self, account: Account, use: Use, since: float) -> None:
        """Record an answer. A client's credential has no count, only cooldowns."""
        if account.client_credential and not account.cooldowns:
            return
        limits = {(use.purpose, ""), (use.purpose, account.model(use))}
        self._add(
            "answered",
            account,
            limits=[limit_name(limit) for limit in limits],
            since=min(self._clock.shared_ms(since), 1e15),
        )

    def refused(self, account: Account, limit: Limit, cooldown: Cooldown) -> None:
        """Record a cooldown, at once: others must not run into the same refusal."""
        shown = {
            "began": round(self._clock.shared_ms(cooldown.began_at)),
            "length_s": cooldown.length_s,
            "error": cooldown.error.__name__,
            "message": encodable(cooldown.message),
        }
        self._add(
            "refused",
            account,
            limit=limit_name(limit),
            until_ms=round(self._clock.shared_ms(cooldown.until)),
            cooldown=shown,
            message=encodable(cooldown.message),
        )
        self._outbox.flush()

    def rejected(self, account: Account) -> None:
        """Record that a credential is dead, at once."""
        self._add("rejected", account, message=encodable(account.last_error))
        self._outbox.flush()

    def told_quota(self, account: Account, since: float) -> None:
        """Record a quota, sent along with the cooldown that may follow from it."""
        quota = account.quota
        self._add(
            "quota",
            account,
            quota=orjson.dumps(quota._asdict()).decode() if quota else None,
            ends=PlanUsedUp.__name__ if quota else None,
            purpose=CHAT.purpose,
            since=self._clock.shared_ms(since),
        )

    def may_ask_quota(self, account: Account, interval_s: float) -> bool:
        """Return whether no process has asked within *interval_s*."""
        (is_first,) = self._client.run(
            {
                "op": "lock",
                "slot": f"quota:{fingerprint(account.token)}",
                "owner": self._client.process,
                "lock_ms": round(1000 * interval_s),
            }
        )
        return bool(is_first)

    def _add(self, op: str, account: Account, **fields: object) -> None:
        digest = fingerprint(account.token)
        operation: Operation = {"op": op, "digest": digest, **fields}
        self._outbox.add(operation)
