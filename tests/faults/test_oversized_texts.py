"""Texts of strangers that take long for all that they hold: each is cut or refused
before anything superlinear looks at it, and somebody else is answered meanwhile.

They are so long that what they are made for takes minutes: whoever is answered at all
was not kept waiting by it.
"""

import json
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from hailuo.errors import BadRequest
from hailuo.files import names
from hailuo.net import remote_names
from hailuo.net.download import DownloadPolicy, fetch
from hailuo.net.safe_connect import ConnectPolicy
from tests.conftest import Caller
from tests.files.site import Site, redirect
from tests.served import Served
from tests.simulated import Simulated

from .conftest import OWN_KEY
from .hostile import ask, pings

CHAT = "/v1/chat/completions"
SPEECH = "/v1/audio/speech"
TRANSCRIPTIONS = "/v1/audio/transcriptions"
MARKS = "\u0301\u0316" * 1_000_000  # 4 MB; two quarters of an hour to be normalised


def chat(*parts: Any, **fields: Any) -> dict[str, Any]:
    words = {"type": "text", "text": "What is it?"}
    return {"messages": [{"role": "user", "content": [*parts, words]}], **fields}


def form(headers: bytes, value: bytes = b"x") -> bytes:
    return b"--x\r\n%b\r\n\r\n%b\r\n--x--\r\n" % (headers, value)


class TestFileNames:
    def test_file_name_of_combining_marks_is_cut(
        self, upstream: Simulated, attacked: Served, account: Caller
    ):
        upstream.script({"call": "chat", "text": "Read"})
        named = {"file_data": "eA==", "filename": f"a{MARKS}.txt"}
        body = chat({"type": "file", "file": named})
        with pings(attacked):
            said = ask(attacked, "POST", CHAT, account.key, body=body)
        assert said.status == 200, said
        (upload,) = upstream.report()["uploads"]
        assert upload["name"].startswith("á") and upload["name"].endswith(".txt")
        assert len(upload["name"].encode()) <= names.MAX_BYTES

    def test_long_file_name_keeps_its_beginning_and_suffix(self):
        safe = names.safe("ab" + "\u0301" * 100_000 + ".pdf")
        assert safe.startswith("ab\u0301\u0301") and safe.endswith(".pdf")
        assert unicodedata.is_normalized("NFC", safe)

    @pytest.mark.parametrize("part", [";", ";a=b", ";filename*=a'", ';a="'])
    def test_long_content_disposition_is_cut(self, part: str):
        assert (
            len(remote_names.from_disposition("attachment" + part * 5_000_000)) < 4_096
        )
        named = remote_names.from_disposition(
            'attachment; filename="a.pdf"' + part * 20_000
        )
        assert named == "a.pdf"


class TestAddresses:
    HOST = f"http://a{MARKS}/"
    PARTS = {
        "image_url": {"type": "image_url", "image_url": {"url": HOST}},
        "file_url": {"type": "file", "file_url": {"url": HOST}},
        "file_id": {"type": "file", "file": {"file_id": HOST}},
        "path": {"type": "file", "file_url": {"url": "http://a/" + "b" * 100_000}},
        "data": {"type": "image_url", "image_url": {"url": "data:" + ";a=b" * 10_000}},
    }

    @pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
    def test_long_address_is_refused_by_its_field(
        self, frontend: Served, part: dict[str, Any]
    ):
        with pings(frontend):
            said = ask(frontend, "POST", CHAT, OWN_KEY, body=chat(part))
        assert said.status == 400
        assert said.error["param"].startswith("messages[0].content[0].")
        assert len(said.body) < 1_000

    @pytest.mark.parametrize(
        "location",
        [f"http://a{MARKS[:10_000]}/", f"//a{MARKS[:10_000]}", "/" + "b" * 20_000],
        ids=["a host", "without its scheme", "a path"],
    )
    def test_redirect_to_a_long_address_is_not_followed(self, location: str):
        header = location.encode().decode("latin-1")
        page = redirect(header)
        with Site(lambda: [part.decode().encode("latin-1") for part in page()]) as site:
            rules = DownloadPolicy(
                1_000, connect_policy=ConnectPolicy(allow_private=True)
            )
            with pytest.raises(BadRequest, match="too long"):
                fetch(site.url(), rules)

    @pytest.mark.parametrize(
        "address",
        [
            "https://user:word@example.org:8000/a?b#c",
            "https://example.org/" + "a" * 4_000,
            "//example.org/" + "a" * 4_000,
            "/a//" + "b" * 4_000,
            "?" + "b" * 4_000,
        ],
    )
    def test_address_of_usual_length_is_accepted(self, address: str):
        assert remote_names.address_fits(address)
        assert urlsplit(address)


class TestBodies:
    """Every body limit fits its route."""

    @pytest.mark.parametrize(
        ("path", "kilobytes"),
        [("/token/check", 64), ("/v1/token", 1024), (SPEECH, 1024)],
    )
    def test_body_limit_fits_each_route(
        self, frontend: Served, path: str, kilobytes: int
    ):
        filling = "a" * (kilobytes * 1024)
        said = ask(frontend, "POST", path, OWN_KEY, body={"x": filling})
        assert (said.status, said.error["code"]) == (413, "file_too_large")
        assert f"{kilobytes} kB" in said.error["message"]
        said = ask(frontend, "POST", path, OWN_KEY, body={"x": filling[:-100]})
        assert said.status == 400, "this one is read, and has not what it takes"

    def test_token_check_refuses_a_large_body_of_numbers(self, frontend: Served):
        body = b'{"token":"\\ud800","x":[%b1]}' % (b"1," * 1_000_000)
        with pings(frontend):
            assert ask(frontend, "POST", "/token/check", body=body).status == 413

    def test_oversized_model_name_is_refused(self, frontend: Served):
        said = ask(frontend, "POST", CHAT, OWN_KEY, body=chat(model="m" * 1_000_000))
        assert (said.status, said.error["param"]) == (400, "model")

    def test_unknown_voice_is_not_echoed_whole(self, frontend: Served):
        body = {"input": "Hello", "voice": "v" * 1_000_000}
        said = ask(frontend, "POST", SPEECH, OWN_KEY, body=body)
        assert (said.status, said.error["param"]) == (400, "voice")
        assert len(said.body) < 1_000

    def test_oversized_stop_sequence_is_refused(self, frontend: Served):
        said = ask(frontend, "POST", CHAT, OWN_KEY, body=chat(stop=["a", "b" * 2_000]))
        assert (said.status, said.error["param"]) == (400, "stop")

    def test_unknown_part_type_is_not_echoed_whole(self, frontend: Served):
        said = ask(
            frontend, "POST", CHAT, OWN_KEY, body=chat({"type": "t" * 1_000_000})
        )
        assert said.error["param"] == "messages[0].content[0].type"
        assert len(said.body) < 1_000


class TestHeaders:
    LONG = {
        "Accept": "text/html;q=0.5," * 3_000,
        "Accept_Language": "en," * 15_000,
        "Origin": "http://xn--" + "a" * 40_000,
        "Content_Type": "multipart/form-data" + ";a=b" * 10_000,
        "Access_Control_Request_Headers": "a," * 20_000,
        "X_Forwarded_For": "1.1.1.1," * 5_000,
    }

    @pytest.mark.parametrize("name", LONG)
    def test_long_header_is_refused(self, frontend: Served, name: str):
        with pings(frontend):
            said = ask(frontend, "GET", "/", **{name: self.LONG[name]})
        assert (said.status, said.error["code"]) == (431, "header_too_long")
        assert said.headers["x-request-id"]

    def test_long_host_is_refused(self, attacked: Served):
        """nginx refuses it itself."""
        said = ask(attacked, "GET", "/", Host="xn--" + "a" * 40_000)
        assert said.status == 431

    def test_long_credentials_are_read(self, frontend: Served):
        said = ask(frontend, "POST", CHAT, "x" * 60_000, body=chat())
        assert said.status == 401


class TestForms:
    TYPE = "multipart/form-data; boundary=x"

    @pytest.mark.parametrize(
        "body",
        [
            form(b"Content-Disposition: form-data" + b";a=b" * 200_000),
            form(b"X: y\r\n" * 100_000),
            form(b'Content-Disposition: form-data; name="model"', b"x" * 70_000),
            form(b'Content-Disposition: form-data; name="a"')[:-7] * 200 + b"--x--",
            b"\r\n" * 500_000,
        ],
        ids=["parameters", "headers", "a field", "parts", "nothing but lines"],
    )
    def test_oversized_form_is_refused(self, frontend: Served, body: bytes):
        with pings(frontend):
            said = ask(
                frontend,
                "POST",
                TRANSCRIPTIONS,
                OWN_KEY,
                body=body,
                Content_Type=self.TYPE,
            )
        assert (said.status, said.error["code"]) == (413, "file_too_large")

    @pytest.mark.parametrize("kind", ["multipart/form-data", TYPE + "é"])
    def test_form_without_a_valid_boundary_is_refused(
        self, attacked: Served, kind: str
    ):
        said = ask(
            attacked, "POST", TRANSCRIPTIONS, OWN_KEY, body=b"--", Content_Type=kind
        )
        assert (said.status, said.error["code"]) == (400, "invalid_form")


HALVES = {
    r'"\ud800"': "\ufffd",
    r'"\udc00\ud800"': "\ufffd\ufffd",
    r'"\ud83d\ude00\ude00"': "😀\ufffd",
    r'"\ud83d\ud83d\ude00"': "\ufffd😀",
    r'"\\ud800 \ud800"': r"\ud800 " + "\ufffd",
    r'"\\\ud800"': "\\\ufffd",
    r'"\\\\ud83d\ude00"': r"\\ud83d" + "\ufffd",
}


@pytest.mark.parametrize("text", HALVES)
def test_lone_surrogate_in_a_body_is_replaced(
    upstream: Simulated, caller: Callable[..., Caller], attacked: Served, text: str
):
    """As the standard library reads it; a backslash may be escaped before it."""
    upstream.script({"call": "chat", "text": "Yes"})
    body = b'{"messages":[{"role":"user","content":%b}]}' % text.encode()
    key = caller(served=attacked).key
    assert ask(attacked, "POST", CHAT, key, body=body).status == 200
    (asked,) = upstream.report()["answers"]
    assert asked["message"] == HALVES[text]
    mended = (
        json.loads(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )
    assert mended == HALVES[text]
