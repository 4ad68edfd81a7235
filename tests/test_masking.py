"""Secrets are taken out of what is said: by their looks, and the owner's literally."""

import json
import time
from urllib.parse import quote

import pytest

from hailuo.errors import UpstreamError, body
from hailuo.masking import Literals

OWN = ["correct horse", "тайна/ключ", 'a"b\\cdef', "pass", "(.*){9}", "abc"]


def said(text: str, *secrets: str) -> str:
    literals = Literals()
    literals.add(secrets or OWN)
    return literals.pattern.sub("***", text)


@pytest.mark.parametrize("secret", OWN[:-1])
def test_owners_secret_is_masked_in_every_spelling(secret: str):
    for written in (secret, quote(secret), quote(secret, ""), json.dumps(secret)[1:-1]):
        if secret.isascii() or "\\u" not in written:
            assert said(f"<{written}>") == "<***>", written


def test_short_secrets_are_masked_as_words_or_not_at_all():
    assert said("pass the passage, abc") == "*** the passage, abc"


def test_longer_secret_is_masked_whole():
    assert said("(long-secret-2)", "long-secret", "long-secret-2") == "(***)"


def test_credential_like_words_are_masked():
    assert said("eyJabc.def sk-abc task-1") == "*** *** task-1"


def test_surrogates_in_a_secret_are_masked():
    assert said("<key-\udce9-1234>", "key-\udce9-1234") == "<***>"


def test_masking_of_many_tokens_is_quick():
    """They are known by their looks, so each is not looked for."""
    tokens = [f"eyJ{number}.abc.def" for number in range(2_000)]
    began = time.process_time()
    assert said("x" * 100_000, *tokens) == "x" * 100_000
    assert time.process_time() - began < 5


def test_error_message_quotes_no_upstream_credential():
    error = UpstreamError("the upstream says: invalid key sk-api-12345678")
    assert body(error)["error"]["message"] == "the upstream says: invalid key ***"
    assert "sk-api" not in str(error)
