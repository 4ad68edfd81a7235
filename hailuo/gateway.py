"""The one way from a question to an answer: lease, ask, try again on another account.

An answer is tried up to three times in all, before anything was sent of it. Nothing
else in the program retries an answer: what is tried here is multiplied by the caller's
own client.
"""

import time
from collections.abc import Mapping
from contextlib import closing

from .accounts import Account, Scope
from .conversations import Conversations
from .errors import Refused, TokenRejected, Unreachable, UpstreamError
from .kept import Kept
from .pool import Pool
from .upstream import TICK, Answer, Question, Upstream
from .watch import Watch

PAUSES_S = (0.3, 1.0)  # before an account is asked for the second and the third time

# After SIGTERM; platforms kill 30 s later. A try may wait 10 s for its headers, where
# it cannot be cut off, so the last one must begin 10 s before everything is cut.
LAST_TRY_S = 10.0
CUT_S = 20.0
DRAIN_S = 3.0

LIFE_KEPT_S = 600.0  # the seed asks not to ask more often


class Tries:
    """What one request has been through.

    accounts: those it was lent, in order.
    failures: those that count; a rejected token does not.
    begun: whether anything of the answer was given away.
    """

    def __init__(self, ticket: int) -> None:
        self.ticket = ticket
        self.accounts: list[Account] = []
        self.failures = 0
        self.begun = False
        self.last: UpstreamError | None = None

    def failed(self, error: UpstreamError) -> None:
        """raises: *error*, when nothing more is to be tried."""
        if self.begun:
            raise error
        if not isinstance(error, TokenRejected):
            self.failures += 1
            if self.failures >= error.tries:
                error.final = error.status == 502
                raise error
        self.last = error


class Gateway:
    """Answers questions on leased accounts.

    upstreams: by the kind of the accounts they serve.
    """

    def __init__(self, pool: Pool, upstreams: Mapping[str, Upstream]) -> None:
        self._pool = pool
        self._upstreams = upstreams
        self._conversations = Conversations()
        self._lives = Kept(self._ask_life, LIFE_KEPT_S)
        self.leaving = False

    def answer(self, scope: Scope, question: Question, watch: Watch) -> Answer:
        """The pieces of an answer, and a TICK whenever the caller has heard nothing.

        Nothing happens before the first step; closing the generator ends the answer
        and gives the account back.
        raises: GatewayError, which made the last try fail; CallerLeft.
        """
        if question.conversation not in ("", "new"):
            scope = self._conversations.narrow(scope, question.conversation)
        if scope.own:
            self._introduce(scope)
        tries = Tries(self._pool.ticket())
        while True:
            lease = self._pool.lease(
                scope, tries.ticket, watch, tries.accounts, tries.last
            )
            with lease as account:
                token = account.token
                try:
                    yield from self._ask(account, question, tries, watch)
                    return
                except UpstreamError as error:
                    self._judge(account, token, error)
                    tries.failed(error)
            if watch.due:
                yield TICK
                watch.beat()

    def _ask(
        self, account: Account, question: Question, tries: Tries, watch: Watch
    ) -> Answer:
        if account in tries.accounts:
            yield from pause(PAUSES_S[tries.failures - 1], watch)
        elif not tries.accounts:
            watch.beat()  # the time in line is no silence
        tries.accounts.append(account)
        upstream = self._upstreams[account.kind]
        with closing(upstream.answer(account, question, watch)) as pieces:
            for piece in pieces:
                if piece.id and question.conversation:
                    self._conversations.note(piece.id, account.identity.account)
                if piece.finish:
                    account.succeeded()
                tries.begun = tries.begun or piece is not TICK
                yield piece
                watch.beat()

    def lives(self, credential: str) -> bool:
        """Whether a service takes a credential; the answer is kept for 10 minutes.

        raises: Unreachable when it cannot be asked.
        """
        return self._lives.of(credential)

    def _ask_life(self, credential: str) -> bool:
        identity = self._pool.identify(credential)
        if identity is None:
            return False
        try:
            return self._upstreams[identity.kind].lives(credential)
        except UpstreamError as error:
            raise Unreachable(f"it could not be checked: {error.message}") from error

    def leave(self) -> None:
        """Let what runs finish, for 20 s; then cut it off, and clean up behind it."""
        self.leaving = True
        if not self._pool.idle(LAST_TRY_S):
            self._pool.close()
        if not self._pool.idle(CUT_S - LAST_TRY_S):
            for upstream in self._upstreams.values():
                upstream.hang_up()
        self._pool.idle(DRAIN_S)
        for upstream in self._upstreams.values():
            upstream.drain(DRAIN_S)

    def _introduce(self, scope: Scope) -> None:
        """Have callers' tokens proved before they may touch somebody else's lock.

        Anybody can write a token that claims an account; it must not keep those who
        own it waiting.
        """
        for account in scope.accounts():
            if self._pool.contested(account):
                try:
                    self._upstreams[account.kind].introduce(account)
                except TokenRejected as error:
                    account.rejected(error.message)

    def _judge(self, account: Account, token: str, error: UpstreamError) -> None:
        """What a failure means for the account: only what the service says counts.

        token: the one that was sent; the account may have another by now.
        """
        if account.token != token:
            return
        if isinstance(error, TokenRejected):
            self._pool.reject(account, error.message)
        elif isinstance(error, Refused):
            account.refused(error.message)
            error.retry_after_s = account.rest.left_s


def pause(seconds: float, watch: Watch) -> Answer:
    """Wait, with a TICK when one is due. raises: CallerLeft."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        watch.wait(until)
        if watch.due:
            yield TICK
            watch.beat()
