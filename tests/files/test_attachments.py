"""From a message's sources to files, which are gone when the answer ends."""

import base64
import os
import socket
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from hailuo.concurrency.watch import HEARTBEAT, Watch
from hailuo.errors import BadRequest, ClientDisconnected, TooLarge
from hailuo.files import Source
from hailuo.gateway.attachments import attached
from hailuo.net.download import DownloadPolicy
from hailuo.net.safe_connect import ConnectPolicy
from hailuo.upstream import Piece
from tests.files import samples
from tests.files.site import Site, answer, silence

RULES = DownloadPolicy(1000, "HAILUO_MAX_FILE_MB", ConnectPolicy(allow_private=True))


def sent(data, **given):
    return Source(
        "messages[0].content[0]", data=base64.b64encode(data).decode(), **given
    )


def at(address):
    return Source("messages[0].content[0].file_url.url", address=address)


def asked(*sources, watch=None, rules=RULES, ask=None):
    """The files as an upstream sees them."""
    seen = []

    def see(files):
        for file in files:
            with file.open() as content:
                seen.append((file.name, file.media_type, content.read()))
        yield Piece("seen", finish="stop")

    list(attached(sources, rules, watch or Watch(), ask or see))
    return seen


@contextmanager
def nothing_left(tmp_path, monkeypatch):
    """No file in the temporary folder, and none without a name that is still open."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    assert os.listdir(tmp_path) == []
    for _ in range(100):  # a task that nobody waits for may need a moment to end
        if not (held := [each for each in open_files() if str(tmp_path) in each]):
            return
        time.sleep(0.01)
    raise AssertionError(held)


def open_files():
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the listing's own
            yield os.readlink(f"/proc/self/fd/{descriptor}")


def test_files_come_in_order_from_every_kind_of_source():
    named = 'attachment; filename="诗.txt"'
    with Site(answer(samples.TEXT, Content_Disposition=named)) as site:
        seen = asked(
            sent(samples.PNG, media_type="text/plain"),
            at(site.url("/download?id=1")),
            sent(samples.PDF, name="../a.pdf"),
        )

    assert seen == [
        ("file.png", "image/png", samples.PNG),
        ("诗.txt", "text/plain", samples.TEXT),
        ("a.pdf", "application/pdf", samples.PDF),
    ]


def test_answer_without_files_passes_through():
    assert asked() == []


@pytest.mark.parametrize(
    "source, status, message",
    [
        (sent(b""), 400, "empty"),
        (sent(b"x")._replace(data="!!!!"), 400, "not base64"),
        (sent(bytes(1001)), 413, "HAILUO_MAX_FILE_MB"),
        (at("http://127.0.0.1:1/"), 400, "cannot be fetched"),
    ],
    ids=["empty", "not base64", "too large", "unreachable"],
)
def test_unusable_source_is_refused_by_name(
    source, status, message, tmp_path, monkeypatch
):
    with nothing_left(tmp_path, monkeypatch):
        with pytest.raises(BadRequest, match=message) as caught:
            asked(sent(b"fine"), source)
        assert caught.value.status == status
        assert caught.value.param == source.param
        assert caught.value.message.startswith(source.param)
        del caught


def test_size_limit_holds_for_addresses():
    with Site(answer(bytes(1001))) as site, pytest.raises(TooLarge):
        asked(at(site.url()))
    assert len(asked(sent(bytes(1000)))) == 1


def test_empty_file_at_an_address_is_refused():
    with Site(answer(b"")) as site, pytest.raises(BadRequest, match="empty"):
        asked(at(site.url()))


def test_private_address_is_refused_unless_allowed():
    with Site(answer(b"x")) as site, pytest.raises(BadRequest, match="not public"):
        asked(at(site.url()), rules=DownloadPolicy(1000))


def test_files_are_deleted_when_the_answer_ends(tmp_path, monkeypatch):
    with nothing_left(tmp_path, monkeypatch), Site(answer(b"x" * 900)) as site:
        asked(sent(b"a"), at(site.url()))


def test_files_are_deleted_when_the_answer_fails(tmp_path, monkeypatch):
    def fail(files):
        raise RuntimeError("no")
        yield

    with nothing_left(tmp_path, monkeypatch), pytest.raises(RuntimeError):
        asked(sent(b"a"), ask=fail)


def test_files_are_deleted_when_the_answer_is_closed(tmp_path, monkeypatch):
    ended = []

    def speak(files):
        try:
            yield Piece("first")
            yield Piece("second")
        finally:
            ended.append(True)

    with nothing_left(tmp_path, monkeypatch):
        pieces = attached([sent(b"a")], RULES, Watch(), speak)
        first: Any = next(pieces)
        assert first.text == "first"
        pieces.close()
    assert ended == [True]


def test_disconnect_ends_the_download(tmp_path, monkeypatch):
    ours, theirs = socket.socketpair()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    with nothing_left(tmp_path, monkeypatch), Site(silence(head)) as site, ours:
        threading.Timer(0.05, theirs.close).start()
        with pytest.raises(ClientDisconnected):
            asked(at(site.url()), watch=Watch(ours))
        for thread in threading.enumerate():
            if thread.name.startswith("ThreadPoolExecutor"):
                thread.join(5)


def test_slow_download_yields_heartbeats():
    with Site(silence()) as site:
        ask: Any = None  # nobody is asked before the file is here
        pieces = attached([at(site.url())], RULES, Watch(heartbeat_s=0.01), ask)
        assert next(pieces) is HEARTBEAT
        assert next(pieces) is HEARTBEAT
        pieces.close()


class TestPictures:
    """An upstream that fetches pictures itself gets their public address."""

    PUBLIC = DownloadPolicy(
        1000, connect_policy=ConnectPolicy(public=lambda at: at == "127.0.0.1")
    )

    def given(self, source, fetches=True):
        seen = []

        def see(files):
            seen.extend(files)
            yield Piece("seen", finish="stop")

        list(attached([source], self.PUBLIC, Watch(), see, fetches))
        return seen[0]

    @pytest.mark.parametrize("name", ["", "/a", "/a.png", "/a.JPG?b=c.pdf"])
    def test_public_picture_is_passed_on_unfetched(self, name):
        source = at(f"http://127.0.0.1:1{name}")._replace(image=True)

        assert self.given(source) == source

    @pytest.mark.parametrize(
        "name, picture",
        [("/a", False), ("/a.pdf", True), ("/a.php", True), ("/a.txt", False)],
    )
    def test_address_that_may_be_no_picture_is_fetched(self, name, picture):
        with Site(answer(samples.PNG)) as site:
            file = self.given(at(site.url(name))._replace(image=picture))

        assert (file.is_image, file.address) == (True, site.url(name))
        assert file.param == at("").param

    def test_picture_is_fetched_for_an_upstream_that_does_not(self):
        with Site(answer(samples.PNG)) as site:
            file = self.given(at(site.url("/a.png")), fetches=False)

        assert file.is_image

    def test_private_picture_is_refused(self):
        with pytest.raises(BadRequest, match="not public"):
            self.given(at("http://127.0.0.2:1/a.png"))

    def test_private_picture_is_fetched_when_allowed(self):
        rules = DownloadPolicy(
            1000, connect_policy=self.PUBLIC.connect_policy._replace(allow_private=True)
        )
        with Site(answer(samples.PNG), host="127.0.0.2") as site:
            (seen,) = asked(at(site.url("/a.png")), rules=rules)

        assert seen[1:] == ("image/png", samples.PNG)

    def test_inline_picture_is_decoded(self):
        assert self.given(sent(samples.PNG, image=True)).is_image
