"""The web service's voices, and OpenAI's names for them.

source: the original program's table of official voices, which also maps OpenAI's names
to them, for tts-1 and for tts-1-hd.
"""

import re
from collections.abc import Mapping

from ...errors import BadRequest
from .. import Voice
from .protocol import CLONED_VOICE_PREFIX

VOICES = tuple(
    Voice(*line.split(maxsplit=1))
    for line in """\
male-botong 思远
Podcast_girl 心悦
boyan_new_hailuo 子轩
female-shaonv 灵儿
YaeMiko_hailuo 语嫣
xiaoyi_mix_hailuo 少泽
xiaomo_sft 芷溪
cove_test2_hailuo 浩翔（英文）
scarlett_hailuo 雅涵（英文）
Leishen2_hailuo 模仿雷电将军
Zhongli_hailuo 模仿钟离
Paimeng_hailuo 模仿派蒙
keli_hailuo 模仿可莉
Hutao_hailuo 模仿胡桃
Xionger_hailuo 模仿熊二
Haimian_hailuo 模仿海绵宝宝
Robot_hunter_hailuo 模仿变形金刚
Linzhiling_hailuo 小玲玲
huafei_hailuo 拽妃
lingfeng_hailuo 东北er
male_dongbei_hailuo 老铁
Beijing_hailuo 北京er
JayChou_hailuo JayJay
Daniel_hailuo 潇然
Bingjiao_zongcai_hailuo 沉韵
female-yaoyao-hd 瑶瑶
murong_sft 晨曦
shangshen_sft 沐珊
kongchen_sft 祁辰
shenteng2_hailuo 夏洛特
Guodegang_hailuo 郭嘚嘚
yueyue_hailuo 小月月
""".splitlines()
)

# Newer names of OpenAI's, which the original program lacks; chosen by their sound.
NEWER = {
    "ash": "kongchen_sft",
    "ballad": "Bingjiao_zongcai_hailuo",
    "coral": "female-yaoyao-hd",
    "sage": "shangshen_sft",
    "verse": "Daniel_hailuo",
    "marin": "scarlett_hailuo",
    "cedar": "cove_test2_hailuo",
}
TTS_1 = {
    "alloy": "male-botong",
    "echo": "Podcast_girl",
    "fable": "boyan_new_hailuo",
    "onyx": "female-shaonv",
    "nova": "YaeMiko_hailuo",
    "shimmer": "xiaoyi_mix_hailuo",
    **NEWER,
}
TTS_1_HD = {
    "alloy": "xiaomo_sft",
    "echo": "Leishen2_hailuo",
    "fable": "Zhongli_hailuo",
    "onyx": "Paimeng_hailuo",
    "nova": "keli_hailuo",
    "shimmer": "Hutao_hailuo",
    **NEWER,
}
HD_MODEL = "tts-1-hd"

_IDS = frozenset(voice.id for voice in VOICES)
_CLONED = re.compile(CLONED_VOICE_PREFIX + r"\w+", re.ASCII)


def voice_id(name: str, model: str, replacements: Mapping[str, str]) -> str:
    """Return the id of the voice that a client requests.

    model: OpenAI's names map to other voices for tts-1-hd.
    replacements: the operator's voices by OpenAI's names.
    raises: BadRequest for an unknown voice.
    """
    openai_voices = TTS_1_HD if model == HD_MODEL else TTS_1
    if id := replacements.get(name) or openai_voices.get(name):
        return id
    if name in _IDS or is_cloned(name):
        return name
    raise BadRequest(
        f'there is no voice "{name}": GET /v1/audio/voices lists them',
        param="voice",
        code="invalid_voice",
    )


def is_cloned(id: str) -> bool:
    """Return whether *id* is that of a cloned voice, which belongs to one account."""
    return bool(_CLONED.fullmatch(id))
