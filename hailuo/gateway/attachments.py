"""The files of a message: from where they are to where an upstream can take them.

    pieces = attached(sources, rules, watch, lambda files: gateway.answer(…))

They are fetched or decoded before an account is leased, 8 at once, and are gone when
the answer ends, however it ends. Where whoever may answer fetches pictures itself, one
at a public address stays where it is.
"""

from collections.abc import Callable, Generator, Sequence
from functools import partial

from ..concurrency.gather import CancelToken, gather
from ..concurrency.watch import Heartbeat, Watch
from ..errors import BadRequest
from ..files import File, Source, from_base64
from ..net.download import (
    TOTAL_S,
    DownloadPolicy,
    fetch,
    resolves_to_private,
    too_large,
)
from ..net.safe_connect import Deadline
from ..upstream import Answer

Given = File | Source  # a Source is a picture that stays where it is


def attached(
    sources: Sequence[Source],
    rules: DownloadPolicy,
    watch: Watch,
    ask: Callable[[Sequence[Given]], Answer],
    fetches: bool = False,
) -> Answer:
    """What *ask* answers when it is given the files.

    fetches: whether whoever may answer fetches a picture itself.
    raises: BadRequest and TooLarge, naming the part; ClientDisconnected.
    """
    if not sources:
        return ask(())
    return _with_files(gathered(sources, rules, watch, fetches), ask)


def _with_files(
    gathering: Generator[Heartbeat, None, Sequence[Given]],
    ask: Callable[[Sequence[Given]], Answer],
) -> Answer:
    files = yield from gathering
    try:
        yield from ask(files)
    finally:
        for file in files:
            if isinstance(file, File):
                file.close()


def gathered(
    sources: Sequence[Source], rules: DownloadPolicy, watch: Watch, fetches: bool
) -> Generator[Heartbeat, None, Sequence[Given]]:
    """The files, in order; yielding heartbeats."""
    tasks = [partial(_given, source, rules, fetches) for source in sources]
    return (yield from gather(tasks, watch))


def _given(
    source: Source, rules: DownloadPolicy, fetches: bool, stop: CancelToken
) -> Given:
    """A file; what is wrong with it is told with the name of its part."""
    try:
        if (
            fetches
            and source.looks_like_image
            and not resolves_to_private(source.address, rules)
        ):
            return source
        return _file(source, rules, stop)
    except BadRequest as error:
        error.param = source.param
        error.message = f"{source.param}: {error.message}"
        raise


def _file(source: Source, rules: DownloadPolicy, stop: CancelToken) -> File:
    if not source.address:
        file = from_base64(source.data, source.media_type, source.name, source.param)
        if file.size > rules.limit_bytes:
            file.close()
            raise too_large(rules)
        return file
    fuse = Deadline(TOTAL_S)
    with stop.on_cancel(fuse.expire):
        found = fetch(source.address, rules, fuse)
    return File(
        found.content,
        found.size,
        found.media_type,
        source.name or found.name,
        source.address if found.is_public else "",
        source.param,
    )
