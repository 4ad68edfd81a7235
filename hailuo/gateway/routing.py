"""Routing: accounts of the preferred upstream first, of those that can serve.

Another upstream serves when none of the preferred one's accounts comes free in time, or
when it fails (architecture.md, The path of a streamed answer).
"""

from collections.abc import Callable, Mapping, Sequence

from ..accounts.account import Account, Use
from ..accounts.candidates import Candidates
from ..concurrency.watch import Watch
from ..errors import BadRequest, UpstreamError
from ..files import Source
from ..upstream import ModelChoice, Purpose, Question, Speech, Upstream
from .request_state import RequestState


def eligible_kinds(
    upstreams: Mapping[str, Upstream],
    candidates: Candidates,
    is_named: Callable[[Upstream], bool],
    unsupported: Callable[[Upstream], BadRequest | None],
) -> Sequence[str]:
    """Return the kinds of accounts that can serve, in the order of preference.

    is_named: returns whether the client's model is an upstream's own by its name, which
        makes that upstream the preferred one.
    unsupported: returns why an upstream cannot serve, None if it can.
    raises: BadRequest of the upstream that is named, when it cannot serve; of the first
        one, when none can.
    """
    candidate_kinds = candidates.kinds()
    present = [kind for kind in upstreams if kind in candidate_kinds]
    errors = {kind: unsupported(upstream) for kind, upstream in upstreams.items()}
    for kind in present:
        if (error := errors[kind]) and is_named(upstreams[kind]):
            raise error
    present_errors = [error for kind in present if (error := errors[kind])]
    if present_errors and len(present_errors) == len(present):
        raise present_errors[0]
    able = [kind for kind in upstreams if not errors[kind]]
    return sorted(able, key=lambda kind: not is_named(upstreams[kind]))


def chosen_models(
    upstreams: Mapping[str, Upstream],
    candidates: Candidates,
    model: str,
    watch: Watch,
) -> Mapping[str, ModelChoice]:
    """Return the model for a question, by kind of account. raises: ModelUnknown."""
    kinds = candidates.kinds()

    def accounts(upstream: Upstream) -> Sequence[Account]:
        is_asked = upstream.lists_models and upstream.kind in kinds
        return candidates.of_kinds([upstream.kind]).live() if is_asked else ()

    return {
        kind: upstream.choose_model(accounts(upstream), model, watch)
        for kind, upstream in upstreams.items()
    }


def having_model(
    candidates: Candidates, chosen: Mapping[str, ModelChoice]
) -> Candidates:
    """Return the candidates without those that lack the model."""
    lacking = {account for choice in chosen.values() for account in choice.lacking}
    if not lacking:
        return candidates
    return candidates.where(lambda account: account not in lacking)


def is_demanding(question: Question) -> bool:
    """Return whether a question has tools, a format, an image or a video."""
    to_look_at = (
        isinstance(file, Source) or file.is_image or file.is_video
        for file in question.files  # a Source is an image or a video
    )
    return bool(question.tools or question.format) or any(to_look_at)


def native_first(
    upstreams: Mapping[str, Upstream], kinds: Sequence[str]
) -> Sequence[str]:
    """Return *kinds* with those first that call functions without emulation."""
    return sorted(kinds, key=lambda kind: not upstreams[kind].calls_functions)


def use(upstreams: Mapping[str, Upstream], purpose: Purpose, model: str) -> Use:
    """Return the purpose of a request, with the model each service limits it by."""
    models = {
        kind: upstream.limited_model(purpose, model)
        for kind, upstream in upstreams.items()
    }
    return Use(purpose, models)


def fallback_plan(
    state: RequestState, kinds: Sequence[str]
) -> Sequence[tuple[Candidates, float | None]]:
    """Return candidate sets to try in order, each with its maximum wait in seconds.

    None: the queue timeout.
    """
    candidates = state.candidates
    first = candidates.of_kinds(kinds[:1])
    others = candidates.of_kinds(kinds[1:])
    if not others.live():
        return [(candidates, None)]
    if not state.accounts and first.any_available(state.use):
        return [(first, None), (others, 0)]
    used = [account.kind for account in state.accounts]
    if state.failures == state.policy.attempts - 1 and len(set(used)) == 1:
        unused = [kind for kind in kinds if kind not in used]
        return [(candidates.of_kinds(unused), 0), (candidates, None)]
    untried = candidates.where(lambda account: account not in state.accounts)
    return [*((untried.of_kinds([kind]), 0) for kind in kinds), (candidates, None)]


def having_voice(
    upstreams: Mapping[str, Upstream],
    candidates: Candidates,
    speech: Speech,
    watch: Watch,
) -> Candidates:
    """Return the candidates that have the voice; all when none is known to have it."""

    def has_voice(account: Account) -> bool:
        try:
            return upstreams[account.kind].has_voice(account, speech, watch)
        except UpstreamError:
            return False

    live = candidates.live()
    having = set(filter(has_voice, live)) if len(live) > 1 else set()
    if not having or len(having) == len(live):
        return candidates
    return candidates.where(lambda account: account in having)
