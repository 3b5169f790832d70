"""Which site a request was sent from: origins, as browsers name them (RFC 6454), and the authorities in them.

What clients write there is read here alone: the library that takes URLs apart raises at some.
"""

import re
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}", re.ASCII)
_ADDRESS = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\]", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_PORT_MAX = 65_535
_USUAL = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """RFC 6454, section 4: scheme, host in lower case and port."""

    scheme: str
    host: str
    port: int | None


def origin_of(text: str) -> Origin | None:
    """The origin of a URL, or of what stands in an Origin header; None for what has none, such as `null`."""
    try:
        url = urlsplit(text)
        port = url.port or _USUAL.get(url.scheme)
    except ValueError:
        return None
    return Origin(url.scheme, url.hostname, port) if url.hostname else None


def is_authority(text: str) -> bool:
    """Whether a Host header is a name or an address, perhaps with a port: nothing of it needs quoting anywhere, and a
    URL that is made of it can be taken apart again."""
    host, bracket, port = text.partition("]") if text.startswith("[") else text.partition(":")
    if bracket == "]":
        host += bracket
        bracket, port = port[:1], port[1:]
    if bracket not in {"", ":"} or (bracket and not (_PORT.fullmatch(port) and int(port) <= _PORT_MAX)):
        return False
    within = _ADDRESS.fullmatch(host)
    return _is_ipv6(within[1]) if within else _NAME.fullmatch(host) is not None


def _is_ipv6(text: str) -> bool:
    try:
        return ip_address(text).version == 6
    except ValueError:
        return False
