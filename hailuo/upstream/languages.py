"""The languages that MiniMax's models speak and understand (pure).

source: the values of `language_boost` in the platform's documentation of speech.
*assumed*: its recognition accepts the same; platform.md names zh, en, ja and ko.
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
    # Other codes for the same: withdrawn ones, codes of three letters, dialects.
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
    """Return the ISO 639 code of a language, "" if it is not in NAMES.

    language: a name or a code, such as "English", "en", "en-US" or "zh_TW".
    """
    language = language.strip().lower()
    base = language.replace("_", "-").partition("-")[0]
    iso_code = _CODES.get(language) or _CODES.get(base, base)
    return iso_code if iso_code in NAMES else ""
