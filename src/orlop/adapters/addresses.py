"""Addresses that others choose for us: where they lie, and connections that go only to those that were checked.

A name is resolved once, by the connection itself, and what it resolved to is checked when the socket is made: a name
that answers differently the second time (DNS rebinding) gains nothing.
"""

import errno
import ssl
from collections.abc import Callable, Iterable
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from socket import SOCK_STREAM, inet_aton, socket
from typing import Any

import aiohttp


class Reach(StrEnum):
    """Where an address lies, as far as that decides who may send us there."""

    PUBLIC = "public"
    PRIVATE = "private"
    """Networks of one's own: RFC 1918, RFC 4193, RFC 6598, and whatever else is not globally reachable."""
    LOOPBACK = "loopback"
    LINK_LOCAL = "link-local"
    """RFC 3927, RFC 4291; and where clouds serve credentials to machines, wherever that lies."""
    NOWHERE = "nowhere"
    """Addresses of no single machine: unspecified, multicast, broadcast, tunnels."""


class AddressRefused(OSError):
    """A connection to an address that must not be connected to; the message names host and reach."""


#: Says whether an address may be connected to.
Permitted = Callable[[str], bool]

#: What may be reached where a network is named that it lies in.
_BY_NETWORK = frozenset({Reach.PRIVATE, Reach.LOOPBACK})

#: What may be reached on the word of a stranger.
STRANGERS = frozenset({Reach.PUBLIC})

#: What may be reached on the word of whoever runs this registry: anything that is a machine and serves no credentials.
OPERATORS = frozenset({Reach.PUBLIC, Reach.PRIVATE, Reach.LOOPBACK})

_METADATA = frozenset(map(ip_address, ("100.100.100.200", "168.63.129.16", "192.0.0.192")))
_METADATA_OF_AWS = IPv6Network("fd00:ec2::/32")
_SHARED = ip_network("100.64.0.0/10")
_TRANSLATED = IPv6Network("64:ff9b::/96")
_TRANSLATED_HERE = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = IPv6Network("::/96")


def reach(text: str) -> Reach:
    """Where an IP address lies. Those that carry an IPv4 address (mapped, NAT64, 6to4) lie where that does.

    What is no IP address lies nowhere.
    """
    try:
        return _reach(ip_address(text.partition("%")[0]))
    except ValueError:
        return Reach.NOWHERE


def _reach(address: IPv4Address | IPv6Address) -> Reach:
    inner = _inner(address) if isinstance(address, IPv6Address) else None
    if inner is not None:
        return _reach(inner)
    if address in _METADATA or address in _METADATA_OF_AWS:
        return Reach.LINK_LOCAL
    if address.is_loopback:
        return Reach.LOOPBACK
    if address.is_link_local:
        return Reach.LINK_LOCAL
    if address.is_unspecified or address.is_multicast or (address.version == 4 and address.is_reserved):
        return Reach.NOWHERE
    if isinstance(address, IPv6Address):
        if address.teredo is not None or address in _COMPATIBLE:
            return Reach.NOWHERE
        if address.is_site_local or address in _TRANSLATED_HERE:
            return Reach.PRIVATE
    if isinstance(address, IPv4Address) and int(address) >> 24 == 0:
        return Reach.NOWHERE
    return Reach.PUBLIC if address.is_global and address not in _SHARED else Reach.PRIVATE


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to it end at (RFC 4291 section 2.5.5.2, RFC 6052, RFC 3056)."""
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def literal(host: str) -> str:
    """The address that a host is, in whatever way systems read it (2130706433, 0x7f.1); empty for a name."""
    try:
        return str(ip_address(host.partition("%")[0]))
    except ValueError:
        try:
            return str(IPv4Address(inet_aton(host)))
        except OSError:
            return ""


def lying(permitted: frozenset[Reach]) -> Permitted:
    """Addresses that lie where `permitted` says."""
    return lambda text: reach(text) in permitted


def named(networks: Iterable[str]) -> Permitted:
    """Public addresses, and of others only those in these networks; never one where clouds keep credentials."""
    parsed = tuple(ip_network(text) for text in networks)

    def permitted(text: str) -> bool:
        where = reach(text)
        if where not in {Reach.PRIVATE, Reach.LOOPBACK}:
            return where is Reach.PUBLIC
        address = ip_address(text.partition("%")[0])
        if isinstance(address, IPv6Address):
            address = _inner(address) or address
        return any(address.version == network.version and address in network for network in parsed)

    return permitted


def refuse(address: str, permitted: Permitted) -> None:
    """Raises AddressRefused for an address that may not be connected to."""
    if not permitted(address):
        raise AddressRefused(errno.EACCES, f"{address} is {_said(reach(address))}, which may not be connected to")


def guarded(permitted: Permitted) -> Callable[[tuple[Any, ...]], socket]:
    """Makes the sockets of connections, only to addresses that are permitted.

    A connection that is refused fails as one that cannot be made, with AddressRefused as its cause.
    """

    def made(info: tuple[Any, ...]) -> socket:
        refuse(str(info[4][0]), permitted)
        opened = socket(info[0], info[1] or SOCK_STREAM, info[2])
        opened.setblocking(False)
        return opened

    return made


def refusal(cause: BaseException) -> str:
    """Why an address was not connected to, where that is the reason, or one of the reasons, of an error; else empty."""
    seen: BaseException | None = cause
    while seen is not None:
        if isinstance(seen, AddressRefused):
            return str(seen.strerror)
        seen = seen.__cause__ or getattr(seen, "os_error", None)
    return ""


def connector(
    permitted: Permitted, tls: ssl.SSLContext | bool = True, *, limit: int = 16, idle: float = 15.0
) -> aiohttp.TCPConnector:
    """A connector that reaches only addresses that are permitted, and keeps connections for `idle` seconds. Use it
    without following redirects blindly: it checks every connection, not what is asked over it."""
    return aiohttp.TCPConnector(
        limit=limit, ssl=tls, use_dns_cache=False, socket_factory=guarded(permitted), keepalive_timeout=idle
    )


def _said(where: Reach) -> str:
    if where is Reach.NOWHERE:
        return "no machine's address"
    return f"a {where.value} address" + (" (see outbound.networks)" if where in _BY_NETWORK else "")
