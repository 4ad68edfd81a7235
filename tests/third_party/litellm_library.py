"""The `litellm` library, as aider and others use it."""

import litellm
import pytest

from tests.conftest import SECRET, Caller
from tests.simulated import Simulated

MESSAGES = [{"role": "user", "content": SECRET}]
LINK = {"detail": "Eins", "url": "https://example.com/1"}


def arguments(account: Caller, **more: object) -> dict[str, object]:
    return {
        "model": "openai/hailuo",
        "api_base": account.gateway.base_url,
        "api_key": account.key,
        "messages": MESSAGES,
        "num_retries": 0,
        **more,
    }


def test_litellm_reads_a_whole_answer(upstream: Simulated, account: Caller):
    upstream.script({"call": "chat", "text": "Hello", "links": [LINK]})
    answer = litellm.completion(**arguments(account))
    assert answer.choices[0].message.content == "Hello"
    assert answer.usage.total_tokens == 2
    assert answer.choices[0].message.annotations[0]["type"] == "url_citation"


def test_litellm_reads_a_stream(upstream: Simulated, account: Caller):
    upstream.script({"call": "chat", "text": "Hello"})
    more = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = list(litellm.completion(**arguments(account, **more)))
    texts = [c.choices[0].delta.content or "" for c in chunks if c.choices]
    assert "".join(texts) == "Hello"


def test_litellm_health_check_works(upstream: Simulated, account: Caller):
    upstream.script({"call": "chat", "text": "Hello"})
    tiny = arguments(account, max_tokens=16, web_search_options={})
    assert litellm.completion(**tiny).choices[0].message.content == "Hello"


def test_litellm_raises_a_failure_in_mid_stream(upstream: Simulated, account: Caller):
    cut = {"after": 1, "do": "reset"}
    upstream.script({"call": "chat", "pieces": ["One", "Two"], "then": [cut]})
    with pytest.raises(Exception, match="broke|upstream|reach"):
        list(litellm.completion(**arguments(account, stream=True)))


def test_litellm_raises_its_authentication_error(upstream: Simulated, account: Caller):
    with pytest.raises(litellm.AuthenticationError):
        litellm.completion(**arguments(account, api_key="sk-secret-nobody"))


def test_litellm_raises_its_bad_request_error(upstream: Simulated, account: Caller):
    with pytest.raises(litellm.BadRequestError, match="n must be 1"):
        litellm.completion(**arguments(account, n=2))


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_litellm_completes_a_text(upstream: Simulated, account: Caller, streamed: bool):
    upstream.script({"call": "chat", "text": "Hello"})
    given = arguments(account, stream=streamed, prompt=SECRET)
    del given["messages"]
    given["model"] = "text-completion-openai/hailuo"
    answer = litellm.text_completion(**given)
    parts = list(answer) if streamed else [answer]
    assert "".join(part.choices[0].text or "" for part in parts) == "Hello"


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_litellm_reads_a_response(upstream: Simulated, account: Caller, streamed: bool):
    upstream.script({"call": "chat", "text": "Hello"})
    given = arguments(account, stream=streamed, input=SECRET)
    del given["messages"]
    answer = litellm.responses(**given)
    if streamed:
        *_, last = answer
        answer = last.response
    assert answer.output[0].content[0].text == "Hello"
