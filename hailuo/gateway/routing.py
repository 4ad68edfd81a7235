"""Which accounts serve a request: those that can, of the preferred upstream first.

The other one serves when none of the first one's accounts gets free in time, or when it
fails (architecture.md, The path of a streamed answer).
"""

from collections.abc import Callable, Mapping, Sequence

from ..accounts.account import Account, Candidates
from ..concurrency.watch import Watch
from ..errors import BadRequest, UpstreamError
from ..upstream import Speech, Upstream
from .request_state import RequestState


def eligible_kinds(
    upstreams: Mapping[str, Upstream],
    scope: Candidates,
    model: str,
    objection: Callable[[Upstream], BadRequest | None],
) -> Sequence[str]:
    """The kinds of account that can serve, in the order of preference.

    model: one of a service's own names goes to that service at once.
    raises: BadRequest, what the upstream has against it, when there is none.
    """
    known = scope.kinds()
    present = [kind for kind in upstreams if kind in known]
    against = {kind: objection(each) for kind, each in upstreams.items()}
    objections = [found for kind in present if (found := against[kind])]
    if objections and len(objections) == len(present):
        raise objections[0]
    able = [kind for kind in upstreams if not against[kind]]
    return sorted(able, key=lambda kind: not upstreams[kind].has_model(model))


def fallback_plan(
    turn: RequestState, kinds: Sequence[str]
) -> Sequence[tuple[Candidates, float | None]]:
    """Where to look for an account, one after the other, and how long to wait.

    None: as long as requests wait in line.
    """
    first = turn.candidates.of_kinds(kinds[:1])
    others = turn.candidates.of_kinds(kinds[1:])
    if not others.live():
        return [(turn.candidates, None)]
    if not turn.accounts and first.any_available(turn.use):
        return [(first, None), (others, 0)]
    used = [account.kind for account in turn.accounts]
    if turn.failures == turn.policy.attempts - 1 and len(set(used)) == 1:
        unused = [kind for kind in kinds if kind not in used]
        return [(turn.candidates.of_kinds(unused), 0), (turn.candidates, None)]
    fresh = turn.candidates.where(lambda account: account not in turn.accounts)
    return [*((fresh.of_kinds([kind]), 0) for kind in kinds), (turn.candidates, None)]


def having_voice(
    upstreams: Mapping[str, Upstream], scope: Candidates, speech: Speech, watch: Watch
) -> Candidates:
    """The part of *scope* that has the voice; all of it when nobody is known to."""

    def has_it(account: Account) -> bool:
        try:
            return upstreams[account.kind].has_voice(account, speech, watch)
        except UpstreamError:
            return False

    live = scope.live()
    having = set(filter(has_it, live)) if len(live) > 1 else set()
    if not having or len(having) == len(live):
        return scope
    return scope.where(lambda account: account in having)
