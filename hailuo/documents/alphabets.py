"""Detection of eight-bit encodings of European text by the alphabets of its languages.

The one or two accents of a short text are too few for statistics, but not for an
alphabet: in Windows-1250 `Łódź` is Polish, and in Windows-1252 it is `£ódŸ`, which no
language writes. Chinese, Japanese, Korean, Cyrillic, Greek and Thai never match: their
bytes come in long runs, not in words of one language.
"""

import re

# Codec and the letters of a language beyond ASCII, the likelier first. Where a short
# text fits several, their codecs mostly agree on it.
_LANGUAGES = (
    ("cp1252", "äöüß"),  # German
    ("cp1252", "àâçéèêëîïôœùûü"),  # French
    ("cp1252", "áéíñóúü"),  # Spanish
    ("cp1252", "àáâãçéêíóôõúü"),  # Portuguese: õ stands before e only
    ("cp1252", "àèéìíîòóù"),  # Italian
    ("cp1252", "åäöé"),  # Swedish, Finnish
    ("cp1252", "æøåéòóôü"),  # Danish, Norwegian
    ("cp1252", "àçèéíïòóúü"),  # Catalan
    ("cp1252", "áéëïóöüèêíú"),  # Dutch
    ("cp1250", "ąćęłńóśźż"),  # Polish
    ("iso8859-2", "ąćęłńóśźż"),
    ("cp1250", "áčďéěíňóřšťúůýž"),  # Czech
    ("iso8859-2", "áčďéěíňóřšťúůýž"),
    ("cp1250", "áäčďéíĺľňóôŕšťúýž"),  # Slovak
    ("iso8859-2", "áäčďéíĺľňóôŕšťúýž"),
    ("cp1250", "áéíóöőúüű"),  # Hungarian
    ("cp1250", "čćđšž"),  # Croatian, Slovenian
    ("cp1250", "ăâîşţ"),  # Romanian
    ("cp1254", "âçğıİîöşüû"),  # Turkish
    ("cp1257", "āčēģīķļņšūž"),  # Latvian
    ("cp1257", "ąčęėįšųūž"),  # Lithuanian
    ("cp1257", "äõöüšž"),  # Estonian
    ("cp1252", "áðéíóúýþæö"),  # Icelandic
)
_SEVERAL = "".join(letters for codec, letters in _LANGUAGES if codec == "cp1252")
_SEVERAL_ASCII = 2  # times as many letters of ASCII, in a text of several languages

_QUOTES = "“”‘’„«»‹›¿¡–—…\xa0"  # may stand at either side of a letter
_SIGNS = "€£§°·´©®™•²³½¼¾ªº×÷±\xad"  # may stand behind a letter, not before one
_SHAPE = re.compile(
    r"[^\W\d_a-zA-Z]{5}"  # a run that is longer than in any of these languages
    r"|[a-zß-öø-ÿ][¿¡«„“‹£§©×÷±²³¼½¾][^\W\d_]"
    rf"|[{_SIGNS}](?![CF]\b)[^\W\d_]"
)


def european(data: bytes) -> str | None:
    """Return the codec in which *data* is text of one of the languages, or None.

    Windows-1252 may hold several languages at once.
    """
    texts = {codec: _decoded(data, codec) for codec, _ in _LANGUAGES}
    for codec, letters in _LANGUAGES:
        text = texts[codec]
        if text is not None and _letters(text) <= set(letters):
            if codec != "cp1252" or not re.search("õ(?!e)", text):
                return codec
    text = texts["cp1252"]
    if text is not None and _letters(text) <= set(_SEVERAL):
        accented = sum(not each.isascii() and each.isalpha() for each in text)
        ascii_letters = sum(each.isascii() and each.isalpha() for each in text)
        if ascii_letters >= accented * _SEVERAL_ASCII:
            return "cp1252"
    return None


def _decoded(data: bytes, codec: str) -> str | None:
    """Return the decoded text if it has the shape of words, else None."""
    if not re.search(rb"[0-9A-Za-z]", data):
        return None
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        return None
    return None if _SHAPE.search(text) or not _in_words(text) else text


def _in_words(text: str) -> bool:
    """Return whether accents and capitals are placed as in words of Latin letters."""
    for word in re.findall(r"[^\W\d_]+", text):
        others = re.findall("[^a-zA-Z]+", word)
        if not others:
            continue
        if word != word.lower() and word[1:] != word[1:].lower():
            if word != word.upper() or max(map(len, others)) > 1:
                return False
        if max(map(len, others)) == len(word) > 1:
            return False
    return True


def _letters(text: str) -> set[str]:
    """Return the letters beyond ASCII, in lower case."""
    beyond = {each for each in text if not each.isascii()}
    return {
        each if each == "İ" else each.lower() for each in beyond - set(_QUOTES + _SIGNS)
    }
