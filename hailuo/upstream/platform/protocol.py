"""Names and numbers of MiniMax's official platform, from platform.md.

The origin and the default model are settings (HAILUO_PLATFORM_ORIGIN,
HAILUO_PLATFORM_MODEL).
"""

from collections.abc import Mapping

KIND = "platform"

CHAT = "/v1/chat/completions"
MODELS = "/v1/models"

# platform.md, Base address and keys
PLAN_KEYS = "sk-cp-"  # prefix of the keys of subscriptions
KEY_PREFIXES = ("sk-api-", PLAN_KEYS)
ISSUER = "minimax"  # of the JWTs that older keys are

# platform.md, Chat
OWN_MODELS = "MiniMax-"  # prefix of its models
TEXT_MODELS = "MiniMax-M2"  # prefix of those that only read text
RANGES = {"temperature": (0, 2), "top_p": (0, 1)}  # of numbers that are passed on
# *assumed*: the tiers are named by no page; a client's word for its usual one is not
# passed on.
TIERS: Mapping[str, str | None] = {
    **dict.fromkeys(("auto", "default", "flex", "scale")),
    **dict.fromkeys(("standard", "standard_only"), "standard"),
    **dict.fromkeys(("priority", "fast"), "priority"),
}
REQUIRED = "required"
# platform.md, Thinking has to go round
THINKING, NOT_THINKING = {"type": "adaptive"}, {"type": "disabled"}
MUST_BE_THINKING = "MiniMax-M3.1-Flash"  # prefix of those that refuse not to think
NO_EFFORT = ("none", "minimal")  # OpenAI's words for not thinking
DONE = b"[DONE]"
FLAGS = ("input_sensitive", "output_sensitive")  # of an answer that is withheld
FINISHES = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tools",
    "function_call": "tools",
    "content_filter": "filtered",
}

# platform.md, Chat: images and videos by address or in a data URI
IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
MAX_IMAGE_MB = 10
MAX_VIDEO_MB = 50

# platform.md, Speech
SPEAK = "/v1/t2a_v2"
VOICES = "/v1/get_voice"
SPEECH_MODELS = "speech-"  # prefix of its models
SPEECH_MODEL, SPEECH_MODEL_HD = "speech-2.8-turbo", "speech-2.8-hd"
SPEECH_VERSIONS = ("2.8", "2.6", "02")
SPEECH_CHARACTERS = 9_000  # the limit is 10,000
SPEECH_DONE = 2  # data.status of the last event
SPEEDS = (0.5, 2.0)
# *assumed*: open to every key, since the platform's pages and several clients name it.
DEFAULT_VOICE = "English_expressive_narrator"
OFFICIAL_VOICES = "system_voice"  # of every key; the other lists are a key's own
VOICE_LISTS = (OFFICIAL_VOICES, "voice_cloning", "voice_generation")
# Of names of the web service's voices: suffix of official ones, prefix of clones
WEB_VOICE_SUFFIX, WEB_CLONE_PREFIX = "_hailuo", "puv_"

# platform.md, Recognition
WRITE = "/v1/speech_to_text"
ASR_MODEL = "asr-1.0"
AUDIO_MODELS = (
    *(f"speech-{each}-{kind}" for each in SPEECH_VERSIONS for kind in ("hd", "turbo")),
    ASR_MODEL,
)
LEVELS = {"phrase": "sentence", "word": "word"}  # timestamp_level by kind of times

# platform.md, Images
DRAW = "/v1/image_generation"
DRAWING_MODELS = "image-0"  # prefix of its models
DRAWING_MODEL = "image-01"
MEDIA_MODELS = (SPEECH_MODELS, DRAWING_MODELS)
ASPECT_RATIOS = {
    (1024, 1024): "1:1",
    (1280, 720): "16:9",
    (1152, 864): "4:3",
    (1248, 832): "3:2",
    (832, 1248): "2:3",
    (864, 1152): "3:4",
    (720, 1280): "9:16",
    (1344, 576): "21:9",
}
REFERENCE_TYPES = ("image/jpeg", "image/png")
MAX_REFERENCE_BYTES = 10_000_000  # exclusive
MAX_CONVERTED_MB = 50  # of one that is converted, since it is not suitable as it is
MAX_REFERENCE_SIDE = 2_048  # of what it is converted to; no image is made larger
DRAWING_S = 300.0  # *assumed*: several seconds an image, nine at most

# platform.md, Quota
REMAINS = "/v1/token_plan/remains"
CHAT_QUOTA = "general"  # its entry for chat; on older servers, models of OWN_MODELS
NO_LIMIT = 3  # status of a window that has none

# Names of its calls in metrics: the last part of each path
CALLS = frozenset(
    ("completions", "models", "t2a_v2", "get_voice", "speech_to_text", "remains")
    + ("image_generation",)
)

# platform.md, Errors. Names of fields in its messages, and the client's names of them.
PARAMS: Mapping[str, str] = {
    **dict.fromkeys(("messages", "message", "content", "role"), "messages"),
    **dict.fromkeys(("image", "images", "image_url", "tool_call_id"), "messages"),
    **dict.fromkeys(("video", "videos", "video_url"), "messages"),
    **dict.fromkeys(("tools", "tool", "function", "functions"), "tools"),
    **{name: name for name in ("temperature", "top_p", "thinking", "tool_choice")},
    **{name: name for name in ("max_tokens", "max_completion_tokens", "model")},
    "service_tier": "service_tier",
    **dict.fromkeys(("voice", "voice_id"), "voice"),
    **{name: name for name in ("speed", "language", "file", "prompt", "seed")},
    **dict.fromkeys(("aspect_ratio", "width", "height"), "size"),
    **dict.fromkeys(("subject_reference", "image_file"), "image"),
}
INVALID_CODES = frozenset({1042, 2013, 20132, 2037, 2048})
FILTERED_CODES = frozenset({1026, 1027})
WRONG_REGION_CODE = 2049
BAD_KEY_CODES = frozenset({1004, WRONG_REGION_CODE})
# platform.md, Base address and keys
REGIONS = (
    "A key works in its own region only: set HAILUO_PLATFORM_ORIGIN to "
    "https://api.minimax.io for a global key, to https://api.minimaxi.com for one of "
    "mainland China"
)
LIMIT_CODES = frozenset({1002, 1039, 1041, 2045})
BALANCE_CODES = frozenset({1008})
PLAN_CODES = frozenset({2056})
FORBIDDEN_CODES = frozenset({2038, 2042, 2061})
MODEL_CODES = frozenset({2056, 2061})  # apply to one model or group of models only
TIMEOUT_CODES = frozenset({1001})
INTERNAL_CODES = frozenset({1000, 1013, 1024, 1033})
