"""One chat answer being written: the usual one, or what an instruction makes of it."""

import asyncio
import base64
import re
from collections.abc import Iterator
from typing import Any

from ..report import AnswerSeen, Report
from ..script import Instruction
from ..stream import Stream
from . import events, talk
from .envelope import BUSY, status_info

TO_A_HUMAN = Instruction("chat", piece=3, delay_s=0.03)
GARBAGE = '{"type":2,"statusInfo":{"co'
CHAT_ID = re.compile(rb'"chatID"\s*:\s*"?(\d+)')


class Ended(Exception):
    """The answer is over, by instruction; args[0] says how."""


class Answer:
    """A chat answer on *stream*; *seen* is its record in the report.

    ids: chatID and msgID.
    """

    def __init__(
        self,
        stream: Stream,
        report: Report,
        seen: AnswerSeen,
        ids: tuple[str, str],
        instruction: Instruction | None,
    ) -> None:
        self._stream = stream
        self._report = report
        self._seen = seen
        self._ids = ids
        self._plan = plan = instruction or TO_A_HUMAN
        self._style = events.Style(plan.event_lines, plan.newline, plan.data_lines)
        self._then = {step["after"] for step in plan.then}
        self._loop = asyncio.get_running_loop()

    async def write(self) -> str:
        """Write it to its end; returns how it ended: "done" or "cut"."""
        if self._plan.first_delay_s:
            await asyncio.sleep(self._plan.first_delay_s)
        try:
            if self._plan.recording:
                await self._play(self._plan.recording)
            else:
                await self._say()
            await self._after("all")
        except Ended as ended:
            return str(ended)
        await self._stream.end()
        return "done"

    async def _play(self, recording: dict[str, str]) -> None:
        data = _bytes(recording)
        if found := CHAT_ID.search(data):
            self._known(found[1].decode())
        await self._stream.send(data)

    async def _say(self) -> None:
        if self._plan.send_result:
            self._known(self._ids[0])
            result = events.send_result(self._ids[0])
            await self._stream.send(self._style.event(result, "send_result"))
        await self._after(0)
        await self._message()
        await self._after("last")
        if self._plan.type8:
            await self._stream.send(self._style.event(events.over()))

    async def _message(self) -> None:
        """The message_result events, on a schedule that does not drift."""
        due = self._loop.time()
        number = 0
        for number, parts in enumerate(self._events(), 1):
            await self._until(due)
            if number == 1:
                self._known(self._ids[0])
            self._seen.events = number
            await self._stream.send(*parts)
            due += self._plan.delay_s
            if number in self._then:
                await self._after(number)
                due = max(due, self._loop.time())
        if never := [n for n in self._then if isinstance(n, int) and n > number]:
            told = f"a step after {min(never)} of {number} events never comes"
            self._report.violation(f"script: {told}")

    async def _until(self, due: float) -> None:
        """Wait for the loop's clock; let others have their turn in any case."""
        if due <= self._loop.time():
            await asyncio.sleep(0)
            return
        future = self._loop.create_future()
        timer = self._loop.call_at(due, _end, future)
        try:
            await future
        finally:
            timer.cancel()

    def _events(self) -> Iterator[events.Parts]:
        plan = self._plan
        written = events.message_results(
            self._style,
            self._ids,
            self._contents(),
            is_end=plan.is_end,
            links=plan.links,
            links_at=plan.links_at,
        )
        return map(self._over_lines, written) if plan.data_lines else written

    def _over_lines(self, parts: events.Parts) -> events.Parts:
        """The same event with its JSON spread over several data: lines."""
        start, end = self._style.around("message_result")
        whole = b"".join(parts)
        data = events.decoded(whole[len(start) : -len(end)])
        return (self._style.event(data, "message_result"),)

    @property
    def said(self) -> str:
        """The whole text."""
        contents = b"" if self._plan.recording else b"".join(self._contents()[-1:])
        return str(events.decoded(b'"%b"' % contents))

    def _contents(self) -> list[memoryview]:
        plan = self._plan
        if plan.contents is not None:
            contents = events.contents_as_given(plan.contents)
        elif plan.pieces is not None:
            contents = events.contents_by_pieces(plan.pieces)
        else:
            text = talk.answer(self._seen.message) if plan.text is None else plan.text
            contents = events.contents_by_size(text, plan.piece)
        return contents + contents[-1:] if plan.end_apart else contents

    def _known(self, chat_id: str) -> None:
        """The client is told the conversation's id now; from here on it counts."""
        self._seen.chat_id = chat_id
        self._report.keep(self._seen.user, chat_id)

    async def _after(self, place: int | str) -> None:
        for step in self._plan.steps(place):
            await self._do(step, place)

    async def _do(self, step: dict[str, Any], place: int | str) -> None:
        match step["do"]:
            case "hold":
                await self._report.hold()
            case "silence":
                await self._loop.create_future()
            case "wait":
                await asyncio.sleep(step["for_s"])
            case "end":
                await self._stream.end()
                raise Ended("cut")
            case "close" | "reset":
                if step.get("inside"):
                    await self._half_an_event(place)
                await self._stream.cut(step["do"])
                raise Ended("cut")
            case _:
                await self._stream.send(self._inserted(step))

    def _inserted(self, step: dict[str, Any]) -> bytes:
        """The bytes of an event that an instruction puts in between."""
        match step["do"]:
            case "bytes":
                return _bytes(step)
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

    async def _half_an_event(self, place: int | str) -> None:
        coming = [b"".join(parts) for parts in self._events()]
        coming.append(self._style.event(events.over()))
        event = coming[place if isinstance(place, int) else -1]
        self._stream.send_half(event[: len(event) // 2])


def _error(step: dict[str, Any]) -> dict[str, Any]:
    message = step.get("message", "抱歉，服务器开小差了，请稍等一会儿再试。")
    status = status_info(step.get("code", BUSY), message)
    return {"type": events.MESSAGE_RESULT, "statusInfo": status, "data": {}}


def _bytes(given: dict[str, Any]) -> bytes:
    if "base64" in given:
        return base64.b64decode(given["base64"], validate=True)
    return str(given.get("text", "")).encode("utf-8", "surrogatepass")


def _end(wait: "asyncio.Future[None]") -> None:
    """It may have been cancelled in the very turn in which its time has come."""
    if not wait.done():
        wait.set_result(None)
