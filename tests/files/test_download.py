"""Downloads from addresses that clients name, and what they must not do.

Sites are on the loopback, so rules are opened for it where the promise is another one;
a host that counts as public is 127.0.0.1, one that does not is 127.0.0.2.
"""

import base64
import gzip
import socket
import ssl
import threading
import zlib

import pytest

from hailuo.errors import BadRequest, TooLarge
from hailuo.net.download import DownloadPolicy, fetch, resolves_to_private
from hailuo.net.safe_connect import ConnectPolicy, Deadline, resolved
from tests.files.site import CERTIFICATE, Site, answer, for_ever, redirect, silence
from tests.files.test_addresses import PRIVATE

OPEN = DownloadPolicy(
    limit_bytes=1_000_000, connect_policy=ConnectPolicy(allow_private=True)
)
HALF_OPEN = DownloadPolicy(
    1_000_000, connect_policy=ConnectPolicy(public=lambda at: at == "127.0.0.1")
)
CLOSED = DownloadPolicy(limit_bytes=1_000_000)


def connecting(rules, **changes):
    return rules._replace(connect_policy=rules.connect_policy._replace(**changes))


def to(host, port, family=socket.AF_INET):
    """A resolver that leads everything to one place."""
    return lambda *_: [(family, (host, port))]


def only_numbers(host, port):
    return resolved(host, port) if host[0].isdigit() else []


def content(address, rules=OPEN):
    with fetch(address, rules) as found:
        return found.content.read()


def refusal(address, rules=CLOSED, fuse=None):
    with pytest.raises(BadRequest) as caught:
        fetch(address, rules, fuse)
    assert caught.value.status == 400
    return caught.value.message


def test_downloaded_file_has_its_type_and_name():
    kind = 'application/pdf; charset="x"'
    named = "attachment; filename=\"x.pdf\"; filename*=UTF-8''%E6%96%87.pdf"
    page = answer(b"%PDF-1.7", Content_Type=kind, Content_Disposition=named)

    with Site(page) as site, fetch(site.url("/a/b.pdf?c=d"), OPEN) as found:
        assert found.content.read() == b"%PDF-1.7"
        assert found[1:4] == (8, "application/pdf", "文.pdf")


def test_downloaded_file_without_a_name_is_named_after_its_path():
    with Site(answer(b"x")) as site, fetch(site.url("/%E6%96%87.txt"), OPEN) as found:
        assert found.name == "文.txt"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("/a%2fb%7e?c=%2f%2B", "/a%2fb%7e?c=%2f%2B"),
        ("/a/../b/./c", "/a/../b/./c"),
        ("/[x]?y=[z]|{}^`\\", "/[x]?y=[z]|{}^`\\"),
        ("?a#b", "/?a"),
        ("", "/"),
        ("/\u6587 \r\nX: y", "/%E6%96%87%20%0D%0AX:%20y"),
        ("/%", "/%"),
    ],
)
def test_path_is_requested_unchanged(given: str, sent: str):
    """A signature made over it would not hold otherwise."""
    with Site(answer(b"x")) as site:
        content(site.url(given))
    assert site.requests[0].startswith(f"GET {sent} HTTP/1.1\r\n")


def test_credentials_of_an_address_are_sent_to_its_site_only():
    with Site(answer(b"x")) as other:
        pages = (redirect("/b"), redirect(other.url("/c")))
        with Site(*pages) as site:
            content(site.url("/a").replace("//", "//user:a%20%E6%96%87@"))
    (header,) = {
        line
        for head in site.requests
        for line in head.split("\r\n")
        if line.startswith("Authorization")
    }
    encoded = base64.b64encode("user:a \u6587".encode()).decode()
    assert header == f"Authorization: Basic {encoded}"
    assert len(site.requests) == 2
    assert "Authorization" not in other.requests[0]


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 50),
    ],
    ids=["interim responses", "headers"],
)
def test_endless_response_headers_are_refused(head: bytes, piece: bytes):
    with Site(for_ever(head, piece)) as site, pytest.raises(BadRequest):
        fetch(site.url(), OPEN)
    assert site.left.wait(30)


def test_download_sends_no_cookies_credentials_or_proxy(monkeypatch, tmp_path):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("HOME", str(tmp_path))
    pages = (answer(status="302 Found", Location="/b", Set_Cookie="a=b"), answer(b"x"))

    with Site(*pages) as site:
        content(site.url("/a"))

    names = [
        {line.partition(":")[0].lower() for line in head.split("\r\n")[1:] if line}
        for head in site.requests
    ]
    assert names == [{"host", "accept", "accept-encoding", "user-agent"}] * 2
    assert "secret" not in "".join(site.requests)


@pytest.mark.parametrize("address", PRIVATE.values(), ids=PRIVATE)
def test_private_address_is_refused(address):
    literal = f"[{address}]" if ":" in address else address
    for url in (f"http://{literal}/", f"https://{literal}:8443/a"):
        assert "not known, or not public" in refusal(url)


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "127.1", "localhost"]
    + ["localhost.", "LOCALHOST", "[::1]", "[::ffff:7f00:1]"],
)
def test_loopback_is_refused_in_every_spelling(host):
    with Site(answer(b"secret")) as site:
        assert "not known, or not public" in refusal(site.url(host=host))
        assert site.requests == []


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "ftp://example.org/a", "gopher://example.org/", "//a/b", ""]
    + [
        "example.org/a",
        "http://",
        "http:///a",
        "http://a:99999/",
        "http://１２７.0.0.1/",
        "data:,x",
    ],
)
def test_only_http_and_https_are_fetched(address):
    assert "cannot be fetched" in refusal(address)


def test_host_with_one_private_address_is_refused():
    both = [(socket.AF_INET, (host, 80)) for host in ("8.8.8.8", "10.0.0.1")]
    rules = connecting(CLOSED, resolve=lambda *_: both)

    assert "not public" in refusal("http://files.example/", rules)


def test_host_is_resolved_once_and_that_address_used():
    with Site(answer(b"first")) as first, Site(answer(b"second")) as second:
        turns = [to(first.host, first.port), to(second.host, second.port)]
        rules = connecting(HALF_OPEN, resolve=lambda *name: turns.pop(0)(*name))

        with fetch("http://files.example/a", rules) as found:
            assert found.content.read() == b"first"

    assert len(turns) == 1
    assert "Host: files.example\r\n" in first.requests[0]


def test_host_is_vetted_again_at_a_redirect():
    with Site(redirect("/again")) as site, Site(answer(), host="127.0.0.2") as inner:
        turns = [to(site.host, site.port), to(inner.host, inner.port)]
        rules = connecting(HALF_OPEN, resolve=lambda *name: turns.pop(0)(*name))

        assert "not public" in refusal("http://files.example/a", rules)

    assert inner.requests == []


def test_redirect_to_a_private_host_reveals_nothing():
    with Site(answer(b"secret"), host="127.0.0.2") as inner:
        there = inner.url()
        with Site(redirect(there)) as site:
            with_somebody = refusal(site.url(), HALF_OPEN)
        assert inner.requests == []
    with Site(redirect(there)) as site:
        with_nobody = refusal(site.url(), HALF_OPEN)
    with Site(redirect("http://no.such.name/")) as site:
        known = connecting(HALF_OPEN, resolve=only_numbers)
        with_no_name = refusal(site.url(), known)

    assert with_somebody == with_nobody == with_no_name


@pytest.mark.parametrize("scheme", ["file", "ftp"])
def test_redirect_to_another_scheme_is_refused(scheme):
    with Site(redirect(f"{scheme}:///etc/passwd")) as site:
        assert "only http:// and https://" in refusal(site.url(), OPEN)


def test_at_most_five_redirects_are_followed():
    with Site(*[redirect("/next")] * 5, answer(b"there")) as site:
        assert content(site.url()) == b"there"
    with Site(redirect("/next")) as site:
        assert "more than 5 times" in refusal(site.url(), OPEN)
    assert len(site.requests) == 6


def test_certificate_is_verified_against_the_host():
    ours = ssl.create_default_context(cafile=CERTIFICATE)
    with Site(answer(b"x"), tls=True) as site:
        known = connecting(OPEN, resolve=to(site.host, site.port))
        rules = known._replace(tls=lambda: ours)
        assert content("https://files.example/", rules) == b"x"
        assert "SSLCert" in refusal("https://other.example/", rules)
        assert "SSLCert" in refusal("https://files.example/", known)


def too_large(site, limit=100_000):
    with pytest.raises(TooLarge) as caught:
        fetch(site.url(), OPEN._replace(limit_bytes=limit, limit_said="A_LIMIT"))
    assert caught.value.status == 413
    assert "A_LIMIT" in caught.value.message
    assert caught.value.code == "file_too_large"


def test_endless_file_is_stopped_at_the_limit():
    with Site(for_ever(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536)) as site:
        too_large(site)
        assert site.left.wait(30)


def test_file_of_exactly_the_limit_is_accepted():
    with Site(answer(b"x" * 100_000)) as site:
        rules = OPEN._replace(limit_bytes=100_000)
        with fetch(site.url(), rules) as found:
            assert found.size == 100_000
    with Site(answer(b"x" * 100_001)) as site:
        too_large(site)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compression_bomb_is_stopped_at_the_limit(encoding):
    compress = gzip.compress if encoding == "gzip" else zlib.compress
    bomb = compress(bytes(20_000_000))
    with Site(answer(bomb, Content_Encoding=encoding)) as site:
        too_large(site)


def test_endless_compressed_stream_of_nothing_is_stopped():
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    with Site(for_ever(head, gzip.compress(b"") * 1000)) as site:
        too_large(site)


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    "encoding, pack",
    [
        ("gzip", gzip.compress),
        ("X-GZip", gzip.compress),
        ("gzip", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("identity", bytes),
    ],
)
def test_compressed_file_is_decompressed(encoding, pack):
    data = b"hello" * 50_000
    with Site(answer(pack(data), Content_Encoding=encoding)) as site:
        assert content(site.url()) == data


@pytest.mark.parametrize(
    "body", [gzip.compress(b"hello")[:-5], b"hello"], ids=["cut off", "not at all"]
)
def test_wrongly_compressed_file_is_refused(body):
    with Site(answer(body, Content_Encoding="gzip")) as site:
        assert "compressed wrongly" in refusal(site.url(), OPEN)


def test_unknown_content_encoding_is_refused():
    with Site(answer(b"x", Content_Encoding="zpaq")) as site:
        assert "zpaq" in refusal(site.url(), OPEN)


def test_file_shorter_than_its_content_length_is_refused():
    with Site(answer(b"short", Content_Length="100")) as site:
        assert "failed" in refusal(site.url(), OPEN)


def test_file_longer_than_its_content_length_is_cut_there():
    with Site(answer(b"longer", Content_Length="4")) as site:
        assert content(site.url()) == b"long"


@pytest.mark.parametrize(
    "bytes_sent",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"],
    ids=["nothing", "half of the headers", "half of the file"],
)
def test_silent_site_times_out(bytes_sent):
    with Site(silence(bytes_sent)) as site:
        assert "failed" in refusal(site.url(), connecting(OPEN, idle_s=0.05))


@pytest.mark.parametrize(
    "head, piece",
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Drip: 1\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["headers", "one header", "endless body", "known length", "chunks"],
)
def test_dripping_site_is_stopped_at_its_deadline(head, piece):
    with Site(for_ever(head, piece, every_s=0.01)) as site:
        assert "too long" in refusal(site.url(), OPEN, Deadline(0.1))
        assert site.left.wait(30)


def test_dripping_tls_site_is_stopped_at_its_deadline():
    tls = ssl.create_default_context(cafile=CERTIFICATE)
    drip = for_ever(b"HTTP/1.1 200 OK\r\n", b"X-Drip: 1\r\n", every_s=0.01)
    with Site(drip, tls=True) as site:
        known = connecting(OPEN, resolve=to(site.host, site.port))
        rules = known._replace(tls=lambda: tls)
        assert "too long" in refusal("https://files.example/", rules, Deadline(0.2))
        assert site.left.wait(30)


def test_expired_deadline_ends_a_download_at_once():
    with Site(silence(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")) as site:
        fuse = Deadline(60)
        threading.Timer(0.05, fuse.expire).start()
        assert "cannot be fetched" in refusal(site.url(), OPEN, fuse)


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "204 No Content"])
def test_error_response_is_refused(status):
    with Site(answer(status=status)) as site:
        assert f"HTTP {status[:3]}" in refusal(site.url(), OPEN)


def test_response_that_is_not_http_is_refused():
    with Site(lambda: [b"SSH-2.0-OpenSSH_9.6\r\n"]) as site:
        assert "failed" in refusal(site.url(), OPEN)


def test_unreachable_site_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "failed" in refusal(f"http://127.0.0.1:{port}/", OPEN)


def test_downloaded_file_is_public_only_without_private_hops():
    both = connecting(HALF_OPEN, allow_private=True)
    with Site(answer(b"x"), host="127.0.0.2") as inner:
        with Site(answer(b"x")) as outer, fetch(outer.url(), both) as found:
            assert found.public
        with fetch(inner.url(), both) as found:
            assert not found.public
        with Site(redirect(inner.url())) as outer, fetch(outer.url(), both) as found:
            assert not found.public, "its way leads inside"


@pytest.mark.parametrize(
    "host, inside",
    [
        ("127.0.0.1", False),
        ("127.0.0.2", True),
        ("[::1]", True),
        ("2130706434", True),
        ("nobody.invalid", False),
    ],
)
def test_private_hosts_are_recognised_before_fetching(host, inside):
    rules = connecting(HALF_OPEN, resolve=only_numbers_or_none)

    assert resolves_to_private(f"http://{host}:1/a.png", rules) is inside


def only_numbers_or_none(host, port):
    if host.endswith(".invalid"):
        raise socket.gaierror
    return resolved(host, port)
