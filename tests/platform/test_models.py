"""Which model a question goes to, and with which key."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import openai
import pytest

from hailuo.concurrency.watch import Watch
from hailuo.errors import ModelUnknown
from hailuo.net.client import HttpClient
from hailuo.upstream import Purpose
from hailuo.upstream.platform import Platform
from tests.conftest import Caller
from tests.messages.conftest import Claude
from tests.messages.conftest import claude_of as claude_of
from tests.served import Served
from tests.simulated import Simulated


class Key(NamedTuple):
    token: str
    name: str = "demo"


USUAL, LITE, NEXT = (Key(f"sk-api-sim-{plan}1") for plan in ("", "lite-", "next-"))


@pytest.fixture
def kind() -> str:
    return "platform"


@pytest.fixture
def platform(upstream: Simulated) -> Platform:
    return Platform(HttpClient(), upstream.origin, "MiniMax-M3")


def asked(upstream: Simulated, call: str = "models") -> list[str]:
    """Return the keys that a call was made with."""
    requests = upstream.report()["requests"]
    return [each["user"] for each in requests if each["call"] == call]


def lacking(platform: Platform, keys: Sequence[Key], model: str) -> Sequence[Any]:
    return platform.lacking_model(keys, model, Watch())


NAMES = {
    "MiniMax-M3": "MiniMax-M3",
    "minimax-m3": "MiniMax-M3",
    "minimax/MiniMax-M3": "MiniMax-M3",
    "MINIMAX/MINIMAX-M2.5-HIGHSPEED": "MiniMax-M2.5-highspeed",
    "MiniMaxAI/MiniMax-M2": "MiniMax-M2",
    "ABAB7-chat": "abab7-chat",
    "gpt-4o": "MiniMax-M3",
    "": "MiniMax-M3",
}


@pytest.mark.parametrize(("name", "model"), NAMES.items())
def test_listed_name_is_found_in_any_case_and_after_any_prefix(
    platform: Platform, name: str, model: str
):
    assert lacking(platform, [NEXT], name or "x") == []
    assert platform.limited_model("chat", name) == model
    assert platform.has_model(name) == (name not in ("", "gpt-4o"))


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("minimax/minimax-m9", "MiniMax-m9"),
        ("MiniMax-M9", "MiniMax-M9"),
        ("abab7-chat", "MiniMax-M3"),
    ],
)
def test_name_is_the_platforms_by_its_beginning_where_no_list_is_known(
    platform: Platform, name: str, model: str
):
    assert platform.limited_model("chat", name) == model


@pytest.mark.parametrize(
    ("purpose", "names", "model"),
    [
        ("speech", ["tts-1", "", "MiniMax-M3", "speech-2.8-turbo"], "speech-2.8-turbo"),
        ("speech", ["tts-1-hd", "minimax/Speech-2.8-HD"], "speech-2.8-hd"),
        ("images", ["gpt-image-1", "", "image-01", "minimax/IMAGE-01"], "image-01"),
        ("images", ["image-01-live"], "image-01-live"),
        ("transcription", ["whisper-1", ""], "asr-1.0"),
    ],
)
def test_names_of_the_same_model_share_its_limit(
    platform: Platform, purpose: Purpose, names: Sequence[str], model: str
):
    assert {platform.limited_model(purpose, name) for name in names} == {model}


@pytest.mark.parametrize("name", ["speech-2.8-hd", "minimax/Speech-02-HD", "image-01"])
def test_models_for_speech_and_images_are_the_platforms(platform: Platform, name: str):
    assert platform.has_model(name)


def test_keys_without_the_model_are_told(platform: Platform):
    keys = [USUAL, LITE, NEXT]
    assert lacking(platform, keys, "MiniMax-M4") == [USUAL, LITE]
    assert lacking(platform, keys, "abab7-chat") == [USUAL, LITE]
    assert lacking(platform, keys, "MiniMax-M2.5") == []
    assert lacking(platform, keys, "gpt-4o") == [LITE], "it lacks the default"
    assert lacking(platform, [LITE], "gpt-4o") == [], "no other key has the default"


def test_unknown_name_of_the_platforms_is_refused_with_the_list(platform: Platform):
    with pytest.raises(ModelUnknown, match="MiniMax-M2.7, .*MiniMax-M2$") as refused:
        lacking(platform, [LITE], "minimax/MiniMax-M9")
    assert (refused.value.status, refused.value.param) == (404, "model")


def test_list_is_asked_for_once(platform: Platform, upstream: Simulated):
    for model in ("gpt-4o", "MiniMax-M3", "gpt-4o"):
        lacking(platform, [USUAL, LITE], model)
    assert sorted(asked(upstream)) == [USUAL.token, LITE.token]


def test_no_list_is_asked_for_when_no_model_is_named(
    platform: Platform, upstream: Simulated
):
    assert lacking(platform, [USUAL, LITE], "") == []
    assert asked(upstream) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"refuse": {"code": 1004}},
        {"http": {"status": 500}},
        {"http": {"status": 200, "body": {"data": []}}},
        {"drop": "reset"},
    ],
    ids=["rejected", "500", "an empty list", "no answer"],
)
def test_missing_list_breaks_no_question(
    platform: Platform, upstream: Simulated, fault: dict[str, Any]
):
    upstream.script({"call": "models", "times": None, **fault})
    for model in ("MiniMax-M9", "gpt-4o"):
        assert lacking(platform, [USUAL], model) == []
    assert len(asked(upstream)) == 1


def test_lists_of_many_keys_are_not_asked_for_at_once(
    platform: Platform, upstream: Simulated
):
    keys = [Key(f"sk-api-sim-{number}") for number in range(20)]
    assert lacking(platform, keys, "MiniMax-M3") == []
    assert len(asked(upstream)) == 8


class TestModelOfARequest:
    def test_model_of_tomorrow_is_asked_by_its_own_name(
        self, upstream: Simulated, gateway: Served
    ):
        upstream.script({"call": "completion", "text": "Hi"})
        client = gateway.client("sk-api-sim-next-7")

        answer = client.chat.completions.create(
            model="minimax/ABAB7-Chat", messages=[{"role": "user", "content": "Hi"}]
        )

        assert answer.model == "minimax/ABAB7-Chat"
        (record,) = upstream.report()["answers"]
        assert record["form"]["model"] == "abab7-chat"

    def test_model_is_asked_with_the_key_that_has_it(
        self, upstream: Simulated, gateway: Served
    ):
        upstream.script({"call": "completion", "text": "Hi", "times": 2})
        client = gateway.client("sk-api-sim-lite-8,sk-api-sim-8")

        for _ in range(2):
            client.chat.completions.create(
                model="MiniMax-M3", messages=[{"role": "user", "content": "Hi"}]
            )

        assert asked(upstream, "completion") == ["sk-api-sim-8"] * 2

    def test_key_whose_plan_refuses_the_default_is_followed_by_another(
        self, upstream: Simulated, gateway: Served
    ):
        """No list is asked for without a model's name: the plan's refusal tells."""
        client = gateway.client("sk-api-sim-lite-9,sk-api-sim-9")

        client.chat.completions.create(
            model="hailuo", messages=[{"role": "user", "content": "Hi"}]
        )

        assert asked(upstream) == []
        assert asked(upstream, "completion")[-1] == "sk-api-sim-9"

    def test_unknown_model_is_a_404(self, upstream: Simulated, account: Caller):
        with pytest.raises(openai.NotFoundError, match="MiniMax-M3") as refused:
            account.ask(model="minimax-m99")
        assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
        assert upstream.work() == []

    def test_unknown_model_is_a_404_of_messages(
        self, account: Caller, claude_of: Callable[[Caller], Claude]
    ):
        claude = claude_of(account)
        answer = claude.send(model="MiniMax-M99")
        assert answer.status_code == 404
        assert answer.json()["error"]["type"] == "not_found_error"

    def test_web_accounts_answer_for_any_model(
        self, upstream: Simulated, caller: Callable[..., Caller]
    ):
        account = caller(kind="web")
        upstream.script({"call": "chat", "text": "Hi"})
        assert account.ask(model="MiniMax-M99") == "Hi"
        assert asked(upstream) == []
