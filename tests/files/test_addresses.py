"""Every way of naming a host that is not on the open Internet."""

import socket

import pytest

from hailuo.download.addresses import is_public
from hailuo.download.dialling import resolved

PRIVATE = {
    "loopback": "127.0.0.1",
    "all of 127": "127.255.255.254",
    "unspecified": "0.0.0.0",
    "private 10": "10.0.0.1",
    "private 172": "172.31.255.255",
    "private 192": "192.168.0.1",
    "link-local, cloud metadata": "169.254.169.254",
    "shared": "100.64.0.1",
    "shared, cloud metadata": "100.100.100.200",
    "benchmarks": "198.18.0.1",
    "documentation": "192.0.2.1",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "v6 loopback": "::1",
    "v6 unspecified": "::",
    "v6 link-local": "fe80::1",
    "v6 link-local with a zone": "fe80::1%1",
    "v6 site-local": "fec0::1",
    "v6 unique local": "fd00::1",
    "v6 multicast": "ff02::1",
    "v6 documentation": "2001:db8::1",
    "v6 discard": "100::1",
    "mapped": "::ffff:127.0.0.1",
    "mapped, in hex": "::ffff:7f00:1",
    "mapped metadata": "::ffff:169.254.169.254",
    "compatible": "::127.0.0.1",
    "translated": "::ffff:0:127.0.0.1",
    "NAT64": "64:ff9b::7f00:1",
    "NAT64 of private": "64:ff9b::10.0.0.1",
    "NAT64 for local use": "64:ff9b:1::7f00:1",
    "6to4": "2002:7f00:1::",
    "6to4 of private": "2002:c0a8:1::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "ISATAP": "2606:4700::5efe:127.0.0.1",
    "ISATAP, universal": "2606:4700::200:5efe:10.0.0.1",
}
PUBLIC = (
    "8.8.8.8",
    "223.5.5.5",
    "2606:4700:4700::1111",
    "2400:3200::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
)


@pytest.mark.parametrize("address", PRIVATE.values(), ids=PRIVATE)
def test_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "spelling",
    ["2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "127.1", "017700000001"],
)
def test_numbers_are_the_addresses_they_stand_for(spelling):
    assert [address[0] for _, address in resolved(spelling, 80)] == ["127.0.0.1"]


def test_a_look_up_gives_what_a_socket_connects_to():
    assert resolved("::1", 443) == [(socket.AF_INET6, ("::1", 443, 0, 0))]
