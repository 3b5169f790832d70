"""Which addresses the log may be sent to: never one where machines tell of themselves, unless the setting names it."""

import asyncio
import ipaddress
import socket

from orlop.domain.errors import Unavailable

#: Where clouds and containers serve credentials to whoever asks from within, beside the link-local networks.
_METADATA = tuple(
    map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10", "100.100.100.200/32", "fd00:ec2::/32", "192.0.0.192/32"))
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def forbidden(address: str) -> bool:
    """Whether it is one of those, however it is written."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None and any(inner in network for network in _METADATA if network.version == 4):
            return True
    return found.is_multicast or found.is_unspecified or any(found in network for network in _METADATA)


async def resolve(host: str, port: int, kind: socket.SocketKind) -> list[tuple[str, int]]:
    """The addresses to connect to, each allowed: connect to these and to no name. Raises Unavailable.

    A host that is an address is allowed whatever it is: whoever wrote the setting meant it.
    """
    if _is_address(host):
        return [(host, port)]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=kind)
    except OSError as cause:
        raise Unavailable(f"{host} has no address: {cause.strerror}") from cause
    allowed = [(str(each[4][0]), port) for each in found if not forbidden(str(each[4][0]))]
    if not allowed:
        raise Unavailable(f"{host} leads to an address that nothing is sent to; write the address itself to send there")
    return allowed


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
