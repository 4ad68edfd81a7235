"""Recorded requests of real clients (apis.md 2.2): `clients/CLIENT.json`.

A file is a list of requests, each as that client sends it, and what it expects:

    what, method, path, headers, body    KEY stands for an account's token
    expected    status; has {path in the answer: value}; headers of the answer;
                model, that is echoed; asked, what the service is asked;
                for a stream: stream true, usage (whether it comes)

A new client is a new file.
"""

import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import SECRET, Caller
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


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_recorded_client_request_is_served(
    upstream: Simulated, account: Caller, case: dict[str, Any]
):
    expected = case["expected"]
    upstream.script({"call": "chat", "text": SAID, "piece": 5})

    reply = send(case, account)

    assert reply.status == expected["status"], reply.body
    for name, value in expected.get("headers", {}).items():
        assert reply.headers[name] == value
    if origin := case["headers"].get("Origin"):
        assert reply.headers["Access-Control-Allow-Origin"] in ("*", origin)
    if expected.get("stream"):
        check_stream(reply, case)
    elif reply.body:
        check_whole(reply, case)
    answers = upstream.report()["answers"]
    if "asked" in expected:
        assert [answer["message"] for answer in answers] == [expected["asked"]]


def check_whole(reply: Reply, case: dict[str, Any]) -> None:
    expected, answer = case["expected"], json.loads(reply.body)
    assert reply.headers["Content-Type"] == "application/json"
    assert ("error" in answer) == (reply.status >= 400)
    for path, value in expected.get("has", {}).items():
        assert found(answer, path) == value
    if answer.get("object") == "chat.completion":
        assert found(answer, "choices.0.message.content") == SAID
        assert found(answer, "choices.0.finish_reason") == "stop"
        assert found(answer, "usage.total_tokens")
        assert answer["model"] == expected.get("model", "hailuo")


def check_stream(reply: Reply, case: dict[str, Any]) -> None:
    """As the strictest of them read it (apis.md 2.1)."""
    expected = case["expected"]
    assert reply.headers["Content-Type"].startswith("text/event-stream")
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


def test_recorded_clients_are_complete():
    assert len(FILES) >= 12
    assert len(CASES) == sum(len(json.loads(path.read_text())) for path in FILES)
