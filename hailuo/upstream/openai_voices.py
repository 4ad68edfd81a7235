"""OpenAI's names of voices, for which each upstream substitutes voices of its own."""

ORIGINAL_VOICES = ("alloy", "echo", "fable", "onyx", "nova", "shimmer")  # of tts-1
OPENAI_VOICES = (
    *ORIGINAL_VOICES,
    *("ash", "ballad", "coral", "sage", "verse", "marin", "cedar"),
)
