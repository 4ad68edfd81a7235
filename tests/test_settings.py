"""Settings: read from the environment, every wrong one named at once."""

from dataclasses import fields

import pytest

from hailuo.net.client import HttpClient
from hailuo.settings import Settings, WrongSettings
from hailuo.upstream import registry

DEFAULTS = {
    each.metadata["name"]: each.metadata["default"] for each in fields(Settings)
}

WRONG = [
    ("PORT", "eighty"),
    ("PORT", "0"),
    ("PORT", "-1"),
    ("PORT", "65536"),
    ("PORT", "8000.5"),
    ("PORT", "65536"),
    ("PORT", ""),
    ("PORT", "²"),
    ("HAILUO_API_KEY", ""),
    ("HAILUO_API_KEY", " , "),
    ("HAILUO_ORIGIN", "hailuoai.com"),
    ("HAILUO_ORIGIN", "ftp://hailuoai.com"),
    ("HAILUO_ORIGIN", "https://"),
    ("HAILUO_ORIGIN", "http://[::1"),
    ("HAILUO_ORIGIN", ""),
    ("HAILUO_PROXY", "localhost:3128"),
    ("HAILUO_PROXY", "socks4://localhost:1"),
    ("HAILUO_QUEUE_TIMEOUT_S", "soon"),
    ("HAILUO_QUEUE_TIMEOUT_S", "0"),
    ("HAILUO_QUEUE_TIMEOUT_S", "-3"),
    ("HAILUO_IDLE_TIMEOUT_S", "inf"),
    ("HAILUO_IDLE_TIMEOUT_S", "nan"),
    ("HAILUO_HEARTBEAT_S", ""),
    ("HAILUO_MAX_BODY_MB", "1.5"),
    ("HAILUO_TOKEN_REFRESH_INTERVAL_S", "-1"),
    ("HAILUO_REDIS_URL", "localhost:6379"),
    ("HAILUO_REDIS_URL", "http://localhost:6379"),
    ("HAILUO_REDIS_URL", "redis://"),
    ("HAILUO_REDIS_URL", "redis://localhost:99999"),
    ("HAILUO_LEASE_S", "2"),
    ("HAILUO_LOG_LEVEL", "loud"),
    ("HAILUO_SIMULATED", "yes"),
]


def test_defaults_are_the_documented_ones():
    settings = Settings.read({})
    assert settings == Settings()
    assert (settings.port, settings.api_keys) == (8000, ("sk-hailuofreeapi",))
    assert settings.origin == "https://hailuoai.com"
    assert settings.tokens_file == "tokens.json" and settings.tokens == ()
    waits = settings.queue_timeout_s, settings.idle_timeout_s, settings.heartbeat_s
    assert waits == (15, 120, 10)
    assert settings.max_body_mb == 32
    assert settings.token_refresh_interval_s == 604_800


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_wrong_setting_is_named_with_its_value(name: str, value: str):
    with pytest.raises(WrongSettings) as raised:
        Settings.read({name: value})
    (sentence,) = str(raised.value).splitlines()
    assert sentence.startswith(f'{name}: "{value}" is not ')


def test_all_wrong_settings_are_named_at_once():
    environ = dict(dict(WRONG).items())
    with pytest.raises(WrongSettings) as raised:
        Settings.read(environ)
    named = [line.partition(":")[0] for line in str(raised.value).splitlines()]
    assert sorted(named) == sorted(environ)


def test_settings_are_read_in_every_usual_spelling():
    settings = Settings.read(
        {
            "PORT": " 9000 ",
            "HAILUO_API_KEY": "one, two words ,,three",
            "HAILUO_TOKENS": "a,b , c,",
            "HAILUO_ORIGIN": "http://localhost:1234/",
            "HAILUO_PROXY": "socks5://user:pass@localhost:1080",
            "HAILUO_HEARTBEAT_S": "0.5",
            "HAILUO_LOG_LEVEL": "DEBUG",
            "HAILUO_TOKEN_REFRESH_INTERVAL_S": "0",
            "SOMETHING_ELSE": "?",
        }
    )
    assert settings.port == 9000
    assert settings.api_keys == ("one", "two words", "three")
    assert settings.tokens == ("a", "b", "c")
    assert settings.origin == "http://localhost:1234"
    assert settings.proxy == "socks5://user:pass@localhost:1080"
    assert settings.heartbeat_s == 0.5
    assert settings.log_level == "debug"
    assert settings.token_refresh_interval_s == 0


LEFT = {
    "quotes": '"sk-one"',
    "single quotes": "'sk-one'",
    "an end of line": "sk-one\r",
    "quotes and an end of line": '"sk-one"\r\n',
    "an end of line within quotes": '"sk-one\r\n"',
    "an end of line as it is written": '"sk-one"\\r\\n',
    "blanks": '  "sk-one"  ',
}


@pytest.mark.parametrize("value", LEFT.values(), ids=LEFT)
def test_quotes_and_line_ends_around_a_value_are_removed(value: str):
    names = ("HAILUO_API_KEY", "HAILUO_TOKENS", "HAILUO_TOKENS_FILE")
    settings = Settings.read(dict.fromkeys(names, value))
    assert settings.api_keys == settings.tokens == ("sk-one",)
    assert settings.tokens_file == "sk-one"
    assert settings.warnings == []


@pytest.mark.parametrize("value", ['"a", "b"', '"a,b"', "'a',b\r", "\"a,'b'\""])
def test_each_of_several_values_may_have_quotes(value: str):
    settings = Settings.read({"HAILUO_API_KEY": value, "PORT": '"9000"\r'})
    assert settings.api_keys == ("a", "b")
    assert settings.port == 9000


@pytest.mark.parametrize("value", ['"sk-one', "sk-one'", "“sk-one”", "sk-one\u200b"])
def test_key_with_stray_quotes_is_warned_about_without_revealing_it(value: str):
    settings = Settings.read({"HAILUO_API_KEY": f"fine,{value}"})
    assert settings.api_keys == ("fine", value)
    (warning,) = settings.warnings
    assert warning.startswith("HAILUO_API_KEY: value 2 ") and "sk-one" not in warning


def test_quotes_within_a_key_are_kept():
    settings = Settings.read({"HAILUO_API_KEY": "it's,a\"b"})
    assert settings.api_keys == ("it's", 'a"b') and settings.warnings == []


@pytest.mark.parametrize(
    "address", ["rediss://:a%2Fb@host/0", "redis://host?password=a%2Fb"]
)
def test_passwords_of_redis_are_secrets(address: str):
    assert {"a/b"} <= set(Settings.read({"HAILUO_REDIS_URL": address}).secrets)


@pytest.mark.parametrize("name", ["HAILUO_ORIGIN", "HAILUO_PROXY", "HAILUO_REDIS_URL"])
def test_wrong_address_does_not_reveal_its_password(name: str):
    with pytest.raises(WrongSettings) as raised:
        Settings.read({name: "ftp://user:pass/word@host"})
    assert str(raised.value).startswith(f'{name}: "ftp://…@host" is not ')


def test_wrong_setting_does_not_reveal_a_secret():
    """A key that is wrong in another setting's place may be somebody's secret."""
    with pytest.raises(WrongSettings) as raised:
        Settings.read({"HAILUO_PROXY": "user:sk-secret@proxy"})
    assert "sk-secret" not in str(raised.value)


@pytest.mark.parametrize(
    "name", ["HAILUO_ORIGIN", "HAILUO_PLATFORM_ORIGIN", "HAILUO_PROXY"]
)
def test_password_in_any_address_is_a_secret(name: str):
    settings = Settings.read({name: "http://user:pass%2Fword@host"})
    assert settings.secrets == ["pass%2Fword", "pass/word"]


def test_every_upstream_can_be_preferred():
    http = HttpClient()
    for kind in registry.build(Settings(), http):
        preferred = Settings.read({"HAILUO_PREFER": kind})
        assert next(iter(registry.build(preferred, http))) == kind
