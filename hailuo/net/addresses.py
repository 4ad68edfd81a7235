"""IP addresses that untrusted URLs may lead to: public ones, and no others.

`ipaddress.is_global` does not do: it is True for 64:ff9b::7f00:1 and 2002:7f00:1::,
which are ways of writing 127.0.0.1, and for multicast and site-local addresses
(performance.md, Safe addresses), and it follows the registries only from some patch
releases on.
"""

from collections.abc import Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

# source: the IANA IPv4 and IPv6 special-purpose address registries (RFC 6890, RFC 8190)
# as of November 2026: the blocks that are not listed as globally reachable, and those
# that the address architecture itself sets apart.
_SPECIAL = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",  # this network (RFC 791)
        "10.0.0.0/8",  # private use (RFC 1918)
        "100.64.0.0/10",  # shared address space (RFC 6598)
        "127.0.0.0/8",  # loopback (RFC 1122)
        "169.254.0.0/16",  # link local (RFC 3927)
        "172.16.0.0/12",  # private use (RFC 1918)
        "192.0.0.0/24",  # IETF protocol assignments (RFC 6890)
        "192.0.2.0/24",  # documentation, TEST-NET-1 (RFC 5737)
        "192.88.99.0/24",  # 6to4 relay anycast, deprecated (RFC 7526)
        "192.168.0.0/16",  # private use (RFC 1918)
        "198.18.0.0/15",  # benchmarking (RFC 2544)
        "198.51.100.0/24",  # documentation, TEST-NET-2 (RFC 5737)
        "203.0.113.0/24",  # documentation, TEST-NET-3 (RFC 5737)
        "224.0.0.0/4",  # multicast (RFC 5771), a registry of its own
        "240.0.0.0/4",  # reserved, and limited broadcast (RFC 1112, RFC 8190)
        "2001::/23",  # IETF protocol assignments (RFC 2928), Teredo among them
        "2001:db8::/32",  # documentation (RFC 3849)
        "3fff::/20",  # documentation (RFC 9637)
    )
)
# Smaller blocks within these that are globally reachable.
_REACHABLE = tuple(
    ip_network(block)
    for block in (
        "192.0.0.9/32",  # Port Control Protocol anycast (RFC 7723)
        "192.0.0.10/32",  # TURN anycast (RFC 8155)
        "2001:1::1/128",  # Port Control Protocol anycast (RFC 7723)
        "2001:1::2/128",  # TURN anycast (RFC 8155)
        "2001:1::3/128",  # DNS-SD service registration anycast (RFC 9665)
        "2001:3::/32",  # AMT (RFC 7450)
        "2001:4:112::/48",  # AS112-v6 (RFC 7535)
        "2001:20::/28",  # ORCHIDv2 (RFC 7343)
        "2001:30::/28",  # drone remote identification (RFC 9374)
    )
)
# Every public IPv6 address is in here; no other block of the registry is public.
_UNICAST = IPv6Network("2000::/3")
_LAST_32_BITS = tuple(
    IPv6Network(network)
    for network in (
        "::/96",  # IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # IPv4-translated (RFC 2765)
        "64:ff9b::/96",  # NAT64 (RFC 6052)
    )
)
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)  # before the IPv4 address (RFC 5214)


def is_public(text: str) -> bool:
    """Return whether an address, as a look-up returns it, is on the public Internet.

    An IPv6 address that holds an IPv4 address is as public as that one. 6to4 and ISATAP
    addresses must be public themselves, too; Teredo ones never are.
    """
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return _is_global(address)
    if any(address in network for network in _LAST_32_BITS):
        return _is_global(_last_32_bits(address))
    if address not in _UNICAST or not _is_global(address):
        return False
    return all(_is_global(inner) for inner in _tunnelled(address))


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    return not _within(address, _SPECIAL) or _within(address, _REACHABLE)


def _within(
    address: IPv4Address | IPv6Address, blocks: tuple[IPv4Network | IPv6Network, ...]
) -> bool:
    return any(address in block for block in blocks)


def _last_32_bits(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFF_FFFF)


def _tunnelled(address: IPv6Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses that packets to *address* are tunnelled to."""
    if address.sixtofour:
        yield address.sixtofour
    if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        yield _last_32_bits(address)
