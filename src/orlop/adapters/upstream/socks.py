"""Connections through a SOCKS5 proxy."""

import asyncio
import os
import socket
import ssl
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError, ProxyType
from python_socks.async_.asyncio import Proxy

from orlop.adapters.addresses import Permitted, refuse


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

    def __init__(self, proxy: str, permitted: Permitted, idle: float) -> None:
        parts = urlsplit(proxy)
        here = parts.scheme == "socks5"
        super().__init__(limit=0, use_dns_cache=False, keepalive_timeout=idle, resolver=None if here else _Unresolved())
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
        except ProxyConnectionError as cause:
            words = os.strerror(cause.errno).lower() if cause.errno and cause.errno > 0 else "its name leads nowhere"
            failure = OSError(None, f"the proxy cannot be reached: {words}")
            raise client_error(req.connection_key, failure) from cause
        except ProxyError as cause:
            failure = OSError(None, f"the proxy says: {cause}")
            raise client_error(req.connection_key, failure) from cause
        except OSError as cause:
            raise client_error(req.connection_key, cause) from cause
