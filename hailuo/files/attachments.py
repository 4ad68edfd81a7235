"""The files of a message: from where they are to where an upstream can take them.

    pieces = attached(sources, rules, watch, lambda files: gateway.answer(…))

They are fetched or decoded before an account is leased, 8 at once, and are gone when
the answer ends, however it ends.
"""

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import NamedTuple

from ..download import TOTAL_S, Rules, fetch, too_large
from ..download.dialling import Fuse
from ..errors import BadRequest
from ..together import Stop, together
from ..upstream import TICK, Answer, Piece
from ..watch import Watch
from . import File, from_base64


class Source(NamedTuple):
    """Where a file is: at an address, or in the request as base64.

    param: the part of the request that says so, as a path.
    media_type, name: as the caller declares them, "" when not.
    """

    param: str
    address: str = ""
    data: str = ""
    media_type: str = ""
    name: str = ""


def attached(
    sources: Sequence[Source],
    rules: Rules,
    watch: Watch,
    ask: Callable[[Sequence[File]], Answer],
) -> Answer:
    """What *ask* answers when it is given the files.

    raises: BadRequest and TooLarge, naming the part; CallerLeft.
    """
    files = yield from gathered(sources, rules, watch)
    try:
        yield from ask(files)
    finally:
        for file in files:
            file.close()


def gathered(
    sources: Sequence[Source], rules: Rules, watch: Watch
) -> Generator[Piece, None, Sequence[File]]:
    """The files, in order; a TICK whenever a beat is due."""
    if not sources:
        return ()
    tasks = [partial(_named, source, rules) for source in sources]
    return (yield from together(tasks, watch, TICK))


def _named(source: Source, rules: Rules, stop: Stop) -> File:
    """A file; what is wrong with it is told with the name of its part."""
    try:
        return _file(source, rules, stop)
    except BadRequest as error:
        error.param = source.param
        error.message = f"{source.param}: {error.message}"
        raise


def _file(source: Source, rules: Rules, stop: Stop) -> File:
    if not source.address:
        file = from_base64(source.data, source.media_type, source.name)
        if file.size > rules.limit_bytes:
            file.close()
            raise too_large(rules)
        return file
    fuse = Fuse(TOTAL_S)
    with stop.calling(fuse.blow):
        found = fetch(source.address, rules, fuse)
    name = source.name or found.name
    return File(found.content, found.size, found.media_type, name, source.address)
