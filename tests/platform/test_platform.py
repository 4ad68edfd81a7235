"""The platform as an upstream, against the simulator that plays it."""

import socket
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pytest

from hailuo import errors
from hailuo.concurrency.watch import HEARTBEAT, Watch
from hailuo.files import Source, data_uri
from hailuo.net.client import HttpClient
from hailuo.upstream import Call, Message, Piece, Question, Tool, ToolCall, Usage
from hailuo.upstream.platform import Platform
from tests.files import samples
from tests.platform.paper import filed, pdf
from tests.simulated import Simulated


class Key(NamedTuple):
    token: str = "sk-api-demo"
    name: str = "demo"


WEATHER = Tool(
    "get_weather",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}},
)


def question(*content: str | Source, **more: Any) -> Question:
    return Question([Message("user", content or ("Hello",))], **more)


def answer(
    platform: Platform, asked: Question | None = None, watch: Watch | None = None
) -> list[Piece]:
    pieces = platform.answer(Key(), asked or question(), watch or Watch())
    return [piece for piece in pieces if piece is not HEARTBEAT]


def text_of(pieces: Iterable[Any]) -> str:
    return "".join(piece.text for piece in pieces)


def asked_of(simulated: Simulated) -> Any:
    """The body that the platform was last asked with."""
    return simulated.report()["answers"][-1]["form"]


class TestAnswer:
    def test_answer_ends_with_finish_and_usage(
        self, platform: Platform, simulated: Simulated
    ) -> None:
        usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
        simulated.script({"call": "completion", "text": "Grüße, 世界!", "usage": usage})

        pieces = answer(platform)

        assert text_of(pieces) == "Grüße, 世界!"
        assert pieces[-1].finish == "stop"
        assert pieces[-1].usage == Usage(7, 5)
        assert all(piece.id for piece in pieces)

    @pytest.mark.parametrize("tags", [False, True], ids=["apart", "in tags"])
    @pytest.mark.parametrize("cumulative", [False, True], ids=["new", "all so far"])
    @pytest.mark.parametrize("done", [True, False], ids=["done", "no done"])
    def test_answer_is_the_same_in_every_wire_format(
        self,
        platform: Platform,
        simulated: Simulated,
        tags: bool,
        cumulative: bool,
        done: bool,
    ) -> None:
        simulated.script(
            {
                "call": "completion",
                "text": "The answer to everything is forty-two.",
                "reasoning": "Somebody asks for the answer to everything.",
                "tags": tags,
                "cumulative": cumulative,
                "done": done,
                "whole": True,
                "cuts": {"every": 7, "of": "wire", "pause_s": 0},
            }
        )

        pieces = answer(platform)

        assert text_of(pieces) == "The answer to everything is forty-two."
        thought = "".join(piece.reasoning for piece in pieces)
        assert thought == "Somebody asks for the answer to everything."
        assert pieces[-1].finish == "stop"

    def test_answer_contains_tool_calls(
        self, platform: Platform, simulated: Simulated
    ) -> None:
        calls = [
            {"id": "a", "name": "get_weather", "arguments": '{"city": "Paris"}'},
            {"id": "b", "name": "get_weather", "arguments": '{"city": "Rome"}'},
        ]
        simulated.script({"call": "completion", "calls": calls})

        pieces = answer(platform, question(tools=[WEATHER]))

        parts = [call for piece in pieces for call in piece.tool_calls]
        for number, call in enumerate(calls):
            mine = [part for part in parts if part.number == number]
            assert (mine[0].id, mine[0].name) == (call["id"], "get_weather")
            assert "".join(part.arguments for part in mine) == call["arguments"]
            assert all(part[1:3] == ("", "") for part in mine[1:])
        assert pieces[-1].finish == "tools"

    def test_answer_uses_a_tool_result(
        self, platform: Platform, simulated: Simulated
    ) -> None:
        """The loop, with the simulator deciding by itself."""
        more: dict[str, Any] = {"tools": [WEATHER], "max_tokens": 500}
        first = answer(platform, question("The weather in Paris?", **more))
        call = ToolCall(0)
        for part in (part for piece in first for part in piece.tool_calls):
            call = call._replace(
                id=call.id or part.id,
                name=call.name or part.name,
                arguments=call.arguments + part.arguments,
            )
        assert (call.name, call.arguments) == ("get_weather", '{"city": "Paris"}')

        called = [Call(call.name, call.arguments, call.id)]
        messages = [
            Message("user", ("The weather in Paris?",)),
            Message("assistant", calls=called),
            Message("tool", ("18 °C",), call_id=call.id),
        ]
        second = answer(platform, Question(messages, **more))

        assert text_of(second) == "The tool says: 18 °C"
        assert second[-1].finish == "stop"

    def test_answer_is_streamed_while_it_is_written(
        self, platform: Platform, simulated: Simulated
    ) -> None:
        step = {"after": 1, "do": "hold"}
        simulated.script({"call": "completion", "pieces": ["a", "b"], "then": [step]})
        pieces: Iterator[Any] = platform.answer(Key(), question(), Watch())

        assert next(pieces).text == "a"
        simulated.wait("held", exactly=1)
        simulated.release()
        assert text_of(pieces) == "b"

    def test_answer_returns_its_connection(
        self, platform: Platform, simulated: Simulated
    ) -> None:
        simulated.script({"call": "completion", "text": "Hi", "times": 5})
        before = simulated.report()["connections"]["total"]

        for _ in range(5):
            answer(platform)

        assert simulated.report()["connections"]["total"] == before + 1

    def test_closing_the_answer_ends_it_upstream(
        self, platform: Platform, simulated: Simulated
    ) -> None:
        step = {"after": 1, "do": "silence"}
        simulated.script({"call": "completion", "text": "Hello you", "then": [step]})
        pieces = platform.answer(Key(), question(), Watch())
        next(pieces)

        pieces.close()

        simulated.wait("open_answers", exactly=0)
        assert simulated.report()["answers"][0]["how"] == "client left"

    def test_answer_ends_when_the_client_disconnects(
        self, platform: Platform, simulated: Simulated
    ) -> None:
        step = {"after": 1, "do": "silence"}
        simulated.script({"call": "completion", "text": "Hello you", "then": [step]})
        caller, ours = socket.socketpair()
        with caller, ours:
            pieces = platform.answer(Key(), question(), Watch(ours))
            next(pieces)
            caller.close()

            with pytest.raises(errors.ClientDisconnected):
                next(pieces)

        simulated.wait("open_answers", exactly=0)

    def test_answer_yields_heartbeats_during_silence(
        self, platform: Platform, simulated: Simulated
    ) -> None:
        step = {"after": 1, "do": "silence"}
        simulated.script({"call": "completion", "text": "Hello you", "then": [step]})
        pieces = platform.answer(Key(), question(), Watch(heartbeat_s=0.01))

        assert HEARTBEAT in [next(pieces) for _ in range(3)]
        pieces.close()


class TestPlatformQuestion:
    @pytest.mark.parametrize(
        ("model", "sent"),
        [
            ("MiniMax-M2.5", "MiniMax-M2.5"),
            ("", "MiniMax-M3"),
        ],
    )
    def test_question_goes_to_the_chosen_or_default_model(
        self, platform: Platform, simulated: Simulated, model: str, sent: str
    ) -> None:
        simulated.script({"call": "completion"})

        answer(platform, question(model=model))

        assert asked_of(simulated)["model"] == sent

    def test_irregular_question_is_repaired(
        self, platform: Platform, simulated: Simulated
    ) -> None:
        """The strict simulator finds nothing to refuse."""
        messages = [
            Message("system", ("Be brief",)),
            Message("user", ("",)),
            Message("assistant"),
            Message("user"),
            Message("system", ("Be kind",)),
            Message("user", ("Hi",), name="Ann"),
            Message("assistant", calls=[Call("f", "")]),
            Message("tool", name="f"),
        ]
        options = {"seed": 1, "temperature": 0}

        simulated.script({"call": "completion"})

        pieces = answer(
            platform, Question(messages, options=options, tools=[Tool("f")])
        )

        assert pieces[-1].finish == "stop"
        assert len(asked_of(simulated)["messages"]) == 4

    def test_question_may_hold_documents_and_pictures(
        self, platform: Platform, simulated: Simulated
    ) -> None:
        simulated.script({"call": "completion"})
        files = [filed(pdf("Rising sales"), "report.pdf"), filed(samples.PNG)]
        places = Source(files[0].param), Source(files[1].param)

        answer(platform, question("Compare", *places, files=files))

        said, read, shown = asked_of(simulated)["messages"][0]["content"]
        assert said == {"type": "text", "text": "Compare"}
        assert read["text"] == '<file name="report.pdf">\nRising sales\n</file>'
        assert shown["image_url"]["url"] == data_uri(files[1])


FAULTS: dict[str, tuple[dict[str, Any], type[errors.GatewayError]]] = {
    "a status": ({"refuse": {"code": 1008}}, errors.QuotaExhausted),
    "status 200": ({"refuse": {"code": 1002, "as": "base_resp"}}, errors.RateLimited),
    "an event": ({"refuse": {"code": 1004, "as": "event"}}, errors.TokenRejected),
    "invalid": ({"refuse": {"code": 2013}}, errors.BadRequest),
    "filtered": ({"refuse": {"code": 1026}}, errors.ContentFiltered),
    "flagged input": ({"sensitive": "input"}, errors.ContentFiltered),
    "flagged output": ({"sensitive": "output"}, errors.ContentFiltered),
    "no plan for it": ({"refuse": {"code": 2061}}, errors.Forbidden),
    "a proxy's page": ({"http": {"status": 502, "body": "<p>"}}, errors.Unreachable),
    "a page": ({"http": {"status": 200, "body": "<p>"}}, errors.UpstreamProtocolError),
    "json": ({"http": {"status": 200, "body": {}}}, errors.UpstreamProtocolError),
    "no word": ({"text": "", "reasoning": ""}, errors.EmptyAnswer),
    "no answer": ({"drop": "reset"}, errors.Unreachable),
    "an empty stream": ({"recording": {"text": ""}}, errors.EmptyAnswer),
    "silence": ({"then": [{"after": 0, "do": "silence"}]}, errors.PaidTimeout),
}


@pytest.mark.parametrize(("fault", "failure"), FAULTS.values(), ids=FAULTS)
def test_failure_before_the_first_text_has_its_error_class(
    platform: Platform,
    simulated: Simulated,
    fault: dict[str, Any],
    failure: type[errors.GatewayError],
) -> None:
    simulated.script({"call": "completion", **fault})

    with pytest.raises(errors.GatewayError) as failed:
        answer(platform, watch=Watch(idle_s=0.1))

    assert type(failed.value) is failure


BREAKS: dict[str, tuple[dict[str, Any], type[errors.GatewayError]]] = {
    "cut": ({"do": "close"}, errors.Unreachable),
    "cut in a chunk": ({"do": "close", "inside": "chunk"}, errors.Unreachable),
    "reset": ({"do": "reset"}, errors.Unreachable),
    "ended": ({"do": "end"}, errors.UpstreamProtocolError),
    "silence": ({"do": "silence"}, errors.PaidTimeout),
    "garbage": ({"do": "garbage"}, errors.UpstreamProtocolError),
    "an error": ({"do": "error", "code": 1033}, errors.Unreachable),
}


@pytest.mark.parametrize(("step", "failure"), BREAKS.values(), ids=BREAKS)
def test_failure_after_the_first_text_has_its_error_class(
    platform: Platform,
    simulated: Simulated,
    step: dict[str, Any],
    failure: type[errors.GatewayError],
) -> None:
    then = [{"after": 1, **step}]
    simulated.script({"call": "completion", "pieces": ["Hello", " you"], "then": then})
    told = []

    with pytest.raises(errors.GatewayError) as failed:
        for piece in platform.answer(Key(), question(), Watch(idle_s=0.1)):
            told.append(piece)

    assert text_of(told) == "Hello"
    assert type(failed.value) is failure


@pytest.mark.parametrize("do", ["close", "reset", "silence"])
def test_finished_answer_is_whole_however_its_stream_ends(
    platform: Platform, simulated: Simulated, do: str
) -> None:
    """However its stream ends: the usage is all that is lost."""
    then = [{"after": "last", "do": do}]
    simulated.script({"call": "completion", "text": "Hello", "then": then})

    pieces = answer(platform, watch=Watch(idle_s=0.1))

    assert text_of(pieces) == "Hello"
    assert pieces[-1].finish == "stop"


def test_refusal_that_breaks_off_is_unreachable() -> None:
    head = b"HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\n"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(head + b'Content-Length: 99\r\n\r\n{"err')

        threading.Thread(target=refuse).start()
        origin = f"http://127.0.0.1:{server.getsockname()[1]}"

        with pytest.raises(errors.Unreachable):
            answer(Platform(HttpClient(), origin, "MiniMax-M3"))


def test_abort_streams_ends_every_answer(
    platform: Platform, simulated: Simulated
) -> None:
    then = [{"after": 1, "do": "silence"}]
    script = {"call": "completion", "pieces": ["a", "b"], "then": then, "times": 2}
    simulated.script(script)
    answers = [platform.answer(Key(), question(), Watch()) for _ in range(2)]
    for pieces in answers:
        next(pieces)

    threading.Thread(target=platform.abort_streams).start()

    for pieces in answers:
        with pytest.raises(errors.Unreachable):
            deque(pieces, maxlen=0)


class TestKey:
    def test_platform_key_is_checked(self, platform: Platform) -> None:
        assert platform.is_token_valid("sk-api-sim-1") is True
        assert platform.is_token_valid("sk-api-unknown") is False

    def test_failed_key_check_is_not_a_rejection(
        self, platform: Platform, simulated: Simulated
    ) -> None:
        simulated.script({"call": "models", "http": {"status": 500}})

        with pytest.raises(errors.Unreachable):
            platform.is_token_valid("sk-api-demo")

    def test_platform_key_lists_its_models(
        self, platform: Platform, simulated: Simulated
    ) -> None:
        simulated.script({"call": "models", "data": ["MiniMax-M3", "MiniMax-M4"]})

        assert platform.models([Key()]) == ["MiniMax-M3", "MiniMax-M4"]

    def test_platform_key_is_never_in_an_error(self, simulated: Simulated) -> None:
        platform = Platform(HttpClient(), simulated.origin, "MiniMax-M3")

        with pytest.raises(errors.TokenRejected) as failed:
            deque(platform.answer(Key("sk-api-gone"), question(), Watch()), maxlen=0)

        assert "sk-api-gone" not in failed.value.message
