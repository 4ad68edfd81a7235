"""Which model a question goes to, and with which key."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import openai
import pytest

from hailuo.concurrency.watch import Watch
from hailuo.errors import ModelUnknown
from hailuo.net.client import HttpClient
from hailuo.upstream import ModelChoice, Purpose
from hailuo.upstream.platform import Platform, models
from hailuo.upstream.platform.models import MAX_NAMES
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


def chosen(platform: Platform, keys: Sequence[Key], model: str) -> ModelChoice:
    return platform.choose_model(keys, model, Watch())


def lacking(platform: Platform, keys: Sequence[Key], model: str) -> Sequence[Any]:
    return chosen(platform, keys, model).lacking


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
    is_named = name not in ("", "gpt-4o")
    lacking(platform, [NEXT], "x")
    assert chosen(platform, [NEXT], name) == ModelChoice(model, is_named, [])


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
    assert chosen(platform, [], name).model == model


def test_model_that_only_another_key_lists_means_the_default(platform: Platform):
    """A stranger's list changes nothing for the owner's requests."""
    assert chosen(platform, [NEXT], "abab7-chat") == ModelChoice("abab7-chat", True, [])
    assert chosen(platform, [USUAL], "abab7-chat") == ModelChoice(
        "MiniMax-M3", False, []
    )


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


def test_names_that_cannot_be_names_are_left_out(
    platform: Platform, upstream: Simulated
):
    odd: list[Any] = [None, 7, "x", [], {}, {"id": ["x"]}, {"id": "x" * 201}]
    body = {"data": [*odd, {"id": "abab8"}]}
    upstream.script({"call": "models", "http": {"status": 200, "body": body}})
    with pytest.raises(ModelUnknown, match="there are: abab8$"):
        lacking(platform, [USUAL], "MiniMax-M3")


def test_list_is_of_bounded_length(platform: Platform, upstream: Simulated):
    names = [{"id": f"abab-{number}"} for number in range(10_000)]
    body = {"data": names}
    upstream.script({"call": "models", "http": {"status": 200, "body": body}})
    assert len(platform.models([USUAL])) == MAX_NAMES
    with pytest.raises(ModelUnknown) as refused:
        lacking(platform, [USUAL], "MiniMax-M99")
    assert len(refused.value.message) < 1_000


def test_list_that_cannot_be_renewed_counts_on(
    monkeypatch: pytest.MonkeyPatch, upstream: Simulated
):
    monkeypatch.setattr(models, "LIST_TTL_S", 0)
    monkeypatch.setattr(models, "LISTING_RETRY_S", 0)
    platform = Platform(HttpClient(), upstream.origin, "MiniMax-M3")
    assert chosen(platform, [NEXT], "ABAB7-chat").model == "abab7-chat"
    upstream.script({"call": "models", "times": None, "http": {"status": 500}})
    for _ in range(2):
        assert chosen(platform, [NEXT], "ABAB7-chat").model == "abab7-chat"
        with pytest.raises(ModelUnknown):
            chosen(platform, [NEXT], "MiniMax-M99")
    assert len(asked(upstream)) > 1


def test_old_list_that_holds_the_model_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, upstream: Simulated
):
    monkeypatch.setattr(models, "LIST_TTL_S", 0)
    monkeypatch.setattr(models, "LISTING_RETRY_S", 0)
    platform = Platform(HttpClient(), upstream.origin, "MiniMax-M3")
    chosen(platform, [USUAL], "MiniMax-M3")
    upstream.script({"call": "models", "hold_headers": True})
    for model in ("MiniMax-M3", "gpt-4o"):
        assert chosen(platform, [USUAL], model).model == "MiniMax-M3"
    upstream.wait("held", at_least=1)
    assert upstream.release() == 1, "nobody has waited"
    assert len(asked(upstream)) == 2


def test_model_that_an_old_list_lacks_is_looked_for_in_the_new_one(
    monkeypatch: pytest.MonkeyPatch, upstream: Simulated
):
    monkeypatch.setattr(models, "LIST_TTL_S", 0)
    monkeypatch.setattr(models, "LISTING_RETRY_S", 0)
    platform = Platform(HttpClient(), upstream.origin, "MiniMax-M3")
    body = {"data": [{"id": "MiniMax-M2"}]}
    upstream.script({"call": "models", "http": {"status": 200, "body": body}})
    chosen(platform, [USUAL], "MiniMax-M2")
    assert chosen(platform, [USUAL], "minimax-m3").model == "MiniMax-M3"


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
        said = {"call": "completion", "token": "sk-api-sim-9", "text": "Hi"}
        upstream.script(said)

        client.chat.completions.create(
            model="hailuo", messages=[{"role": "user", "content": "Hi"}]
        )

        assert asked(upstream) == []
        assert asked(upstream, "completion")[-1] == "sk-api-sim-9"

    def test_model_of_a_strangers_list_leaves_the_owners_requests_alone(
        self, upstream: Simulated, gateway: Served, account: Caller
    ):
        names = {"data": [{"id": "gpt-4o"}, {"id": "hailuo"}, {"id": "MiniMax-M3"}]}
        upstream.script(
            {"call": "models", "http": {"status": 200, "body": names}},
            {"call": "completion", "text": "Hi", "times": None},
        )
        stranger = gateway.client("sk-api-sim-stranger-1")
        listed = {model.id for model in stranger.models.list()}
        assert listed == {"hailuo", "gpt-4o", "MiniMax-M3"}

        assert account.ask(model="gpt-4o") == "Hi"

        assert upstream.report()["answers"][-1]["form"]["model"] == "MiniMax-M3"

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
