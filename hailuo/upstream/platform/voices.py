"""Voices of the platform, and OpenAI's names for them.

No page names a voice, so the platform's list is the only source. Which voice stands for
one of OpenAI's names is *assumed* to matter little, and goes by the order of the list.
A voice of the web service falls to the nearest one by a table, whose ids are *assumed*
from clients of the platform; where a key does not list them, the order counts again.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from ...errors import BadRequest, UpstreamProtocolError
from .. import Voice
from ..openai_voices import OPENAI_VOICES
from . import protocol

# Voices of the platform by those of the web service, in the order of its own table.
NEAREST: Mapping[str, str] = dict(
    line.split()
    for line in """\
male-botong male-qn-jingying
Podcast_girl female-tianmei
boyan_new_hailuo male-qn-qingse
female-shaonv female-shaonv
YaeMiko_hailuo female-yujie
xiaoyi_mix_hailuo male-qn-daxuesheng
xiaomo_sft female-chengshu
cove_test2_hailuo English_Trustworthy_Man
scarlett_hailuo English_Graceful_Lady
Leishen2_hailuo wumei_yujie
Zhongli_hailuo badao_shaoye
Paimeng_hailuo lovely_girl
keli_hailuo qiaopi_mengmei
Hutao_hailuo tianxin_xiaoling
Xionger_hailuo cartoon_pig
Haimian_hailuo clever_boy
Robot_hunter_hailuo Robot_Armor
Linzhiling_hailuo diadia_xuemei
huafei_hailuo wumei_yujie
lingfeng_hailuo male-qn-qingse
male_dongbei_hailuo male-qn-badao
Beijing_hailuo male-qn-jingying
JayChou_hailuo junlang_nanyou
Daniel_hailuo presenter_male
Bingjiao_zongcai_hailuo bingjiao_didi
female-yaoyao-hd female-tianmei
murong_sft danya_xuejie
shangshen_sft presenter_female
kongchen_sft lengdan_xiongzhang
shenteng2_hailuo chunzhen_xuedi
Guodegang_hailuo audiobook_male_1
yueyue_hailuo cute_boy
""".splitlines()
)


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


def is_web(name: str) -> bool:
    """Return whether a name is that of one of the web service's voices."""
    return name in NEAREST or name.endswith(protocol.WEB_VOICE_SUFFIX)


def nearest(name: str, voices: Sequence[Voice]) -> str:
    """Return the id of the voice that is nearest to one of the web service's.

    A voice that both services have stands for itself.
    voices: as the platform lists them; without any, only the default is certain.
    """
    ids = [voice.id for voice in voices] or [protocol.DEFAULT_VOICE]
    for id in (name, NEAREST.get(name)):
        if id in ids:
            return id
    return ids[list(NEAREST).index(name) % len(ids) if name in NEAREST else 0]


def is_foreign(name: str, *, strict: bool) -> bool:
    """Return whether no voice of the platform can stand for one of the web service's.

    A cloned voice belongs to one account there (platform.md, Speech).
    """
    if name.startswith(protocol.WEB_CLONE_PREFIX):
        return True
    return strict and name.endswith(protocol.WEB_VOICE_SUFFIX)
