"""Chat answers of an upstream, with what no upstream does by itself."""

from ..accounts.account import Account
from ..concurrency.watch import Watch
from ..upstream import Answer, Question, Upstream
from . import stop_sequences, structured_output
from .structured_output import CheckedFormat


def answer(
    upstream: Upstream,
    account: Account,
    question: Question,
    format: CheckedFormat | None,
    watch: Watch,
) -> Answer:
    """Yield the pieces of an answer in its format, up to a stop sequence."""
    if format:
        pieces = structured_output.answer(upstream, account, question, format, watch)
    else:
        pieces = upstream.answer(account, question, watch)
    if not question.stop_sequences:
        return pieces
    return stop_sequences.truncate_at_stop(
        pieces,
        question.stop_sequences,
        counted=question.include_usage and upstream.reports_usage,
    )
