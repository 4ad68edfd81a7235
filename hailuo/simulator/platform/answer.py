"""Writer of one completion, normal or scripted."""

import asyncio
import json
from typing import Any

from ..report import AnswerRecord, Report
from ..script import Instruction, raw_bytes
from ..stream import Stream
from . import canned_answer, chunks, failures
from .canned_answer import Body, Completion

CANNED = Instruction("completion", piece=3, delay_s=0.03)
GARBAGE = '{"id":"04f2","choi'


class AnswerCut(Exception):
    """Raised after an instruction has ended the answer early."""


class Answer:
    """Completion for *body*, reported in *record*."""

    def __init__(
        self, body: Body, record: AnswerRecord, instruction: Instruction | None
    ) -> None:
        self._body = body
        self._record = record
        self._plan = plan = instruction or CANNED
        self._completion = completion = _completion(body, plan)
        self._tags = plan.tags or not body.get("reasoning_split")
        self._envelope = chunks.Envelope(body["model"], plan.sensitive)
        self._usage = plan.usage
        if plan.usage is None:
            self._usage = chunks.usage(body, completion)
        self._finish = plan.finish
        if plan.finish is None:
            self._finish = "tool_calls" if completion.calls else "stop"

    def whole(self) -> dict[str, Any]:
        """Return the body of an answer that is not streamed."""
        message = chunks.message(self._completion, self._tags)
        return self._envelope.whole(message, self._finish or "", self._usage or {})

    async def write(self, stream: Stream, report: Report) -> None:
        """Stream the whole completion, or as much as the instruction allows."""
        if self._plan.first_delay_s:
            await asyncio.sleep(self._plan.first_delay_s)
        try:
            if self._plan.recording:
                await stream.send(raw_bytes(self._plan.recording))
            else:
                await self._write_chunks(stream, report)
            await self._run_steps("all", stream, report)
        except AnswerCut:
            self._record.how = "cut"
            return
        await stream.end()
        self._record.how = "done"

    async def _write_chunks(self, stream: Stream, report: Report) -> None:
        await self._run_steps(0, stream, report)
        for number, chunk in enumerate(self._chunks(), 1):
            if number > 1:
                await asyncio.sleep(self._plan.delay_s)
            self._record.events = number
            await stream.send(self._event(chunk))
            await self._run_steps(number, stream, report)
        await self._run_steps("last", stream, report)
        include_usage = self._body.get("stream_options", {}).get("include_usage")
        if self._usage and include_usage:
            await stream.send(self._event(self._envelope.usage(self._usage)))
        if self._plan.done:
            await stream.send(self._event(b"[DONE]"))

    def _chunks(self) -> list[dict[str, Any]]:
        """Return a chunk for each delta; the last one has the finish_reason."""
        plan = self._plan
        style = chunks.Style(plan.piece, plan.pieces, self._tags, plan.cumulative)
        deltas = chunks.deltas(self._completion, style) or [{"content": ""}]
        whole = chunks.message(self._completion, self._tags) if plan.whole else None
        return [
            *(self._envelope.chunk(delta) for delta in deltas[:-1]),
            self._envelope.chunk(deltas[-1], self._finish or "", whole),
        ]

    def _event(self, data: Any) -> bytes:
        newline = self._plan.newline.encode()
        indent = 0 if self._plan.data_lines else None
        text = data if isinstance(data, bytes) else _encode(data, indent)
        return b"data: " + text.replace(b"\n", newline + b"data: ") + 2 * newline

    async def _run_steps(
        self, place: int | str, stream: Stream, report: Report
    ) -> None:
        for step in self._plan.steps(place):
            await self._run_step(step, stream, report)

    async def _run_step(
        self, step: dict[str, Any], stream: Stream, report: Report
    ) -> None:
        match step["do"]:
            case "hold":
                await report.hold()
            case "silence":
                await asyncio.get_running_loop().create_future()
            case "wait":
                await asyncio.sleep(step["for_s"])
            case "end":
                await stream.end()
                raise AnswerCut
            case "close" | "reset":
                if step.get("inside"):
                    stream.send_half(b'data: {"id":"04f2",')
                await stream.cut(step["do"])
                raise AnswerCut
            case _:
                await stream.send(self._extra_event(step))

    def _extra_event(self, step: dict[str, Any]) -> bytes:
        match step["do"]:
            case "bytes":
                return raw_bytes(step)
            case "garbage":
                return self._event(step.get("data", GARBAGE).encode())
            case "error":
                code, message = step.get("code", 1000), step.get("message", "unknown")
                return self._event(failures.error(code, message))
            case "heartbeat":
                return b": heartbeat" + 2 * self._plan.newline.encode()
        return self._event(step["data"])


def _completion(body: Body, plan: Instruction) -> Completion:
    if plan.sensitive:
        return Completion("", "", [])
    if plan.text is None and plan.pieces is None and not plan.calls:
        completion = canned_answer.complete(body)
    else:
        text = "".join(plan.pieces) if plan.pieces else plan.text or ""
        calls = [_call(call) for call in plan.calls or ()]
        completion = Completion(text, "", calls)
    if plan.reasoning is None:
        return completion
    return completion._replace(reasoning=plan.reasoning)


def _call(call: dict[str, Any]) -> dict[str, str]:
    arguments = call.get("arguments", {})
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    call_id = call.get("id", canned_answer.new_call_id())
    return {"id": call_id, "name": call["name"], "arguments": arguments}


def _encode(data: Any, indent: int | None) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), indent=indent)
    return text.encode("utf-8", "backslashreplace")  # lone surrogates: \\udXXX
