"""POST /v1/completions: a prompt in, one text out, as before chat."""

import json
from typing import Any

import openai
import pytest
from flask.testing import FlaskClient

from hailuo.endpoints import completions
from hailuo.upstream import Piece, Usage
from tests.conftest import BOTH, SECRET, Caller
from tests.simulated import Simulated

KEY = {"Authorization": "Bearer My API Key"}


def ask(client: FlaskClient, **fields: Any) -> tuple[int, dict[str, Any]]:
    """The status and the error: 503 when the request is as it should be."""
    body = {"prompt": "Hi", **fields}
    answer = client.post("/v1/completions", json=body, headers=KEY)
    return answer.status_code, answer.get_json()["error"]


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"prompt": None}, "prompt", "a string"),
    ({"prompt": []}, "prompt", "single"),
    ({"prompt": ["a", "b"]}, "prompt", "single"),
    ({"prompt": [1, 2]}, "prompt", "single"),
    ({"prompt": [[1, 2]]}, "prompt", "single"),
    ({"suffix": "end"}, "suffix", "null"),
    ({"echo": True}, "echo", "false"),
    ({"echo": 7}, "echo", "true or false"),
    ({"best_of": 2}, "best_of", "1"),
    ({"n": 2}, "n", "1"),
    ({"logprobs": 5}, "logprobs", "false"),
    ({"stop": 7}, "stop", "string"),
    ({"max_tokens": "many"}, "max_tokens", "whole number"),
    ({"temperature": "hot"}, "temperature", "number"),
    ({"model": 7}, "model", "string"),
]


@pytest.mark.parametrize(("fields", "param", "expected"), REFUSED, ids=repr)
def test_wrong_field_is_named_with_what_was_expected(
    client: FlaskClient, fields: dict[str, Any], param: str, expected: str
):
    status, error = ask(client, **fields)
    assert (status, error["param"]) == (400, param)
    assert error["message"].startswith(f"{param} must be ")
    assert expected in error["message"]


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": ["Hi"]},
        {"suffix": None, "echo": None, "best_of": None, "n": None, "logprobs": None},
        {"suffix": "", "echo": False, "best_of": 1, "n": 1, "logprobs": 0},
        {"tools": 7, "messages": 7, "response_format": {"type": "json_object"}},
    ],
    ids=repr,
)
def test_tolerated_field_is_accepted(client: FlaskClient, fields: dict[str, Any]):
    assert ask(client, **fields)[1]["code"] == "no_live_account"


@BOTH
class TestCompletion:
    def test_whole_completion_has_the_text(self, upstream: Simulated, account: Caller):
        upstream.script({"call": account.call, "text": "Hello 🐌"})
        completion = account.client.completions.create(
            model="gpt-3.5-turbo-instruct", prompt=SECRET, max_tokens=9
        )
        assert completion.object == "text_completion"
        assert completion.model == "gpt-3.5-turbo-instruct"
        (choice,) = completion.choices
        assert (choice.text, choice.finish_reason) == ("Hello 🐌", "stop")
        assert completion.usage.total_tokens > 0
        assert not choice.model_extra and not completion.model_extra

    def test_streamed_completion_has_the_text(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": account.call, "pieces": ["Hel", "lo 🐌"]})
        options = {"include_usage": True}
        chunks = [
            *account.client.completions.create(
                model="m", prompt=SECRET, stream=True, stream_options=options
            )
        ]
        *texts, counted = chunks
        assert "".join(chunk.choices[0].text for chunk in texts) == "Hello 🐌"
        assert [chunk.choices[0].finish_reason for chunk in texts][-1] == "stop"
        assert counted.choices == [] and counted.usage.total_tokens > 0
        assert len({chunk.id for chunk in chunks}) == 1

    def test_stop_sequence_ends_the_text(self, upstream: Simulated, account: Caller):
        upstream.script({"call": account.call, "text": "one END two"})
        completion = account.client.completions.create(
            model="m", prompt=SECRET, stop="END"
        )
        assert completion.choices[0].text == "one "

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
    def test_empty_prompt_is_named(
        self, upstream: Simulated, account: Caller, stream: bool
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            account.client.completions.create(model="m", prompt=" ", stream=stream)
        assert refused.value.param == "prompt"
        assert "messages" not in refused.value.message

    def test_failure_in_mid_stream_is_an_error_event(
        self, upstream: Simulated, account: Caller
    ):
        reset = {"after": 1, "do": "reset"}
        upstream.script({"call": account.call, "pieces": ["a", "b"], "then": [reset]})
        with pytest.raises(openai.APIError) as raised:
            list(
                account.client.completions.create(model="m", prompt=SECRET, stream=True)
            )
        assert raised.value.code == "upstream_unreachable"


def test_reasoning_is_left_out_and_pings_meanwhile():
    chat = completions.read_prompt({"prompt": "Hi"})
    last = Piece("Yes", finish="length", usage=Usage(3, 4))
    pieces = (piece for piece in [Piece(reasoning="m."), last])
    first, ping, *events = completions.chunks(Piece(reasoning="H"), pieces, chat)
    assert first == ping == b": ping\n\n"
    text, finish, done, rest = b"".join(events).split(b"\n\n")
    assert json.loads(text[6:])["choices"][0]["text"] == "Yes"
    assert json.loads(finish[6:])["choices"][0]["finish_reason"] == "length"
    assert (done, rest) == (b"data: [DONE]", b"")
