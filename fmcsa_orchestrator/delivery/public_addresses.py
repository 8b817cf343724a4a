"""Connections to public addresses only: no webhook is to reach into the network that this runs in.

It is the address that is really connected to which is looked at, not the name: a name that is resolved anew, to another address,
changes nothing, and neither does any spelling of an address in a URL.
"""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 address that it leads to
# Not to be reached from afar either, though some versions of Python say so: protocol assignments, site-local addresses.
_CLOSED = (IPv4Network("192.0.0.0/24"), IPv6Network("fec0::/10"))


class NotPublicError(OSError):
    """An address that is not public; a setting allows such."""


def is_public(address: str) -> bool:
    """Whether this IP address, as text, is one of the open internet."""
    found = ip_address(address.partition("%")[0])  # the zone of a link-local address
    if isinstance(found, IPv4Address):
        return _is_open(found)
    if found in _NAT64:
        return _is_open(IPv4Address(int(found) & 0xFFFF_FFFF))
    if found.ipv4_mapped is not None:  # nothing on a wire has one
        return False
    return _is_open(found) and (found.sixtofour is None or _is_open(found.sixtofour))


def _is_open(address: IPv4Address | IPv6Address) -> bool:
    closed = any(address in network for network in _CLOSED)
    return address.is_global and not (address.is_multicast or address.is_reserved or closed)


def public_socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket for what `getaddrinfo` has found, about to be connected to it. Raises: NotPublicError."""
    family, kind, protocol, _, place = address
    if not is_public(place[0]):
        raise NotPublicError("its address is not public; FMCSA_WEBHOOK_ALLOW_PRIVATE allows such")
    return socket.socket(family, kind, protocol)
