"""Posts to receivers: bounded in time and in what is read, over checked addresses, following no redirect."""

import asyncio
import ssl
from collections import OrderedDict

import aiohttp
from yarl import URL

from orlop.adapters.addresses import Permitted, connector, literal, named
from orlop.adapters.certificates import Unusable, context
from orlop.adapters.traced import traces_of
from orlop.ports.webhooks import Answer, Outgoing

#: In seconds: all of an attempt, and making a connection.
_TOTAL, _CONNECT = 10.0, 5.0
#: Of an answer so much is kept, and no more is read, in bytes.
ANSWER_MAX = 2048
#: Receivers that connections are kept to, how many to each, and for how many seconds: servers keep them longer.
_RECEIVERS, _CONNECTIONS, _IDLE = 64, 16, 4.0
#: How the name of this program stands in requests.
_AGENT = "orlop"


class HttpSender:
    """See ports.webhooks.WebhookSender.

    `networks` are those that may be reached beside public addresses. Through a `proxy` (a URL, empty for none) it is
    the proxy that connects, to wherever it lets us: then a host that is written as an address is checked alone.
    `seconds` is how long an attempt may take.
    """

    def __init__(self, networks: tuple[str, ...], proxy: str = "", *, seconds: float = _TOTAL) -> None:
        self._permitted: Permitted = named(networks)
        self._proxy = proxy
        self._seconds = seconds
        self._sessions: OrderedDict[tuple[str, str, str, str], aiohttp.ClientSession] = OrderedDict()
        self._busy: dict[aiohttp.ClientSession, int] = {}

    async def send(self, outgoing: Outgoing) -> Answer:
        url = URL(outgoing.url, encoded=True)
        try:
            async with asyncio.timeout(self._seconds):
                return await self._send(url, outgoing)
        except TimeoutError:
            return Answer(error=f"{url.host} did not answer in {self._seconds:g} seconds")
        except Unusable as cause:
            return Answer(error=str(cause))
        except (aiohttp.ClientError, OSError, ValueError) as cause:
            return Answer(error=f"{url.host} cannot be reached: {_reason(cause)}")

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def _send(self, url: URL, outgoing: Outgoing) -> Answer:
        session = await self._session(url, outgoing)
        self._busy[session] = self._busy.get(session, 0) + 1
        try:
            if self._proxy:
                self._refuse_literal(url.host or "")
            async with session.post(
                url,
                data=outgoing.body,
                headers=outgoing.headers,
                allow_redirects=False,
                proxy=self._proxy or None,
            ) as response:
                return Answer(response.status, _text(await _beginning(response)))
        finally:
            self._busy[session] -= 1
            if not self._busy[session]:
                del self._busy[session]

    def _refuse_literal(self, host: str) -> None:
        """Raises OSError where a proxy would be sent to an address that we would not go to ourselves."""
        address = literal(host)
        if address and not self._permitted(address):
            raise OSError(f"{address} is an address that may not be connected to (see outbound.networks)")

    async def _session(self, url: URL, outgoing: Outgoing) -> aiohttp.ClientSession:
        """Connections to one receiver as one hook wants them. Raises Unusable."""
        key = (str(url.origin()), outgoing.ca, outgoing.certificate, outgoing.key)
        found = self._sessions.get(key)
        if found is not None:
            self._sessions.move_to_end(key)
            return found
        tls = await asyncio.to_thread(_context, *key[1:]) if url.scheme == "https" else True
        if (raced := self._sessions.get(key)) is not None:
            return raced
        # A proxy is the operator's own word, so it may lie anywhere.
        permitted = (lambda _: True) if self._proxy else self._permitted
        made = aiohttp.ClientSession(
            connector=connector(permitted, tls, limit=_CONNECTIONS, idle=_IDLE),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=self._seconds, sock_connect=_CONNECT),
            headers={"User-Agent": _AGENT, "Accept-Encoding": "identity"},
            trace_configs=traces_of("webhook", alone=True),
        )
        self._sessions[key] = made
        await self._forget()
        return made

    async def _forget(self) -> None:
        """Close connections to receivers that were not sent to for the longest time, unless something is under way."""
        oldest = list(self._sessions)[: max(0, len(self._sessions) - _RECEIVERS)]
        idle = [key for key in oldest if self._sessions[key] not in self._busy]
        for session in [self._sessions.pop(key) for key in idle]:  # nobody else finds them while they are closed
            await session.close()


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """As much of an answer as is kept. What has more is not read to its end, and its connection not used again."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > ANSWER_MAX:
            response.close()
            break
    return bytes(body[:ANSWER_MAX])


def _text(body: bytes) -> str:
    """For people, and for a database that keeps no NUL."""
    return body.decode("utf-8", errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _context(ca: str, certificate: str, key: str) -> ssl.SSLContext:
    """Raises Unusable."""
    try:
        return context(ca, certificate, key)
    except Unusable as cause:
        raise Unusable(f"the certificates or the key of the webhook cannot be used: {cause}") from cause


def _reason(cause: BaseException) -> str:
    """In words for whoever sees deliveries: these two would tell the URL, or the proxy's with its password."""
    if isinstance(cause, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {cause.status}"
    if isinstance(cause, aiohttp.ClientResponseError):
        return "what it answered is no HTTP"
    inner = getattr(cause, "certificate_error", None) or getattr(cause, "os_error", None) or cause
    cause = inner.__cause__ if isinstance(inner.__cause__, OSError) else inner
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
