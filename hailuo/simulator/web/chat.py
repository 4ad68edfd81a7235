"""Chat and the conversations it leaves behind (protocol.md 4)."""

import asyncio
import itertools
import time

from ..report import AnswerSeen
from ..script import Instruction
from ..server import Reply, Request
from ..simulator import Dropped, Simulator
from ..stream import Cuts, Stream
from .accounts import Said
from .admission import Caller, admit, json_digest
from .answer import Answer
from .envelope import BUSY, UNKNOWN, forbidden, refused, success
from .form import ChatForm
from .instructed import instead, take

EVENT_STREAM = "text/event-stream"
FIRST_ID = int(time.time() * 1000) * 100_000  # 18 digits
_ids = itertools.count(FIRST_ID)


async def chat(simulator: Simulator, request: Request) -> Reply | None:
    form = ChatForm.read(request)
    caller = admit(simulator, request, form.digest())
    _check(simulator, request, form, caller)
    await one_at_a_time(simulator, caller)
    seen = AnswerSeen(
        user=caller.user,
        token_tail=caller.token[-8:],
        call="chat",
        message=form.message,
        sent_chat_id=form.chat_id,
        form=form.entries() or None,
    )
    simulator.report.begin(seen)
    how = "failed"
    try:
        reply, how = await _answer(simulator, request, caller, seen)
        return reply
    except Dropped:
        how = "cut"
        raise
    except asyncio.CancelledError:
        how = "client left"
        raise
    finally:
        simulator.report.end(seen, how)


def _check(
    simulator: Simulator, request: Request, form: ChatForm, caller: Caller
) -> None:
    if request.header("accept") != EVENT_STREAM:
        raise forbidden(f"Accept is {request.header('accept')!r}, not {EVENT_STREAM}")
    form.check(caller.account)
    of_referer = request.header("referer").partition("?chat=")[2]
    if of_referer and of_referer != form.chat_id:
        raise forbidden(f"Referer names chat {of_referer}, chatID is {form.chat_id}")
    kept = simulator.report.conversations.get(caller.user, {})
    if form.chat_id != "0" and form.chat_id not in kept:
        raise refused(UNKNOWN, "there is no such conversation")


async def one_at_a_time(simulator: Simulator, caller: Caller) -> None:
    """raises: Forbidden when the account is answering already (protocol.md 4)."""
    report = simulator.report
    for _ in range(3):  # a client that has just closed is noticed within these turns
        if not report.answering(caller.user):
            break
        await asyncio.sleep(0)
    report.asked(caller.user)
    if report.answering(caller.user):
        raise forbidden("the account is writing another answer already", BUSY)


async def _answer(
    simulator: Simulator, request: Request, caller: Caller, seen: AnswerSeen
) -> tuple[Reply | None, str]:
    """The reply, None when it was streamed, and how the answer ended."""
    instruction = take(simulator, "chat", caller, seen.message)
    if reply := await instead(simulator, instruction, request):
        return reply, "refused"
    stream = _stream(request, instruction)
    stream.start(200, [("Content-Type", EVENT_STREAM), ("Cache-Control", "no-cache")])
    ids = _conversation(seen, instruction), str(next(_ids))
    answer = Answer(stream, simulator.report, seen, ids, instruction)
    how = await answer.write()
    caller.account.say(ids[1], Said(ids[0], answer.said))
    return None, how


def _stream(request: Request, instruction: Instruction | None) -> Stream:
    if instruction is None:
        return Stream(request.connection)
    cuts = Cuts(**instruction.cuts) if instruction.cuts else None
    return Stream(request.connection, instruction.framing, cuts)


def _conversation(seen: AnswerSeen, instruction: Instruction | None) -> str:
    if seen.sent_chat_id != "0":
        return seen.sent_chat_id
    wanted = instruction.chat_id if instruction else None
    return wanted or str(next(_ids))


async def delete(simulator: Simulator, request: Request) -> Reply:
    """Removing what is not there (any more) succeeds: assumed."""
    caller = admit(simulator, request, json_digest(request))
    chat_id = request.path.rpartition("/")[2]
    for user, kept in simulator.report.conversations.items():
        if chat_id in kept and user != caller.user:
            raise forbidden(f"conversation {chat_id} belongs to account {user}")
    instruction = take(simulator, "delete", caller)
    if reply := await instead(simulator, instruction, request):
        return reply
    simulator.report.remove(caller.user, chat_id)
    return success({})
