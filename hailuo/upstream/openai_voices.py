"""OpenAI's names of voices, for which each upstream substitutes voices of its own."""

ORIGINAL_VOICES = ("alloy", "echo", "fable", "onyx", "nova", "shimmer")  # of tts-1
OPENAI_VOICES = (
    *ORIGINAL_VOICES,
    *("ash", "ballad", "coral", "sage", "verse", "marin", "cedar"),
)


def parse_replacements(setting: str) -> dict[str, str]:
    """Return the voices by OpenAI's names that REPLACE_AUDIO_MODEL sets.

    It lists up to six voices, in the order of ORIGINAL_VOICES; an empty one replaces
    nothing. The quotes and the semicolon of the original program's example may have
    been copied along.
    """
    ids = [_unquoted(entry) for entry in _unquoted(setting).split(",")]
    pairs = zip(ORIGINAL_VOICES, ids, strict=False)
    return {name: id for name, id in pairs if id}


def _unquoted(text: str) -> str:
    return text.strip(" \t\r\n;\"'")
