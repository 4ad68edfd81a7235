"""Voices of the platform, and OpenAI's names for them.

No page names a voice, so the platform's list is the only source. Which voice stands for
one of OpenAI's names is *assumed* to matter little, and goes by the order of the list.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from ...errors import BadRequest, UpstreamProtocolError
from .. import Voice
from ..openai_voices import OPENAI_VOICES
from . import protocol


def listed(answer: Any, lists: Sequence[str] = protocol.VOICE_LISTS) -> list[Voice]:
    """Return the voices of a get_voice answer, the official ones first.

    lists: the fields that list them.
    raises: UpstreamProtocolError. source: platform.md, Speech.
    """
    if not isinstance(answer, Mapping):
        raise UpstreamProtocolError("the platform's list of voices is not an object")
    fields = [answer.get(name) or [] for name in lists]
    if not all(isinstance(field, list) for field in fields):
        raise UpstreamProtocolError("the platform's voices are not a list")
    return [
        Voice(str(item["voice_id"]), str(item.get("voice_name") or item["voice_id"]))
        for item in chain.from_iterable(fields)
        if isinstance(item, Mapping) and item.get("voice_id")
    ]


def id_for_openai_name(name: str, voices: Sequence[Voice]) -> str:
    """Return the id of the voice that stands for one of OpenAI's names."""
    ids = [voice.id for voice in voices] or [protocol.DEFAULT_VOICE]
    return ids[OPENAI_VOICES.index(name) % len(ids)]


def unknown(name: str) -> BadRequest:
    return BadRequest(
        f'the platform has no voice "{name}": GET /v1/audio/voices with its key lists '
        "them",
        param="voice",
        code="invalid_voice",
    )


def is_foreign(name: str) -> bool:
    """Return whether only the web service has the voice (platform.md, Speech)."""
    suffix, prefix = protocol.WEB_VOICES
    return name.endswith(suffix) or name.startswith(prefix)
