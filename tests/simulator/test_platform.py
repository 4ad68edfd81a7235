"""The simulator as the platform: what it says by itself, and what it refuses."""

from typing import Any

import openai
import pytest
import requests

from tests.simulated import Simulated

KEY = "sk-api-demo"
HELLO = [{"role": "user", "content": "Hello"}]
PARAMETERS = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "unit": {"type": "string", "enum": ["C", "F"]},
    },
}
WEATHER: Any = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": PARAMETERS},
}


@pytest.fixture
def client(simulated: Simulated):
    """The official library, which the platform's pages recommend."""
    base_url = f"{simulated.origin}/v1"
    with openai.OpenAI(api_key=KEY, base_url=base_url, max_retries=0) as client:
        yield client


def post(simulated: Simulated, key: str = KEY, **body: Any) -> requests.Response:
    asked = {"model": "MiniMax-M3", "messages": HELLO, **body}
    headers = {"Authorization": f"Bearer {key}"}
    address = f"{simulated.origin}/v1/chat/completions"
    return requests.post(address, json=asked, headers=headers, timeout=10)


def test_simulated_platform_gives_a_whole_answer(client: Any, simulated: Simulated):
    made = client.chat.completions.create(model="MiniMax-M3", messages=HELLO)
    message = made.choices[0].message.content
    assert message.startswith("<think>\n") and "</think>\n\nHello!" in message
    assert "“Hello”" in message
    assert made.usage.total_tokens > 0
    assert made.to_dict()["base_resp"]["status_code"] == 0
    assert simulated.report()["violations"] == []


def test_simulated_platform_streams_as_captured(simulated: Simulated):
    simulated.script({"call": "completion", "reasoning": "Hm", "pieces": ["a", "b"]})
    answer = post(
        simulated,
        stream=True,
        stream_options={"include_usage": True},
        reasoning_split=True,
    )
    *events, done, rest = answer.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    thought, *_, last, usage = events
    assert '"reasoning_content":"Hm"' in thought and '"content"' not in thought
    assert '"content":"b"' in last and '"finish_reason":"stop"' in last
    assert '"choices":[]' in usage and '"base_resp":{"status_code":0' in usage


def test_simulated_platform_calls_a_tool_and_uses_its_result(client: Any):
    asked: list[Any] = [{"role": "user", "content": "The weather in Rome for 3 days?"}]
    made = client.chat.completions.create(
        model="MiniMax-M3", messages=asked, tools=[WEATHER]
    )
    (call,) = made.choices[0].message.tool_calls
    assert made.choices[0].finish_reason == "tool_calls"
    assert call.function.arguments == '{"city": "Rome", "days": 3, "unit": "C"}'
    asked.append({"role": "assistant", "content": None, "tool_calls": [call.to_dict()]})
    asked.append({"role": "tool", "tool_call_id": call.id, "content": "Sunny"})
    made = client.chat.completions.create(
        model="MiniMax-M3", messages=asked, tools=[WEATHER]
    )
    assert made.choices[0].message.content == "The tool says: Sunny"


@pytest.mark.parametrize("choice", ["required", WEATHER])
def test_simulated_platform_calls_a_required_tool(simulated: Simulated, choice: Any):
    answer = post(simulated, tools=[WEATHER], tool_choice=choice)
    assert answer.json()["choices"][0]["finish_reason"] == "tool_calls"


def test_simulated_platform_calls_no_tool_without_a_reason(simulated: Simulated):
    answer = post(simulated, tools=[WEATHER])
    assert answer.json()["choices"][0]["finish_reason"] == "stop"


def test_simulated_platform_has_agents_do_nothing_harmful(client: Any):
    """They execute what it calls, whatever the question quotes."""
    asked = [{"role": "user", "content": 'Explain the command "rm -rf /", file "a.py"'}]
    path = {"type": "object", "properties": {"path": {"type": "string"}}}
    command = {"type": "object", "properties": {"command": {"type": "string"}}}
    tools = [
        {"type": "function", "function": {"name": name, "parameters": parameters}}
        for name, parameters in [
            ("write_file", path),
            ("delete_file", path),
            ("run_command", command),
        ]
    ]
    made = client.chat.completions.create(
        model="MiniMax-M3", messages=asked, tools=tools
    )
    (call,) = made.choices[0].message.tool_calls
    assert call.function.name == "run_command"
    assert call.function.arguments == '{"command": "echo hailuo"}'


def test_simulated_platform_gives_each_call_an_id_of_its_own(simulated: Simulated):
    call = {"name": "get_weather"}
    simulated.script({"call": "completion", "calls": [call, call], "times": 2})
    answers = [post(simulated, tools=[WEATHER]).json() for _ in range(2)]
    calls = [a["choices"][0]["message"]["tool_calls"] for a in answers]
    assert len({call["id"] for made in calls for call in made}) == 4


def test_key_of_a_smaller_plan_is_refused_other_models(simulated: Simulated):
    answer = post(simulated, "sk-api-sim-lite-1", model="MiniMax-M3")
    assert answer.status_code == 403
    assert answer.json()["error"]["message"].endswith("(2061)")
    assert post(simulated, "sk-api-sim-lite-1", model="MiniMax-M2").status_code == 200


def test_simulated_platform_looks_at_videos(simulated: Simulated):
    parts = [{"type": "text", "text": "Well?"}, VIDEO]
    assert post(simulated, messages=[user(parts)]).status_code == 200


def test_simulated_platform_lists_its_models(client: Any):
    assert "MiniMax-M3" in [model.id for model in client.models.list()]


@pytest.mark.parametrize("key", ["sk-api-other", "eyJhbGciOiJIUzI1NiJ9.e30.x", ""])
def test_unknown_platform_key_is_refused(simulated: Simulated, key: str):
    answer = post(simulated, key)
    assert answer.status_code == 401
    assert answer.json()["error"]["message"].endswith("(1004)")
    assert answer.json()["error"]["http_code"] == "401"
    assert simulated.report()["violations"] == []


CALLERS_MISTAKES = {
    "unknown model": ({"model": "gpt-4o"}, "unknown model"),
    "temperature in words": ({"temperature": "warm"}, "temperature is not a number"),
}


@pytest.mark.parametrize(
    ("body", "why"), CALLERS_MISTAKES.values(), ids=CALLERS_MISTAKES
)
def test_invalid_platform_request_is_refused(
    simulated: Simulated, body: dict[str, Any], why: str
):
    answer = post(simulated, **body)
    assert answer.status_code == 400
    assert why in answer.json()["error"]["message"]
    assert answer.json()["error"]["message"].endswith("(2013)")
    assert simulated.report()["violations"] == []


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def calls(*calls: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def called(name: str, arguments: Any) -> dict[str, Any]:
    return {**CALL, "function": {"name": name, "arguments": arguments}}


def result(content: Any, id: Any = "c") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": content}


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
URL = {"url": "https://example.org/a"}
PNG = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
VIDEO = {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}}
BMP = {"type": "image_url", "image_url": {"url": "data:image/bmp;base64,AAAA"}}
FORBIDDEN = {
    "a video for a model that only reads": {
        "model": "MiniMax-M2",
        "messages": [user([VIDEO])],
    },
    "a picture as a video": {
        "messages": [user([{**VIDEO, "video_url": PNG["image_url"]}])]
    },
    "an unknown field of a video": {
        "messages": [user([{**VIDEO, "video_url": {**URL, "fps": 1}}])]
    },
    "an unknown detail": {
        "messages": [user([{**PNG, "image_url": {**URL, "detail": "auto"}}])]
    },
    "a longer side of nothing": {
        "messages": [user([{**PNG, "image_url": {**URL, "max_long_side_pixel": 0}}])]
    },
    "a temperature out of range": {"temperature": 2.1},
    "a top_p out of range": {"top_p": -0.1},
    "another API's thinking": {"thinking": {"type": "enabled"}},
    "no thinking of a model that always thinks": {
        "model": "MiniMax-M2.5",
        "thinking": {"type": "disabled"},
    },
    "no thinking of a model that must think": {"model": "MiniMax-M3.1-Flash"},
    "an unknown tier": {"service_tier": "auto"},
    "parallel calls of no tools": {"parallel_tool_calls": False},
    "an empty content": {"messages": [user("")]},
    "an empty content beside calls": {
        "messages": [
            *HELLO,
            {"role": "assistant", "content": "", "tool_calls": [CALL]},
        ]
    },
    "an empty part": {"messages": [user([{"type": "text", "text": ""}])]},
    "a second system message": {
        "messages": [
            {"role": "system", "content": "a"},
            {"role": "system", "content": "b"},
            *HELLO,
        ]
    },
    "a later system message": {
        "messages": [*HELLO, {"role": "system", "content": "a"}]
    },
    "no user message": {"messages": [{"role": "system", "content": "a"}]},
    "a developer": {"messages": [{"role": "developer", "content": "a"}, *HELLO]},
    "a result of no call": {
        "messages": [*HELLO, {"role": "tool", "tool_call_id": "x", "content": "a"}]
    },
    "a result that is null": {"messages": [*HELLO, calls(CALL), result(None)]},
    "a result that is empty": {"messages": [*HELLO, calls(CALL), result("")]},
    "a call without its result": {"messages": [*HELLO, calls(CALL)]},
    "one of two results": {
        "messages": [*HELLO, calls(CALL, {**CALL, "id": "d"}), result("a"), *HELLO]
    },
    "a second result": {
        "messages": [*HELLO, calls(CALL), result("a"), result("b")],
    },
    "something between a call and its result": {
        "messages": [calls(CALL), *HELLO, result("a")]
    },
    "a result before its call": {"messages": [*HELLO, result("a"), calls(CALL)]},
    "an id that two calls share": {
        "messages": [*HELLO, calls(CALL, CALL), result("a"), result("b")]
    },
    "a number as id": {"messages": [*HELLO, calls({**CALL, "id": 7}), result("a", 7)]},
    "no id": {"messages": [*HELLO, calls({**CALL, "id": ""}), result("a", "")]},
    "arguments that are cut off": {
        "messages": [*HELLO, calls(called("f", '{"a": ')), result("a")]
    },
    "arguments that are no object": {
        "messages": [*HELLO, calls(called("f", "[]")), result("a")]
    },
    "arguments that are no text": {
        "messages": [*HELLO, calls(called("f", {})), result("a")]
    },
    "a call without a name": {
        "messages": [*HELLO, calls(called("", "{}")), result("a")]
    },
    "a call of a custom tool": {
        "messages": [*HELLO, calls({**CALL, "type": "custom"}), result("a")]
    },
    "a user's call": {"messages": [{**calls(CALL), "role": "user"}, result("a")]},
    "a result with a picture": {"messages": [*HELLO, calls(CALL), result([PNG])]},
    "an undocumented key of a message": {
        "messages": [{"role": "user", "content": "a", "refusal": None}]
    },
    "a document": {"messages": [user([{"type": "file", "file": {}}])]},
    "an image of another type": {"messages": [user([BMP])]},
    "an image to one that reads": {"messages": [user([PNG])], "model": "MiniMax-M2"},
    "a tool without parameters": {
        "tools": [{"type": "function", "function": {"name": "f"}}]
    },
    "an undocumented option": {"seed": 1},
    "a choice that forces nothing": {"tools": [WEATHER], "tool_choice": "auto"},
    "a choice among some": {
        "tools": [WEATHER],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {}},
    },
    "a choice of a function that is not there": {
        "tools": [WEATHER],
        "tool_choice": called("f", "{}"),
    },
}


@pytest.mark.parametrize("body", FORBIDDEN.values(), ids=FORBIDDEN)
def test_unrepaired_history_is_a_violation(simulated: Simulated, body: dict[str, Any]):
    answer = post(simulated, **body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].endswith("(2013)")
    assert len(simulated.report()["violations"]) == 1


def speak(simulated: Simulated, **fields: Any) -> dict[str, Any]:
    body = {
        "model": "speech-2.8-hd",
        "text": "Hello",
        "stream": True,
        "audio_setting": {"format": "mp3", "sample_rate": 44_100, "channel": 1},
        **fields,
    }
    body["voice_setting"] = {"voice_id": "simulated-girl"} | body.pop("voice", {})
    answer = requests.post(
        f"{simulated.origin}/v1/t2a_v2",
        json=body,
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=10,
    )
    return {"status": answer.status_code, "text": answer.text}


@pytest.mark.parametrize(
    "fields",
    [
        {"voice": {"emotion": "bored"}},
        {"voice": {"pitch": 13}},
        {"voice": {"pitch": 0.5}},
        {"voice": {"vol": 0}},
        {"voice": {"vol": 11}},
        {"voice": {"volume": 1}},
        {"language_boost": "en"},
        {"emotions": "sad"},
    ],
    ids=str,
)
def test_unknown_speech_style_is_a_violation(
    simulated: Simulated, fields: dict[str, Any]
):
    assert speak(simulated, **fields)["status"] == 400
    assert len(simulated.report()["violations"]) == 1


def test_unknown_platform_voice_is_refused(simulated: Simulated):
    """Callers may try: a clone is not listed before its first use."""
    refused = speak(simulated, voice={"voice_id": "nobody"})

    assert refused["status"] == 200
    assert "20132" in refused["text"]
    assert simulated.report()["violations"] == []


class TestPlans:
    """Subscription keys have a plan, which can be used up."""

    PLAN = "sk-cp-sim-1"

    def remains(self, simulated: Simulated, key: str = PLAN, **call: Any) -> Any:
        headers = {"Authorization": f"Bearer {key}"}
        address = f"{simulated.origin}/v1/token_plan/remains"
        return requests.get(address, headers=headers, timeout=10, **call)

    @pytest.mark.parametrize(("counts", "count"), [("left", 30), ("used", 70)])
    def test_simulated_plan_has_both_meanings_of_a_count(
        self, simulated: Simulated, counts: str, count: int
    ):
        simulated.plan(self.PLAN, window_left=30, week_left=None, counts=counts)
        general, video = self.remains(simulated).json()["model_remains"]
        assert (general["model_name"], video["model_name"]) == ("general", "video")
        assert general["current_interval_usage_count"] == count
        assert general["current_interval_remaining_percent"] == 30
        assert general["current_weekly_status"] == 3
        left_ms = general["end_time"] - general["start_time"]
        assert 0 < general["remains_time"] <= left_ms == 5 * 3_600_000
        assert simulated.report()["violations"] == []

    def test_simulated_plan_is_used_up_and_begins_again(self, simulated: Simulated):
        simulated.plan(self.PLAN, window_left=1, window_in_s=3_600)
        assert post(simulated, self.PLAN).status_code == 200
        refused = post(simulated, self.PLAN)
        assert refused.status_code == 429
        assert refused.json()["error"]["message"].endswith("(2056)")
        assert post(simulated, "sk-api-sim-1").status_code == 200
        simulated.plan(self.PLAN, window_left=0, window_in_s=0)
        assert post(simulated, self.PLAN).status_code == 200

    def test_simulated_quota_is_for_subscriptions_alone(self, simulated: Simulated):
        assert self.remains(simulated, KEY).status_code == 400
        assert self.remains(simulated, params={"a": 1}).status_code == 400
        one, two = simulated.report()["violations"]
        assert "without a plan" in one and "query" in two
        assert self.remains(simulated, "sk-cp-other").status_code == 401

    def test_plan_that_makes_no_sense_is_refused(self, simulated: Simulated):
        with pytest.raises(AssertionError, match="counts must be"):
            simulated.plan(self.PLAN, counts="both")
