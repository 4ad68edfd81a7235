"""Speech and recognition (protocol.md 6).

Speech reads a chat answer aloud: the voice is set on the account, then asked for until
it is ready; its parts lie at addresses of our own. Whoever changes the voice while
somebody still waits for his speech has made a mistake, and so has who asks without a
pause.
"""

import asyncio
import hashlib
import json
import re
import uuid
from typing import Any
from urllib.parse import unquote

from ..report import AnswerSeen, RecordingSeen, SpeechSeen, now
from ..script import Instruction
from ..server import Reply, Request
from ..simulator import Simulator
from ..stream import Stream
from . import events, sound
from .accounts import Said
from .admission import ORIGIN, Caller, admit, json_digest
from .chat import EVENT_STREAM, one_at_a_time
from .envelope import UNKNOWN, forbidden, refused, success
from .instructed import instead, take
from .multipart import parts
from .signing import voice_digest

ROBOT_ID = "1"
VOICE = re.compile(r"[\w-]{3,64}")
MAKING, READY = 1, 2  # requestStatus; that it is 1 before is assumed
PAUSE_S = 0.05  # asking again sooner is no "little wait"
PHONE_FIELDS = ["chatID", "voiceBytes", "characterID", "playSpeedLevel"]
LONGEST_S = 310.0  # assumed: five minutes, and what encoding adds
NOTHING_RECOGNISED = 1200041
HEARD = "这是模拟器，它听到了 {seconds:.1f} 秒的录音。"

CLONED = "puv_simulated{user:0>10}"  # the one voice an account has cloned


async def robot_config(simulator: Simulator, request: Request) -> Reply:
    """The account's settings; cloned voices are listed in them (assumed)."""
    caller = admit(simulator, request, json_digest(request), own_query=("robotID",))
    instruction = take(simulator, "robot_config", caller)
    if reply := await instead(simulator, instruction, request):
        return reply
    mine = {"voiceID": CLONED.format(user=caller.user), "voiceName": "我的声音"}
    form = {"robotVoiceID": caller.account.voice, "userVoiceList": [mine]}
    return success({"formInfo": form})


async def set_robot_config(simulator: Simulator, request: Request) -> Reply:
    digest = json_digest(request)
    caller = admit(simulator, request, digest)
    voice = _asked_voice(json.loads(digest))
    instruction = take(simulator, "set_robot_config", caller)
    if reply := await instead(simulator, instruction, request):
        return reply
    if voice.startswith("puv_") and voice != CLONED.format(user=caller.user):
        raise refused(UNKNOWN, "there is no such voice")  # that it says so is assumed
    caller.account.set_voice(voice)
    return success({})


def _asked_voice(body: Any) -> str:
    config = body.get("config") if isinstance(body, dict) else None
    voice = config.get("robotVoiceID") if isinstance(config, dict) else None
    known = {"robotID": ROBOT_ID, "config": {"robotVoiceID": voice}}
    if body != known or not isinstance(voice, str) or not VOICE.fullmatch(voice):
        raise forbidden(f"the body of a voice's setting is {body!r}")
    return voice


async def msg_tts(simulator: Simulator, request: Request) -> Reply:
    own = ("msgID", "timbre")
    caller = admit(simulator, request, json_digest(request), own_query=own)
    query = {name: unquote(value) for name, value in request.query}
    said = _asked_message(simulator, caller, query["msgID"])
    _check_voice(caller, said, query["timbre"])
    instruction = take(simulator, "msg_tts", caller, said.text)
    if reply := await instead(simulator, instruction, request):
        return reply
    plan = instruction or Instruction("msg_tts")
    if said.speech is None:
        said.speech = SpeechSeen(caller.user, query["timbre"], said.text)
        said.speech.hz = sound.hertz(query["timbre"])
        simulator.report.speeches.append(said.speech)
        said.plan = plan
    said.speech.polls += 1
    if said.speech.polls <= said.plan.polls:
        return success({"requestStatus": MAKING, "result": []})
    return success(
        {"requestStatus": READY, "result": await _made(simulator, said, request)}
    )


def _asked_message(simulator: Simulator, caller: Caller, message_id: str) -> Said:
    said = caller.account.said.get(message_id)
    if said is None:
        raise refused(UNKNOWN, "there is no such message")
    if said.chat_id not in simulator.report.conversations.get(caller.user, {}):
        raise forbidden("the conversation was removed before it was read aloud")
    return said


def _check_voice(caller: Caller, said: Said, timbre: str) -> None:
    """raises: Forbidden when it is not the voice that was set, or was set anew."""
    account = caller.account
    if account.voice != timbre:
        raise forbidden(f"the account's voice is {account.voice!r}, not {timbre!r}")
    if account.voice_set_at < said.at:
        raise forbidden("the voice was not set after the message")
    if said.voice_set_at not in (None, account.voice_set_at):
        raise forbidden("the voice was changed while a speech was being made")
    said.voice_set_at = account.voice_set_at
    if said.polled_at and now() - said.polled_at < PAUSE_S:
        raise forbidden("asked for a speech again without a pause")
    said.polled_at = now()


async def _made(simulator: Simulator, said: Said, request: Request) -> list[str]:
    """The addresses of a speech's parts."""
    assert said.speech
    plan = said.plan
    made = await asyncio.to_thread(sound.parts, said.text, said.speech.hz, plan)
    said.speech.parts = len(made)
    origin = f"http://{request.header('host')}"
    addresses = [f"/simulated-audio/{uuid.uuid4().hex}.mp3" for _ in made]
    for address, mp3 in zip(addresses, made, strict=True):
        simulator.accounts.keep_audio(address, said, mp3)
    return [origin + address for address in addresses]


async def audio(simulator: Simulator, request: Request) -> Reply | None:
    """One part. It lies on another host in truth, which must get no token."""
    said, mp3 = simulator.accounts.audio.get(request.path, (None, b""))
    if said is None or said.speech is None:
        return Reply(404, b"no such file", "text/plain")
    if request.header("referer") != f"{ORIGIN}/":
        raise forbidden(
            f"the Referer of a speech's part is {request.header('referer')}"
        )
    if request.header("token"):
        raise forbidden("an address of a speech got the token")
    instruction = simulator.script.take("audio", said.speech.user, "", said.text)
    if reply := await simulator.before(instruction, request):
        return reply
    if instruction and instruction.cut_at is not None:
        await _cut(request, mp3, instruction.cut_at)
        return None
    said.speech.fetched += 1
    return Reply(200, mp3, "audio/mpeg")


async def _cut(request: Request, mp3: bytes, at: int) -> None:
    """Break off after so many bytes of a whole that was promised."""
    length = ("Content-Length", str(len(mp3)))
    request.connection.head(200, [("Content-Type", "audio/mpeg"), length])
    request.connection.transport.write(mp3[:at])
    await request.connection.cut("close")


async def phone(simulator: Simulator, request: Request) -> Reply | None:
    fields = parts(request)
    names = [field.name for field in fields]
    if names != PHONE_FIELDS:
        raise forbidden(f"the form fields are {names}, not {PHONE_FIELDS}")
    chat_id, voice, character, speed = (field.value for field in fields)
    digest = voice_digest(character.decode(), chat_id.decode(), voice)
    caller = admit(simulator, request, digest)
    if (chat_id, character, speed) != (b"0", b"1", b"1"):
        raise forbidden("chatID, characterID and playSpeedLevel are not 0, 1 and 1")
    if (fields[1].filename, fields[1].content_type) != ("audio.mp3", "audio/mp3"):
        raise forbidden("voiceBytes is not the file audio.mp3, audio/mp3")
    heard = sound.Heard(voice)
    if heard.wrong:
        raise forbidden(f"the recording is not what recognition takes: {heard.wrong}")
    if heard.seconds > LONGEST_S:
        raise forbidden(f"the recording is {heard.seconds:.0f} s long")
    await one_at_a_time(simulator, caller)
    return await _recognise(simulator, request, caller, voice, heard.seconds)


async def _recognise(
    simulator: Simulator, request: Request, caller: Caller, mp3: bytes, seconds: float
) -> Reply | None:
    md5 = hashlib.md5(mp3, usedforsecurity=False).hexdigest()
    seen = AnswerSeen(caller.user, caller.token[-8:], "phone", "", "0")
    simulator.report.recordings.append(
        RecordingSeen(caller.user, seconds, len(mp3), md5)
    )
    simulator.report.begin(seen)
    how = "client left"
    try:
        instruction = take(simulator, "phone", caller)
        if reply := await instead(simulator, instruction, request):
            how = "refused"
            return reply
        await _tell(Stream(request.connection), instruction, seconds)
        how = "done"
        return None
    finally:
        simulator.report.end(seen, how)


async def _tell(
    stream: Stream, instruction: Instruction | None, seconds: float
) -> None:
    plan = instruction or Instruction("phone")
    style = events.Style(plan.event_lines, plan.newline)
    stream.start(200, [("Content-Type", EVENT_STREAM)])
    if plan.first_delay_s:
        await asyncio.sleep(plan.first_delay_s)
    if plan.status_code:
        said = _phone_event({}, plan.status_code, plan.err_message)
        await stream.send(style.event(said, "asr_chunk"))
    else:
        text = HEARD.format(seconds=seconds) if plan.text is None else plan.text
        await stream.send(style.event(_phone_event({"text": text}), "asr_chunk"))
        answer = _phone_event({"text": "不要这个", "audio": "00"})
        await stream.send(style.event(answer, "audio_chunk"))
    await stream.end()


def _phone_event(data: Any, code: int = 0, message: str = "") -> dict[str, Any]:
    return {"status_code": code, "err_message": message, "data": data}
