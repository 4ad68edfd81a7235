"""What MiniMax's official platform calls things: every constant of platform.md.

The origin and the model for callers who name none are settings
(HAILUO_PLATFORM_ORIGIN, HAILUO_PLATFORM_MODEL).
"""

from collections.abc import Mapping
from typing import Any

KIND = "platform"

CHAT = "/v1/chat/completions"
MODELS = "/v1/models"

# platform.md, Base address and keys
KEY_PREFIXES = ("sk-api-", "sk-cp-")
ISSUER = "minimax"  # of the JWTs that older keys are

# platform.md, Chat
OWN_MODELS = "MiniMax-"  # how the names of its models begin
BLIND_MODELS = "MiniMax-M2"  # how those begin that only read text
OPTIONS = ("temperature", "top_p", "thinking")  # as the caller says them
TEXTS = ("text", "refusal")  # the parts of a content that are no files
FORCING = "required"
DONE = b"[DONE]"
FLAGS = ("input_sensitive", "output_sensitive")  # the answer is withheld
FINISHES = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tools",
    "function_call": "tools",
    "content_filter": "filtered",
}

# platform.md, Chat: images by address or in a data URI
IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
IMAGE_MB = 10

# platform.md, Speech
SPEAK = "/v1/t2a_v2"
VOICES = "/v1/get_voice"
SPEECH_MODELS = "speech-"  # how the names of its models begin
SPEECH_MODEL, SPEECH_MODEL_HD = "speech-2.8-turbo", "speech-2.8-hd"
SPEECH_CHARACTERS = 9_000  # of under 10,000
SPEECH_DONE = 2  # data.status of the last event
SPEEDS = (0.5, 2.0)
# What is asked for. That opus comes in Ogg is *assumed*; wav is not among them, since a
# header before pcm is a wav that can be streamed and joined.
AUDIO: Mapping[str, Mapping[str, Any]] = {
    "mp3": {"format": "mp3", "sample_rate": 44_100, "bitrate": 128_000, "channel": 1},
    "pcm": {"format": "pcm", "sample_rate": 24_000, "channel": 1},
    "flac": {"format": "flac", "sample_rate": 44_100, "channel": 1},
    "opus": {"format": "opus", "sample_rate": 24_000, "channel": 1},
}
JOINED = ("mp3", "pcm", "wav")  # what stays one file when pieces are put together
BEGINNINGS = {"flac": b"fLaC", "opus": b"OggS"}
VOICE_LISTS = ("system_voice", "voice_cloning", "voice_generation")
WEB_VOICES = ("_hailuo", "puv_")  # marks of voices that only the web service has

# platform.md, Recognition
WRITE = "/v1/speech_to_text"
ASR_MODEL = "asr-1.0"
LEVELS = {"phrase": "sentence", "word": "word"}  # whose times are told

# What its calls are called in metrics: the last part of each path
CALLS = frozenset({"completions", "models", "t2a_v2", "get_voice", "speech_to_text"})

# platform.md, Errors
INVALID_CODES = frozenset({1042, 2013, 20132, 2037, 2048})
FILTERED_CODES = frozenset({1026, 1027})
BAD_KEY_CODES = frozenset({1004, 2049})
LIMIT_CODES = frozenset({1002, 1039, 1041, 2045})
QUOTA_CODES = frozenset({1008, 2056})
FORBIDDEN_CODES = frozenset({2038, 2042, 2061})
MODEL_CODES = frozenset({2056, 2061})  # hold for one model, or group of models
TIMEOUT_CODES = frozenset({1001})
INTERNAL_CODES = frozenset({1000, 1013, 1024, 1033})
