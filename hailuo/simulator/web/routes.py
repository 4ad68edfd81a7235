"""Routes of the web upstream."""

from ..simulator import Route
from . import account, chat, files, home, oss, storage, voice

ROUTES = (
    Route("GET", "/", "home", home.home),
    Route("POST", "/v1/api/user/device/register", "register", account.register),
    Route("GET", "/v1/api/user/info", "info", account.info),
    Route("POST", "/v1/api/user/renewal", "renewal", account.renew),
    Route("POST", "/v4/api/chat/msg", "chat", chat.chat),
    Route("DELETE", r"/v1/api/chat/history/\d+", "delete", chat.delete),
    Route("GET", "/v1/api/files/request_policy", "policy", files.grant_policy),
    Route("PUT", f"/{storage.BUCKET}/.+", "put", oss.put, storage.HashingSink),
    Route("POST", "/v1/api/files/policy_callback", "callback", files.callback),
    Route(
        "GET",
        "/v1/api/chat/robot_custom_config",
        "robot_config",
        voice.robot_config,
    ),
    Route(
        "POST",
        "/v1/api/chat/update_robot_custom_config",
        "set_robot_config",
        voice.set_robot_config,
    ),
    Route("GET", "/v1/api/chat/msg_tts", "msg_tts", voice.msg_tts),
    Route("GET", r"/simulated-audio/\w+\.mp3", "audio", voice.speech_part),
    Route("POST", "/v1/api/chat/phone_msg", "phone", voice.phone),
)
