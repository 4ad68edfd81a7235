"""Chat completions, streamed or not (platform.md, Chat)."""

from ..report import AnswerRecord
from ..server import Reply, Request, json_reply
from ..simulator import Simulator
from ..stream import Stream
from . import rules
from .admission import admit
from .answer import Answer
from .canned_answer import last_question
from .failures import NOT_IN_PLAN, refused, scripted_reply
from .models import of_plan
from .quota import spend


async def complete(simulator: Simulator, request: Request) -> Reply | None:
    key = admit(simulator, request)
    body = rules.read(request)
    if body["model"] not in of_plan(key):
        raise refused(NOT_IN_PLAN, f"your plan does not support {body['model']}")
    spend(simulator, key)
    record = AnswerRecord(
        user=key,
        token_tail=key[-8:],
        call="completion",
        message=last_question(body),
        sent_chat_id="",
        form=body,
    )
    with simulator.answering(record):
        return await _answer(simulator, request, body, record)


async def _answer(
    simulator: Simulator, request: Request, body: rules.Body, record: AnswerRecord
) -> Reply | None:
    """Stream the completion, or return it or the scripted reply."""
    instruction = simulator.script.take(
        "completion", record.user, record.user, record.message
    )
    if reply := await scripted_reply(simulator, instruction, request):
        record.how = "refused"
        return reply
    answer = Answer(body, record, instruction)
    if not body.get("stream"):
        record.how = "done"
        return json_reply(answer.whole())
    stream = Stream.scripted(request, instruction)
    stream.start(200, [("Content-Type", "text/event-stream")])
    await answer.write(stream, simulator.report)
    return None
