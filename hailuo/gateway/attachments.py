"""Attachments: fetch or decode the files of a message before its question is asked.

    pieces = attached(sources, rules, watch, lambda files: gateway.answer(…))

Up to 8 files are fetched at once, before an account is leased; they are deleted when
the answer ends. Where every upstream that may answer fetches images itself, an image at
a public address is not fetched here; nor is a video, which only such upstreams accept.
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

Attachment = File | Source  # a Source is an image or a video that the upstream fetches


def attached(
    sources: Sequence[Source],
    rules: DownloadPolicy,
    watch: Watch,
    ask: Callable[[Sequence[Attachment]], Answer],
    fetches_images: bool = False,
) -> Answer:
    """Return the answer of *ask*, called with the files.

    fetches_images: whether every upstream that may answer fetches images itself.
    raises: BadRequest and TooLarge, naming the part; ClientDisconnected.
    """
    if not sources:
        return ask(())
    return _with_files(gathered(sources, rules, watch, fetches_images), ask)


def _with_files(
    gathering: Generator[Heartbeat, None, Sequence[Attachment]],
    ask: Callable[[Sequence[Attachment]], Answer],
) -> Answer:
    files = yield from gathering
    try:
        yield from ask(files)
    finally:
        for file in files:
            if isinstance(file, File):
                file.close()


def gathered(
    sources: Sequence[Source],
    rules: DownloadPolicy,
    watch: Watch,
    fetches_images: bool,
) -> Generator[Heartbeat, None, Sequence[Attachment]]:
    """Return the files, in order; yield heartbeats meanwhile."""
    tasks = [partial(_attachment, source, rules, fetches_images) for source in sources]
    return (yield from gather(tasks, watch))


def _attachment(
    source: Source, rules: DownloadPolicy, fetches_images: bool, cancel: CancelToken
) -> Attachment:
    """Return a file. raises: BadRequest, which names its part."""
    try:
        is_sent_by_address = (
            bool(source.address)
            if source.video
            else fetches_images and source.looks_like_image
        )
        if is_sent_by_address and not resolves_to_private(source.address, rules):
            return source
        return _file(source, rules, cancel)
    except BadRequest as error:
        error.param = source.param
        error.message = f"{source.param}: {error.message}"
        raise


def _file(source: Source, rules: DownloadPolicy, cancel: CancelToken) -> File:
    if not source.address:
        file = from_base64(source.data, source.media_type, source.name, source.param)
        if file.size > rules.limit_bytes:
            file.close()
            raise too_large(rules)
        return file
    deadline = Deadline(TOTAL_S)
    with cancel.on_cancel(deadline.expire):
        fetched = fetch(source.address, rules, deadline)
    return File(
        fetched.content,
        fetched.size,
        fetched.media_type,
        source.name or fetched.name,
        source.address if fetched.is_public else "",
        source.param,
    )
