"""The simulator's images: what it makes, and what it refuses."""

import base64
from typing import Any

import pytest
import requests

from tests.images.pictures import opened, picture
from tests.simulated import Simulated

PNG = "data:image/png;base64," + base64.b64encode(picture("png")).decode()


def reference(**fields: Any) -> list[dict[str, Any]]:
    return [{"type": "character", "image_file": PNG, **fields}]


def post(simulated: Simulated, **body: Any) -> dict[str, Any]:
    answer = requests.post(
        f"{simulated.origin}/v1/image_generation",
        json={"model": "image-01", "prompt": "A cat", **body},
        headers={"Authorization": "Bearer sk-api-demo"},
        timeout=10,
    )
    return answer.json()


def test_simulated_images_have_the_requested_size_and_number(simulated: Simulated):
    said = post(simulated, n=2, aspect_ratio="16:9", response_format="base64")
    images = [opened(image) for image in said["data"]["image_base64"]]
    assert [image.size for image in images] == [(1280, 720)] * 2
    assert said["metadata"] == {"success_count": "2", "failed_count": "0"}
    assert said["base_resp"]["status_code"] == 0
    assert simulated.report()["violations"] == []


def test_simulated_addresses_serve_the_images(simulated: Simulated):
    said = post(simulated, width=512, height=520, prompt="A cat / 海", seed=3)
    (address,) = said["data"]["image_urls"]
    served = requests.get(address, timeout=10)
    assert opened(served.content).size == (512, 520)
    assert post(simulated, width=512, height=520, prompt="A cat / 海", seed=3)[
        "data"
    ] == {"image_urls": [address]}


ALLOWED: list[dict[str, Any]] = [
    {"subject_reference": reference()},
    {"subject_reference": reference(image_file="https://example.com/a.jpg")},
    {"prompt_optimizer": False, "model": "image-01-live", "prompt": "a" * 1_500},
]
FORBIDDEN: list[dict[str, Any]] = [
    {"size": "1024x1024"},
    {"model": "gpt-image-1"},
    {"prompt": ""},
    {"prompt": "a" * 1_501},
    {"n": 0},
    {"n": 10},
    {"n": "1"},
    {"aspect_ratio": "5:4"},
    {"aspect_ratio": "1:1", "width": 512, "height": 512},
    {"width": 512},
    {"width": 504, "height": 512},
    {"width": 513, "height": 512},
    {"width": 2056, "height": 512},
    {"seed": "1"},
    {"response_format": "b64_json"},
    {"prompt_optimizer": 1},
    {"subject_reference": []},
    {"subject_reference": reference() * 2},
    {"subject_reference": reference(type="style")},
    {"subject_reference": reference(image_file="data:image/webp;base64,YQ==")},
    {"subject_reference": reference(image_file="data:image/png;base64,YQ==")},
    {"subject_reference": reference(image_file="data:image/png;base64,%")},
    {"subject_reference": reference(image_file=PNG.replace("png", "jpeg", 1))},
    {"subject_reference": reference(image_file=PNG + "A" * 4 * (10_000_000 // 3 + 1))},
]


@pytest.mark.parametrize("body", ALLOWED)
def test_simulated_platform_allows_what_is_documented(
    simulated: Simulated, body: dict[str, Any]
):
    assert post(simulated, **body)["metadata"]["success_count"] == "1"
    assert simulated.report()["violations"] == []


@pytest.mark.parametrize("body", FORBIDDEN)
def test_simulated_platform_refuses_what_is_not_documented(
    simulated: Simulated, body: dict[str, Any]
):
    assert "simulator: " in post(simulated, **body)["error"]["message"]
    (violation,) = simulated.report()["violations"]
    assert violation.startswith("POST /v1/image_generation")
