"""Which addresses the log may be sent to: never one where machines tell of themselves, unless the setting names it."""

import asyncio
import ipaddress
import socket

from orlop.adapters.addresses import OPERATORS, reach
from orlop.domain.errors import Unavailable


def forbidden(address: str) -> bool:
    """Whether it is one of those, however it is written."""
    return reach(address) not in OPERATORS


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
