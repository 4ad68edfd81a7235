"""Voices, speech and recognition of the platform (platform.md, Speech)."""

import asyncio
import hashlib
import json
from typing import Any

from .. import audio
from ..report import RecordingRecord, SpeechRecord
from ..script import Instruction
from ..server import Reply, Request, json_reply
from ..simulator import Simulator
from ..stream import Stream
from ..web.events import Style
from ..web.multipart import parts
from .admission import admit
from .failures import base_resp, forbidden, refused_speech, scripted_reply
from .quota import spend

EVENT_STREAM = [("Content-Type", "text/event-stream")]
MAX_TEXT = 10_000  # characters
MAX_RECORDING_S = 500
MODEL_PREFIXES = ("speech-2.8-", "speech-2.6-", "speech-02-")
VOICES = (
    "English_expressive_narrator",
    "simulated-narrator",
    "simulated-girl",
    "simulated-gentleman",
)
CLONED_VOICE = "my-own-voice"
UNUSED_CLONED_VOICE = "my-new-voice"  # not listed until its first use
EMOTIONS = ("happy", "sad", "angry", "fearful", "disgusted", "surprised", "calm")
LANGUAGES = (  # by the code that recognition takes; the list is *assumed*
    "zh Chinese yue Chinese,Yue en English ar Arabic ru Russian es Spanish fr French "
    "pt Portuguese de German tr Turkish nl Dutch uk Ukrainian vi Vietnamese "
    "id Indonesian ja Japanese it Italian ko Korean th Thai pl Polish ro Romanian "
    "el Greek cs Czech fi Finnish hi Hindi bg Bulgarian da Danish he Hebrew ms Malay "
    "fa Persian sk Slovak sv Swedish hr Croatian fil Filipino hu Hungarian "
    "no Norwegian sl Slovenian ca Catalan nn Nynorsk ta Tamil af Afrikaans"
).split()
LANGUAGE_CODES, LANGUAGE_NAMES = LANGUAGES[::2], LANGUAGES[1::2]
SPEECH_FIELDS = (
    "model text stream stream_options voice_setting audio_setting language_boost"
).split()
VOICE_FIELDS = "voice_id speed vol pitch emotion".split()
SPEECH_CHUNKS = 4
RECOGNITION_FIELDS = (  # besides the file
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
RECOGNISED = "这是平台的模拟器，它听到了 {seconds:.1f} 秒的录音。"


async def get_voice(simulator: Simulator, request: Request) -> Reply:
    key = admit(simulator, request)
    if _json(request) != {"voice_type": "all"}:
        raise forbidden(f"the body of get_voice is {request.body!r}")
    instruction = simulator.script.take("get_voice", key, key)
    if reply := await scripted_reply(simulator, instruction, request):
        return reply
    system = [{"voice_id": voice, "voice_name": voice.title()} for voice in VOICES]
    cloned = [{"voice_id": CLONED_VOICE}]
    voices = {"system_voice": system, "voice_cloning": cloned, "voice_generation": []}
    return json_reply({**voices, "base_resp": base_resp()})


async def speak(simulator: Simulator, request: Request) -> Reply | None:
    key = admit(simulator, request)
    body = _json(request)
    _check_speech(body)
    spend(simulator, key, refused_speech)
    text = body["text"]
    speech = _speech_record(key, body)
    simulator.report.speeches.append(speech)
    instruction = simulator.script.take("t2a", key, key, text)
    if reply := await scripted_reply(simulator, instruction, request):
        return reply
    plan = instruction or Instruction("t2a")
    samples = await asyncio.to_thread(
        audio.synthesize, text, speech.hz, plan, speech.speed
    )
    rate = body["audio_setting"]["sample_rate"]
    file = await asyncio.to_thread(audio.encode, samples, speech.format, rate)
    stream = Stream(request.connection)
    stream.start(200, EVENT_STREAM)
    size = -(-len(file) // SPEECH_CHUNKS)
    for at in range(0, len(file), size):
        await _send(stream, {"audio": file[at : at + size].hex(), "status": 1})
        if plan.cut_at is not None:
            await stream.cut("close")
            return None
    options = body.get("stream_options") or {}
    whole = "" if options.get("exclude_aggregated_audio") else file.hex()
    await _send(stream, {"audio": whole, "status": 2})
    await stream.end()
    return None


def _speech_record(key: str, body: Any) -> SpeechRecord:
    voice_setting = body["voice_setting"]
    voice = voice_setting["voice_id"]
    record = SpeechRecord(key, voice, body["text"], audio.tone_hz(voice))
    record.format = body["audio_setting"]["format"]
    record.speed = voice_setting.get("speed", 1)
    record.style = {
        name: value
        for name, value in {**body, **voice_setting}.items()
        if name in ("emotion", "pitch", "vol", "language_boost")
    }
    return record


def _check_speech(body: Any) -> None:
    """Check a request for speech.

    raises: Forbidden; Refused for an unknown voice.
    """
    if not str(body.get("model")).startswith(MODEL_PREFIXES):
        raise forbidden(f"model is {body.get('model')!r}")
    if not 0 < len(body.get("text") or "") < MAX_TEXT:
        raise forbidden("text is empty or too long")
    if body.get("stream") is not True:
        raise forbidden("stream is not true, and only streamed speech is simulated")
    voice, audio_setting = body["voice_setting"], body["audio_setting"]
    if unknown := {*body, *voice} - {*SPEECH_FIELDS, *VOICE_FIELDS}:
        raise forbidden(f"undocumented fields: {', '.join(sorted(unknown))}")
    if not 0.5 <= voice.get("speed", 1) <= 2:
        raise forbidden(f"the speed is {voice['speed']!r}")
    if not 0 < voice.get("vol", 1) <= 10:
        raise forbidden(f"the volume is {voice['vol']!r}")
    pitch = voice.get("pitch", 0)
    if not isinstance(pitch, int) or not -12 <= pitch <= 12:
        raise forbidden(f"the pitch is {pitch!r}")
    if voice.get("emotion", EMOTIONS[0]) not in EMOTIONS:
        raise forbidden(f"the emotion is {voice['emotion']!r}")
    if body.get("language_boost", "auto") not in ("auto", *LANGUAGE_NAMES):
        raise forbidden(f"language_boost is {body['language_boost']!r}")
    if audio_setting.get("format") not in audio.FORMATS:
        raise forbidden(f"the format is {audio_setting.get('format')!r}")
    if audio_setting.get("channel") != 1:
        raise forbidden("channel is not 1")
    if not 8_000 <= audio_setting.get("sample_rate", 0) <= 44_100:
        raise forbidden(f"the sample rate is {audio_setting.get('sample_rate')!r}")
    if voice["voice_id"] not in (*VOICES, CLONED_VOICE, UNUSED_CLONED_VOICE):
        raise refused_speech(20132, "invalid samples or voice_id")


async def _send(stream: Stream, data: dict[str, Any]) -> None:
    event = {"data": data, "trace_id": "simulated", "base_resp": base_resp()}
    await stream.send(Style().event(event))


async def transcribe(simulator: Simulator, request: Request) -> Reply | None:
    key = admit(simulator, request)
    fields = {part.name: part for part in parts(request)}
    texts = {name: part.value for name, part in fields.items() if name != "file"}
    if texts not in RECOGNITION_FIELDS or "file" not in fields:
        raise forbidden(f"the form fields are {texts}")
    mp3 = fields["file"].value
    seconds = audio.Mp3Info(mp3).duration_s
    if seconds > MAX_RECORDING_S:
        raise forbidden(f"the recording is {seconds:.0f} s long")
    md5 = hashlib.md5(mp3, usedforsecurity=False).hexdigest()
    recording = RecordingRecord(key, seconds, len(mp3), md5)
    recording.language = request.header("language") or ""
    if recording.language and recording.language not in LANGUAGE_CODES:
        raise forbidden(f"the language is {recording.language!r}")
    recording.level = texts.get("timestamp_level", b"").decode()
    spend(simulator, key)
    simulator.report.recordings.append(recording)
    instruction = simulator.script.take("speech_to_text", key, key)
    if reply := await scripted_reply(simulator, instruction, request):
        return reply
    plan = instruction or Instruction("speech_to_text")
    text = RECOGNISED.format(seconds=seconds) if plan.text is None else plan.text
    if recording.level:
        pieces = plan.pieces or [text]
        speakers = plan.speakers or ["speaker_0"]
        return json_reply(_timed_text(pieces, plan.text, recording, speakers))
    await _stream_text(request, text)
    return None


def _timed_text(
    pieces: list[str],
    text: str | None,
    recording: RecordingRecord,
    speakers: list[str],
) -> dict[str, Any]:
    """Return segments of equal duration; that each is one word is *assumed*."""
    if recording.level == "word":
        pieces = " ".join(pieces).split()
    length = recording.seconds / len(pieces)
    segments = [
        {
            "id": number,
            "start": round(number * length, 3),
            "end": round((number + 1) * length, 3),
            "speaker": speakers[number % len(speakers)],
            "text": piece,
        }
        for number, piece in enumerate(pieces)
    ]
    text = " ".join(pieces) if text is None else text
    return {"text": text, "duration": recording.seconds, "segments": segments}


async def _stream_text(request: Request, text: str) -> None:
    stream = Stream(request.connection)
    stream.start(200, EVENT_STREAM)
    half = len(text) // 2
    for index, delta in enumerate((text[:half], text[half:])):
        event = {"index": index, "delta": delta, "finish": False}
        await stream.send(Style().event(event))
    await stream.send(Style().event({"index": 2, "delta": "", "finish": True}))
    await stream.end()


def _json(request: Request) -> Any:
    try:
        return json.loads(request.body)
    except ValueError:
        raise forbidden("the body is not JSON") from None
