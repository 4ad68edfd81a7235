"""Candidates: the accounts that may serve a request, as they are at each use."""

from collections.abc import Callable, Collection, Sequence

from .account import Account, Use


class Candidates:
    """The accounts that may serve a request.

    accounts: returns them; the pool's may change while a request waits.
    from_caller: whether the client sent their credentials, and has to replace bad ones.
    kinds: returns the kinds of the accounts; by default it looks at each account.
    """

    def __init__(
        self,
        accounts: Callable[[], Sequence[Account]],
        from_caller: bool,
        kinds: Callable[[], Collection[str]] | None = None,
    ) -> None:
        self.accounts = accounts
        self.from_caller = from_caller
        self.kinds = kinds or (lambda: {account.kind for account in accounts()})

    def where(self, fits: Callable[[Account], bool]) -> "Candidates":
        """Return the candidates for which *fits* is true, evaluated at each use."""
        return Candidates(
            lambda: [account for account in self.accounts() if fits(account)],
            self.from_caller,
        )

    def of_kinds(self, kinds: Sequence[str]) -> "Candidates":
        """Return the candidates of these kinds.

        Nearly always these are all or none, which is known without looking at each
        account: with 500 accounts, that took a quarter of a request's time.
        """

        def accounts() -> Sequence[Account]:
            present = self.kinds()
            if all(kind in kinds for kind in present):
                return self.accounts()
            if not any(kind in kinds for kind in present):
                return ()
            return [account for account in self.accounts() if account.kind in kinds]

        def present() -> Collection[str]:
            return [kind for kind in self.kinds() if kind in kinds]

        return Candidates(accounts, self.from_caller, present)

    def any_available(self, use: Use) -> bool:
        """Return whether any account is live and not cooling down."""
        return any(not account.cooldown_s(use) for account in self.live())

    def live(self) -> list[Account]:
        """Return the accounts whose credential was not rejected."""
        return [account for account in self.accounts() if not account.dead]
