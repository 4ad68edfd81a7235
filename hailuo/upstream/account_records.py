"""Accounts as they cross an upstream's border."""

from typing import NamedTuple, Protocol


class Identity(NamedTuple):
    """An account as its credential describes it: a hint, never proof.

    source: SECURITY.md, Credentials.

    kind: the kind of the upstream that accepts the credential.
    account: the account's id; credentials of one account share its capacity.
    name: the account's name in logs and in answers; it is not secret.
    expires_at: when the credential expires, in Unix seconds; None if it does not say.
    capacity: answers that the account can stream at once; None for no limit.
    renewable: whether the upstream issues a new credential before this one expires.
    has_plan: whether it belongs to a plan whose quota the upstream may tell.
    """

    kind: str
    account: str
    name: str
    expires_at: float | None = None
    capacity: int | None = 1
    renewable: bool = False
    has_plan: bool = False


class Credential(Protocol):
    """An account as an upstream sees it.

    token: the secret to send; a renewal changes it.
    name: the account's name in logs.
    """

    @property
    def token(self) -> str: ...

    @property
    def name(self) -> str: ...
