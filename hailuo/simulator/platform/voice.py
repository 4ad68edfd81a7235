"""Speech, voices and recognition of the platform (platform.md)."""

import asyncio
import hashlib
import json
from typing import Any

from ..report import RecordingSeen, SpeechSeen
from ..script import Instruction
from ..server import Reply, Request, json_reply
from ..simulator import Simulator
from ..stream import Stream
from ..web import events, sound
from ..web.multipart import parts
from .admission import admit
from .failures import base_resp, forbidden, instructed, refused_speech

EVENT_STREAM = [("Content-Type", "text/event-stream")]
LONGEST_TEXT = 10_000
LONGEST_S = 500
MODELS = ("speech-2.8-", "speech-2.6-", "speech-02-")
VOICES = (
    "English_expressive_narrator",
    "simulated-narrator",
    "simulated-girl",
    "simulated-gentleman",
)
CLONE = "my-own-voice"
NEW_CLONE = "my-new-voice"  # not listed, as none is before its first use
EMOTIONS = ("happy", "sad", "angry", "fearful", "disgusted", "surprised", "calm")
LANGUAGES = (  # by the code that recognition takes; that it lists these is assumed
    "zh Chinese yue Chinese,Yue en English ar Arabic ru Russian es Spanish fr French "
    "pt Portuguese de German tr Turkish nl Dutch uk Ukrainian vi Vietnamese "
    "id Indonesian ja Japanese it Italian ko Korean th Thai pl Polish ro Romanian "
    "el Greek cs Czech fi Finnish hi Hindi bg Bulgarian da Danish he Hebrew ms Malay "
    "fa Persian sk Slovak sv Swedish hr Croatian fil Filipino hu Hungarian "
    "no Norwegian sl Slovenian ca Catalan nn Nynorsk ta Tamil af Afrikaans"
).split()
CODES, NAMES = LANGUAGES[::2], LANGUAGES[1::2]
SPEECH_FIELDS = (
    "model text stream stream_options voice_setting audio_setting language_boost"
).split()
VOICE_FIELDS = "voice_id speed vol pitch emotion".split()
PIECES = 4
ASKED = (  # of recognition, beside the file
    {"model": b"asr-1.0", "response_format": b"json", "stream": b"true"},
    *(
        {
            "model": b"asr-1.0",
            "response_format": b"verbose_json",
            "timestamp_level": level,
        }
        for level in (b"sentence", b"word")
    ),
)
HEARD = "这是平台的模拟器，它听到了 {seconds:.1f} 秒的录音。"


async def get_voice(simulator: Simulator, request: Request) -> Reply:
    key = admit(simulator, request)
    if _json(request) != {"voice_type": "all"}:
        raise forbidden(f"the body of get_voice is {request.body!r}")
    instruction = simulator.script.take("get_voice", key, key)
    if reply := await _instead(simulator, instruction, request):
        return reply
    system = [{"voice_id": id, "voice_name": id.title()} for id in VOICES]
    cloned = [{"voice_id": CLONE}]
    said = {"system_voice": system, "voice_cloning": cloned, "voice_generation": []}
    return json_reply({**said, "base_resp": base_resp()})


async def speak(simulator: Simulator, request: Request) -> Reply | None:
    key = admit(simulator, request)
    body = _json(request)
    _check_speech(body)
    text, voice = body["text"], body["voice_setting"]["voice_id"]
    speed = body["voice_setting"].get("speed", 1)
    audio = body["audio_setting"]
    seen = SpeechSeen(key, voice, text, sound.hertz(voice))
    seen.format, seen.speed = audio["format"], speed
    seen.style = {
        name: value
        for name, value in {**body, **body["voice_setting"]}.items()
        if name in ("emotion", "pitch", "vol", "language_boost")
    }
    simulator.report.speeches.append(seen)
    instruction = simulator.script.take("t2a", key, key, text)
    if reply := await _instead(simulator, instruction, request):
        return reply
    plan = instruction or Instruction("t2a")
    samples = await asyncio.to_thread(sound.said, text, seen.hz, plan, speed)
    made = await asyncio.to_thread(
        sound.encoded, samples, audio["format"], audio["sample_rate"]
    )
    stream = Stream(request.connection)
    stream.start(200, EVENT_STREAM)
    size = -(-len(made) // PIECES)
    for at in range(0, len(made), size):
        await _send(stream, {"audio": made[at : at + size].hex(), "status": 1})
        if plan.cut_at is not None:
            await stream.cut("close")
            return None
    options = body.get("stream_options") or {}
    whole = "" if options.get("exclude_aggregated_audio") else made.hex()
    await _send(stream, {"audio": whole, "status": 2})
    await stream.end()
    return None


def _check_speech(body: Any) -> None:
    """raises: Forbidden for what the platform would not understand."""
    if not str(body.get("model")).startswith(MODELS):
        raise forbidden(f"model is {body.get('model')!r}")
    if not 0 < len(body.get("text") or "") < LONGEST_TEXT:
        raise forbidden("text is empty or too long")
    if body.get("stream") is not True:
        raise forbidden("only streamed speech is played")
    voice, audio = body["voice_setting"], body["audio_setting"]
    if strange := {*body, *voice} - {*SPEECH_FIELDS, *VOICE_FIELDS}:
        raise forbidden(f"there are no fields {strange}")
    if not 0.5 <= voice.get("speed", 1) <= 2:
        raise forbidden(f"the speed is {voice['speed']!r}")
    if not 0 < voice.get("vol", 1) <= 10:
        raise forbidden(f"the volume is {voice['vol']!r}")
    pitch = voice.get("pitch", 0)
    if not isinstance(pitch, int) or not -12 <= pitch <= 12:
        raise forbidden(f"the pitch is {pitch!r}")
    if voice.get("emotion", EMOTIONS[0]) not in EMOTIONS:
        raise forbidden(f"the emotion is {voice['emotion']!r}")
    if body.get("language_boost", "auto") not in ("auto", *NAMES):
        raise forbidden(f"language_boost is {body['language_boost']!r}")
    if audio.get("format") not in sound.FORMATS or audio.get("channel") != 1:
        raise forbidden(f"the format is {audio.get('format')!r}")
    if not 8_000 <= audio.get("sample_rate", 0) <= 44_100:
        raise forbidden(f"the sample rate is {audio.get('sample_rate')!r}")
    if voice["voice_id"] not in (*VOICES, CLONE, NEW_CLONE):
        raise refused_speech(20132, "invalid samples or voice_id")


async def _send(stream: Stream, data: dict[str, Any]) -> None:
    said = {"data": data, "trace_id": "simulated", "base_resp": base_resp()}
    await stream.send(events.Style().event(said))


async def write(simulator: Simulator, request: Request) -> Reply | None:
    key = admit(simulator, request)
    fields = {part.name: part for part in parts(request)}
    asked = {name: part.value for name, part in fields.items() if name != "file"}
    if asked not in ASKED or "file" not in fields:
        raise forbidden(f"the form fields are {asked}")
    mp3 = fields["file"].value
    heard = sound.Heard(mp3)
    if heard.seconds > LONGEST_S:
        raise forbidden(f"the recording is {heard.seconds:.0f} s long")
    md5 = hashlib.md5(mp3, usedforsecurity=False).hexdigest()
    seen = RecordingSeen(key, heard.seconds, len(mp3), md5)
    seen.language = request.header("language") or ""
    if seen.language and seen.language not in CODES:
        raise forbidden(f"the language is {seen.language!r}")
    seen.level = asked.get("timestamp_level", b"").decode()
    simulator.report.recordings.append(seen)
    instruction = simulator.script.take("speech_to_text", key, key)
    if reply := await _instead(simulator, instruction, request):
        return reply
    plan = instruction or Instruction("speech_to_text")
    text = HEARD.format(seconds=heard.seconds) if plan.text is None else plan.text
    if seen.level:
        return json_reply(_timed(plan.pieces or [text], plan.text, seen))
    await _tell(request, text)
    return None


def _timed(pieces: list[str], text: str | None, seen: RecordingSeen) -> dict[str, Any]:
    """Sentences, or words, equally long. That a segment is a word is assumed."""
    if seen.level == "word":
        pieces = " ".join(pieces).split()
    length = seen.seconds / len(pieces)
    segments = [
        {
            "id": number,
            "start": round(number * length, 3),
            "end": round((number + 1) * length, 3),
            "speaker": "speaker_0",
            "text": text,
        }
        for number, text in enumerate(pieces)
    ]
    text = " ".join(pieces) if text is None else text
    return {"text": text, "duration": seen.seconds, "segments": segments}


async def _tell(request: Request, text: str) -> None:
    stream = Stream(request.connection)
    stream.start(200, EVENT_STREAM)
    half = len(text) // 2
    for index, delta in enumerate((text[:half], text[half:])):
        said = {"index": index, "delta": delta, "finish": False}
        await stream.send(events.Style().event(said))
    await stream.send(events.Style().event({"index": 2, "delta": "", "finish": True}))
    await stream.end()


async def _instead(
    simulator: Simulator, instruction: Instruction | None, request: Request
) -> Reply | None:
    if reply := await simulator.before(instruction, request):
        return reply
    return instructed(instruction)


def _json(request: Request) -> Any:
    try:
        return json.loads(request.body)
    except ValueError:
        raise forbidden("the body is not JSON") from None
