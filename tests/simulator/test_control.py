"""What tests may ask: which requests an instruction holds for, waiting, forgetting."""

from typing import Any

import pytest
import requests

from tests.simulated import Simulated
from tests.simulator.browser import Browser


def said(browser: Browser, message: str = "Hello") -> str:
    return browser.chat(message).contents[-1]


def test_instructions_apply_in_order_and_as_often_as_told(
    simulated: Simulated, browser: Browser
):
    simulated.script(
        {"call": "chat", "text": "old", "times": None},
        {"call": "chat", "text": "always", "times": None},
        {"call": "chat", "text": "first"},
        {"call": "chat", "text": "twice", "times": 2},
    )
    expected = ["first", "twice", "twice", "always", "always"]
    assert [said(browser) for _ in expected] == expected


def test_instructions_apply_to_the_account_they_name(
    simulated: Simulated, browser: Browser
):
    other = Browser(simulated.origin, simulated.token("1002"))
    other.register()
    simulated.script(
        {"call": "chat", "user": "1002", "text": "user"},
        {"call": "chat", "token": browser.token, "text": "token"},
        {"call": "chat", "message": "weather", "text": "message"},
        {"call": "chat", "text": "anyone", "times": None},
    )
    assert said(browser) == "token"
    assert said(browser) == "anyone"
    assert said(browser, "the weather?") == "message"
    assert said(other) == "user"


def test_device_may_be_scripted_to_stay_unknown(simulated: Simulated):
    browser = Browser(simulated.origin, simulated.token("1001"))
    simulated.script({"call": "register", "forget": True})
    assert browser.register().code == 0
    assert browser.info().code != 0
    browser.device_id = ""
    browser.register()
    assert browser.info().code == 0
    assert simulated.report()["violations"] == []


def test_removal_may_be_scripted_to_fail(simulated: Simulated, browser: Browser):
    simulated.script(
        {"call": "chat", "text": "Hi"},
        {"call": "delete", "refuse": {"code": 5}, "times": 2},
        {"call": "delete", "http": {"status": 500}},
        {"call": "delete", "drop": "reset"},
    )
    chat_id = browser.chat().chat_id
    assert [browser.delete(chat_id).code for _ in range(2)] == [5, 5]
    assert browser.delete(chat_id).status == 500
    with pytest.raises(ConnectionResetError):
        browser.delete(chat_id)
    assert simulated.report()["conversations"] == {"1001": [chat_id]}
    assert browser.delete(chat_id).code == 0
    assert simulated.wait("conversations", exactly=0) == 0


def test_envelope_data_may_be_scripted(simulated: Simulated, browser: Browser):
    simulated.script({"call": "info", "data": {"userInfo": None}})
    assert browser.info().json["data"] == {"userInfo": None}


INSTRUCTIONS_THAT_ARE_WRONG = [
    ("chat", "must be a JSON object"),
    ({}, "call must be one of"),
    ({"call": "chats"}, "call must be one of"),
    ({"call": "chat", "txt": "a"}, "has no key 'txt'"),
    ({"call": "chat", "drop": "now"}, "drop must be one of"),
    ({"call": "chat", "cuts": {"size": 1}}, "has no key 'size'"),
    (
        {"call": "chat", "then": [{"do": "explode", "after": 1}]},
        "do of a step must be one of",
    ),
    ({"call": "chat", "then": [{"do": "hold"}]}, "after of a step"),
    (
        {"call": "chat", "then": [{"do": "hold", "after": 1, "for_s": 1}]},
        "no key 'for_s'",
    ),
]


@pytest.mark.parametrize(("instruction", "sentence"), INSTRUCTIONS_THAT_ARE_WRONG)
def test_invalid_instruction_is_refused(
    simulated: Simulated, instruction: Any, sentence: str
):
    address = f"{simulated.origin}/simulator/script"
    answer = requests.post(address, json=instruction, timeout=10)
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]


def test_unused_step_is_reported(simulated: Simulated, browser: Browser):
    simulated.script(
        {"call": "chat", "text": "abcd", "then": [{"after": 7, "do": "end"}]}
    )
    browser.chat()
    (sentence,) = simulated.report()["violations"]
    assert "after 7" in sentence


def test_wait_for_a_condition_times_out(simulated: Simulated):
    with pytest.raises(AssertionError):
        simulated.wait("answers", exactly=1, timeout_s=0.01)


def test_report_lists_requests(simulated: Simulated, browser: Browser):
    simulated.reset()
    browser.info()
    assert simulated.wait("finished", at_least=1, call="info", user="1001") == 1
    (seen,) = simulated.report()["requests"]
    assert (seen["method"], seen["path"]) == ("GET", "/v1/api/user/info")
    assert (seen["status"], seen["user"]) == (200, "1001")
    assert seen["token_tail"] == browser.token[-8:]
    assert seen["at"] <= seen["ended"] <= simulated.report()["now"]


def test_report_lists_answers(simulated: Simulated, browser: Browser):
    simulated.script({"call": "chat", "text": "abcdefgh"})
    chat_id = browser.chat("Hello").chat_id
    (seen,) = simulated.report()["answers"]
    assert (seen["message"], seen["sent_chat_id"]) == ("Hello", "0")
    assert (seen["chat_id"], seen["events"]) == (chat_id, 2)
    assert (seen["how"], seen["left_at"], seen["form"]) == ("done", None, None)


def test_reset_forgets_instructions_and_cuts_answers(
    simulated: Simulated, browser: Browser
):
    silent = {"call": "chat", "text": "abcd", "then": [{"after": 1, "do": "silence"}]}
    simulated.script(silent, {"call": "chat", "text": "forgotten"})
    with browser.connect(browser.chat_request("Hello")) as connection:
        simulated.wait("open_answers", exactly=1)
        simulated.reset()
        while connection.recv(65_536):
            pass
    report = simulated.report()
    assert (report["open_answers"], report["answers"]) == (0, [])
    assert report["conversations"] == {}
    simulated.script({"call": "chat", "text": "new"})
    assert said(browser) == "new"


def test_reset_may_forget_the_tokens(simulated: Simulated, browser: Browser):
    simulated.reset(tokens=True)
    assert browser.info().status == 401
