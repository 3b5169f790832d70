"""Sends entries as JSON to an HTTP collector: `{"entries": […], "heads": […]}`, acknowledged by any 2xx status."""

import socket
import ssl
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult

from orlop.adapters.forwarding.addresses import resolve
from orlop.domain.audit import Chained, Head
from orlop.domain.errors import Unavailable

#: How long a batch may take, in seconds.
_SEND = 10.0


class HttpSink:
    """See ports.audit.AuditSink. `context` checks certificates; no redirect is followed, no proxy is asked."""

    def __init__(self, url: str, token: str, context: ssl.SSLContext) -> None:
        self._url = url
        self._host = urlsplit(url).hostname or ""
        self._token = token
        self._context = context
        self._session: aiohttp.ClientSession | None = None

    async def send(self, entries: Sequence[Chained], heads: Sequence[Head]) -> None:
        body = msgspec.json.encode(
            {
                "entries": [{**msgspec.structs.asdict(each.entry), "hash": each.hash} for each in entries],
                "heads": heads,
            }
        )
        try:
            async with self._opened().post(self._url, data=body, allow_redirects=False) as answer:
                if not 200 <= answer.status < 300:
                    raise Unavailable(f"the collector {self._host} answered {answer.status} to a batch")
        except (aiohttp.ClientError, OSError, TimeoutError) as cause:
            why = str(cause) or "it did not answer in time"
            raise Unavailable(f"the collector {self._host} cannot be reached: {why}") from cause

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            headers = {"content-type": "application/json", "user-agent": "orlop"}
            if self._token:
                headers["authorization"] = f"Bearer {self._token}"
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._context, resolver=_Allowed(), use_dns_cache=False, limit=1),
                timeout=aiohttp.ClientTimeout(total=_SEND),
                headers=headers,
                auto_decompress=False,
            )
        return self._session


class _Allowed(AbstractResolver):
    """Gives only addresses that may be connected to, so that the one that was checked is the one that is used."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found: list[Any] = [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address, port in await resolve(host, port, socket.SOCK_STREAM)
        ]
        return found

    async def close(self) -> None:
        """It holds nothing."""
