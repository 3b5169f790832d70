"""The sender and the target of a request, seen through the proxies in front: only those that are trusted are heard.

What an untrusted peer says of itself in `X-Forwarded-*` or `Forwarded` is passed over: anybody can write a header.
"""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import msgspec

from orlop.faces.http.origins import is_authority

#: Proxies in a row that are looked through; a longer list was made up.
_HOPS = 16


class Proxies(msgspec.Struct, frozen=True):
    """Headers are lower-case names with lines of one name joined by commas (exchange.combined)."""

    trusted: tuple[IPv4Network | IPv6Network, ...] = ()
    url: str = ""
    """Where clients reach the registry, if that is set (`auth.url`); else what each request says."""

    def client(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> str:
        """The address of whoever asks: the peer, or what trusted proxies say of it; empty when nobody says."""
        peer = str(scope["client"][0]) if scope.get("client") else ""
        if not self.trusted or not self._trusts(peer):
            return peer
        address = peer
        for hop in reversed(_text(headers, b"x-forwarded-for").split(",")[-_HOPS:]):
            parsed = _address(hop.strip())
            if parsed is None:
                break
            address = str(parsed)
            if not self._trusts(address):
                break
        return address

    def speaks(self, scope: Mapping[str, Any]) -> bool:
        """Whether the peer is a proxy that is trusted."""
        return bool(self.trusted) and self._trusts(str(scope["client"][0]) if scope.get("client") else "")

    def base(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> str:
        """The URL that the registry is reached under, without a slash at the end: as it is set, or as it was asked."""
        if self.url:
            return self.url.rstrip("/")
        scheme, host = str(scope.get("scheme", "http")), _text(headers, b"host").strip()
        if self.speaks(scope):
            said = _last(headers, b"x-forwarded-proto").lower()
            scheme = said if said in {"http", "https"} else scheme
            host = _last(headers, b"x-forwarded-host") or host
        if not is_authority(host):
            host = _own(scope)
        return f"{'https' if scheme == 'https' else 'http'}://{host}"

    def _trusts(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self.trusted)


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def _last(headers: Mapping[bytes, bytes], name: bytes) -> str:
    """What the nearest proxy wrote: those before it may have been made up by the client."""
    return _text(headers, name).rpartition(",")[2].strip()


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _own(scope: Mapping[str, Any]) -> str:
    """The address that the server itself has, for a request that says nothing usable."""
    host, port = scope.get("server") or ("localhost", None)
    name = f"[{host}]" if ":" in str(host) else str(host)
    host = f"{name}:{port}" if port else name
    return host if is_authority(host) else "localhost"
