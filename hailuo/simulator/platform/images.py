"""Images of the platform (platform.md, Images)."""

import asyncio
import base64
import binascii
import hashlib
import io
import json
import re
import secrets
import uuid
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from ..report import AnswerRecord
from ..script import Instruction
from ..server import Reply, Request, json_reply
from ..simulator import Simulator
from .admission import admit
from .failures import base_resp, forbidden, scripted_reply

FIELDS = {
    *("model", "prompt", "aspect_ratio", "width", "height", "response_format"),
    *("seed", "n", "prompt_optimizer", "subject_reference"),
}
MODELS = ("image-01", "image-01-live")
MAX_PROMPT = 1_500  # characters
RATIOS = {
    "1:1": (1024, 1024),
    "16:9": (1280, 720),
    "4:3": (1152, 864),
    "3:2": (1248, 832),
    "2:3": (832, 1248),
    "3:4": (864, 1152),
    "9:16": (720, 1280),
    "21:9": (1344, 576),
}
SIDES = range(512, 2049, 8)
MAX_NUMBER = 9
MAX_REFERENCE_BYTES = 10_000_000  # exclusive
REFERENCES = {
    "data:image/jpeg;base64": b"\xff\xd8\xff",
    "data:image/png;base64": b"\x89PNG\r\n\x1a\n",
}

PATH = re.compile(r"/simulated-images/(\d+)x(\d+)/([0-9a-f]{6})/([^/]*)\.jpg")

Body = dict[str, Any]


async def draw(simulator: Simulator, request: Request) -> Reply:
    key = admit(simulator, request)
    body = _read(request)
    record = AnswerRecord(
        user=key,
        token_tail=key[-8:],
        call="image_generation",
        message=body["prompt"],
        sent_chat_id="",
        form=body,
    )
    with simulator.answering(record):
        instruction = simulator.script.take(record.call, key, key, record.message)
        if reply := await scripted_reply(simulator, instruction, request):
            record.how = "refused"
            return reply
        plan = instruction or Instruction(record.call)
        data = await _data(request, body, plan)
        record.how = "done"
        failed = min(plan.failed, body.get("n", 1))
        made = body.get("n", 1) - failed
        metadata = {"success_count": str(made), "failed_count": str(failed)}
        return json_reply(
            {
                "id": uuid.uuid4().hex,
                "data": data,
                "metadata": metadata,
                "base_resp": base_resp(),
            }
        )


async def picture(simulator: Simulator, request: Request) -> Reply:
    """Return the image of an address; the real ones are on another host."""
    match = PATH.fullmatch(request.path)
    assert match
    image = Picture((int(match[1]), int(match[2])), match[3], unquote(match[4]))
    return Reply(200, await asyncio.to_thread(image.file), "image/jpeg")


class Picture(NamedTuple):
    """A text on a background of one colour."""

    size: tuple[int, int]
    colour: str
    text: str

    def file(self, format: str = "jpeg") -> bytes:
        from PIL import Image, ImageDraw  # heavy: loaded when it is needed

        image = Image.new("RGB", self.size, f"#{self.colour}")
        ImageDraw.Draw(image).text((24, 24), self.text, "white", stroke_width=1)
        file = io.BytesIO()
        image.save(file, format)
        return file.getvalue()

    @property
    def path(self) -> str:
        width, height = self.size
        text = quote(self.text, safe="")
        return f"/simulated-images/{width}x{height}/{self.colour}/{text}.jpg"


async def _data(request: Request, body: Body, plan: Instruction) -> Body:
    """Return the images that do not fail, in the format that is asked for."""
    pictures = [_picture(body, number) for number in range(body.get("n", 1))]
    pictures = pictures[plan.failed :]
    if body.get("response_format", "url") == "url":
        origin = f"{request.scheme}://{request.header('host')}"
        return {"image_urls": [origin + picture.path for picture in pictures]}
    files = [
        await asyncio.to_thread(picture.file, plan.picture) for picture in pictures
    ]
    return {"image_base64": [base64.b64encode(file).decode() for file in files]}


def _picture(body: Body, number: int) -> Picture:
    """Return the image of a number; the same seed gives the same images."""
    width, height = RATIOS[body.get("aspect_ratio", "1:1")]
    size = body.get("width", width), body.get("height", height)
    seed = f"{body['prompt']} {body.get('seed', secrets.token_hex())} {number}"
    colour = hashlib.sha256(seed.encode()).hexdigest()[:6]
    text = body["prompt"][:60].encode("ascii", "replace").decode()
    return Picture(size, colour, text)


def _read(request: Request) -> Body:
    """Return the checked body of *request*. raises: Forbidden."""
    if not request.header("content-type").startswith("application/json"):
        raise forbidden("the Content-Type of a request for images is not JSON")
    try:
        body = json.loads(request.body)
    except ValueError:
        raise forbidden("the body is not JSON") from None
    if unknown := set(body) - FIELDS:
        raise forbidden(f"undocumented fields: {', '.join(sorted(unknown))}")
    if body.get("model") not in MODELS:
        raise forbidden(f"model is {body.get('model')!r}")
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not 0 < len(prompt) <= MAX_PROMPT:
        raise forbidden("the prompt is empty or too long")
    _check_size(body)
    if type(body.get("n", 1)) is not int or not 1 <= body.get("n", 1) <= MAX_NUMBER:
        raise forbidden(f"n is {body['n']!r}")
    if type(body.get("seed", 0)) is not int:
        raise forbidden(f"seed is {body['seed']!r}")
    if body.get("response_format", "url") not in ("url", "base64"):
        raise forbidden(f"response_format is {body['response_format']!r}")
    if type(body.get("prompt_optimizer", False)) is not bool:
        raise forbidden("prompt_optimizer is not true or false")
    if "subject_reference" in body:
        _check_reference(body["subject_reference"])
    return dict(body)


def _check_size(body: Body) -> None:
    """Check the size; which of two given sizes wins is contradictory."""
    if "aspect_ratio" in body:
        if {"width", "height"} & set(body):
            raise forbidden("there are both an aspect_ratio and a width or height")
        if body["aspect_ratio"] not in RATIOS:
            raise forbidden(f"aspect_ratio is {body['aspect_ratio']!r}")
    elif {"width", "height"} & set(body):
        sides = body.get("width"), body.get("height")
        if not all(type(side) is int and side in SIDES for side in sides):
            raise forbidden(f"width and height are {sides}")


def _check_reference(references: Any) -> None:
    if not isinstance(references, list) or len(references) != 1:
        raise forbidden("subject_reference is not a list of one person")
    (reference,) = references
    if set(reference) != {"type", "image_file"} or reference["type"] != "character":
        raise forbidden(f"a subject_reference has the fields {sorted(reference)}")
    if reference["image_file"].startswith(("http://", "https://")):
        return
    head, _, data = reference["image_file"].partition(",")
    if head not in REFERENCES:
        raise forbidden(f"a reference begins with {head[:60]!r}")
    try:
        image = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise forbidden("a reference is not base64") from None
    if not image.startswith(REFERENCES[head]):
        raise forbidden(f"a reference is no {head[5:15]}")
    if len(image) >= MAX_REFERENCE_BYTES:
        raise forbidden("a reference has 10 MB or more")
