"""What OSS and the service ask of an upload, thing by thing."""

import base64
import hashlib
import hmac
import json
import uuid
from email.utils import formatdate
from typing import Any, NamedTuple

import pytest

from tests.simulated import Simulated
from tests.simulator.browser import FIELDS, Answer, Browser

KIND = "text/plain"


def signed(secret: str, *lines: str) -> str:
    """V1. source: OSS's pages, checked against their example below."""
    digest = hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha1)
    return base64.b64encode(digest.digest()).decode()


def test_upload_signature_matches_oss_example():
    assert "26NBxoKdsyly4EDv6inkoDft/yA=" == signed(
        "OtxrzxIsfpFjA7SwPzILwy8Bw21TLhquhboDYROV",
        "PUT",
        "ODBGOERFMDMzQTczRUY3NUE3NzA5QzdFNUYzMDQxNEM=",
        "text/html",
        "Thu, 17 Nov 2005 18:49:58 GMT",
        "x-oss-magic:abracadabra",
        "x-oss-meta-author:foo@bar.com",
        "/oss-example/nelson",
    )


class Upload(NamedTuple):
    """One browser's way through the three steps; anything can be spoilt."""

    browser: Browser
    policy: dict[str, Any]
    name: str

    def put(
        self,
        data: bytes = b"hello",
        key: str = "",
        secret: str = "",
        token: str = "",
        date: str = "",
        **headers: str,
    ) -> Answer:
        date, token = date or formatdate(usegmt=True), token or self.token
        path = f"/{self.policy['bucketName']}/{key or self.key}"
        secret = secret or self.policy["accessKeySecret"]
        lines = ("PUT", "", KIND, date, f"x-oss-security-token:{token}", path)
        sent = {
            "Host": self.browser.host,
            "Content-Length": str(len(data)),
            "Content-Type": KIND,
            "Date": date,
            "x-oss-security-token": token,
            "Authorization": f"OSS {self.key_id}:{signed(secret, *lines)}",
        } | headers
        head = [f"PUT {path} HTTP/1.1", *(f"{name}: {sent[name]}" for name in sent)]
        return self.browser.send("\r\n".join([*head, "", ""]).encode() + data)

    @property
    def key(self) -> str:
        return f"{self.policy['dir']}/{self.name}"

    @property
    def key_id(self) -> str:
        return self.policy["accessKeyId"]

    @property
    def token(self) -> str:
        return self.policy["securityToken"]

    def announce(self, browser: Browser | None = None, **changed: Any) -> Answer:
        told = {
            "fileName": self.name,
            "originFileName": "诗.txt",
            "dir": self.policy["dir"],
            "endpoint": self.policy["endpoint"],
            "bucketName": self.policy["bucketName"],
            "size": "5",
            "mimeType": KIND,
        } | changed
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        path = "/v1/api/files/policy_callback"
        browser = browser or self.browser
        return browser.send(browser.json_request("POST", path, text))


@pytest.fixture
def upload(browser: Browser) -> Upload:
    answer = browser.send(browser.json_request("GET", "/v1/api/files/request_policy"))
    return Upload(browser, answer.json["data"], f"{uuid.uuid4()}.txt")


def violation(simulated: Simulated) -> str:
    (sentence,) = simulated.report()["violations"]
    return sentence


def chat(browser: Browser, *entries: dict[str, Any]) -> Answer:
    last = {"name": "", "formType": 1, "content": "Hello"}
    form = json.dumps([*entries, last], ensure_ascii=False)
    values = zip([*FIELDS, "form"], ("1", "Hello", "0", "0", form), strict=True)
    return browser.chat(fields=list(values))


def entry(file_id: str, name: str = "诗.txt", kind: int = 6) -> dict[str, Any]:
    return {"name": "", "formType": kind, "content": name, "fileID": file_id}


def test_uploaded_file_may_be_named_in_a_chat(
    simulated: Simulated, browser: Browser, upload: Upload
):
    simulated.script({"call": "chat", "text": "Read."})
    assert upload.put().status == 200
    file_id = upload.announce().json["data"]["fileID"]

    assert chat(browser, entry(file_id)).contents[-1] == "Read."
    report = simulated.report()
    assert report["violations"] == []
    assert report["uploads"] == [
        {
            "user": "1001",
            "key": upload.key,
            "name": "诗.txt",
            "media_type": KIND,
            "size": 5,
            "sha256": hashlib.sha256(b"hello").hexdigest(),
            "file_id": file_id,
        }
    ]


SPOILT = {
    "secret": ({"secret": "another"}, "the signature is not"),
    "token": ({"token": "another"}, "the security token is not"),
    "header": ({"x-oss-acl": "private"}, "the signature is not"),
    "type": ({"Content-Type": "image/png"}, "the signature is not"),
    "scheme": ({"Authorization": "Bearer x"}, "not a signature V1"),
    "key id": ({"Authorization": "OSS nobody:x"}, "never issued"),
    "old date": ({"date": "Thu, 17 Nov 2005 18:49:58 GMT"}, "is not the current time"),
    "no date": ({"date": "yesterday"}, "the Date is missing"),
    "key": ({"key": "simulated/a.txt"}, "not <dir>/<uuid>.<ext>"),
    "folder": ({"key": f"elsewhere/{uuid.uuid4()}.txt"}, "not in the policy's folder"),
}


@pytest.mark.parametrize(("spoilt", "sentence"), SPOILT.values(), ids=SPOILT)
def test_invalid_upload_is_refused(
    simulated: Simulated, upload: Upload, spoilt: dict[str, Any], sentence: str
):
    answer = upload.put(**spoilt)

    assert answer.status == 403
    assert b"<Code>" in answer.body
    assert sentence in violation(simulated)


WRONG = {
    "size": {"size": "6"},
    "size as a number": {"size": 5},
    "bucket": {"bucketName": "another"},
    "endpoint": {"endpoint": "another"},
    "name": {"fileName": "another"},
    "no type": {"mimeType": ""},
}


@pytest.mark.parametrize("changed", WRONG.values(), ids=WRONG)
def test_invalid_upload_callback_is_refused(
    simulated: Simulated, upload: Upload, changed: dict[str, Any]
):
    upload.put()

    assert upload.announce(**changed).code != 0
    assert violation(simulated)


def test_upload_callback_of_another_accounts_file_is_refused(
    simulated: Simulated, upload: Upload
):
    upload.put()
    other = Browser(simulated.origin, simulated.token("1002"))
    other.register()

    assert upload.announce(other).code != 0
    assert "not uploaded by this account" in violation(simulated)


@pytest.mark.parametrize(
    "changed", [{"name": "poem.txt"}, {"kind": 2}, {"file_id": "123"}], ids=str
)
def test_chat_with_an_unknown_file_is_refused(
    simulated: Simulated, browser: Browser, upload: Upload, changed: dict[str, Any]
):
    upload.put()
    named = {"file_id": upload.announce().json["data"]["fileID"]} | changed

    assert chat(browser, entry(**named)).code != 0
    assert violation(simulated)
