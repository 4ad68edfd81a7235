"""Minimal client of the web protocol, for the direct client and the bare relay.

It is independent of the gateway's, which must not measure itself, and of the
simulator's, and does the least that the protocol allows (protocol.md).
"""

import hashlib
import http.client
import json
import ssl
import time
import uuid
from typing import NamedTuple
from urllib.parse import quote, urlsplit

REGISTER = "/v1/api/user/device/register"
CHAT = "/v4/api/chat/msg"
HISTORY = "/v1/api/chat/history/"
BOUNDARY = "bench-7f1d0c1e5a"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
HEADERS = {
    "Accept": "*/*",
    "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8",
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "Origin": "https://hailuoai.com",
    "Referer": "https://hailuoai.com/",
    "Sec-Ch-Ua": '"Chromium";v="131", "Google Chrome";v="131"',
    "Sec-Ch-Ua-Mobile": "?0",
    "Sec-Ch-Ua-Platform": '"Windows"',
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-origin",
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
}


class Device(NamedTuple):
    """Registered device of a token (protocol.md 2)."""

    token: str
    uuid: str
    id: str


class Call(NamedTuple):
    """Request ready to be sent; path: with the query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""

    def raw(self, host: str) -> bytes:
        """Return the request as bytes of HTTP/1.1."""
        headers = {"Host": host, **self.headers}
        if self.body:
            headers["Content-Length"] = str(len(self.body))
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def chat(device: Device, message: str) -> Call:
    """Return a question in a new conversation."""
    fields = {"characterID": "1", "msgContent": message, "chatID": "0"}
    form = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        f"{value}\r\n"
        for name, value in {**fields, "searchMode": "0"}.items()
    )
    line = message.replace("\r", "").replace("\n", "")
    digest = "".join(map(md5, ("1", line, "0", "")))
    headers = {"Accept": "text/event-stream", "Content-Type": MULTIPART}
    return _signed("POST", CHAT, device, digest, headers)._replace(
        body=f"{form}--{BOUNDARY}--\r\n".encode()
    )


def delete(device: Device, chat_id: str) -> Call:
    """Return the deletion of a conversation."""
    return _signed("DELETE", HISTORY + chat_id, device, "{}")


def register(origin: str, token: str, certificate: str = "") -> Device:
    """Register a device for *token* with the simulator at *origin*.

    certificate: the file with the simulator's, "" without TLS.
    """
    device = Device(token, str(uuid.uuid4()), "")
    body = f'{{"uuid":"{device.uuid}"}}'
    headers = {"Content-Type": "application/json"}
    call = _signed("POST", REGISTER, device, body, headers)
    host = urlsplit(origin).netloc
    connection = http.client.HTTPConnection(host, timeout=10)
    if certificate:
        context = ssl.create_default_context(cafile=certificate)
        connection = http.client.HTTPSConnection(host, timeout=10, context=context)
    connection.request("POST", call.path, body, call.headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return device._replace(id=answer["data"]["deviceIDStr"])


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _signed(
    method: str,
    path: str,
    device: Device,
    digest: str,
    headers: dict[str, str] | None = None,
) -> Call:
    """Return a signed request; digest: of the body.

    source: protocol.md 1.
    """
    unix = f"{int(time.time())}000"
    device_id = f"&device_id={device.id}" if device.id else ""
    uri = (
        f"{path}?device_platform=web&app_id=3001&version_code=22200&uuid={device.uuid}"
        f"{device_id}&os_name=Windows&browser_name=chrome&device_memory=8&cpu_core_num=12"
        "&browser_language=zh-CN&browser_platform=Win32&screen_width=1920"
        f"&screen_height=1080&unix={unix}"
    )
    encoded = quote(uri, safe="!~*'()")
    yy = md5(f"{encoded}_{digest}{md5(unix)}ooui")
    signature = {"Token": device.token, "Yy": yy}
    return Call(method, uri, {**HEADERS, **(headers or {}), **signature})
