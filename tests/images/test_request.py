"""Validation of requests for images: every refusal names its field."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailuo.endpoints.images.request import read
from hailuo.errors import BadRequest
from hailuo.images import Conversion

FIELDS: dict[str, list[Any]] = {
    "prompt": ["A cat", "", " ", "a" * 1_500, "a" * 1_501],
    "model": ["gpt-image-1", "image-01-live", "a" * 300],
    "n": [1, 9, 0, 10, "3", "three", 2.0, 2.5],
    "size": [
        "auto",
        "1024x1024",
        "1536x1024",
        "256x256",
        "1024x1025",
        "9x9x9",
        "٥١٢x512",
    ],
    "seed": [0, -1, "7", 2**63],
    "response_format": ["b64_json", "url", "png"],
    "output_format": ["png", "jpeg", "webp", "gif", "svg"],
    "output_compression": [0, 50, 100, "80", 101],
    "stream": [True, "true", "no"],
    "user": ["a"],
    "quality": ["hd"],
    "background": ["transparent"],
    "partial_images": [2],
}
ANY = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)
)
VALUES = {name: st.sampled_from(values) | ANY for name, values in FIELDS.items()}
BODIES = st.fixed_dictionaries({}, optional=VALUES)


def asked(**fields: Any) -> Any:
    return read({"prompt": "A cat", **fields})


def refused(**fields: Any) -> BadRequest:
    with pytest.raises(BadRequest) as raised:
        asked(**fields)
    return raised.value


@given(BODIES)
def test_every_request_is_read_or_refused_by_name(body: dict[str, Any]):
    try:
        request = read(body)
    except BadRequest as error:
        assert error.param in body or error.param == "prompt"
        assert error.param in error.message
    else:
        assert 1 <= request.prompt.number <= 9 and request.prompt.text.strip()
        assert request.conversion is None or not request.prompt.as_addresses


def test_defaults_leave_the_choice_to_the_upstream():
    request = asked()
    assert (request.prompt.number, request.prompt.size, request.size) == (
        1,
        None,
        "auto",
    )
    assert request.conversion is None
    assert not request.stream and not request.prompt.as_addresses


@pytest.mark.parametrize("n", [3, "3", 3.0])
def test_number_may_be_the_text_of_a_form(n: Any):
    assert asked(n=n).prompt.number == 3


@pytest.mark.parametrize("size", ["1280x720", "1536x1024", "512x2048"])
def test_size_is_read_as_width_and_height(size: str):
    width, height = size.split("x")
    assert asked(size=size).prompt.size == (int(width), int(height))


@pytest.mark.parametrize("size", ["256x256", "1000x1001", "4096x4096", "large", 1024])
def test_impossible_size_is_refused_with_those_there_are(size: Any):
    error = refused(size=size)
    assert error.param == "size"
    assert "1344x576" in error.message and "multiples of 8" in error.message


def test_compression_makes_a_conversion_with_a_quality():
    wanted = {"output_format": "jpeg", "output_compression": 60}
    assert asked(**wanted).conversion == Conversion("jpeg", 60)
    assert asked(output_format="webp").conversion == Conversion("webp")
    assert asked(output_format="png", output_compression=100).conversion == Conversion(
        "png"
    )


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"output_compression": 50}, "output_compression"),
        ({"output_format": "png", "output_compression": 50}, "output_compression"),
        ({"response_format": "url", "output_format": "png"}, "output_format"),
        ({"response_format": "url", "stream": True}, "response_format"),
        ({"n": 10}, "n"),
        ({"n": True}, "n"),
        ({"seed": "x"}, "seed"),
    ],
)
def test_fields_that_cannot_be_met_are_refused(fields: dict[str, Any], param: str):
    assert refused(**fields).param == param
