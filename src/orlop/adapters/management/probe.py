"""A server as a client finds it that is not signed in: whether it answers, its clock, its certificate, its realm."""

import asyncio
import re
import ssl
import statistics
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import aiohttp
import msgspec
from cryptography import x509
from yarl import URL

from orlop.adapters.tls import client_context, failure, unreachable
from orlop.domain.checkup import ServerFacts
from orlop.domain.durations import SECOND

_LIMIT, _TRIPS, _HANDSHAKE = 64 * 1024, 5, 5.0
_TIMEOUT = aiohttp.ClientTimeout(total=15, sock_connect=5)
_REALM = re.compile(r'^Bearer .*?realm="([^"]{1,2048})"', re.IGNORECASE)


class _Ready(msgspec.Struct):
    checks: dict[str, str] = {}


class ServerProbe:
    """See ports.checkup.ServerProbe. `proxy_for` names the proxy for a scheme and host."""

    def __init__(
        self, url: str, proxy_for: Callable[[str, str], str | None], *, verify_tls: bool, ca: str = ""
    ) -> None:
        self._url = URL(url)
        self._proxy = proxy_for(self._url.scheme, self._url.host or "")
        self._tls = client_context(verify=verify_tls, ca=ca)

    async def look(self) -> ServerFacts:
        """See ports.checkup.ServerProbe."""
        connector = aiohttp.TCPConnector(ssl=self._tls)
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(connector=connector, cookie_jar=jar, trust_env=False) as session:
            try:
                return await self._asked(session)
            except (aiohttp.ClientError, TimeoutError) as cause:
                return ServerFacts(str(self._url), trouble=_words(cause))

    async def _asked(self, session: aiohttp.ClientSession) -> ServerFacts:
        took, skew = [], None
        for _ in range(_TRIPS):
            began, before = time.perf_counter(), time.time_ns() // 1000
            async with self._get(session, self._url / "healthz") as answer:
                await answer.content.read(_LIMIT)
            took.append(time.perf_counter() - began)
            if date := answer.headers.get("date"):
                said = int(parsedate_to_datetime(date).timestamp() * SECOND) + SECOND // 2
                skew = said - (before + time.time_ns() // 1000) // 2
        async with self._get(session, self._url / "readyz") as answer:
            ready, content = answer.status == 200, await answer.content.read(_LIMIT)
        try:
            checks = msgspec.json.decode(content, type=_Ready).checks
        except msgspec.MsgspecError:
            return ServerFacts(str(self._url), trouble="what answers there is no Orlop server")
        async with self._get(session, URL(f"{self._url}/v2/")) as answer:
            challenge = answer.headers.get("www-authenticate", "") if answer.status == 401 else ""
        found = _REALM.match(challenge)
        realm = found[1] if found else ""
        return ServerFacts(
            str(self._url),
            round_trip=statistics.median(took),
            skew=skew,
            ready=tuple(checks.items()),
            is_ready=ready,
            realm=realm,
            realm_trouble=await self._trouble(session, realm) if realm else "",
            ends_at=await self._end() if self._url.scheme == "https" and self._proxy is None else 0,
        )

    async def _trouble(self, session: aiohttp.ClientSession, realm: str) -> str:
        """Why nobody gets a token there; whom it lets in is another matter."""
        try:
            url = URL(realm)
            if url.scheme not in {"http", "https"} or not url.host:
                return "it is no URL"
            async with self._get(session, url) as answer:
                await answer.content.read(_LIMIT)
                return "" if answer.status in {200, 400, 401} else f"it answers {answer.status}"
        except (aiohttp.ClientError, TimeoutError, ValueError) as cause:
            return _words(cause)

    async def _end(self) -> int:
        """When the certificate ends that is shown, by a handshake of its own; 0: nobody knows."""
        context = self._tls
        if not isinstance(context, ssl.SSLContext):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        host, port = self._url.host or "", self._url.port or 443
        try:
            async with asyncio.timeout(_HANDSHAKE):
                _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            writer.transport.abort()
            return int(x509.load_der_x509_certificate(shown).not_valid_after_utc.timestamp()) * SECOND
        except (OSError, TimeoutError, ValueError, TypeError):
            return 0

    def _get(self, session: aiohttp.ClientSession, url: URL) -> aiohttp.client._RequestContextManager:
        return session.get(url, allow_redirects=False, timeout=_TIMEOUT, proxy=self._proxy)


def _words(cause: BaseException) -> str:
    if words := failure(cause):
        return words
    if isinstance(cause, aiohttp.ClientConnectorError):
        return unreachable(cause)
    return "no answer in time" if isinstance(cause, TimeoutError) else "the connection broke"
