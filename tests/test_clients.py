"""Recorded requests of real clients (client-apis.md 2.2): `clients/CLIENT.json`.

A file is a list of requests, each as that client sends it, and what it expects:

    what, method, path, headers, body    KEY stands for an account's token
    kind        "platform" for a platform key; default: a web account
    played      fields of the simulator's instruction; default: its text is SAID
    after       the request that this one follows; ids {text in this body: path in the
                answer to that one} puts in what the client learned from it
    expected    status; has {path in the answer: value}; headers of the answer;
                model, that is echoed; asked, what the service is asked;
                sent, texts that are part of what the service is sent;
                for a stream: stream true, usage (whether it comes)

A new client is a new file.
"""

import json
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from anthropic.types import Message

from tests.conftest import SECRET, Caller
from tests.messages import strict
from tests.responses import checked
from tests.simulated import Simulated

FILES = sorted(Path(__file__).with_name("clients").glob("*.json"))
CASES = {
    f"{path.stem}: {case['what']}": case
    for path in FILES
    for case in json.loads(path.read_text("utf-8"))
}
SAID = f"Hello from {SECRET} 🐚"


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def send(case: dict[str, Any], account: Caller) -> Reply:
    """Exactly these headers, this path, this body; nothing is mended on the way."""
    connection = HTTPConnection("127.0.0.1", account.gateway.port, timeout=20)
    body = json.dumps(case["body"]).encode() if "body" in case else None
    headers = {k: v.replace("KEY", account.key) for k, v in case["headers"].items()}
    if "DUMMY_KEY" in str(case["headers"]):
        headers = case["headers"]
    connection.request(case["method"], case["path"], body, headers)
    answer = connection.getresponse()
    reply = Reply(answer.status, dict(answer.getheaders()), answer.read())
    connection.close()
    return reply


def found(answer: Any, path: str) -> Any:
    """`data.0.id` of an answer."""
    for step in path.split("."):
        answer = answer[int(step) if step.isdigit() else step]
    return answer


@pytest.mark.parametrize(("name", "case"), CASES.items(), ids=CASES)
def test_recorded_client_request_is_served(
    upstream: Simulated, caller: Callable[..., Caller], name: str, case: dict[str, Any]
):
    expected = case["expected"]
    account = caller(kind=case.get("kind", "web"))
    if "after" in case:
        case = continued(case, name.partition(":")[0], upstream, account)

    reply = play(case, upstream, account)

    assert reply.status == expected["status"], reply.body
    for header, value in expected.get("headers", {}).items():
        assert reply.headers[header] == value
    if origin := case["headers"].get("Origin"):
        assert reply.headers["Access-Control-Allow-Origin"] in ("*", origin)
    if expected.get("stream"):
        check_stream(reply, case)
    elif reply.body:
        check_whole(reply, case)
    answers = upstream.report()["answers"]
    if "asked" in expected:
        assert [answer["message"] for answer in answers] == [expected["asked"]]
    sent = json.dumps([[answer["message"], answer["form"]] for answer in answers])
    assert all(text in sent for text in expected.get("sent", ()))
    assert "x-anthropic-billing-header" not in sent


def play(case: dict[str, Any], upstream: Simulated, account: Caller) -> Reply:
    played = case.get("played", {"text": SAID})
    upstream.script({"call": account.call, "piece": 5, **played})
    return send(case, account)


def continued(
    case: dict[str, Any], client: str, upstream: Simulated, account: Caller
) -> dict[str, Any]:
    """Send the request that comes before *case*; return *case* with its ids."""
    before = CASES[f"{client}: {case['after']}"]
    reply = play(before, upstream, account)
    stream = before["expected"].get("stream")
    answer = last_response(reply) if stream else json.loads(reply.body)
    body = json.dumps(case["body"])
    for text, path in case["ids"].items():
        body = body.replace(f'"{text}"', json.dumps(found(answer, path)))
    return {**case, "body": json.loads(body)}


def check_whole(reply: Reply, case: dict[str, Any]) -> None:
    expected, answer = case["expected"], json.loads(reply.body)
    assert reply.headers["Content-Type"] == "application/json"
    assert bool(answer.get("error")) == (reply.status >= 400)
    for path, value in expected.get("has", {}).items():
        assert found(answer, path) == value
    if answer.get("object") == "response":
        check_response(answer, case)
    if answer.get("type") == "message":
        check_message(strict.checked(Message, answer).to_dict(), case)
    if "/count_tokens" in case["path"]:
        assert answer["input_tokens"] > 0
    if answer.get("object") == "chat.completion":
        if "played" not in case:
            assert found(answer, "choices.0.message.content") == SAID
            assert found(answer, "choices.0.finish_reason") == "stop"
        assert found(answer, "usage.total_tokens")
        assert answer["model"] == expected.get("model", "hailuo")


def check_stream(reply: Reply, case: dict[str, Any]) -> None:
    """As the strictest of them read it (client-apis.md 2.1)."""
    expected = case["expected"]
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    if case["path"].endswith("/responses"):
        answer = last_response(reply)
        check_response(answer, case)
        assert all(
            found(answer, at) == it for at, it in expected.get("has", {}).items()
        )
        return
    if case["path"].startswith("/v1/messages"):
        events = strict.events_of(reply.body)
        check_message(strict.checked_events(events), case)
        return
    *blocks, mark, end = reply.body.decode().split("\n\n")
    assert (mark, end) == ("data: [DONE]", "")
    chunks = [json.loads(block.removeprefix("data: ")) for block in blocks]
    assert all("error" not in chunk for chunk in chunks)
    assert len({(chunk["id"], chunk["created"]) for chunk in chunks}) == 1
    assert {chunk["model"] for chunk in chunks} == {expected.get("model", "hailuo")}
    choices = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
    assert "".join(each["delta"].get("content", "") for each in choices) == SAID
    assert choices[-1]["finish_reason"] == "stop"
    if "usage" in expected:
        assert bool(chunks[-1].get("usage")) == expected["usage"]
        assert ("usage" in chunks[0]) == expected["usage"]


def last_response(reply: Reply) -> dict[str, Any]:
    """Return the response that the events of a stream amount to."""
    return checked.events(reply.body)[-1].response.to_dict()


def check_response(answer: dict[str, Any], case: dict[str, Any]) -> None:
    assert (answer["status"], answer["error"]) == ("completed", None)
    assert answer["model"] == case["expected"].get("model", "hailuo")
    given = [{k: v for k, v in t.items() if v is not None} for t in answer["tools"]]
    assert given == case["body"].get("tools", [])
    assert answer["tool_choice"] == "auto" and answer["parallel_tool_calls"] is True
    assert answer["usage"]["total_tokens"]
    texts = [item["content"] for item in answer["output"] if item["type"] == "message"]
    said = case.get("played", {"text": SAID}).get("text")
    assert [parts[0]["text"] for parts in texts] == ([said] if said else [])


def check_message(answer: dict[str, Any], case: dict[str, Any]) -> None:
    [block] = answer["content"]
    said = case.get("played", {"text": SAID})["text"]
    assert (block["text"], answer["stop_reason"]) == (said, "end_turn")
    assert answer["model"] == case["expected"]["model"]


def test_recorded_clients_are_complete():
    assert len(FILES) >= 22
    assert len(CASES) == sum(len(json.loads(path.read_text())) for path in FILES)
