"""Speech and recognition (protocol.md 6).

Speech reads a chat answer aloud: the client sets the account's voice, polls msg_tts
until the speech is ready, and downloads its parts, which the simulator serves itself.
Changing the voice while a speech is in progress and polling without a pause are
violations.
"""

import asyncio
import hashlib
import json
import re
import uuid
from typing import Any
from urllib.parse import unquote

from .. import audio
from ..report import AnswerRecord, RecordingRecord, SpeechRecord, now
from ..script import Instruction
from ..server import Reply, Request
from ..simulator import Simulator
from ..stream import Stream
from . import events
from .accounts import Message
from .admission import ORIGIN, Client, admit, json_digest
from .chat import EVENT_STREAM, check_account_free
from .envelope import UNKNOWN, forbidden, refused, success
from .multipart import parts
from .scripted import scripted_reply, take_instruction
from .signing import voice_digest

ROBOT_ID = "1"
VOICE = re.compile(r"[\w-]{3,64}")
IN_PROGRESS, READY = 1, 2  # requestStatus; that it is 1 at first is *assumed*
MIN_POLL_INTERVAL_S = 0.05
PHONE_FIELDS = ["chatID", "voiceBytes", "characterID", "playSpeedLevel"]
MAX_RECORDING_S = 310.0  # *assumed*: five minutes, and the padding of the encoder
RECOGNISED = "这是模拟器，它听到了 {seconds:.1f} 秒的录音。"
CLONED_VOICE = "puv_simulated{user:0>10}"  # each account has cloned one


async def robot_config(simulator: Simulator, request: Request) -> Reply:
    """Return the account's settings; that they list cloned voices is *assumed*."""
    client = admit(simulator, request, json_digest(request), own_query=("robotID",))
    instruction = take_instruction(simulator, "robot_config", client)
    if reply := await scripted_reply(simulator, instruction, request):
        return reply
    cloned = {"voiceID": CLONED_VOICE.format(user=client.user), "voiceName": "我的声音"}
    form = {"robotVoiceID": client.account.voice, "userVoiceList": [cloned]}
    return success({"formInfo": form})


async def set_robot_config(simulator: Simulator, request: Request) -> Reply:
    digest = json_digest(request)
    client = admit(simulator, request, digest)
    voice = _requested_voice(json.loads(digest))
    instruction = take_instruction(simulator, "set_robot_config", client)
    if reply := await scripted_reply(simulator, instruction, request):
        return reply
    if voice.startswith("puv_") and voice != CLONED_VOICE.format(user=client.user):
        raise refused(UNKNOWN, "there is no such voice")  # *assumed*
    client.account.set_voice(voice)
    return success({})


def _requested_voice(body: Any) -> str:
    config = body.get("config") if isinstance(body, dict) else None
    voice = config.get("robotVoiceID") if isinstance(config, dict) else None
    expected = {"robotID": ROBOT_ID, "config": {"robotVoiceID": voice}}
    if body != expected or not isinstance(voice, str) or not VOICE.fullmatch(voice):
        raise forbidden(f"the body of a voice setting is {body!r}")
    return voice


async def msg_tts(simulator: Simulator, request: Request) -> Reply:
    own = ("msgID", "timbre")
    client = admit(simulator, request, json_digest(request), own_query=own)
    query = {name: unquote(value) for name, value in request.query}
    message = _requested_message(simulator, client, query["msgID"])
    _check_voice(client, message, query["timbre"])
    _check_poll_interval(message)
    instruction = take_instruction(simulator, "msg_tts", client, message.text)
    if reply := await scripted_reply(simulator, instruction, request):
        return reply
    speech = message.speech
    if speech is None:
        speech = SpeechRecord(client.user, query["timbre"], message.text)
        speech.hz = audio.tone_hz(query["timbre"])
        simulator.report.speeches.append(speech)
        message.speech = speech
        message.plan = instruction or Instruction("msg_tts")
    speech.polls += 1
    if speech.polls <= message.plan.polls:
        return success({"requestStatus": IN_PROGRESS, "result": []})
    addresses = await _synthesize(simulator, message, speech, request)
    return success({"requestStatus": READY, "result": addresses})


def _requested_message(
    simulator: Simulator, client: Client, message_id: str
) -> Message:
    message = client.account.messages.get(message_id)
    if message is None:
        raise refused(UNKNOWN, "there is no such message")
    if message.chat_id not in simulator.report.conversations.get(client.user, {}):
        raise forbidden("the conversation was deleted before it was read aloud")
    return message


def _check_voice(client: Client, message: Message, timbre: str) -> None:
    """Check that the requested voice was set after the message, and only once.

    raises: Forbidden.
    """
    account = client.account
    if account.voice != timbre:
        raise forbidden(f"the account's voice is {account.voice!r}, not {timbre!r}")
    if account.voice_set_at < message.ended_at:
        raise forbidden("the voice was not set after the message")
    if message.voice_set_at not in (None, account.voice_set_at):
        raise forbidden("the voice was changed while a speech was in progress")
    message.voice_set_at = account.voice_set_at


def _check_poll_interval(message: Message) -> None:
    if message.polled_at and now() - message.polled_at < MIN_POLL_INTERVAL_S:
        raise forbidden("msg_tts was polled without a pause")
    message.polled_at = now()


async def _synthesize(
    simulator: Simulator, message: Message, speech: SpeechRecord, request: Request
) -> list[str]:
    """Synthesize the speech and return the addresses of its parts."""
    files = await asyncio.to_thread(
        audio.mp3_parts, message.text, speech.hz, message.plan
    )
    speech.parts = len(files)
    paths = [f"/simulated-audio/{uuid.uuid4().hex}.mp3" for _ in files]
    for path, mp3 in zip(paths, files, strict=True):
        simulator.accounts.add_audio(path, message, mp3)
    return [f"http://{request.header('host')}{path}" for path in paths]


async def speech_part(simulator: Simulator, request: Request) -> Reply | None:
    """Return one part of a speech.

    The real ones are on another host, which must not receive the token.
    """
    message, mp3 = simulator.accounts.audio.get(request.path, (None, b""))
    if message is None or message.speech is None:
        return Reply(404, b"no such file", "text/plain")
    referer = request.header("referer")
    if referer != f"{ORIGIN}/":
        raise forbidden(f"the Referer of a speech's part is {referer!r}")
    if request.header("token"):
        raise forbidden("the token was sent to the address of a speech's part")
    user = message.speech.user
    instruction = simulator.script.take("audio", user, "", message.text)
    if reply := await simulator.apply(instruction, request):
        return reply
    if instruction and instruction.cut_at is not None:
        await _send_truncated(request, mp3, instruction.cut_at)
        return None
    message.speech.fetched += 1
    return Reply(200, mp3, "audio/mpeg")


async def _send_truncated(request: Request, mp3: bytes, size: int) -> None:
    """Announce the whole file, but close the connection after *size* bytes."""
    length = ("Content-Length", str(len(mp3)))
    request.connection.head(200, [("Content-Type", "audio/mpeg"), length])
    request.connection.transport.write(mp3[:size])
    await request.connection.cut("close")


async def phone(simulator: Simulator, request: Request) -> Reply | None:
    fields = parts(request)
    names = [field.name for field in fields]
    if names != PHONE_FIELDS:
        raise forbidden(f"the form fields are {names}, not {PHONE_FIELDS}")
    chat_id, mp3, character, speed = (field.value for field in fields)
    digest = voice_digest(character.decode(), chat_id.decode(), mp3)
    client = admit(simulator, request, digest)
    if (chat_id, character, speed) != (b"0", b"1", b"1"):
        raise forbidden("chatID, characterID and playSpeedLevel are not 0, 1 and 1")
    if (fields[1].filename, fields[1].content_type) != ("audio.mp3", "audio/mp3"):
        raise forbidden("voiceBytes is not the file audio.mp3, audio/mp3")
    duration_s = _checked_duration(mp3)
    await check_account_free(simulator, client)
    md5 = hashlib.md5(mp3, usedforsecurity=False).hexdigest()
    recording = RecordingRecord(client.user, duration_s, len(mp3), md5)
    simulator.report.recordings.append(recording)
    record = AnswerRecord(client.user, client.token[-8:], "phone", "", "0")
    with simulator.answering(record):
        instruction = take_instruction(simulator, "phone", client)
        if reply := await scripted_reply(simulator, instruction, request):
            record.how = "refused"
            return reply
        await _stream_text(Stream(request.connection), instruction, duration_s)
        record.how = "done"
        return None


def _checked_duration(mp3: bytes) -> float:
    """Return the duration of a recording in seconds.

    raises: Forbidden if recognition does not take it.
    """
    info = audio.Mp3Info(mp3)
    if info.problem:
        raise forbidden(f"the recording is not what recognition takes: {info.problem}")
    if info.duration_s > MAX_RECORDING_S:
        raise forbidden(f"the recording is {info.duration_s:.0f} s long")
    return info.duration_s


async def _stream_text(
    stream: Stream, instruction: Instruction | None, seconds: float
) -> None:
    plan = instruction or Instruction("phone")
    style = events.Style(plan.event_lines, plan.newline)
    stream.start(200, [("Content-Type", EVENT_STREAM)])
    if plan.first_delay_s:
        await asyncio.sleep(plan.first_delay_s)
    if plan.status_code:
        error = _phone_event({}, plan.status_code, plan.err_message)
        await stream.send(style.event(error, "asr_chunk"))
    else:
        text = RECOGNISED.format(seconds=seconds) if plan.text is None else plan.text
        await stream.send(style.event(_phone_event({"text": text}), "asr_chunk"))
        answer = _phone_event({"text": "不要这个", "audio": "00"})
        await stream.send(style.event(answer, "audio_chunk"))
    await stream.end()


def _phone_event(data: Any, code: int = 0, message: str = "") -> dict[str, Any]:
    return {"status_code": code, "err_message": message, "data": data}
