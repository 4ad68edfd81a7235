"""Accounts of both services: who is asked first, and who answers when one cannot.

A caller who brings both kinds is served as the pool is (`scope`), so most tests need no
gateway of their own.
"""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from hailuo.gateway.retry import POLICY
from tests.accounts.conftest import InProcessGateway
from tests.conftest import SECRET, Caller, text_of
from tests.files import samples
from tests.served import Served
from tests.simulated import Simulated

BUSY = {"code": 1, "message": "抱歉，服务器开小差了"}
FROM_WEB = {"call": "chat", "text": "web", "times": None}
FROM_PLATFORM = {"call": "completion", "text": "platform", "times": None}
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {}}}]


@pytest.fixture
def mixed(caller: Callable[..., Caller]) -> Callable[..., Caller]:
    """mixed(web=2, platform=1): somebody with so many accounts of each service."""

    def mixed(web: int = 1, platform: int = 1, served: Served | None = None) -> Caller:
        somebody = caller(web, served)
        somebody.tokens += caller(platform, kind="platform").tokens
        return somebody

    return mixed


@pytest.fixture
def with_settings(
    upstream: Simulated, tmp_path: Path
) -> Callable[..., InProcessGateway]:
    """with_settings(prefer="web"): a gateway in this process."""
    origins = {"origin": upstream.origin, "platform_origin": upstream.origin}

    def with_settings(**settings: Any) -> InProcessGateway:
        return InProcessGateway(tmp_path / "tokens.json", **origins, **settings)

    return with_settings


def asked(upstream: Simulated) -> list[str]:
    """Which services were asked for an answer, in order."""
    kinds = {"chat": "web", "completion": "platform"}
    requests = upstream.report()["requests"]
    return [kinds[each["call"]] for each in requests if each["call"] in kinds]


def answered(account: Caller, **options: Any) -> str:
    """Return the upstream that answered, which text and header agree on."""
    raw = account.client.chat.completions.with_raw_response.create(
        **{
            "model": "hailuo",
            "messages": [{"role": "user", "content": SECRET}],
            **options,
        }
    )
    assert raw.headers["x-hailuo-upstream"] == raw.parse().choices[0].message.content
    return raw.headers["x-hailuo-upstream"]


class TestUpstreamChoice:
    def test_web_accounts_are_asked_first(self, upstream: Simulated, mixed):
        upstream.script(FROM_WEB, FROM_PLATFORM)
        assert answered(mixed()) == "web"
        assert asked(upstream) == ["web"]

    def test_platform_is_asked_first_when_preferred(
        self, upstream: Simulated, mixed, with_settings
    ):
        upstream.script(FROM_WEB, FROM_PLATFORM)
        gateway = with_settings(prefer="platform")
        answer = gateway.chat(mixed().key)
        assert answer.headers["x-hailuo-upstream"] == "platform"
        assert asked(upstream) == ["platform"]

    def test_platform_is_asked_for_its_own_model(self, upstream: Simulated, mixed):
        upstream.script(FROM_WEB, FROM_PLATFORM)
        assert answered(mixed(), model="MiniMax-M2.5") == "platform"
        (seen,) = upstream.report()["answers"]
        assert seen["form"]["model"] == "MiniMax-M2.5"

    def test_web_is_asked_for_a_platform_model_without_platform_keys(
        self, upstream: Simulated, mixed
    ):
        upstream.script(FROM_WEB)
        assert answered(mixed(platform=0), model="MiniMax-M3") == "web"

    @pytest.mark.parametrize(
        "choice", ["required", {"type": "function", "function": {"name": "f"}}]
    )
    def test_platform_is_asked_for_a_required_tool(
        self, upstream: Simulated, mixed, choice: Any
    ):
        upstream.script(FROM_WEB, FROM_PLATFORM)
        assert answered(mixed(), tools=TOOLS, tool_choice=choice) == "platform"
        assert asked(upstream) == ["platform"]

    def test_platform_is_asked_first_with_tools(self, upstream: Simulated, mixed):
        """It calls functions by itself, which is better than emulation."""
        upstream.script(FROM_WEB, FROM_PLATFORM)
        assert answered(mixed(), tools=TOOLS) == "platform"

    def test_platform_is_asked_first_about_an_image(self, upstream: Simulated, mixed):
        upstream.script(FROM_WEB, FROM_PLATFORM)
        url = f"data:image/png;base64,{base64.b64encode(samples.PNG).decode()}"
        content = [{"type": "image_url", "image_url": {"url": url}}]
        messages = [{"role": "user", "content": content}]
        assert answered(mixed(), messages=messages) == "platform"

    def test_platform_is_asked_first_for_a_format(self, upstream: Simulated, mixed):
        upstream.script({**FROM_PLATFORM, "text": "{}"})
        mixed().create(response_format={"type": "json_object"})
        assert asked(upstream) == ["platform"]

    def test_web_is_asked_first_with_tools_when_preferred_by_name(
        self, upstream: Simulated, mixed, with_settings
    ):
        upstream.script(FROM_WEB, FROM_PLATFORM)
        gateway = with_settings(prefer="web")
        answer = gateway.chat(mixed().key, tools=TOOLS)
        assert answer.headers["x-hailuo-upstream"] == "web"

    def test_required_tool_is_refused_without_platform_keys_when_turned_off(
        self, upstream: Simulated, mixed, with_settings
    ):
        without_tools, key = with_settings(web_tools=False), mixed(platform=0).key
        refused = without_tools.chat(key, tools=TOOLS, tool_choice="required")
        assert refused.status_code == 400
        assert refused.json["error"]["param"] == "tool_choice"
        assert upstream.report()["requests"] == []

    @pytest.mark.leaves("conversations")
    def test_web_is_asked_for_a_conversation(
        self, upstream: Simulated, mixed, with_settings
    ):
        upstream.script(FROM_WEB, FROM_PLATFORM)
        gateway, key = with_settings(prefer="platform"), mixed().key
        id = gateway.chat(key, conversation_id="new").json["id"]
        gateway.chat(key, conversation_id=id)
        assert asked(upstream) == ["web", "web"]

    def test_pool_of_both_upstreams_is_routed_by_model(
        self, upstream: Simulated, mixed, with_settings
    ):
        upstream.script(FROM_WEB, FROM_PLATFORM)
        pool = with_settings(tokens=mixed().tokens)
        for model, expected in (("hailuo", "web"), ("MiniMax-M3", "platform")):
            answer = pool.chat(model=model)
            assert answer.json["choices"][0]["message"]["content"] == expected
            assert answer.headers["x-hailuo-upstream"] == expected


class TestFailover:
    """Before anything was sent the platform answers; after it there is an error."""

    @pytest.mark.parametrize("form", [False, True], ids=["whole", "streamed"])
    @pytest.mark.parametrize(
        "fault",
        [
            {"refuse": BUSY},
            {"http": {"status": 500, "body": "?"}},
            {"drop": "reset"},
            {"then": [{"after": 0, "do": "reset"}]},
            {"then": [{"after": 0, "do": "garbage"}]},
            {"text": ""},
            {"refuse": {"code": 1000021}},
        ],
        ids="refused 500 dropped broken garbage mute rejected".split(),
    )
    def test_failure_before_the_first_text_fails_over_to_the_platform(
        self, upstream: Simulated, mixed, fault: dict[str, Any], form: bool
    ):
        upstream.script({"call": "chat", **fault, "times": None}, FROM_PLATFORM)
        both = mixed()
        if form:
            assert "".join(both.pieces()) == "platform"
        else:
            assert answered(both) == "platform"
        assert asked(upstream) == ["web", "platform"]

    def test_dead_web_accounts_fail_over_to_the_platform(
        self, upstream: Simulated, mixed
    ):
        both = mixed(web=3)
        for user in both.users:
            upstream.revoke(user=user)
        upstream.script(FROM_PLATFORM)
        assert answered(both) == "platform"

    def test_busy_web_accounts_fail_over_to_the_platform(
        self, upstream: Simulated, mixed, serve: Callable[..., Served]
    ):
        """Once they have not got free for as long as requests wait in line."""
        both = mixed(served=serve(HAILUO_QUEUE_TIMEOUT_S=0.3))
        held = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}]}
        upstream.script({"call": "chat", **held}, FROM_PLATFORM)
        with both.stream() as running:
            next(iter(running))
            assert answered(both) == "platform"
            upstream.release()
            list(running)

    def test_web_accounts_in_cooldown_fail_over_to_the_platform(
        self, upstream: Simulated, mixed
    ):
        both = mixed()
        upstream.script({"call": "chat", "refuse": BUSY}, FROM_PLATFORM)
        assert [answered(both) for _ in range(2)] == ["platform"] * 2
        assert asked(upstream) == ["web", "platform", "platform"]

    def test_last_attempt_is_kept_for_the_platform(self, upstream: Simulated, mixed):
        upstream.script({"call": "chat", "refuse": BUSY, "times": None}, FROM_PLATFORM)
        assert answered(mixed(web=POLICY.attempts)) == "platform"
        assert asked(upstream) == ["web"] * (POLICY.attempts - 1) + ["platform"]

    def test_exhausted_platform_fails_over_to_the_web(
        self, upstream: Simulated, mixed, with_settings
    ):
        """A key without money, or without the plan, is not the end."""
        gateway = with_settings(prefer="platform")
        for code in 1008, 2061:
            refusal = {"call": "completion", "refuse": {"code": code}}
            upstream.script(refusal, FROM_WEB)
            answer = gateway.chat(mixed().key)
            assert answer.headers["x-hailuo-upstream"] == "web"
        assert asked(upstream) == ["platform", "web"] * 2

    def test_failure_of_every_account_reports_the_last_error(
        self, upstream: Simulated, mixed
    ):
        upstream.script(
            {"call": "chat", "drop": "close", "times": None},
            {"call": "completion", "refuse": {"code": 1008}, "times": None},
        )
        with pytest.raises(openai.InternalServerError) as raised:
            mixed().ask()
        assert raised.value.code == "upstream_unreachable"
        others = ["web"] * (POLICY.attempts - 2)
        assert asked(upstream) == ["web", "platform", *others]

    def test_failure_after_the_first_text_is_an_error_event(
        self, upstream: Simulated, mixed
    ):
        broken = {"pieces": ["One", "Two"], "then": [{"after": 1, "do": "reset"}]}
        upstream.script({"call": "chat", **broken}, FROM_PLATFORM)
        said = []
        with pytest.raises(openai.APIError) as raised, mixed().stream() as stream:
            for chunk in stream:
                said.append(text_of(chunk))
        assert ("".join(said), raised.value.code) == ("One", "upstream_unreachable")
        assert asked(upstream) == ["web"]

    def test_failover_takes_attached_files_along(self, upstream: Simulated, mixed):
        upstream.script({"call": "chat", "refuse": BUSY}, FROM_PLATFORM)
        file = {"filename": "a.txt", "file_data": "d29yZHM="}
        parts = [{"type": "text", "text": SECRET}, {"type": "file", "file": file}]

        messages = [{"role": "user", "content": parts}]
        assert answered(mixed(), messages=messages) == "platform"

        (upload,) = upstream.report()["uploads"]
        assert upload["name"] == "a.txt"
        read = upstream.report()["answers"][-1]["form"]["messages"][0]["content"][1]
        assert read["text"] == '<file name="a.txt">\nwords\n</file>'


def test_upstream_header_is_omitted_when_a_ping_came_first(
    upstream: Simulated, mixed, serve: Callable[..., Served]
):
    both = mixed(served=serve(HAILUO_HEARTBEAT_S=0.15))
    mute = [{"after": 0, "do": "wait", "for_s": 0.4}, {"after": 0, "do": "reset"}]
    upstream.script({"call": "chat", "then": mute}, FROM_PLATFORM)

    answer = both.send()

    assert answer.content.startswith(b": ping\n\n")
    assert b'"content":"plat' in answer.content
    assert "x-hailuo-upstream" not in answer.headers
