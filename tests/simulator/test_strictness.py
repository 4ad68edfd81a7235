"""What the protocol forbids is refused, and each thing is a violation in the report."""

import json
import time
import uuid
from typing import Any

import pytest

from tests.simulated import Simulated
from tests.simulator.browser import FIELDS, HEADERS, Browser, Pairs, unix_now

FORBIDDEN = 1000400
BUSY = 1000100


def violation(simulated: Simulated) -> str:
    """The only one."""
    (sentence,) = simulated.report()["violations"]
    return sentence


def fields(**changed: str) -> Pairs:
    usual = dict(zip(FIELDS, ("1", "Hello", "0", "0"), strict=True))
    return list((usual | changed).items())


@pytest.mark.parametrize("name", [name for name in HEADERS if name != "Accept"])
def test_every_browser_header_is_required(
    simulated: Simulated, browser: Browser, name: str
):
    assert browser.info(headers={name: None}).code == FORBIDDEN
    assert name.lower() in violation(simulated).lower()


HEADERS_THAT_ARE_WRONG = {
    "language": ({"Accept-Language": "en"}, "accept-language is 'en'"),
    "origin": ({"Origin": "https://example.com"}, "Origin is"),
    "referer": ({"Referer": "https://hailuoai.com/chat"}, "Referer is"),
    "cookie": ({"Cookie": "a=b"}, "Cookie header"),
    "agent": (
        {"User-Agent": "python-requests/2.34"},
        "the User-Agent is not a desktop Chrome",
    ),
    "brand": ({"Sec-Ch-Ua": '"Chromium";v="99"'}, "does not match Chrome/122"),
}


@pytest.mark.parametrize(
    ("headers", "sentence"),
    HEADERS_THAT_ARE_WRONG.values(),
    ids=HEADERS_THAT_ARE_WRONG.keys(),
)
def test_extra_header_is_a_violation(
    simulated: Simulated, browser: Browser, headers: dict[str, str], sentence: str
):
    assert browser.info(headers=headers).code == FORBIDDEN
    assert sentence in violation(simulated)


def test_called_origin_is_accepted(simulated: Simulated, browser: Browser):
    here = {"Origin": simulated.origin, "Referer": f"{simulated.origin}/"}
    assert browser.info(headers=here).code == 0


def test_missing_token_is_a_violation(simulated: Simulated, browser: Browser):
    assert browser.info(headers={"Token": None}).status == 401
    assert "no Token header" in violation(simulated)


@pytest.mark.parametrize("place", range(14))
def test_every_query_parameter_is_required(
    simulated: Simulated, browser: Browser, place: int
):
    query = browser.query(unix_now())
    del query[place]
    assert browser.info(query=query).code == FORBIDDEN
    assert violation(simulated)


@pytest.mark.parametrize("place", range(13))
def test_query_parameter_order_is_checked(
    simulated: Simulated, browser: Browser, place: int
):
    query = browser.query(unix_now())
    query[place], query[place + 1] = query[place + 1], query[place]
    assert browser.info(query=query).code == FORBIDDEN
    assert "the query parameters are" in violation(simulated)


@pytest.mark.parametrize("place", range(14))
def test_query_parameter_values_are_checked(
    simulated: Simulated, browser: Browser, place: int
):
    query = browser.query(unix_now())
    query[place] = query[place][0], "other"
    assert browser.info(query=query).json["statusInfo"]["code"] != 0
    assert violation(simulated)


def test_extra_query_parameter_is_a_violation(simulated: Simulated, browser: Browser):
    query = [*browser.query(unix_now()), ("lang", "zh")]
    assert browser.info(query=query).code == FORBIDDEN
    assert "the query parameters are" in violation(simulated)


@pytest.mark.parametrize(
    "unix",
    [
        f"{int(time.time())}123",
        f"{int(time.time())}",
        f"{int(time.time()) - 3_600}000",
        f"{int(time.time()) + 3_600}000",
    ],
    ids=["not cut to seconds", "in seconds", "an hour ago", "in an hour"],
)
def test_unix_parameter_must_be_now_in_milliseconds(
    simulated: Simulated, browser: Browser, unix: str
):
    assert browser.info(unix=unix).code == FORBIDDEN
    assert "unix is" in violation(simulated)


@pytest.mark.parametrize(
    ("spoilt", "call"),
    [
        ({"headers": {"Yy": "0" * 32}}, "info"),
        ({"headers": {"Yy": None}}, "info"),
        ({"digest": ""}, "info"),
        ({"digest": "{ }"}, "renew"),
        ({"digest": "{}"}, "chat"),
    ],
    ids=["wrong", "missing", "of nothing", "of other JSON", "of no form"],
)
def test_wrong_signature_is_unauthorized(
    simulated: Simulated, browser: Browser, spoilt: dict[str, Any], call: str
):
    answer = getattr(browser, call)(**spoilt)
    assert (answer.status, answer.code) == (401, 1000021)
    assert "signature" in violation(simulated)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ('{"uuid": "UUID"}', "JSON.stringify"),
        ('{"uuid":"UUID","more":1}', "is not the uuid of its query"),
        ('{"uuid":"8e9c3f0e-1111-4a5e-9d5b-0d8b7a3f1c22"}', "is not the uuid of"),
        ("uuid=UUID", "not JSON"),
    ],
)
def test_registration_uuid_must_match_its_address(
    simulated: Simulated, browser: Browser, body: str, sentence: str
):
    browser.device_id = ""
    text = body.replace("UUID", browser.uuid)
    path = "/v1/api/user/device/register"
    assert browser.send(browser.json_request("POST", path, text)).code == FORBIDDEN
    assert sentence in violation(simulated)


def test_registration_with_a_device_is_a_violation(
    simulated: Simulated, browser: Browser
):
    assert browser.register().code == FORBIDDEN
    assert "device_id is present" in violation(simulated)


def test_json_without_its_content_type_is_a_violation(
    simulated: Simulated, browser: Browser
):
    browser.renew(headers={"Content-Type": "text/plain"})
    assert "Content-Type" in violation(simulated)


def test_renewal_with_a_body_is_a_violation(simulated: Simulated, browser: Browser):
    assert browser.renew('{"a":1}').code == FORBIDDEN
    assert "renewal" in violation(simulated)


def test_get_with_a_body_is_a_violation(simulated: Simulated, browser: Browser):
    assert browser.info(body=b'{"a":1}').code == FORBIDDEN
    assert "GET has a body" in violation(simulated)


def test_device_of_another_token_is_refused(simulated: Simulated, browser: Browser):
    browser.token = simulated.token("1001")
    assert browser.info().code == FORBIDDEN
    assert "not issued to this token and uuid" in violation(simulated)


def test_device_of_another_uuid_is_refused(simulated: Simulated, browser: Browser):
    browser.uuid = str(uuid.uuid4())
    assert browser.info().code == FORBIDDEN
    assert "not issued to this token and uuid" in violation(simulated)


def test_device_older_than_three_hours_is_refused(
    simulated: Simulated, browser: Browser
):
    simulated.age_devices(10_790)
    assert browser.info().code == 0
    simulated.age_devices(20)
    assert browser.info().code == FORBIDDEN
    assert "more than 10,800 s ago" in violation(simulated)


FORMS_THAT_ARE_WRONG = {
    "order": (fields()[::-1], "form fields are"),
    "missing": (fields()[:-1], "form fields are"),
    "added": ([*fields(), ("more", "1")], "form fields are"),
    "character": (fields(characterID="2"), "characterID"),
    "search mode": (fields(searchMode="1"), "searchMode"),
    "no text": (fields(msgContent=""), "msgContent is empty"),
    "a blank text": (fields(msgContent=" "), "msgContent is empty"),
    "chatID": (fields(chatID="new"), "chatID"),
    "form not JSON": (fields(form="x"), "form is not JSON"),
    "form no array": (fields(form="{}"), "not a JSON array"),
    "form without a file": (
        fields(form='[{"name":"","formType":1,"content":"Hello"}]'),
        "does not list files",
    ),
}


@pytest.mark.parametrize(
    ("sent", "sentence"), FORMS_THAT_ARE_WRONG.values(), ids=FORMS_THAT_ARE_WRONG.keys()
)
def test_chat_with_other_fields_is_a_violation(
    simulated: Simulated, browser: Browser, sent: Pairs, sentence: str
):
    assert browser.chat(fields=sent).code == FORBIDDEN
    assert sentence in violation(simulated)


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"fileID": "77"}, "not uploaded"),
        ({"formType": 3}, "of formType 3"),
        ({"name": "x"}, "has an invalid entry"),
        ({"more": "x"}, "has an invalid entry"),
    ],
)
def test_form_with_an_unknown_file_is_a_violation(
    simulated: Simulated, browser: Browser, entry: dict[str, Any], sentence: str
):
    usual = {"name": "", "formType": 2, "content": "a.png", "fileID": "77"}
    message = {"name": "", "formType": 1, "content": "Hello"}
    form = json.dumps([usual | entry, message], separators=(",", ":"))
    assert browser.chat(fields=fields(form=form)).code == FORBIDDEN
    assert sentence in violation(simulated)


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"Accept": "*/*"}, "Accept is"),
        ({"Content-Type": "multipart/form-data"}, "not multipart/form-data"),
        ({"Referer": "https://hailuoai.com/?chat=77"}, "Referer names chat 77"),
    ],
)
def test_chat_headers_are_checked(
    simulated: Simulated, browser: Browser, headers: dict[str, str], sentence: str
):
    assert browser.chat(headers=headers).code == FORBIDDEN
    assert sentence in violation(simulated)


def test_second_answer_of_a_busy_account_is_a_violation(
    simulated: Simulated, browser: Browser
):
    simulated.script({"call": "chat", "then": [{"after": 1, "do": "hold"}]})
    with browser.connect(browser.chat_request("first")):
        simulated.wait("held", exactly=1)
        assert browser.chat("second").code == BUSY
        assert "an answer in progress" in violation(simulated)
        assert simulated.report()["most_open_by_account"] == {"1001": 2}


def test_two_accounts_answer_at_once(simulated: Simulated, browser: Browser):
    other = Browser(simulated.origin, simulated.token("1002"))
    other.register()
    hold = {"call": "chat", "then": [{"after": 1, "do": "hold"}]}
    simulated.script(hold, hold)
    with browser.connect(browser.chat_request("first")):
        with other.connect(other.chat_request("second")):
            simulated.wait("held", exactly=2)
    assert simulated.report()["violations"] == []
    assert simulated.report()["most_open_by_account"] == {"1001": 1, "1002": 1}


def test_unknown_conversation_is_refused(simulated: Simulated, browser: Browser):
    answer = browser.chat(fields=fields(chatID="123456789012345678"))
    assert answer.code != 0
    assert simulated.report()["violations"] == []


def test_conversation_of_another_account_is_not_removed(
    simulated: Simulated, browser: Browser
):
    simulated.script({"call": "chat", "text": "Hi"})
    chat_id = browser.chat().chat_id
    other = Browser(simulated.origin, simulated.token("1002"))
    other.register()
    assert other.delete(chat_id).code == FORBIDDEN
    assert "belongs to account 1001" in violation(simulated)


def test_unknown_path_is_a_violation(simulated: Simulated, browser: Browser):
    answer = browser.send(browser.json_request("GET", "/v1/api/user/other"))
    assert answer.status == 404
    assert "no such path" in violation(simulated)


def test_violation_uses_up_no_instruction(simulated: Simulated, browser: Browser):
    simulated.script({"call": "chat", "text": "kept"})
    browser.chat(headers={"Pragma": None})
    assert browser.chat().contents[-1] == "kept"
