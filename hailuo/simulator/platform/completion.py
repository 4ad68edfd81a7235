"""Completions, streamed and whole (platform.md, Chat)."""

import asyncio

from ..report import AnswerSeen
from ..script import Instruction
from ..server import Reply, Request, json_reply
from ..simulator import Dropped, Simulator
from ..stream import Cuts, Stream
from . import rules, talk
from .admission import admit
from .answer import Answer
from .failures import instructed


async def complete(simulator: Simulator, request: Request) -> Reply | None:
    key = admit(simulator, request)
    body = rules.read(request)
    seen = AnswerSeen(
        user=key,
        token_tail=key[-8:],
        call="completion",
        message=talk.asked(body),
        sent_chat_id="",
        form=body,
    )
    simulator.report.begin(seen)
    how = "failed"
    try:
        reply, how = await _answer(simulator, request, body, seen)
        return reply
    except Dropped:
        how = "cut"
        raise
    except asyncio.CancelledError:
        how = "client left"
        raise
    finally:
        simulator.report.end(seen, how)


async def _answer(
    simulator: Simulator, request: Request, body: rules.Body, seen: AnswerSeen
) -> tuple[Reply | None, str]:
    """The reply, None when it was streamed, and how the answer ended."""
    instruction = simulator.script.take(
        "completion", seen.user, seen.user, seen.message
    )
    if reply := await simulator.before(instruction, request):
        return reply, "refused"
    if reply := instructed(instruction):
        return reply, "refused"
    answer = Answer(body, seen, instruction)
    if not body.get("stream"):
        return json_reply(answer.whole()), "done"
    stream = _stream(request, instruction)
    stream.start(200, [("Content-Type", "text/event-stream")])
    return None, await answer.write(stream, simulator.report)


def _stream(request: Request, instruction: Instruction | None) -> Stream:
    if instruction is None:
        return Stream(request.connection)
    cuts = Cuts(**instruction.cuts) if instruction.cuts else None
    return Stream(request.connection, instruction.framing, cuts)
