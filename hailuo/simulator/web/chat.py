"""Chat and the deletion of conversations (protocol.md 4)."""

import asyncio
import itertools
import time

from ..report import AnswerRecord
from ..script import Instruction
from ..server import Reply, Request
from ..simulator import Simulator
from ..stream import Stream
from .accounts import Message
from .admission import Client, admit, json_digest
from .answer import Answer
from .envelope import BUSY, UNKNOWN, forbidden, refused, success
from .form import ChatForm
from .scripted import scripted_reply, take_instruction

EVENT_STREAM = "text/event-stream"
FIRST_ID = int(time.time() * 1000) * 100_000  # 18 digits
_ids = itertools.count(FIRST_ID)


async def chat(simulator: Simulator, request: Request) -> Reply | None:
    form = ChatForm.read(request)
    client = admit(simulator, request, form.digest())
    _check(simulator, request, form, client)
    await check_account_free(simulator, client)
    record = AnswerRecord(
        user=client.user,
        token_tail=client.token[-8:],
        call="chat",
        message=form.message,
        sent_chat_id=form.chat_id,
        form=form.entries() or None,
    )
    with simulator.answering(record):
        return await _answer(simulator, request, client, record)


def _check(
    simulator: Simulator, request: Request, form: ChatForm, client: Client
) -> None:
    if request.header("accept") != EVENT_STREAM:
        raise forbidden(f"Accept is {request.header('accept')!r}, not {EVENT_STREAM}")
    form.check(client.account)
    referer_chat = request.header("referer").partition("?chat=")[2]
    if referer_chat and referer_chat != form.chat_id:
        raise forbidden(f"Referer names chat {referer_chat}, chatID is {form.chat_id}")
    conversations = simulator.report.conversations.get(client.user, {})
    if form.chat_id != "0" and form.chat_id not in conversations:
        raise refused(UNKNOWN, "there is no such conversation")


async def check_account_free(simulator: Simulator, client: Client) -> None:
    """Refuse a second answer on one account (protocol.md 4).

    raises: Forbidden.
    """
    report = simulator.report
    for _ in range(3):  # iterations in which a disconnected client is noticed
        if not report.open_count(client.user):
            break
        await asyncio.sleep(0)
    report.record_demand(client.user)
    if report.open_count(client.user):
        raise forbidden("the account already has an answer in progress", BUSY)


async def _answer(
    simulator: Simulator, request: Request, client: Client, record: AnswerRecord
) -> Reply | None:
    """Stream the answer, or return the scripted reply."""
    instruction = take_instruction(simulator, "chat", client, record.message)
    if reply := await scripted_reply(simulator, instruction, request):
        record.how = "refused"
        return reply
    stream = Stream.scripted(request, instruction)
    stream.start(200, [("Content-Type", EVENT_STREAM), ("Cache-Control", "no-cache")])
    ids = _chat_id(record, instruction), str(next(_ids))
    answer = Answer(stream, simulator.report, record, ids, instruction)
    await answer.write()
    client.account.add_message(ids[1], Message(ids[0], answer.text))
    return None


def _chat_id(record: AnswerRecord, instruction: Instruction | None) -> str:
    if record.sent_chat_id != "0":
        return record.sent_chat_id
    scripted_id = instruction.chat_id if instruction else None
    return scripted_id or str(next(_ids))


async def delete(simulator: Simulator, request: Request) -> Reply:
    """Delete a conversation; that an unknown one succeeds, too, is *assumed*."""
    client = admit(simulator, request, json_digest(request))
    chat_id = request.path.rpartition("/")[2]
    for user, chat_ids in simulator.report.conversations.items():
        if chat_id in chat_ids and user != client.user:
            raise forbidden(f"conversation {chat_id} belongs to account {user}")
    instruction = take_instruction(simulator, "delete", client)
    if reply := await scripted_reply(simulator, instruction, request):
        return reply
    simulator.report.remove_conversation(client.user, chat_id)
    return success({})
