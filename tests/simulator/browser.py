"""What hailuoai.com's own web client would send, byte by byte, for these tests.

Written from protocol.md alone and shared with nobody: it is the third understanding of
the protocol besides the gateway's and the simulator's. Anything can be spoilt on the
way:

    browser = Browser(origin, token)
    browser.register()
    answer = browser.chat("Hello", headers={"Pragma": None})
"""

import hashlib
import http.client
import json
import socket
import time
import uuid
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/122.0.0.0 Safari/537.36"
)
HEADERS = {
    "Accept": "*/*",
    "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8",
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "Origin": "https://hailuoai.com",
    "Referer": "https://hailuoai.com/",
    "User-Agent": CHROME,
    "Sec-Ch-Ua": '"Chromium";v="122", "Not(A:Brand";v="24", "Google Chrome";v="122"',
    "Sec-Ch-Ua-Mobile": "?0",
    "Sec-Ch-Ua-Platform": '"Windows"',
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-origin",
}
FIELDS = ("characterID", "msgContent", "chatID", "searchMode")
BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"

Pairs = list[tuple[str, str]]


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def sign(uri: str, digest: str, unix: str) -> str:
    return md5(quote(uri, safe="!'()*-._~") + "_" + digest + md5(unix) + "ooui")


def unix_now() -> str:
    return f"{int(time.time())}000"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> int:
        """statusInfo.code of the envelope."""
        return self.json["statusInfo"]["code"]

    @property
    def events(self) -> list[dict[str, Any]]:
        return events(self.body)

    @property
    def contents(self) -> list[str]:
        """The content of each message_result."""
        results = [event["data"].get("messageResult") for event in self.events]
        return [result["content"] for result in results if result]

    @property
    def chat_id(self) -> str:
        return self.events[0]["data"]["sendResult"]["chatID"]


def events(body: bytes) -> list[dict[str, Any]]:
    """The JSON of every event of a well-behaved stream."""
    lines = body.decode().split("\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


class Browser:
    """One client with one token; *socket* is its present connection."""

    def __init__(self, origin: str, token: str) -> None:
        address = urlsplit(origin)
        self.host = f"{address.hostname}:{address.port}"
        self.address = (address.hostname, address.port)
        self.token = token
        self.uuid = str(uuid.uuid4())
        self.device_id = ""

    def query(self, unix: str) -> Pairs:
        device = [("device_id", self.device_id)] if self.device_id else []
        return [
            ("device_platform", "web"),
            ("app_id", "3001"),
            ("version_code", "22200"),
            ("uuid", self.uuid),
            *device,
            ("os_name", "Windows"),
            ("browser_name", "chrome"),
            ("device_memory", "8"),
            ("cpu_core_num", "12"),
            ("browser_language", "zh-CN"),
            ("browser_platform", "Win32"),
            ("screen_width", "1920"),
            ("screen_height", "1080"),
            ("unix", unix),
        ]

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        digest: str = "{}",
        headers: dict[str, str | None] | None = None,
        query: Pairs | None = None,
        unix: str = "",
    ) -> bytes:
        """The bytes of a request; headers: replaced, added, or left out (None)."""
        unix = unix or unix_now()
        pairs = self.query(unix) if query is None else query
        uri = f"{path}?" + "&".join(f"{name}={value}" for name, value in pairs)
        sent: dict[str, str | None] = {"Host": self.host, **HEADERS}
        sent |= {"Token": self.token, "Yy": sign(uri, digest, unix)}
        if body:
            sent |= {"Content-Type": "application/json"}
            sent |= {"Content-Length": str(len(body))}
        sent |= headers or {}
        lines = [
            f"{name}: {value}" for name, value in sent.items() if value is not None
        ]
        head = "\r\n".join([f"{method} {uri} HTTP/1.1", *lines, "", ""])
        return head.encode() + body

    def json_request(
        self, method: str, path: str, text: str | None = None, **spoilt: Any
    ) -> bytes:
        """text: the body as JSON text; None for GET and DELETE."""
        if text is not None:
            spoilt = {"body": text.encode(), "digest": text, **spoilt}
        return self.request(method, path, **spoilt)

    def chat_request(
        self,
        message: str,
        fields: Pairs | None = None,
        boundary: str = BOUNDARY,
        **spoilt: Any,
    ) -> bytes:
        """fields: instead of the usual ones, in their order."""
        if fields is None:
            fields = list(zip(FIELDS, ("1", message, "0", "0"), strict=True))
        values = dict(fields)
        message = values.get("msgContent", "").replace("\r", "").replace("\n", "")
        signed = (values.get("characterID", ""), message, values.get("chatID", ""))
        digest = "".join(map(md5, (*signed, values.get("form", ""))))
        body = "".join(
            f"--{boundary}\r\nContent-Disposition: form-data; "
            f'name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields
        )
        headers = {
            "Accept": "text/event-stream",
            "Content-Type": f"multipart/form-data; boundary={boundary}",
        }
        spoilt["headers"] = headers | (spoilt.get("headers") or {})
        whole = f"{body}--{boundary}--\r\n".encode()
        spoilt = {"body": whole, "digest": digest, **spoilt}
        return self.request("POST", "/v4/api/chat/msg", **spoilt)

    def connect(self, request: bytes) -> socket.socket:
        """A new connection with *request* sent on it; the answer is not read."""
        connection = socket.create_connection(self.address, timeout=10)
        connection.sendall(request)
        return connection

    def send(self, request: bytes) -> Answer:
        with self.connect(request) as connection:
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            with answer:
                return Answer(answer.status, dict(answer.getheaders()), answer.read())

    def raw(self, request: bytes) -> bytes:
        """Every byte of the answer until the server closes.

        raises: ConnectionResetError when the connection was reset.
        """
        with self.connect(request) as connection:
            return b"".join(iter(lambda: connection.recv(65_536), b""))

    def register(self, **spoilt: Any) -> Answer:
        text = json.dumps({"uuid": self.uuid}, separators=(",", ":"))
        path = "/v1/api/user/device/register"
        answer = self.send(self.json_request("POST", path, text, **spoilt))
        if answer.status == 200 and answer.code == 0:
            self.device_id = answer.json["data"]["deviceIDStr"]
        return answer

    def chat(self, message: str = "Hello", **spoilt: Any) -> Answer:
        return self.send(self.chat_request(message, **spoilt))

    def info(self, **spoilt: Any) -> Answer:
        return self.send(self.json_request("GET", "/v1/api/user/info", **spoilt))

    def renew(self, text: str = "{}", **spoilt: Any) -> Answer:
        return self.send(
            self.json_request("POST", "/v1/api/user/renewal", text, **spoilt)
        )

    def delete(self, chat_id: str, **spoilt: Any) -> Answer:
        path = f"/v1/api/chat/history/{chat_id}"
        return self.send(self.json_request("DELETE", path, **spoilt))
