"""Files into a conversation of the web service, as the simulator checks them."""

import hashlib
import itertools
import json
import socket
import tempfile
import threading
import uuid
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from hailuo.concurrency.watch import HEARTBEAT, Watch
from hailuo.errors import (
    ClientDisconnected,
    TokenRejected,
    UploadFailed,
    UpstreamBusy,
    UpstreamProtocolError,
)
from hailuo.files import File
from hailuo.gateway.retry import POLICY
from hailuo.net.client import HttpClient
from hailuo.upstream import Message, Question
from hailuo.upstream.web import Web, prompt
from hailuo.upstream.web.files import POLICY_MARGIN_S
from hailuo.upstream.web.oss import UploadPolicy, put_object
from tests.files import samples
from tests.files.site import Site, answer
from tests.heartbeats import without_heartbeats

_users = itertools.count(8001)
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ASKED = [Message("user", ("What does it say?",))]


class Account(NamedTuple):
    token: str
    name: str = "somebody"


@pytest.fixture
def web(upstream):
    upstream.script({"call": "chat", "text": "It says so.", "times": None})
    web = Web(HttpClient(), upstream.origin)
    yield web
    assert web.drain(30) == 0


@pytest.fixture
def account(upstream):
    return Account(upstream.token(str(next(_users))))


def a_file(data, media_type="", name=""):
    content = tempfile.TemporaryFile()
    content.write(data)
    return File(content, len(data), media_type, name)


def ask(web, account, *files, messages=ASKED, conversation="", watch=None):
    question = Question(messages, conversation=conversation, files=files)
    pieces = list(web.answer(account, question, watch or Watch()))
    return "".join(piece.text for piece in pieces)


def calls(upstream):
    return [seen["call"] for seen in upstream.report()["requests"]]


@pytest.mark.parametrize(
    "data, declared, name, kind, form_type",
    [
        (samples.PDF, "", "a.pdf", "application/pdf", 6),
        (samples.PNG, "", "a.png", "image/png", 2),
        (samples.JPEG, "", "", "image/jpeg", 2),
        (samples.WEBP, "", "", "image/webp", 2),
        (samples.DOCX, "", "报告.docx", WORD, 6),
        (samples.TEXT, "text/plain", "水调歌头 苏轼.txt", "text/plain", 6),
        (samples.PNG, "text/plain", "picture.txt", "image/png", 2),
        (samples.TEXT, "image/png", "poem.png", "text/plain", 6),
    ],
    ids="pdf png jpeg webp docx chinese image-as-text text-as-image".split(),
)
def test_upload_has_the_files_type_name_and_content(
    upstream, web, account, data, declared, name, kind, form_type
):
    file = a_file(data, declared, name)

    ask(web, account, file)

    report = upstream.report()
    (seen,) = report["uploads"]
    assert seen["name"] == (name or file.name)
    assert seen["media_type"] == kind
    assert seen["size"] == len(data)
    assert seen["sha256"] == hashlib.sha256(data).hexdigest()
    assert report["answers"][0]["form"] == [
        {
            "name": "",
            "formType": form_type,
            "content": file.name,
            "fileID": seen["file_id"],
        },
        {"name": "", "formType": 1, "content": "What does it say?"},
    ]


def test_upload_of_100_mb_arrives_whole(upstream, web, account):
    part, size = bytes(range(256)) * 4096, 100 * 1_048_576
    with tempfile.TemporaryFile() as content:
        for _ in range(100):
            content.write(part)
        ask(web, account, File(content, size, name="big.bin"))

    (seen,) = upstream.report()["uploads"]
    assert (seen["size"], seen["name"]) == (size, "big.bin")


def test_twenty_uploads_keep_their_order_and_share_one_policy(upstream, web, account):
    files = [a_file(b"%d" % number, name=f"{number}.txt") for number in range(20)]

    ask(web, account, *files)

    (seen,) = upstream.report()["answers"]
    named = [entry["content"] for entry in seen["form"][:-1]]
    assert named == [file.name for file in files]
    assert calls(upstream).count("policy") == 1


def test_upload_policy_is_reused(upstream, web, account):
    ask(web, account, a_file(b"1"))
    ask(web, account, a_file(b"2"))

    assert calls(upstream).count("policy") == 1


def test_upload_policy_about_to_expire_is_not_reused(upstream, web, account):
    upstream.script({"call": "policy", "expires_in_s": POLICY_MARGIN_S - 1})

    ask(web, account, a_file(b"1"))
    ask(web, account, a_file(b"2"))

    assert calls(upstream).count("policy") == 2


def test_retried_question_does_not_upload_again(upstream, web, account):
    file = a_file(b"1")
    upstream.script({"call": "chat", "refuse": {"code": 1}})

    with pytest.raises(UpstreamBusy):
        ask(web, account, file)
    ask(web, account, file)

    assert calls(upstream).count("put") == 1


def test_each_account_gets_its_own_upload(upstream, web, account):
    file = a_file(b"1")

    ask(web, account, file)
    ask(web, Account(upstream.token(str(next(_users)))), file)

    assert calls(upstream).count("put") == 2


FAULTS = {
    "policy refused": {"call": "policy", "refuse": {"code": 1}},
    "no policy": {"call": "policy", "data": {}},
    "not put, 403": {"call": "put", "http": {"status": 403, "body": "no"}},
    "not put, 500": {"call": "put", "http": {"status": 500, "body": "no"}},
    "not put, broken off": {"call": "put", "drop": "reset"},
    "callback refused": {"call": "callback", "refuse": {"code": 1}},
    "no id": {"call": "callback", "data": {}},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_failed_upload_is_retried_once_with_a_fresh_policy(
    upstream, web, account, fault
):
    upstream.script(fault)

    ask(web, account, a_file(b"1"))

    assert calls(upstream).count("policy") == 2
    assert len(upstream.report()["uploads"]) == 1


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_upload_that_fails_twice_raises_upload_failed(upstream, web, account, fault):
    upstream.script({**fault, "times": 2})

    with pytest.raises(UploadFailed) as caught:
        ask(web, account, a_file(b"1", name="诗.txt"))

    assert caught.value.status == 502
    assert POLICY.stop(caught.value, failures=1)
    assert "诗.txt" in caught.value.message
    assert upstream.report()["answers"] == []


@pytest.mark.leaves("violations")
def test_expired_upload_policy_is_replaced(upstream, web, account):
    upstream.script({"call": "policy", "expires_in_s": -1, "times": 2})

    ask(web, account, a_file(b"1"))

    assert [each["status"] for each in upstream.report()["requests"]].count(403) == 1


def test_upload_with_a_rejected_token_is_not_retried(upstream, web, account):
    upstream.revoke(token=account.token)

    with pytest.raises(TokenRejected):
        ask(web, account, a_file(b"1"))


def test_concurrent_upload_failures_share_one_fresh_policy(upstream, web, account):
    refused = {"call": "put", "hold_headers": True, "http": {"status": 403}, "times": 5}
    upstream.script(refused)
    files = [a_file(b"%d" % number) for number in range(5)]

    asking = threading.Thread(target=ask, args=(web, account, *files))
    asking.start()
    upstream.wait("held", exactly=5)
    upstream.release()
    asking.join()

    assert len(upstream.report()["uploads"]) == 5
    assert calls(upstream).count("policy") == 2


@contextmanager
def leaving_when_held(upstream):
    """The socket of a caller who leaves as soon as the service holds a request."""
    ours, theirs = socket.socketpair()

    def leave():
        with theirs:
            upstream.wait("held", exactly=1)

    leaving = threading.Thread(target=leave)
    leaving.start()
    with ours:
        yield ours
    leaving.join()


def test_disconnect_ends_the_upload(upstream, web, account):
    upstream.script({"call": "put", "hold_headers": True})

    with leaving_when_held(upstream) as ours, pytest.raises(ClientDisconnected):
        ask(web, account, a_file(b"1"), watch=Watch(ours))

    upstream.release()
    upstream.wait("finished", at_least=1, call="put")
    assert upstream.report()["answers"] == []


def test_nothing_is_uploaded_for_a_disconnected_client(upstream, web, account):
    """Its file is closed, and the descriptor may be another file's."""
    leaving, file = Account(upstream.token(str(next(_users)))), a_file(b"1")
    upstream.script({"call": "policy", "token": leaving.token, "hold_headers": True})

    with leaving_when_held(upstream) as ours, pytest.raises(ClientDisconnected):
        ask(web, leaving, file, watch=Watch(ours))
    file.close()
    with tempfile.TemporaryFile():
        upstream.release()
        upstream.wait("finished", at_least=1, call="policy")
        ask(web, account, a_file(b"2"))  # meanwhile the other could be put

    assert calls(upstream).count("put") == 1


def test_slow_upload_yields_heartbeats(upstream, web, account):
    upstream.script({"call": "put", "hold_headers": True})
    question = Question(ASKED, files=[a_file(b"1")])

    pieces = web.answer(account, question, Watch(heartbeat_s=0.02))
    assert next(pieces) is HEARTBEAT
    upstream.wait("held", exactly=1)
    upstream.release()
    assert "".join(piece.text for piece in without_heartbeats(pieces))


@pytest.mark.leaves("conversations")
def test_upload_joins_an_existing_conversation(upstream, web, account):
    question = Question(ASKED, conversation="new")
    ids = {piece.id for piece in web.answer(account, question, Watch()) if piece.id}
    (chat_id,) = ids

    ask(web, account, a_file(b"1"), conversation=chat_id)

    seen = upstream.report()["answers"][-1]
    assert (seen["sent_chat_id"], len(seen["form"])) == (chat_id, 2)


def test_folded_history_points_to_the_newest_file(upstream, web, account):
    history = [Message("user", ("Hi",)), Message("assistant", ("Hello",)), *ASKED]

    ask(web, account, a_file(b"1"), messages=history)

    lines = upstream.report()["answers"][0]["message"].split("\n")
    assert [line.partition(":")[0] for line in lines] == (
        ["user", "assistant", "system", "user", "assistant"]
    )


def test_message_of_only_a_file_gets_a_standard_question():
    """It is asked about then."""
    history = [Message("user", ("Hi",)), Message("user")]

    lines = prompt.fold(history, True).split("\n")

    assert [line.partition(":")[0] for line in lines] == (
        ["user", "system", "user", "assistant"]
    )
    assert lines[2] == f"user:{prompt.ABOUT_FILES}"


def test_single_message_is_sent_as_its_text():
    assert prompt.fold(ASKED, True) == "What does it say?"


@pytest.mark.parametrize(
    "endpoint, address, region, path_style",
    [
        ("oss-cn-wulanchabu.aliyuncs.com", "https://%", "cn-wulanchabu", False),
        ("oss-cn-x-internal.aliyuncs.com", "https://%", "cn-x", False),
        ("http://oss-cn-x.aliyuncs.com", "%", "cn-x", False),
        ("oss-accelerate.aliyuncs.com", "https://%", "", False),
        ("files.example.com", "https://%", "", False),
        ("http://files.example.com:8080", "%", "", True),
        ("127.0.0.1:9000", "http://%", "", True),
        ("10.0.0.1", "http://%", "", True),
        ("[::1]:9000", "http://%", "", True),
    ],
)
def test_upload_endpoint_gives_address_region_and_path_style(
    endpoint, address, region, path_style
):
    policy = a_policy(endpoint)

    assert policy.address == address.replace("%", endpoint)
    assert (policy.region, policy.path_style) == (region, path_style)


def a_policy(endpoint):
    names = ("accessKeyId", "accessKeySecret", "securityToken", "dir", "bucketName")
    return UploadPolicy.parse({name: name for name in names} | {"endpoint": endpoint})


@pytest.mark.parametrize("endpoint", ["http://[", "[", "http://", "http://a:b"])
def test_invalid_upload_endpoint_is_an_upstream_error(endpoint):
    with pytest.raises(UpstreamProtocolError):
        a_policy(endpoint)


@pytest.mark.parametrize(
    "endpoint, signed, host",
    [
        ("oss-cn-x.aliyuncs.com", "OSS4-HMAC-SHA256 ", "bucketname."),
        ("oss-accelerate.aliyuncs.com", "OSS accessKeyId:", "bucketname."),
        ("files.example", "OSS accessKeyId:", ""),
    ],
)
def test_upload_signature_depends_on_the_region_and_uses_the_proxy(
    endpoint, signed, host
):
    policy = a_policy(f"http://{endpoint}")._replace(bucket="bucketname")
    with Site(answer()) as proxy:
        http = HttpClient(f"http://{proxy.host}:{proxy.port}")
        body = a_file(b"x").open()
        with body:
            put_object(
                http.session, policy, f"a/{uuid.uuid4()}.txt", body, lambda: None
            )
        http.session.close()

    (head,) = proxy.requests
    assert head.startswith(f"PUT http://{host}{endpoint}/")
    assert f"Authorization: {signed}" in head
    assert "x-oss-security-token: securityToken" in head
    assert "Content-Length: 1\r\n" in head


def test_upload_policy_expiry_is_parsed():
    known = a_policy("oss-cn-x.aliyuncs.com")
    fields = json.loads(
        '{"accessKeyId": "a", "accessKeySecret": "b", "securityToken": "c", '
        '"dir": "d", "endpoint": "e", "bucketName": "f", '
        '"expiration": "2024-10-28T03:19:31Z"}'
    )

    assert known.expires_at == 0  # it does not say
    assert UploadPolicy.parse(fields).expires_at == 1730085571
