"""An OpenAI-compatible gateway in front of Hailuo AI."""
