"""A chat, from the first request to the removal of the conversation."""

import pytest

from tests.simulated import Simulated
from tests.simulator.browser import Browser

AT_ONCE = {"call": "chat"}  # what it says to a human, without the pauses


def test_simulated_chat_is_answered_and_removed(simulated: Simulated, browser: Browser):
    simulated.script(AT_ONCE)
    answer = browser.chat("Hi there")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert "Hi there" in answer.contents[-1]
    assert simulated.report()["conversations"] == {"1001": [answer.chat_id]}
    assert browser.delete(answer.chat_id).code == 0
    report = simulated.report()
    assert report["conversations"] == {}
    assert report["violations"] == []


def test_simulated_events_have_the_protocols_order(
    simulated: Simulated, browser: Browser
):
    simulated.script(AT_ONCE)
    first, *results, last = browser.chat("Hi there").events
    assert len(first["data"]["sendResult"]["chatID"]) == 18
    assert last["type"] == 8
    results = [event["data"]["messageResult"] for event in results]
    assert [result["isEnd"] for result in results] == [1] * (len(results) - 1) + [0]
    for before, after in zip(results, results[1:], strict=False):
        assert after["content"].startswith(before["content"])


@pytest.mark.parametrize(
    ("message", "expected"),
    [("你好吗", "“你好吗”"), ("How are you?", "“How are you?”")],
    ids=["Chinese", "English"],
)
def test_simulator_answers_in_the_questions_language(
    simulated: Simulated, browser: Browser, message: str, expected: str
):
    simulated.script(AT_ONCE)
    answer = browser.chat(message).contents[-1]
    assert expected in answer
    assert ("模拟器" in answer) == (message == "你好吗")
    assert ("simulator" in answer) == (message != "你好吗")


def test_simulator_quotes_the_last_question_of_a_folded_history(
    simulated: Simulated, browser: Browser
):
    simulated.script(AT_ONCE)
    history = "system:Be kind\nuser:One\nassistant:Two\nuser:And\nthree\nassistant:"
    assert "“And\nthree”" in browser.chat(history).contents[-1]


def test_simulated_conversation_continues(simulated: Simulated, browser: Browser):
    simulated.script({"call": "chat", "text": "a"}, {"call": "chat", "text": "b"})
    chat_id = browser.chat("first").chat_id
    fields = [("characterID", "1"), ("msgContent", "second"), ("chatID", chat_id)]
    referer = {"Referer": f"https://hailuoai.com/?chat={chat_id}"}
    again = browser.chat(fields=[*fields, ("searchMode", "0")], headers=referer)
    assert again.chat_id == chat_id
    assert simulated.report()["violations"] == []


def test_simulated_token_is_valid_and_can_be_renewed(
    simulated: Simulated, browser: Browser
):
    assert isinstance(browser.info().json["data"]["userInfo"], dict)
    old, new = browser.token, browser.renew().json["data"]["token"]
    assert new != old
    assert browser.info().status == 401
    browser.token, browser.device_id = new, ""
    browser.register()
    assert browser.info().code == 0
    assert simulated.report()["violations"] == []


def test_foreign_token_is_refused_with_a_hint_at_the_simulator(simulated: Simulated):
    stranger = Browser(simulated.origin, "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl")
    answer = stranger.register()
    assert (answer.status, answer.code) == (401, 1000021)
    message = answer.json["statusInfo"]["message"]
    assert "hailuo's simulator" in message
    assert "HAILUO_TOKENS" in message
    assert simulated.report()["violations"] == []


def test_expired_token_is_refused(simulated: Simulated):
    browser = Browser(simulated.origin, simulated.token("1001", expires_in_s=-1))
    assert browser.register().status == 401


def test_revoked_token_is_refused(simulated: Simulated, browser: Browser):
    simulated.revoke(token=browser.token)
    assert browser.info().status == 401
