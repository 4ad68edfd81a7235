"""tokens.json: where the pool's credentials are kept, an array of strings."""

import json
import logging
from pathlib import Path

from .settings import Settings

log = logging.getLogger(__name__)


def read(path: str) -> list[str]:
    """The credentials in the file; none when there is no file.

    raises: ValueError or OSError, saying what is wrong.
    """
    try:
        found = json.loads(Path(path).read_text("utf-8"))
    except FileNotFoundError:
        return []
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ValueError("it is not an array of strings")
    return [each.strip() for each in found]


def all_of(settings: Settings) -> list[tuple[str, str]]:
    """Every credential of the pool, with where it is from. Nothing is raised."""
    found = [(token, "environment") for token in settings.tokens]
    try:
        found += [(token, "file") for token in read(settings.tokens_file)]
    except (OSError, ValueError) as error:
        log.error("%s cannot be read: %s", settings.tokens_file, error)
    return found
