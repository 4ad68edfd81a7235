"""The platform's voices, and what callers may call them.

Its own list is the only source: no page names a voice, so which of them stands for one
of OpenAI's names is *assumed* to matter little, and goes by the place in the list.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from ...errors import BadRequest, UpstreamProtocolError
from .. import Voice
from ..openai_voices import OPENAI_VOICES
from . import protocol


def listed(answer: Any, lists: Sequence[str] = protocol.VOICE_LISTS) -> list[Voice]:
    """The voices of a get_voice answer, the official ones first.

    lists: what they are listed under.
    raises: UpstreamProtocolError. source: platform.md, Speech.
    """
    if not isinstance(answer, Mapping):
        raise UpstreamProtocolError("the platform lists no voices")
    found = [answer.get(name) or [] for name in lists]
    if not all(isinstance(each, list) for each in found):
        raise UpstreamProtocolError("the platform's voices are not a list")
    return [
        Voice(str(each["voice_id"]), str(each.get("voice_name") or each["voice_id"]))
        for each in chain.from_iterable(found)
        if isinstance(each, Mapping) and each.get("voice_id")
    ]


def standing_for(name: str, speakers: Sequence[Voice]) -> str:
    """Return the id of the voice that stands for one of OpenAI's names."""
    ids = [speaker.id for speaker in speakers] or [protocol.DEFAULT_VOICE]
    return ids[OPENAI_VOICES.index(name) % len(ids)]


def unknown(name: str) -> BadRequest:
    return BadRequest(
        f'the platform has no voice "{name}": GET /v1/audio/voices with its key lists '
        "them",
        param="voice",
        code="invalid_voice",
    )


def is_foreign(name: str) -> bool:
    """Whether it is a voice that only the web service has (platform.md, Speech)."""
    suffix, prefix = protocol.WEB_VOICES
    return name.endswith(suffix) or name.startswith(prefix)
