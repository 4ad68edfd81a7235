"""A process that adds and renews tokens until it is killed, and logs each step.

Each line it says is written before the next thing is begun:

    added TOKEN                     the token is on disk
    renewing TOKEN                  the renewal is asked for
    answered OLD NEW                the service has given a new token; the old is dead
    renewed OLD NEW                 the refresh has reported it as done

It is made of the pool, its file, its roster and the refresh, and nothing else; the
service is a stub. Killing it leaves the kernel alive, so what was written counts.
"""

import itertools
import os
import random
import threading

from hailuo.accounts.account import Account
from hailuo.accounts.credential_store import FileCredentialStore
from hailuo.accounts.pool import Pool
from hailuo.accounts.refresh import TokenRefresher
from hailuo.accounts.tokens_file import TokensFile
from hailuo.metrics import Metrics
from hailuo.upstream import Identity

USERS = 4


class EventLog:
    """The lines, appended to a file in one write each."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, *words: str) -> None:
        os.write(self._descriptor, (" ".join(words) + "\n").encode())


def identify(credential: str) -> Identity | None:
    """Tokens are "user.serial", and the later one ends later."""
    user, _, serial = credential.partition(".")
    known = serial.isdecimal()
    ends_at = 4e9 + int(serial) if known else None
    return (
        Identity("web", f"web:{user}", user, ends_at, renewable=True) if known else None
    )


class Service:
    """Gives each account a new token when it is asked."""

    def __init__(self, serials: "itertools.count[int]", say: EventLog) -> None:
        self._serials = serials
        self._say = say

    def renew(self, account: Account) -> str:
        old = account.token
        self._say("renewing", old)
        new = f"{account.name}.{next(self._serials)}"
        self._say("answered", old, new)
        return new


def keep(path: str, said: str, seed: int) -> None:
    """path: the tokens file; said: where to say what is done."""
    here, say = random.Random(seed), EventLog(said)
    serials = itertools.count(1)
    pool = Pool(identify)
    roster = FileCredentialStore(pool, TokensFile(path), [])
    roster.load()
    service = {"web": Service(serials, say)}
    refresh = TokenRefresher(pool, roster, service, 604_800, Metrics())  # type: ignore

    def add() -> None:
        for number in itertools.count():
            tokens = [f"new{number}.{next(serials)}" for _ in range(here.randint(1, 3))]
            roster.add({f"tokens[{at}]": each for at, each in enumerate(tokens)})
            say("added", tokens[-1])
            if number >= USERS:
                return

    threading.Thread(target=add, daemon=True).start()
    while True:
        before = {account.name: account.token for account in pool.accounts}
        outcome = refresh.now()
        after = {account.name: account.token for account in pool.accounts}
        for renewal in outcome.renewals:
            if renewal.account in before and not renewal.error:
                say("renewed", before[renewal.account], after[renewal.account])
