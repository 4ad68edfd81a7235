"""POST /v1/chat/completions without `stream`, through the official library."""

import re

from tests.conftest import BOTH, SECRET, Caller
from tests.served import KEY, Served
from tests.simulated import Simulated


def test_whole_answer_has_exactly_the_original_programs_fields(
    upstream: Simulated, account: Caller
):
    upstream.script({"call": "chat", "text": f"I am {SECRET}.", "chat_id": "2" * 18})

    whole = account.client.chat.completions.with_raw_response.create(
        model="anything", messages=[{"role": "user", "content": f"Who? {SECRET}"}]
    ).http_response.json()

    created = whole.pop("created")
    assert isinstance(created, int) and created > 1_700_000_000
    assert whole == {
        "id": "2" * 18,
        "model": "anything",
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": f"I am {SECRET}.",
                    "refusal": None,
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def test_citations_cover_the_whole_text(upstream: Simulated, account: Caller):
    links = [
        {"detail": "Eins", "url": "https://example.com/1"},
        {"detail": "Zwei", "url": "https://example.com/2"},
    ]
    upstream.script({"call": "chat", "text": "蜗牛 🐌", "links": links, "links_at": 1})

    message = account.create().choices[0].message

    assert [each.type for each in message.annotations] == ["url_citation"] * 2
    cited = [each.url_citation for each in message.annotations]
    assert [(each.title, each.url) for each in cited] == [
        ("Eins", "https://example.com/1"),
        ("Zwei", "https://example.com/2"),
    ]
    assert {(each.start_index, each.end_index) for each in cited} == {(0, 4)}


def test_answer_without_links_has_no_annotations(upstream: Simulated, account: Caller):
    upstream.script({"call": "chat", "text": "Hi"})
    assert account.create().choices[0].message.annotations is None


@BOTH
def test_non_ascii_text_is_not_escaped(upstream: Simulated, account: Caller):
    """JSON that people can read, and that old parsers take: no escapes, no length."""
    upstream.script({"call": account.call, "text": "海螺\u2028🐚"})
    body = {"messages": [{"role": "user", "content": "你好"}]}

    answer = account.send(json=body)

    assert "海螺\u2028🐚".encode() in answer.content
    assert answer.headers["Content-Type"] == "application/json"
    assert upstream.report()["answers"][0]["message"] == "你好"


def test_gateway_key_uses_the_pool(upstream: Simulated, gateway: Served):
    upstream.script({"call": "chat", "text": "From the pool", "times": None})
    client = gateway.client(KEY)
    messages = [{"role": "user", "content": SECRET}]

    for _ in range(3):
        client.chat.completions.create(model="hailuo", messages=messages)

    users = [answer["user"] for answer in upstream.report()["answers"]]
    assert sorted(users) == ["1001", "1002", "1003"], "the least recently used serves"


def test_history_is_folded_into_one_message(upstream: Simulated, account: Caller):
    history = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "Two."},
        {"role": "user", "content": [{"type": "text", "text": "Three?"}], "name": "x"},
    ]
    upstream.script({"call": "chat", "text": "Four."})

    account.create(messages=history)

    assert upstream.report()["answers"][0]["message"] == (
        "system:Be brief.\nuser:One?\nassistant:Two.\nuser:Three?\nassistant:"
    )


def test_every_response_has_a_unique_request_id(
    gateway: Served, account: Caller, upstream: Simulated
):
    upstream.script({"call": "chat", "text": "Hi"})

    named = [
        gateway.request("GET", "/ping"),
        gateway.request("GET", "/v1/models"),
        gateway.request("GET", "/nowhere"),
        gateway.request("POST", "/v1/chat/completions"),
        account.send(),
    ]

    names = [answer.headers["x-request-id"] for answer in named]
    assert all(re.fullmatch(r"req_[0-9a-f]{32}", name) for name in names)
    assert len(set(names)) == len(names)
