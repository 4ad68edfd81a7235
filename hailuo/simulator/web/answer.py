"""Writer of one chat answer, normal or scripted."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

from ..report import AnswerRecord, Report
from ..script import Instruction, raw_bytes
from ..stream import Stream
from . import canned_answer, events
from .envelope import BUSY, BUSY_MESSAGE, status_info

CANNED = Instruction("chat", piece=3, delay_s=0.03)
GARBAGE = '{"type":2,"statusInfo":{"co'
CHAT_ID = re.compile(rb'"chatID"\s*:\s*"?(\d+)')


class AnswerCut(Exception):
    """Raised after an instruction has ended the answer early."""


class Answer:
    """Chat answer on *stream*, reported in *record*.

    ids: chatID and msgID.
    """

    def __init__(
        self,
        stream: Stream,
        report: Report,
        record: AnswerRecord,
        ids: tuple[str, str],
        instruction: Instruction | None,
    ) -> None:
        self._stream = stream
        self._report = report
        self._record = record
        self._ids = ids
        self._plan = plan = instruction or CANNED
        self._style = events.Style(plan.event_lines, plan.newline, plan.data_lines)
        self._step_places = {step["after"] for step in plan.then}
        self._loop = asyncio.get_running_loop()

    async def write(self) -> None:
        """Write the whole answer, or as much as the instruction allows."""
        if self._plan.first_delay_s:
            await asyncio.sleep(self._plan.first_delay_s)
        try:
            if self._plan.recording:
                await self._play(raw_bytes(self._plan.recording))
            else:
                await self._write_events()
            await self._run_steps("all")
        except AnswerCut:
            self._record.how = "cut"
            return
        await self._stream.end()
        self._record.how = "done"

    async def _play(self, recording: bytes) -> None:
        if match := CHAT_ID.search(recording):
            self._add_conversation(match[1].decode())
        await self._stream.send(recording)

    async def _write_events(self) -> None:
        chat_id = self._ids[0]
        if self._plan.send_result:
            self._add_conversation(chat_id)
            result = events.send_result(chat_id)
            await self._stream.send(self._style.event(result, "send_result"))
        await self._run_steps(0)
        await self._write_message()
        await self._run_steps("last")
        if self._plan.type8:
            await self._stream.send(self._style.event(events.end_of_answer()))

    async def _write_message(self) -> None:
        """Write the message_result events, on a schedule that does not drift."""
        due = self._loop.time()
        number = 0
        for number, parts in enumerate(self._message_events(), 1):
            await self._sleep_until(due)
            if number == 1:
                self._add_conversation(self._ids[0])
            self._record.events = number
            await self._stream.send(*parts)
            due += self._plan.delay_s
            if number in self._step_places:
                await self._run_steps(number)
                due = max(due, self._loop.time())
        self._check_steps_reached(number)

    def _check_steps_reached(self, count: int) -> None:
        missed = [n for n in self._step_places if isinstance(n, int) and n > count]
        if missed:
            sentence = f"the step after {min(missed)} of {count} events never comes"
            self._report.add_violation(f"script: {sentence}")

    async def _sleep_until(self, due: float) -> None:
        """Wait until *due* by the loop's clock, yielding at least once."""
        if due <= self._loop.time():
            await asyncio.sleep(0)
            return
        future = self._loop.create_future()
        timer = self._loop.call_at(due, _wake, future)
        try:
            await future
        finally:
            timer.cancel()

    def _message_events(self) -> Iterator[events.Parts]:
        plan = self._plan
        results = events.message_results(
            self._style,
            self._ids,
            self._contents(),
            is_end=plan.is_end,
            links=plan.links,
            links_at=plan.links_at,
        )
        return map(self._over_lines, results) if plan.data_lines else results

    def _over_lines(self, parts: events.Parts) -> events.Parts:
        """Spread the JSON of an event over several data: lines."""
        start, end = self._style.frame("message_result")
        event = b"".join(parts)
        data = json.loads(event[len(start) : -len(end)])
        return (self._style.event(data, "message_result"),)

    @property
    def text(self) -> str:
        """The whole text."""
        contents = b"" if self._plan.recording else b"".join(self._contents()[-1:])
        return str(json.loads(b'"%b"' % contents))

    def _contents(self) -> list[memoryview]:
        plan = self._plan
        if plan.contents is not None:
            contents = events.contents_unchanged(plan.contents)
        elif plan.pieces is not None:
            contents = events.contents_by_pieces(plan.pieces)
        else:
            text = plan.text
            if text is None:
                text = canned_answer.answer(self._record.message)
            contents = events.contents_by_size(self._copied(text), plan.piece)
        return contents + contents[-1:] if plan.end_apart else contents

    def _copied(self, text: str) -> str:
        """Return a text with what it copies from the message."""
        for name, pattern in self._plan.copies.items():
            if match := re.search(pattern, self._record.message):
                text = text.replace(name, match[0])
        return text

    def _add_conversation(self, chat_id: str) -> None:
        """Report the conversation, whose id is about to be sent."""
        self._record.chat_id = chat_id
        self._report.add_conversation(self._record.user, chat_id)

    async def _run_steps(self, place: int | str) -> None:
        for step in self._plan.steps(place):
            await self._run_step(step, place)

    async def _run_step(self, step: dict[str, Any], place: int | str) -> None:
        match step["do"]:
            case "hold":
                await self._report.hold()
            case "silence":
                await self._loop.create_future()
            case "wait":
                await asyncio.sleep(step["for_s"])
            case "end":
                await self._stream.end()
                raise AnswerCut
            case "close" | "reset":
                if step.get("inside"):
                    self._send_half_event(place)
                await self._stream.cut(step["do"])
                raise AnswerCut
            case _:
                await self._stream.send(self._extra_event(step))

    def _extra_event(self, step: dict[str, Any]) -> bytes:
        match step["do"]:
            case "bytes":
                return raw_bytes(step)
            case "garbage":
                return self._style.event(step.get("data", GARBAGE).encode())
            case "event":
                return self._style.event(step["data"], step.get("name"))
            case "error":
                return self._style.event(_error(step), "message_result")
        heartbeat = {"type": events.HEARTBEAT, "data": {}}
        if "statusInfo" in step:
            heartbeat["statusInfo"] = step["statusInfo"]
        return self._style.event(heartbeat)

    def _send_half_event(self, place: int | str) -> None:
        following = [b"".join(parts) for parts in self._message_events()]
        following.append(self._style.event(events.end_of_answer()))
        event = following[place if isinstance(place, int) else -1]
        self._stream.send_half(event[: len(event) // 2])


def _error(step: dict[str, Any]) -> dict[str, Any]:
    status = status_info(step.get("code", BUSY), step.get("message", BUSY_MESSAGE))
    return {"type": events.MESSAGE_RESULT, "statusInfo": status, "data": {}}


def _wake(future: "asyncio.Future[None]") -> None:
    # It may have been cancelled in the same iteration in which it became due.
    if not future.done():
        future.set_result(None)
