"""How the addresses of one upstream are reached, as its setting says: directly or through a proxy, and with which
certificates. Every connection goes to addresses that may be connected to, whoever named them."""

import asyncio
import socket
import ssl
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from python_socks import ProxyError, ProxyTimeoutError, ProxyType
from python_socks.async_.asyncio import Proxy
from yarl import URL

from orlop.adapters.addresses import Permitted, connector, literal, refuse
from orlop.adapters.certificates import Unusable, context
from orlop.adapters.upstream.transport import Site, Unreachable, site
from orlop.ports.upstream import UpstreamError

#: Connections that nothing is asked over are closed after so many seconds: servers keep them longer.
_IDLE = 25.0


#: A context, or True for that of the machine's authorities, which all connections share.
Tls = ssl.SSLContext | bool


class SettingRoutes:
    """See Routes.

    Certificates that are shown, and authorities in the place of the machine's, are for the registry itself; whom it
    names beside itself is checked by either.
    """

    def __init__(self, registry: Site, permitted: Permitted, proxy: str, own: Tls, others: Tls):
        self._registry = registry
        self._permitted = permitted
        self._proxied = bool(proxy)
        self._proxy = proxy if proxy.startswith("http:") else None
        self._own = own
        self._others = others

    def proxy(self, url: URL) -> str | None:
        if self._proxied:
            address = literal(url.host or "")
            if address:
                try:
                    refuse(address, self._permitted)
                except OSError as cause:
                    raise Unreachable(f"{url.authority} cannot be reached: {cause.strerror}") from cause
        return self._proxy

    def tls(self, url: URL) -> ssl.SSLContext | bool:
        return self._own if site(url) == self._registry else self._others


def contexts(ca: str, certificate: str, key: str) -> tuple[Tls, Tls]:
    """For the registry itself, and for whom it names. Raises UpstreamError."""
    try:
        return (
            context(ca, certificate, key) if ca or certificate else True,
            context(ca, beside=True) if ca else True,
        )
    except Unusable as cause:
        raise UpstreamError(f"the certificates or the key of the upstream cannot be used: {cause}") from cause


def connections(permitted: Permitted, proxy: str) -> aiohttp.TCPConnector:
    """What makes the connections. A proxy is the operator's own word, so it may lie anywhere."""
    if proxy.startswith("socks"):
        return SocksConnector(proxy, permitted)
    return connector((lambda _: True) if proxy else permitted, limit=0, idle=_IDLE)


class _Unresolved(AbstractResolver):
    """Leaves names to the proxy."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host=host, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is open."""


class SocksConnector(aiohttp.TCPConnector):
    """Connects through a SOCKS5 proxy (RFC 1928, RFC 1929). `socks5h://` leaves names to it; with `socks5://` they
    are looked up here, and what they lead to is checked."""

    def __init__(self, proxy: str, permitted: Permitted) -> None:
        parts = urlsplit(proxy)
        here = parts.scheme == "socks5"
        super().__init__(
            limit=0, use_dns_cache=False, keepalive_timeout=_IDLE, resolver=None if here else _Unresolved()
        )
        self._permitted_here = permitted if here else None
        self._socks = Proxy(
            ProxyType.SOCKS5,
            parts.hostname or "",
            parts.port or 1080,
            unquote(parts.username) if parts.username is not None else None,
            unquote(parts.password) if parts.password is not None else None,
            rdns=True,
        )

    async def _wrap_create_connection(
        self,
        *args: Any,
        addr_infos: list[Any],
        req: aiohttp.ClientRequest,
        timeout: aiohttp.ClientTimeout,
        client_error: type[Exception] = aiohttp.ClientConnectorError,
        **kwargs: Any,
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        """As the class above does it, with a socket that the proxy connected."""
        host, port = addr_infos[0][4][:2]
        try:
            if self._permitted_here is not None:
                refuse(host, self._permitted_here)
            opened = await self._socks.connect(host, port, timeout=timeout.sock_connect)
            try:
                made = await self._loop.create_connection(*args, **kwargs, sock=opened)
            except BaseException:
                opened.close()
                raise
            return made
        except ssl.SSLCertVerificationError as cause:
            raise aiohttp.ClientConnectorCertificateError(req.connection_key, cause) from cause
        except ssl.SSLError as cause:
            raise aiohttp.ClientConnectorSSLError(req.connection_key, cause) from cause
        except ProxyTimeoutError:
            raise TimeoutError from None
        except ProxyError as cause:
            failure = OSError(None, f"the proxy says: {cause}")
            raise client_error(req.connection_key, failure) from cause
        except OSError as cause:
            raise client_error(req.connection_key, cause) from cause
