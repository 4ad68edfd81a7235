"""GET /v1/models: our own names, and those of the services that the pool has."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hailuo import create_app
from hailuo.settings import Settings
from tests.simulated import Simulated

OURS = ["hailuo"]
AUDIO = ["tts-1", "tts-1-hd", "whisper-1"]
THEIRS = ["MiniMax-M3", "MiniMax-M4"]
LISTED = {"call": "models", "data": THEIRS, "times": None}

Pool = Callable[..., Any]


@pytest.fixture
def pool(upstream: Simulated, tmp_path: Path) -> Pool:
    """pool("sk-api-sim-1", …): a gateway whose pool has these credentials."""

    def pool(*tokens: str, **settings: Any) -> Any:
        origins = {"origin": upstream.origin, "platform_origin": upstream.origin}
        return create_app(
            Settings(
                tokens=tokens,
                tokens_file=str(tmp_path / "none.json"),
                **{**origins, **settings},
            )
        ).test_client()

    return pool


def listed(client: Any, key: str = "") -> list[str]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = client.get("/v1/models", headers=headers).json
    assert answer["object"] == "list"
    assert all(each["object"] == "model" for each in answer["data"])
    return [each["id"] for each in answer["data"]]


def asked(upstream: Simulated) -> list[str]:
    return [each["user"] for each in upstream.report()["requests"]]


def test_models_without_a_platform_key_are_our_own(upstream: Simulated, pool: Pool):
    assert listed(pool(upstream.token("6301"))) == listed(pool()) == OURS
    assert asked(upstream) == []


def test_models_with_a_platform_key_include_the_platforms(
    upstream: Simulated, pool: Pool
):
    upstream.script(LISTED)
    client = pool("sk-api-sim-1", upstream.token("6302"))

    assert listed(client) == OURS + THEIRS
    assert listed(client) == OURS + THEIRS
    assert asked(upstream) == ["sk-api-sim-1"], "the list is kept"


def test_audio_models_are_retrievable_but_not_listed(pool: Pool):
    client = pool()
    audio = [each["id"] for each in client.get("/v1/audio/models").json["models"]]
    assert audio == AUDIO
    assert not set(AUDIO) & set(listed(client))
    for name in AUDIO:
        assert client.get(f"/v1/models/{name}").json["id"] == name


def test_platform_keys_have_audio_models(upstream: Simulated, pool: Pool):
    client = pool("sk-api-sim-1")
    audio = [each["id"] for each in client.get("/v1/audio/models").json["models"]]
    assert audio[:3] == AUDIO
    assert {"speech-2.8-hd", "speech-02-turbo", "asr-1.0"} < set(audio)
    assert client.get("/v1/models/asr-1.0").json["id"] == "asr-1.0"
    assert asked(upstream) == []

    headers = {"Authorization": f"Bearer {upstream.token('6305')}"}
    models = client.get("/v1/audio/models", headers=headers).json["models"]
    assert [each["id"] for each in models] == AUDIO, "the client's own account"


def test_client_platform_key_lists_the_platforms_models(
    upstream: Simulated, pool: Pool
):
    upstream.script(LISTED)
    client = pool(upstream.token("6303"))

    assert listed(client) == OURS
    assert listed(client, "sk-api-sim-7") == OURS + THEIRS
    assert listed(client, "sk-api-sim-7") == OURS + THEIRS
    assert asked(upstream) == ["sk-api-sim-7"], "the list is kept"
    assert listed(client, upstream.token("6304")) == OURS
    key = {"api-key": "sk-api-sim-7"}
    assert client.get("/v1/models/MiniMax-M4", headers=key).status_code == 200
    assert client.get("/v1/models/MiniMax-M4").status_code == 404


def test_rejected_client_key_is_followed_by_the_clients_next_key(
    upstream: Simulated, pool: Pool
):
    upstream.script({"call": "models", "refuse": {"code": 1004}}, LISTED)
    assert listed(pool(), "sk-api-sim-8,sk-api-sim-9") == OURS + THEIRS


def test_rejected_client_key_is_a_401(upstream: Simulated, pool: Pool):
    upstream.script({"call": "models", "refuse": {"code": 1004}})
    headers = {"Authorization": "Bearer sk-api-sim-8"}
    answer = pool("sk-api-sim-1").get("/v1/models", headers=headers)
    assert answer.status_code == 401
    assert answer.json["error"]["code"] == "invalid_api_key"
    assert asked(upstream) == ["sk-api-sim-8"]


def test_models_of_keys_with_different_plans_are_all_listed(
    upstream: Simulated, pool: Pool
):
    names = listed(pool("sk-api-sim-lite-1", "sk-api-sim-next-1"))

    assert names.count("MiniMax-M2.5") == 1
    assert {"MiniMax-M3", "MiniMax-M4", "abab7-chat"} < set(names)


def test_wrong_key_lists_the_public_models(upstream: Simulated, pool: Pool):
    upstream.script(LISTED)
    client = pool("sk-api-sim-1")
    assert listed(client, "sk-of-somebody") == OURS + THEIRS
    assert asked(upstream) == ["sk-api-sim-1"]


def test_single_model_is_looked_up_at_the_platform(upstream: Simulated, pool: Pool):
    upstream.script(LISTED)
    client = pool("sk-api-sim-1")

    assert client.get("/v1/models/hailuo").json["id"] == "hailuo"
    assert asked(upstream) == [], "ours are known"
    assert client.get("/v1/models/MiniMax-M4").json["id"] == "MiniMax-M4"
    answer = client.get("/v1/models/MiniMax-M5")
    assert (answer.status_code, answer.json["error"]["code"]) == (
        404,
        "model_not_found",
    )


@pytest.mark.parametrize(
    "fault",
    [
        {"refuse": {"code": 1002}},
        {"refuse": {"code": 2013}},
        {"http": {"status": 500, "body": "?"}},
        {"http": {"status": 200, "body": {"data": None}}},
        {"drop": "close"},
    ],
    ids=["busy", "refused", "500", "no list", "no answer"],
)
def test_failed_model_lookup_lists_our_own_and_is_not_cached(
    upstream: Simulated, pool: Pool, fault: dict[str, Any]
):
    upstream.script({"call": "models", **fault}, LISTED)
    client = pool("sk-api-sim-1")

    assert listed(client) == OURS
    assert listed(client) == OURS + THEIRS


def test_model_lookup_skips_a_rejected_key(upstream: Simulated, pool: Pool):
    upstream.script({"call": "models", "refuse": {"code": 1004}}, LISTED)

    assert listed(pool("sk-api-sim-1", "sk-api-sim-2")) == OURS + THEIRS


def test_model_lookup_at_an_unreachable_platform_is_quick(pool: Pool):
    began = time.monotonic()
    client = pool("sk-api-sim-1", platform_origin="http://127.0.0.1:9")

    assert listed(client) == OURS
    assert time.monotonic() - began < 20
