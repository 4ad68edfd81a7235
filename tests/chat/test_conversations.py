"""Conversations are removed from the account's list unless the client keeps them."""

import time
from collections.abc import Callable

import openai
import pytest

from tests.conftest import SECRET, Caller, text_of
from tests.served import KEY, Served
from tests.simulated import Simulated

DELETE = {"call": "delete"}


def deletes(upstream: Simulated) -> list[float]:
    requests = upstream.report()["requests"]
    return [each["at"] for each in requests if each["call"] == "delete"]


def test_conversation_is_removed_after_its_answer(upstream: Simulated, account: Caller):
    upstream.script({"call": "chat", "text": "Hi"})
    answer = account.create()
    upstream.wait("finished", call="delete", at_least=1)
    (seen,) = [r for r in upstream.report()["requests"] if r["call"] == "delete"]
    assert seen["path"] == f"/v1/api/chat/history/{answer.id}"


def test_conversation_removal_does_not_delay_answers(
    upstream: Simulated, account: Caller
):
    upstream.script(
        {**DELETE, "hold_headers": True}, {"call": "chat", "text": "Hi", "times": 2}
    )
    assert account.ask() == account.ask() == "Hi"
    upstream.wait("held", exactly=1)
    upstream.release()


def test_conversation_of_every_attempt_is_removed(upstream: Simulated, account: Caller):
    """Also one that failed after its id was known, with a 200 or in mid-stream."""
    upstream.script(
        {"call": "chat", "then": [{"after": 0, "do": "garbage"}]},
        {"call": "chat", "pieces": ["a", "b"], "then": [{"after": 1, "do": "reset"}]},
    )
    with pytest.raises(openai.APIError), account.stream() as stream:
        list(stream)
    upstream.wait("finished", call="delete", at_least=2)


def test_failed_conversation_removal_is_retried(upstream: Simulated, account: Caller):
    """And changes nothing for the account, which goes on answering."""
    upstream.script(
        {**DELETE, "http": {"status": 500, "body": "?"}},
        {"call": "chat", "text": "Hi", "times": 2},
    )
    account.ask()
    upstream.wait("finished", call="delete", at_least=2)
    first, second = deletes(upstream)
    assert 0.9 < second - first < 20
    assert account.ask() == "Hi"


@pytest.mark.parametrize(
    "fault",
    [{"refuse": {"code": 1}}, {"refuse": {"code": 1000021}}, {"drop": "reset"}],
    ids=["refused", "token refused", "no answer"],
)
def test_failed_conversation_removal_leaves_the_account_idle(
    upstream: Simulated, account: Caller, fault: dict
):
    upstream.script({**DELETE, **fault}, {"call": "chat", "text": "Hi", "times": 2})
    account.ask()
    upstream.wait("finished", call="delete", at_least=1)
    began = time.monotonic()
    assert account.ask() == "Hi"
    assert time.monotonic() - began < 15, "it neither cools down nor is dead"


class TestKeptConversation:
    """`conversation_id`: the caller goes on with what the service remembers."""

    NEW = {"conversation_id": "new"}

    @pytest.mark.leaves("conversations")
    def test_kept_conversation_continues(self, upstream: Simulated, account: Caller):
        upstream.script(
            {"call": "chat", "text": "First"}, {"call": "chat", "text": "Second"}
        )
        first = account.create("One", extra_body=self.NEW)
        history = [
            {"role": "user", "content": "One"},
            {"role": "assistant", "content": "First"},
            {"role": "user", "content": "Two"},
        ]
        second = account.create(
            messages=history, extra_body={"conversation_id": first.id}
        )

        assert second.id == first.id
        _, seen = upstream.report()["answers"]
        assert (seen["sent_chat_id"], seen["message"]) == (first.id, "Two")
        assert deletes(upstream) == []

    def test_new_conversation_whose_id_was_never_sent_is_removed(
        self, upstream: Simulated, account: Caller
    ):
        """The client of a whole answer learns the id at its end only."""
        reset = {"after": 1, "do": "reset"}
        upstream.script({"call": "chat", "pieces": ["a", "b"], "then": [reset]})
        body = {"messages": [{"role": "user", "content": SECRET}], **self.NEW}

        assert account.send(json=body).status_code == 502

        upstream.wait("conversations", exactly=0)

    @pytest.mark.leaves("conversations")
    def test_kept_conversation_continues_on_its_own_account(
        self, upstream: Simulated, gateway: Served
    ):
        upstream.script({"call": "chat", "text": "Hi", "times": None})
        messages = [{"role": "user", "content": SECRET}]

        def ask(conversation: str) -> str:
            return (
                gateway.client(KEY)
                .chat.completions.create(
                    model="hailuo",
                    messages=messages,
                    extra_body={"conversation_id": conversation},
                )
                .id
            )

        kept = ask("new")
        for _ in range(3):
            ask(kept)
        assert len({each["user"] for each in upstream.report()["answers"]}) == 1

    @pytest.mark.leaves("conversations")
    def test_kept_conversation_continues_in_a_stream(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "chat", "text": "Hi", "times": 2})
        with account.stream(extra_body=self.NEW) as stream:
            id = next(iter(stream)).id
            list(stream)
        with account.stream(extra_body={"conversation_id": id}) as stream:
            assert {chunk.id for chunk in stream} == {id}
        assert deletes(upstream) == []

    @pytest.mark.leaves("conversations")
    def test_any_conversation_of_an_only_account_continues(
        self, upstream: Simulated, account: Caller
    ):
        """After a restart nobody knows the owner; there is only one it could be."""
        upstream.script({"call": "chat", "text": "Hi", "times": 2})
        browser = account.create(extra_body=self.NEW)
        other = Caller(account.gateway, upstream, 1)
        other.tokens = [upstream.token(account.users[0])]
        known = {"conversation_id": browser.id}
        assert other.create(extra_body=known).id == browser.id

    def test_unknown_conversation_is_refused(
        self, upstream: Simulated, caller: Callable[..., Caller]
    ):
        with pytest.raises(openai.BadRequestError) as raised:
            caller(2).create(extra_body={"conversation_id": "123456789012345678"})
        assert raised.value.code == "unknown_conversation"
        assert raised.value.param == "conversation_id"
        assert upstream.report()["requests"] == []

    @pytest.mark.leaves("conversations")
    def test_conversation_of_another_client_is_unknown(
        self, upstream: Simulated, caller: Callable[..., Caller]
    ):
        upstream.script({"call": "chat", "text": "Hi"})
        kept = caller().create(extra_body=self.NEW)
        with pytest.raises(openai.BadRequestError):
            caller(2).create(extra_body={"conversation_id": kept.id})

    def test_kept_conversation_is_removed_when_its_answer_fails(
        self, upstream: Simulated, account: Caller
    ):
        lost = {"then": [{"after": 0, "do": "reset"}], "times": None}
        upstream.script({"call": "chat", **lost})
        with pytest.raises(openai.InternalServerError):
            account.create(extra_body=self.NEW)
        upstream.wait("finished", call="delete", at_least=3)

    @pytest.mark.leaves("conversations")
    def test_kept_conversation_survives_a_stop_sequence(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "chat", "pieces": ["a", "END", "b"]})
        assert account.ask(stop="END", extra_body=self.NEW) == "a"
        upstream.wait("open_answers", exactly=0)
        assert len(upstream.report()["conversations"]) == 1
        assert deletes(upstream) == []


class TestDeviceRegistration:
    """One a token (protocol.md 2)."""

    def registrations(self, upstream: Simulated) -> int:
        requests = upstream.report()["requests"]
        return sum(each["call"] == "register" for each in requests)

    def test_device_is_registered_once_for_many_answers(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "chat", "text": "Hi", "times": None})
        for _ in range(3):
            account.ask()
        assert self.registrations(upstream) == 1

    def test_each_token_registers_its_own_device(
        self, upstream: Simulated, caller: Callable[..., Caller]
    ):
        """Also two of one account."""
        upstream.script({"call": "chat", "text": "Hi", "times": None})
        one, other = caller(), caller()
        other.tokens = [upstream.token(one.users[0])]
        for each in (one, other, one, other):
            each.ask()
        assert self.registrations(upstream) == 2

    def test_conversation_removal_registers_no_second_device(
        self, upstream: Simulated, account: Caller
    ):
        upstream.script({"call": "chat", "text": "Hi"})
        account.ask()
        upstream.wait("conversations", exactly=0)
        assert self.registrations(upstream) == 1


def test_accounts_of_one_client_take_turns(
    upstream: Simulated, caller: Callable[..., Caller]
):
    """Of several idle ones the least recently used serves, whoever brought them."""
    upstream.script({"call": "chat", "text": "Hi", "times": None})
    three = caller(3)
    for _ in range(6):
        three.ask()
    users = [answer["user"] for answer in upstream.report()["answers"]]
    assert sorted(users[:3]) == sorted(users[3:]) == three.users


def test_signature_covers_the_text_as_sent(upstream: Simulated, account: Caller):
    """In any script: the simulator checks the signature over what it received."""
    odd = 'line\r\nbreaks\r and "quotes" \\ % & + = ? # \x00\x7f 海螺 🐚 é ~!*()\''
    upstream.script({"call": "chat", "text": "Hi"})
    account.create(messages=[{"role": "user", "content": odd}])
    (seen,) = upstream.report()["answers"]
    assert seen["message"] == odd


def test_lone_surrogate_is_sent_as_a_replacement_character(
    upstream: Simulated, account: Caller
):
    """Clients that cut by UTF-16 units send half a pair of surrogates."""
    upstream.script({"call": "chat", "text": "Hi"})
    body = b'{"messages": [{"role": "user", "content": "a\\ud83d b \\ud83d\\udc1a"}]}'
    assert account.send(json=None, data=body).status_code == 200
    (seen,) = upstream.report()["answers"]
    assert seen["message"] == "a\ufffd b 🐚"


def test_two_accounts_stream_at_the_same_time(
    upstream: Simulated, caller: Callable[..., Caller]
):
    """Two accounts, two answers at once."""
    both = caller(2)
    held = {"pieces": ["a", "b"], "then": [{"after": 1, "do": "hold"}], "times": 2}
    upstream.script({"call": "chat", **held})
    with both.stream() as one, both.stream() as other:
        next(chunk for chunk in one if text_of(chunk))
        next(chunk for chunk in other if text_of(chunk))
        upstream.wait("held", exactly=2)
        upstream.release()
        assert "".join(map(text_of, one)) == "".join(map(text_of, other)) == "b"
