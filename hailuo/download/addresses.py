"""Which IP addresses a stranger may have us connect to: public ones, and no others.

`ipaddress.is_global` alone is not enough: it says True to 64:ff9b::7f00:1 and
2002:7f00:1::, which are ways of writing 127.0.0.1, and to multicast and site-local
addresses (measured, design.md).
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_UNICAST = IPv6Network("2000::/3")  # all that is public in IPv6 is in here
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
    """Whether *text*, an address as a look-up gives it, is one of the open Internet.

    An IPv6 address that holds an IPv4 address is as public as that one. 6to4, Teredo
    and ISATAP addresses have to be public themselves, too.
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
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _last_32_bits(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFF_FFFF)


def _tunnelled(address: IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that packets to *address* would be wrapped for."""
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        yield _last_32_bits(address)
