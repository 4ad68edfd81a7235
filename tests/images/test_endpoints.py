"""Images as clients see them, over gunicorn, with the official library."""

import base64
import json
import socket
import time
from collections.abc import Callable
from typing import Any

import openai
import pytest
import requests
from hypothesis import HealthCheck, given, settings

from tests.chat.test_heartbeats import BEAT_S, PING, read_until
from tests.conftest import SECRET, Caller
from tests.simulated import Simulated

from .pictures import opened, picture
from .test_request import BODIES

CALL = "image_generation"
PROMPT = f"{SECRET} at sea"
GENERATIONS, EDITS = "/v1/images/generations", "/v1/images/edits"


@pytest.fixture
def kind() -> str:
    return "platform"


@pytest.fixture
def images(account: Caller) -> Any:
    """The images of the official library."""
    return account.client.images


def generate(account: Caller, **fields: Any) -> requests.Response:
    return account.send(GENERATIONS, json={"prompt": PROMPT, **fields})


def edit(account: Caller, *files: tuple[str, Any], **fields: Any) -> requests.Response:
    data = {"prompt": PROMPT, **fields}
    return account.send(EDITS, json=None, files=files, data=data)


def error_of(response: requests.Response) -> tuple[int, str, Any]:
    error = response.json()["error"]
    return response.status_code, error["code"], error["param"]


def draws(upstream: Simulated) -> int:
    return sum(each["call"] == CALL for each in upstream.report()["requests"])


def test_official_library_generates_images(upstream: Simulated, images: Any):
    made = images.generate(
        model="gpt-image-1", prompt=PROMPT, n=2, size="1536x1024", user="someone"
    )
    assert [opened(image.b64_json).size for image in made.data] == [(1536, 1024)] * 2
    assert (made.size, made.output_format) == ("1536x1024", "jpeg")
    assert made.usage is None and made.created == pytest.approx(time.time(), abs=60)
    (answer,) = upstream.report()["answers"]
    assert answer["form"]["prompt"] == PROMPT


def test_official_library_generates_addresses(images: Any, upstream: Simulated):
    (image,) = images.generate(prompt=PROMPT, response_format="url").data
    assert opened(requests.get(image.url, timeout=10).content).size == (1024, 1024)
    assert image.b64_json is None


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_image_has_the_requested_format(images: Any, upstream: Simulated, format: str):
    made = images.generate(prompt=PROMPT, size="512x512", output_format=format)
    assert opened(made.data[0].b64_json).format == format.upper()
    assert made.output_format == format


def test_compression_makes_an_image_smaller(images: Any, upstream: Simulated):
    asked = {"prompt": PROMPT, "seed": 1, "size": "512x512", "output_format": "jpeg"}
    sizes = [
        len(images.generate(extra_body=asked | more, prompt=PROMPT).data[0].b64_json)
        for more in ({}, {"output_compression": 10})
    ]
    assert sizes[1] < sizes[0]


def test_official_library_streams_images(images: Any, upstream: Simulated):
    stream = images.generate(prompt=PROMPT, n=2, stream=True, partial_images=2)
    events = list(stream)
    assert [event.type for event in events] == ["image_generation.completed"] * 2
    assert all(opened(event.b64_json).format == "JPEG" for event in events)
    assert {event.output_format for event in events} == {"jpeg"}


def test_stream_has_pings_and_named_events(
    upstream: Simulated, caller: Callable[..., Caller], serve: Callable[..., Any]
):
    upstream.script({"call": CALL, "hold_headers": True})
    account = caller(served=serve(HAILUO_HEARTBEAT_S=BEAT_S))
    asked = {"prompt": PROMPT, "stream": True}
    with account.send(GENERATIONS, json=asked, stream=True) as response:
        parts = response.iter_content(None)
        begun = read_until(parts, PING, times=2)
        upstream.release()
        *pings, image, rest = (begun + b"".join(parts)).decode().split("\n\n")
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert set(pings) == {": ping"} and rest == ""
    assert image.startswith("event: image_generation.completed\ndata: {")


@pytest.mark.parametrize("files", ["one", "list"])
def test_official_library_edits_an_image(images: Any, upstream: Simulated, files: str):
    image = ("her.png", picture("png"))
    made = images.edit(image=image if files == "one" else [image], prompt=PROMPT)
    assert opened(made.data[0].b64_json).format == "JPEG"
    (answer,) = upstream.report()["answers"]
    assert answer["form"]["subject_reference"][0]["type"] == "character"


def test_official_library_streams_an_edit(images: Any, upstream: Simulated):
    (event,) = images.edit(
        image=picture("webp"), prompt=PROMPT, stream=True, output_format="png"
    )
    assert event.type == "image_edit.completed"
    assert opened(event.b64_json).format == "PNG"


IMAGE = ("image", ("a.png", picture("png")))


@pytest.mark.parametrize(
    ("files", "fields", "param"),
    [
        ([], {}, "image"),
        ([IMAGE, IMAGE], {}, "image"),
        ([IMAGE, ("image[]", IMAGE[1])], {}, "image"),
        ([IMAGE, ("mask", IMAGE[1])], {}, "mask"),
        ([IMAGE], {"mask": "a"}, "mask"),
        ([("image", ("a.png", b""))], {}, "image"),
        ([("image", ("a.txt", b"A text"))], {}, "image"),
        ([("image", ("a.png", b"\0no image", "image/png"))], {}, "image"),
        ([("image", ("a.webp", b"RIFF\0\0\0\0WEBPVP8 "))], {}, "image"),
        ([IMAGE], {"prompt": " "}, "prompt"),
        ([IMAGE], {"n": "many"}, "n"),
    ],
)
def test_edit_that_cannot_be_made_is_refused_by_name(
    account: Caller, upstream: Simulated, files: list[Any], fields: Any, param: str
):
    files = files or [("nothing", ("a", b"a"))]
    status, _, named = error_of(edit(account, *files, **fields))
    assert (status, named) == (400, param)
    assert draws(upstream) == 0


def test_edit_must_be_a_form(account: Caller, upstream: Simulated):
    response = account.send(EDITS, json={"prompt": PROMPT})
    assert error_of(response)[:2] == (400, "invalid_form")


def test_web_account_is_told_to_bring_a_platform_key(
    caller: Callable[..., Caller], upstream: Simulated
):
    account = caller(kind="web")
    for response in (generate(account), edit(account, IMAGE)):
        assert error_of(response) == (400, "unsupported_value", "model")
        assert "platform" in response.json()["error"]["message"]


def test_platform_key_of_a_mixed_list_makes_the_images(
    caller: Callable[..., Caller], upstream: Simulated, account: Caller
):
    account.tokens = [*caller(kind="web").tokens, *account.tokens]
    response = generate(account)
    assert response.status_code == 200
    assert response.headers["x-hailuo-upstream"] == "platform"


def test_filtered_prompt_is_a_content_filter_error(
    images: Any, account: Caller, upstream: Simulated
):
    upstream.script({"call": CALL, "refuse": {"code": 1026, "as": "base_resp"}})
    with pytest.raises(openai.BadRequestError) as raised:
        images.generate(prompt=PROMPT)
    assert (raised.value.code, raised.value.param) == ("content_filter", "prompt")
    assert draws(upstream) == 1


def test_partial_success_is_a_success(images: Any, upstream: Simulated):
    upstream.script({"call": CALL, "failed": 1})
    assert len(images.generate(prompt=PROMPT, n=3, size="512x512").data) == 2


def test_plan_without_images_lets_another_key_make_them(
    caller: Callable[..., Caller], upstream: Simulated
):
    account = caller(2)
    first, second = account.tokens
    refusal = {"refuse": {"code": 2061, "as": "base_resp"}}
    upstream.script(
        {"call": CALL, "token": first, "times": None, **refusal},
        {"call": "completion", "times": None, "text": "Hello"},
    )

    for model in ("gpt-image-1", "image-01", "dall-e-3"):
        assert generate(account, model=model).status_code == 200
        assert account.ask()  # only its images are resting

    users = [
        each["user"] for each in upstream.report()["answers"] if each["call"] == CALL
    ]
    assert users.count(second) == 3 and users.count(first) <= 1


@pytest.mark.parametrize("drop", ["reset", "close"])
def test_images_are_never_asked_for_twice_once_the_call_was_taken(
    caller: Callable[..., Caller], upstream: Simulated, drop: str
):
    account = caller(2)
    upstream.script({"call": CALL, "drop": drop})
    client = account.client.with_options(max_retries=2)
    with pytest.raises(openai.APIStatusError) as raised:
        client.images.generate(prompt=PROMPT)
    assert (raised.value.status_code, raised.value.code) == (502, "images_missing")
    assert draws(upstream) == 1


def test_image_that_cannot_be_converted_is_not_asked_for_again(
    account: Caller, upstream: Simulated
):
    body = {"data": {"image_base64": ["/9j/4A=="]}}
    upstream.script({"call": CALL, "http": {"status": 200, "body": body}})
    response = generate(account, output_format="png")
    assert error_of(response) == (502, "images_missing", None)
    assert draws(upstream) == 1


@pytest.mark.parametrize("stream", [True, False])
def test_image_that_cannot_be_converted_does_not_take_the_others_along(
    account: Caller, upstream: Simulated, stream: bool
):
    whole = base64.b64encode(picture("jpeg")).decode()
    body = {"data": {"image_base64": ["/9j/4A==", whole, "/9j/4A=="]}}
    upstream.script({"call": CALL, "http": {"status": 200, "body": body}})
    asked = {"prompt": PROMPT, "n": 3, "output_format": "png", "stream": stream}
    made = account.client.images.generate(**asked)
    (image,) = list(made) if stream else made.data
    assert opened(image.b64_json).format == "PNG"


@pytest.mark.parametrize("stream", [True, False])
def test_client_that_leaves_ends_the_call(
    account: Caller, upstream: Simulated, stream: bool
):
    upstream.script({"call": CALL, "hold_headers": True})
    body = json.dumps({"prompt": PROMPT, "stream": stream}).encode()
    with socket.create_connection(("127.0.0.1", account.gateway.port)) as sock:
        sock.sendall(
            b"POST %b HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %b\r\n"
            b"Content-Length: %d\r\n\r\n%b"
            % (GENERATIONS.encode(), account.key.encode(), len(body), body)
        )
        upstream.wait("held", exactly=1)
    upstream.wait("open_answers", exactly=0)
    (answer,) = upstream.report()["answers"]
    assert answer["how"] == "client left"


def test_body_larger_than_the_route_needs_is_refused(
    account: Caller, upstream: Simulated
):
    response = generate(account, user="a" * 1_100_000)
    assert response.status_code == 413


def test_logs_and_metrics_count_images(account: Caller, upstream: Simulated):
    response = generate(account)
    line = account.gateway.logged_line(response.headers["x-request-id"], GENERATIONS)
    assert " 200 platform " in line and "pieces=1" in line and line.endswith("done")
    headers = {"Authorization": "Bearer sk-hailuofreeapi"}
    metrics = account.gateway.request("GET", "/metrics", headers=headers).text
    assert 'call="image_generation",outcome="ok"' in metrics


@given(BODIES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_request_is_answered_or_refused_by_name(
    account: Caller, upstream: Simulated, body: dict[str, Any]
):
    response = account.send(GENERATIONS, json=body)
    assert response.status_code in (200, 400), response.text
    if response.status_code == 400:
        error = response.json()["error"]
        assert error["param"] and error["param"] in error["message"]
