"""One completion being written: the usual one, or what an instruction makes of it."""

import asyncio
import base64
import json
from typing import Any

from ..report import AnswerSeen, Report
from ..script import Instruction
from ..stream import Stream
from . import chunks, failures, talk

TO_A_HUMAN = Instruction("completion", piece=3, delay_s=0.03)
GARBAGE = '{"id":"04f2","choi'


class Ended(Exception):
    """The answer is over, by instruction; args[0] says how."""


class Answer:
    """What is said to *body*, and how it is written."""

    def __init__(
        self, body: talk.Body, seen: AnswerSeen, instruction: Instruction | None
    ) -> None:
        self._body = body
        self._seen = seen
        self._plan = plan = instruction or TO_A_HUMAN
        self._said = said = _said(body, plan)
        self._tags = plan.tags or not body.get("reasoning_split")
        self._envelope = chunks.Envelope(body["model"], plan.sensitive)
        self._usage = plan.usage
        if plan.usage is None:
            self._usage = chunks.usage(body, said)
        self._finish = plan.finish
        if plan.finish is None:
            self._finish = "tool_calls" if said.calls else "stop"

    def whole(self) -> dict[str, Any]:
        """The answer that is not streamed."""
        message = chunks.message(self._said, self._tags)
        return self._envelope.whole(message, self._finish or "", self._usage or {})

    async def write(self, stream: Stream, report: Report) -> str:
        """Stream it to its end; returns how it ended: "done" or "cut"."""
        if self._plan.first_delay_s:
            await asyncio.sleep(self._plan.first_delay_s)
        try:
            if self._plan.recording:
                await stream.send(_bytes(self._plan.recording))
            else:
                await self._say(stream, report)
            await self._after("all", stream, report)
        except Ended as ended:
            return str(ended)
        await stream.end()
        return "done"

    async def _say(self, stream: Stream, report: Report) -> None:
        await self._after(0, stream, report)
        for number, chunk in enumerate(self._chunks(), 1):
            if number > 1:
                await asyncio.sleep(self._plan.delay_s)
            self._seen.events = number
            await stream.send(self._event(chunk))
            await self._after(number, stream, report)
        await self._after("last", stream, report)
        counts = self._body.get("stream_options", {}).get("include_usage")
        if self._usage and counts:
            await stream.send(self._event(self._envelope.usage(self._usage)))
        if self._plan.done:
            await stream.send(self._event(b"[DONE]"))

    def _chunks(self) -> list[dict[str, Any]]:
        """A chunk for each delta; the last text comes with the finish."""
        plan = self._plan
        style = chunks.Style(plan.piece, plan.pieces, self._tags, plan.cumulative)
        told = chunks.deltas(self._said, style) or [{"content": ""}]
        whole = chunks.message(self._said, self._tags) if plan.whole else None
        return [
            *(self._envelope.chunk(delta) for delta in told[:-1]),
            self._envelope.chunk(told[-1], self._finish or "", whole),
        ]

    def _event(self, data: Any) -> bytes:
        line = self._plan.newline.encode()
        indent = 0 if self._plan.data_lines else None
        text = data if isinstance(data, bytes) else _encoded(data, indent)
        return b"data: " + text.replace(b"\n", line + b"data: ") + 2 * line

    async def _after(self, place: int | str, stream: Stream, report: Report) -> None:
        for step in self._plan.steps(place):
            await self._do(step, stream, report)

    async def _do(self, step: dict[str, Any], stream: Stream, report: Report) -> None:
        match step["do"]:
            case "hold":
                await report.hold()
            case "silence":
                await asyncio.get_running_loop().create_future()
            case "wait":
                await asyncio.sleep(step["for_s"])
            case "end":
                await stream.end()
                raise Ended("cut")
            case "close" | "reset":
                if step.get("inside"):
                    stream.send_half(b'data: {"id":"04f2",')
                await stream.cut(step["do"])
                raise Ended("cut")
            case _:
                await stream.send(self._inserted(step))

    def _inserted(self, step: dict[str, Any]) -> bytes:
        """The bytes that an instruction puts in between."""
        match step["do"]:
            case "bytes":
                return _bytes(step)
            case "garbage":
                return self._event(step.get("data", GARBAGE).encode())
            case "error":
                code, message = step.get("code", 1000), step.get("message", "unknown")
                return self._event(failures.error(code, message))
            case "heartbeat":
                return b": heartbeat" + 2 * self._plan.newline.encode()
        return self._event(step["data"])


def _said(body: talk.Body, plan: Instruction) -> talk.Said:
    if plan.sensitive:
        return talk.Said("", "", [])
    if plan.text is None and plan.pieces is None and not plan.calls:
        said = talk.answer(body)
    else:
        text = "".join(plan.pieces) if plan.pieces else plan.text or ""
        said = talk.Said(
            text, "", [_call(*each) for each in enumerate(plan.calls or ())]
        )
    return said if plan.reasoning is None else said._replace(reasoning=plan.reasoning)


def _call(number: int, call: dict[str, Any]) -> dict[str, str]:
    arguments = call.get("arguments", {})
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    id = call.get("id", f"call_sim_{number + 1}")
    return {"id": id, "name": call["name"], "arguments": arguments}


def _encoded(data: Any, indent: int | None) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), indent=indent)
    return text.encode("utf-8", "backslashreplace")  # half a pair becomes \\udXXX


def _bytes(given: dict[str, Any]) -> bytes:
    if "base64" in given:
        return base64.b64decode(given["base64"], validate=True)
    return str(given.get("text", "")).encode("utf-8", "surrogatepass")
