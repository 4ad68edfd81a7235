"""The voice that speaks when a client names one."""

import pytest

from hailuo.errors import BadRequest
from hailuo.upstream import Voice
from hailuo.upstream.openai_voices import ORIGINAL_VOICES, parse_replacements
from hailuo.upstream.platform.voices import NEAREST, nearest
from hailuo.upstream.web import voices
from hailuo.upstream.web.voices import voice_id

OPENAI = "alloy ash ballad coral echo fable onyx nova sage shimmer verse marin cedar"
ORIGINAL = '"Podcast_girl,yueyue_hailuo,keli_hailuo";'


LISTED = [Voice(id, id) for id in ("a", "lovely_girl", "female-shaonv")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Paimeng_hailuo", "lovely_girl"),
        ("female-shaonv", "female-shaonv"),
        ("male-botong", "a"),
        ("Podcast_girl", "lovely_girl"),
        ("unheard_of_hailuo", "a"),
    ],
)
def test_web_voice_has_a_nearest_one_on_the_platform(name: str, expected: str):
    assert nearest(name, LISTED) == expected


def test_web_voice_without_a_list_falls_to_the_default():
    assert nearest("Paimeng_hailuo", []) == "English_expressive_narrator"


def test_every_web_voice_has_a_nearest_one():
    assert list(NEAREST) == [voice.id for voice in voices.VOICES]


def test_every_official_voice_of_the_original_program_exists():
    ids = [speaker.id for speaker in voices.VOICES]

    assert len(ids) == len(set(ids)) == 32
    assert voices.VOICES[0] == ("male-botong", "思远")
    assert voices.VOICES[-1] == ("yueyue_hailuo", "小月月")


@pytest.mark.parametrize("model", ["tts-1", "tts-1-hd", "", "hailuo"])
@pytest.mark.parametrize("name", OPENAI.split())
def test_openai_voice_maps_to_an_official_voice(name: str, model: str):
    ids = [speaker.id for speaker in voices.VOICES]

    assert voice_id(name, model, {}) in ids


@pytest.mark.parametrize(
    ("name", "model", "expected"),
    [
        ("alloy", "tts-1", "male-botong"),
        ("alloy", "whatever", "male-botong"),
        ("shimmer", "tts-1", "xiaoyi_mix_hailuo"),
        ("alloy", "tts-1-hd", "xiaomo_sft"),
        ("shimmer", "tts-1-hd", "Hutao_hailuo"),
        ("Podcast_girl", "tts-1-hd", "Podcast_girl"),
        ("puv_1234567890abcdefgh", "", "puv_1234567890abcdefgh"),
    ],
)
def test_voice_maps_as_in_the_original_program(name: str, model: str, expected: str):
    assert voice_id(name, model, {}) == expected


@pytest.mark.parametrize("name", ["", "nobody", "ALLOY", "puv_", "puv_../x", "a&b=c"])
def test_unknown_voice_error_names_the_voices_route(name: str):
    with pytest.raises(BadRequest, match="/v1/audio/voices") as refusal:
        voice_id(name, "", {})

    assert refusal.value.param == "voice"


def test_voice_replacement_holds_for_every_model():
    replaced = parse_replacements(ORIGINAL)

    for model in ("tts-1", "tts-1-hd"):
        assert voice_id("echo", model, replaced) == "yueyue_hailuo"
    assert voice_id("onyx", "tts-1", replaced) == "female-shaonv"


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("", {}),
        (
            ORIGINAL,
            {"alloy": "Podcast_girl", "echo": "yueyue_hailuo", "fable": "keli_hailuo"},
        ),
        ("a", {"alloy": "a"}),
        (" 'a' , b ;", {"alloy": "a", "echo": "b"}),
        (",b,,d", {"echo": "b", "onyx": "d"}),
        ('"a";"', {"alloy": "a"}),
        ('"a","b"', {"alloy": "a", "echo": "b"}),
        ("1,2,3,4,5,6,7", dict(zip(ORIGINAL_VOICES, "123456", strict=True))),
    ],
)
def test_voice_replacements_are_parsed(setting: str, expected: dict[str, str]):
    assert parse_replacements(setting) == expected
