"""Requests to an OpenID provider: bounded in time and size, over checked addresses, following no redirect."""

import asyncio
import ssl
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from socket import SOCK_STREAM
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from orlop.adapters.addresses import OPERATORS, STRANGERS, Reach, connector, lying, named, reach
from orlop.adapters.json_answers import bounded, json_object
from orlop.domain.errors import Unavailable
from orlop.domain.identity.providers import is_loopback_host

#: The largest answer that is read, in bytes: a set of keys with certificates, or claims with many groups.
_ANSWER_MAX = 1 << 20

#: In seconds.
_RESOLVE = 5.0
_TIMEOUT = aiohttp.ClientTimeout(total=15, sock_connect=5, sock_read=10)


class JsonAnswer(msgspec.Struct, frozen=True):
    """An answer whose body is a JSON object; an empty one stands for any other body."""

    status: int
    body: dict[str, Any]


class Fetcher:
    """Requests on behalf of one issuer. Which addresses they may go to is known after `open`: public ones, those
    that lie where the issuer does, and those in `networks`."""

    def __init__(self, issuer: str, ca: str, networks: tuple[str, ...] = ()) -> None:
        self._issuer = URL(issuer)
        self._elsewhere = named(networks)
        self._ca = ca
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Find out where the issuer lies: what it names may lie there, too, or be public. Raises Unavailable."""
        here = lying(STRANGERS | await self._reaches())
        try:
            tls = await asyncio.to_thread(_authorities, self._ca)
        except (OSError, ValueError) as cause:
            raise Unavailable(f"the file {self._ca} has no certificates of authorities that can be read") from cause
        self._session = aiohttp.ClientSession(
            connector=connector(lambda address: here(address) or self._elsewhere(address), tls),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            timeout=_TIMEOUT,
            headers={"User-Agent": "orlop", "Accept": "application/json"},
        )

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def permitted(self, address: str) -> bool:
        """Whether a URL that the provider names may be used: https; or http from this machine to itself."""
        try:
            url = URL(address)
            whole = bool(url.raw_host) and url.port != 0 and not url.raw_user and not url.raw_password
        except ValueError:
            return False
        if not whole or url.raw_fragment or not address.isascii() or not address.isprintable() or "\\" in address:
            return False
        plain = url.scheme == "http" and is_loopback_host(url.host or "") and is_loopback_host(self._issuer.host or "")
        return url.scheme == "https" or plain

    async def get(self, address: str, authorization: str = "") -> JsonAnswer:
        """Raises Unavailable when there is no answer."""
        return await self._send("GET", address, {"Authorization": authorization} if authorization else {}, None)

    async def post(self, address: str, form: Mapping[str, str], headers: Mapping[str, str]) -> JsonAnswer:
        """A form. Raises Unavailable when there is no answer."""
        return await self._send("POST", address, headers, form)

    async def _send(
        self, method: str, address: str, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> JsonAnswer:
        host = self._issuer.host
        if self._session is None or not self.permitted(address):
            raise Unavailable(f"the sign-on provider {host} names an address that may not be used")
        try:
            async with self._session.request(
                method, address, headers=headers, data=form, allow_redirects=False
            ) as response:
                return JsonAnswer(response.status, json_object(await bounded(response, _ANSWER_MAX)))
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as cause:
            raise Unavailable(f"the sign-on provider {host} cannot be trusted: TLS failed") from cause
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as cause:
            raise Unavailable(f"the sign-on provider {host} cannot be reached") from cause

    async def _reaches(self) -> frozenset[Reach]:
        host = self._issuer.host or ""
        try:
            async with asyncio.timeout(_RESOLVE):
                found = await asyncio.get_running_loop().getaddrinfo(host, self._issuer.port, type=SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError) as cause:
            raise Unavailable(f"the name of the sign-on provider {host} cannot be resolved") from cause
        reaches = frozenset(reach(str(address[0])) for *_, address in found)
        if Reach.LOOPBACK in reaches and not is_loopback_host(host):
            raise Unavailable(f"the sign-on provider {host} resolves to this machine; name it by a loopback address")
        return reaches & OPERATORS


def _authorities(ca: str) -> ssl.SSLContext:
    return _trusting(ca, Path(ca).stat().st_mtime_ns if ca else 0)


@lru_cache(maxsize=16)
def _trusting(ca: str, changed_at: int) -> ssl.SSLContext:
    """Reading the authorities of a machine takes a while, so it is done once for each file and change of it."""
    del changed_at
    return ssl.create_default_context(cafile=ca or None)
