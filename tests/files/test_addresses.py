"""Every way of naming a host that is not on the open Internet."""

import socket
from ipaddress import ip_network

import pytest

from hailuo.net.addresses import is_public
from hailuo.net.safe_connect import resolved

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


# The columns "Address Block" and "Globally Reachable" of the IANA special-purpose
# address registries, November 2026, without the blocks that hold an IPv4 address (see
# above).
REGISTRY = """
    0.0.0.0/8 False            0.0.0.0/32 False           10.0.0.0/8 False
    100.64.0.0/10 False        127.0.0.0/8 False          169.254.0.0/16 False
    172.16.0.0/12 False        192.0.0.0/24 False         192.0.0.0/29 False
    192.0.0.8/32 False         192.0.0.9/32 True          192.0.0.10/32 True
    192.0.0.170/32 False       192.0.0.171/32 False       192.0.2.0/24 False
    192.31.196.0/24 True       192.52.193.0/24 True       192.88.99.0/24 N/A
    192.168.0.0/16 False       192.175.48.0/24 True       198.18.0.0/15 False
    198.51.100.0/24 False      203.0.113.0/24 False       240.0.0.0/4 False
    255.255.255.255/32 False
    ::1/128 False              ::/128 False               64:ff9b:1::/48 False
    100::/64 False             100:0:0:1::/64 False       2001::/32 N/A
    2001:1::1/128 True         2001:1::2/128 True         2001:1::3/128 True
    2001:2::/48 False          2001:3::/32 True           2001:4:112::/48 True
    2001:10::/28 N/A           2001:20::/28 True          2001:30::/28 True
    2001:db8::/32 False        2620:4f:8000::/48 True     3fff::/20 False
    5f00::/16 False            fc00::/7 False             fe80::/10 False
""".split()
BLOCKS = dict(zip(REGISTRY[::2], REGISTRY[1::2], strict=True))
# The first and the last address outside of blocks that are not reachable.
BESIDE = """
    1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
    169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0
    192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255
    198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255
    2001:200:: 2001:db7:ffff::1 2001:db9:: 3ffe:ffff::1
""".split()


@pytest.mark.parametrize(("block", "reachable"), BLOCKS.items())
def test_iana_registries_decide_whether_an_address_is_public(block, reachable):
    network = ip_network(block)
    for address in (network[0], network[-1]):
        assert is_public(str(address)) == (reachable == "True")


@pytest.mark.parametrize("address", BESIDE)
def test_address_beside_a_reserved_block_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE.values(), ids=PRIVATE)
def test_private_address_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "spelling",
    ["2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "127.1", "017700000001"],
)
def test_numeric_host_resolves_to_its_address(spelling):
    assert [address[0] for _, address in resolved(spelling, 80)] == ["127.0.0.1"]


def test_lookup_returns_socket_addresses():
    assert resolved("::1", 443) == [(socket.AF_INET6, ("::1", 443, 0, 0))]
