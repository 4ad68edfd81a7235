"""The languages that MiniMax's models speak and understand (pure).

source: the languages of `language_boost` in the platform's documentation of speech.
*assumed*: its recognition takes the same; platform.md names zh, en, ja and ko.
"""

NAMES = {  # by ISO 639 code, as the platform spells them
    "zh": "Chinese",
    "yue": "Chinese,Yue",
    "en": "English",
    "ar": "Arabic",
    "ru": "Russian",
    "es": "Spanish",
    "fr": "French",
    "pt": "Portuguese",
    "de": "German",
    "tr": "Turkish",
    "nl": "Dutch",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "id": "Indonesian",
    "ja": "Japanese",
    "it": "Italian",
    "ko": "Korean",
    "th": "Thai",
    "pl": "Polish",
    "ro": "Romanian",
    "el": "Greek",
    "cs": "Czech",
    "fi": "Finnish",
    "hi": "Hindi",
    "bg": "Bulgarian",
    "da": "Danish",
    "he": "Hebrew",
    "ms": "Malay",
    "fa": "Persian",
    "sk": "Slovak",
    "sv": "Swedish",
    "hr": "Croatian",
    "fil": "Filipino",
    "hu": "Hungarian",
    "no": "Norwegian",
    "sl": "Slovenian",
    "ca": "Catalan",
    "nn": "Nynorsk",
    "ta": "Tamil",
    "af": "Afrikaans",
}
_CODES = {
    **{name.lower(): code for code, name in NAMES.items()},
    "mandarin": "zh",
    "cantonese": "yue",
    "tagalog": "fil",
    "castilian": "es",
    "flemish": "nl",
    # Codes that others use for the same: older ones, of three letters, narrower.
    "iw": "he",
    "in": "id",
    "tl": "fil",
    "nb": "no",
    "cmn": "zh",
    "zho": "zh",
    "eng": "en",
    "jpn": "ja",
    "kor": "ko",
}


def code(language: str) -> str:
    """Return the code of a language: of "English", "en", "en-US" or "zh_TW".

    returns: "" for one that is not in NAMES.
    """
    known = language.strip().lower()
    base = known.replace("_", "-").partition("-")[0]
    found = _CODES.get(known) or _CODES.get(base, base)
    return found if found in NAMES else ""
