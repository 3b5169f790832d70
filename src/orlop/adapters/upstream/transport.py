"""One HTTP request at a time over aiohttp: proxies, timeouts, bounded bodies. No redirects, no sign-in, no retries."""

import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import NamedTuple, Protocol

import aiohttp
import msgspec
from yarl import URL

from orlop.adapters.addresses import refusal
from orlop.adapters.tls import failure, unreachable
from orlop.adapters.upstream.advice import COMMAND, Advice
from orlop.adapters.upstream.patience import Patience
from orlop.ports.upstream import UpstreamError

USER_AGENT = "orlop"

#: Error bodies, tokens and other small answers are not read beyond this.
SMALL = 1024 * 1024


#: The proxy for a scheme and a host, as a URL; None for none.
ProxyFor = Callable[[str, str], str | None]


class Routes(Protocol):
    """How each address is reached."""

    def proxy(self, url: URL) -> str | None:
        """The HTTP proxy on the way there, as a URL; None for none. Raises UpstreamError where nothing may go."""
        ...

    def tls(self, url: URL) -> ssl.SSLContext | bool:
        """Whom to trust there and what to show; True: what the connections do by themselves; False: anybody."""
        ...


class CommandRoutes:
    """See Routes: as the environment of a command says, with this machine itself always reached directly."""

    def __init__(self, proxy_for: ProxyFor, *, verify_tls: bool = True) -> None:
        self._proxy_for = proxy_for
        self._verify_tls = verify_tls

    def proxy(self, url: URL) -> str | None:
        return None if is_loopback(url.host or "") else self._proxy_for(url.scheme, url.host or "")

    def tls(self, url: URL) -> ssl.SSLContext | bool:
        return self._verify_tls


class Site(NamedTuple):
    """An origin (RFC 6454): what credentials belong to."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """`host[:port]`, as it is written: without the port that the scheme implies."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"http": 80, "https": 443}.get(self.scheme) else f"{host}:{self.port}"


class Call(msgspec.Struct, frozen=True):
    """A request that can be sent again as it is."""

    method: str
    url: URL
    headers: Mapping[str, str] = {}
    body: bytes = b""
    scopes: tuple[str, ...] = ()
    """What it needs, as `repository:<name>:<actions>` or `registry:catalog:*` (the token scopes of distribution)."""


class Answer(msgspec.Struct, frozen=True):
    """An answer with its whole body; the names of `headers` are in lower case."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes
    url: URL
    retry_after: float | None = None
    advice: Advice = COMMAND
    """What may be done about it, if it is a refusal."""


class Unreachable(UpstreamError):
    """No connection could be made at all."""


class Broken(UpstreamError):
    """A connection was made and broke, or fell silent."""


def site(url: URL) -> Site:
    """The origin of an absolute URL."""
    return Site(url.scheme, (url.raw_host or "").lower(), url.port or 0)


def follow(base: URL, location: str) -> URL:
    """Where a Location leads from `base`, its query untouched because it may be signed.

    Raises UpstreamError for anything but http and https, for user names and passwords in it, and for a step from https
    down to http, over which content and upload locations would travel in the clear.
    """
    if not location or not location.isascii() or not location.isprintable() or " " in location or "\\" in location:
        raise UpstreamError(f"{base.authority} answered with a Location that is not a URL")
    try:
        url = base.join(URL(location, encoded=True))
        valid = url.scheme in ("http", "https") and bool(url.raw_host) and bool(url.port)
    except ValueError as cause:
        raise UpstreamError(f"{base.authority} answered with a Location that is not a URL") from cause
    if not valid or url.raw_user or url.raw_password:
        raise UpstreamError(f"{base.authority} answered with a Location that is not a plain http or https URL")
    if base.scheme == "https" and url.scheme == "http":
        raise UpstreamError(f"{base.authority} leads from https to plain http at {url.authority}; refused")
    return url.with_fragment(None)


class Transport:
    """Sends requests. Content is taken as it is on the wire: nothing is decompressed, no cookie is kept."""

    def __init__(
        self, session: aiohttp.ClientSession, patience: Patience, routes: Routes, advice: Advice = COMMAND
    ) -> None:
        self.advice = advice
        self._session = session
        self._routes = routes
        # `connect` is also about the look-up of a name; nobody waits for a free connection, of which there is no limit.
        self._timeout = aiohttp.ClientTimeout(
            total=None,
            connect=patience.connect_timeout,
            sock_connect=patience.connect_timeout,
            sock_read=patience.read_timeout,
        )

    @asynccontextmanager
    async def send(
        self, call: Call, authorization: str | None = None, stream: AsyncIterator[bytes] | None = None
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        """One request and its answer, whatever its status. Raises Unreachable or Broken, also out of the block.

        `stream` takes the place of `call.body`; its length must stand in the headers. An error that `stream` raises
        comes out as Broken with that error somewhere in its causes, so whoever passes a stream notes its errors.
        """
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **call.headers}
        if authorization:
            headers["Authorization"] = authorization
        proxy = self._routes.proxy(call.url)
        # The proxy's name without the password that its address may have.
        where = call.url.authority + (f" (through the proxy {URL(proxy).host}:{URL(proxy).port})" if proxy else "")
        try:
            async with self._session.request(
                call.method,
                call.url,
                headers=headers,
                data=stream if stream is not None else (call.body or None),
                allow_redirects=False,
                timeout=self._timeout,
                proxy=proxy,
                ssl=self._routes.tls(call.url),
                skip_auto_headers=("Content-Type",),
            ) as response:
                yield response
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as cause:
            raise UpstreamError(
                f"{where}: {failure(cause, self.advice.tls) or f'TLS failed: {_reason(cause)}'}"
            ) from cause
        except aiohttp.ClientConnectorError as cause:
            if words := refusal(cause):
                raise UpstreamError(f"{where} cannot be reached: {words}") from cause
            raise Unreachable(f"{where} cannot be reached: {unreachable(cause)}") from cause
        except aiohttp.InvalidURL as cause:
            raise UpstreamError(f"{where} cannot be reached: its host is no canonical address") from cause
        except aiohttp.ClientHttpProxyError as cause:
            raise Unreachable(f"{where} cannot be reached: the proxy answered {cause.status}") from cause
        except aiohttp.ConnectionTimeoutError as cause:
            raise Unreachable(f"{where} cannot be reached: it did not answer in time") from cause
        except TimeoutError as cause:
            raise Broken(f"{where} fell silent") from cause
        except (aiohttp.ClientError, OSError) as cause:
            raise Broken(f"the connection to {where} broke: {_reason(cause)}") from cause


def _reason(cause: BaseException) -> str:
    if isinstance(cause, aiohttp.ClientResponseError):
        return "what it answered is no HTTP"  # its own words tell the URL, which may be signed
    inner = getattr(cause, "os_error", None) or getattr(cause, "certificate_error", None) or cause
    number = getattr(inner, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number).lower()
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__


def is_loopback(host: str) -> bool:
    """Whether a host (an address without brackets) is this machine by its very name, whatever a resolver says."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
