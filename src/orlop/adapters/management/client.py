"""Requests to one server: signed in with Basic, answers read in bounds, problem details turned into errors."""

import base64
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
import msgspec
from yarl import URL

from orlop.adapters.tls import client_context, failure, hint, speaks_tls, unreachable, wants_tls
from orlop.ports.management import DeviceCode, DeviceToken, Reply, RequestRefused
from orlop.ports.upstream import UpstreamError

PREFIX = "/api/v1"

_FORM = "application/x-www-form-urlencoded"
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

T = TypeVar("T")

#: No answer is longer.
_LIMIT = 16 * 1024 * 1024
_TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=15)
#: How often a request is sent that may be sent again.
_TRIES = 3


class _Problem(msgspec.Struct):
    detail: str = ""
    code: str = ""


class _OAuthError(msgspec.Struct):
    error: str = ""
    error_description: str = ""


class Server:
    """See ports.management.ManagementServer. `proxy_for` names the proxy for a scheme and host."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: URL,
        authorization: str,
        proxy_for: Callable[[str, str], str | None],
    ) -> None:
        self._session = session
        self._url = url
        self._headers = {"user-agent": "orlop", "accept": "application/json"}
        if authorization:
            self._headers["authorization"] = authorization
        self._proxy = proxy_for(url.scheme, url.host or "")

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        match: str = "",
        create: bool = False,
    ) -> Reply:
        headers = dict(self._headers)
        if body is not None:
            headers["content-type"] = "application/json"
        if match:
            headers["if-match"] = match
        if create:
            headers["if-none-match"] = "*"
        if method == "POST":
            headers["idempotency-key"] = str(uuid.uuid4())
        target = path if path.startswith(PREFIX) else PREFIX + path
        url = self._url.join(URL(target, encoded=True))
        if query:
            url = url.with_query({name: value for name, value in query.items() if value})
        content = b"" if body is None else msgspec.json.encode(body)
        again = method in {"GET", "POST", "PUT"} and not create
        for attempt in range(_TRIES if again else 1):
            try:
                return await self._once(method, url, headers, content)
            except (aiohttp.ClientConnectionError, TimeoutError) as cause:
                if isinstance(cause, aiohttp.ClientConnectorError) or attempt + 1 == (_TRIES if again else 1):
                    raise UpstreamError(f"{self._url.authority} {await self._words(cause)}") from cause
        raise AssertionError("unreachable")

    async def metrics(self) -> str:
        """See ports.management.ManagementServer."""
        headers = {"user-agent": "orlop"}
        try:
            async with self._session.get(
                self._url.join(URL("/metrics")),
                headers=headers,
                allow_redirects=False,
                timeout=_TIMEOUT,
                proxy=self._proxy,
            ) as response:
                content = b""
                while len(content) <= _LIMIT and (piece := await response.content.read(_LIMIT + 1 - len(content))):
                    content += piece
        except (aiohttp.ClientError, TimeoutError) as cause:
            raise UpstreamError(f"{self._url.authority} {await self._words(cause)}") from cause
        if response.status != 200 or len(content) > _LIMIT:
            raise UpstreamError(f"{self._url.authority} does not tell its metrics ({response.status})")
        return content.decode("utf-8", "replace")

    async def begin(self, client: str) -> DeviceCode:
        """See ports.management.DeviceServer."""
        return await self._form("/token/device", {"client_id": client}, DeviceCode)

    async def redeem(self, device_code: str) -> DeviceToken:
        """See ports.management.DeviceServer."""
        return await self._form("/token", {"grant_type": _DEVICE_GRANT, "device_code": device_code}, DeviceToken)

    async def _form(self, path: str, fields: Mapping[str, str], kind: type[T]) -> T:
        """A form for the token server. What is answered is for one time, so nothing is sent again."""
        headers = {**self._headers, "content-type": _FORM}
        try:
            reply = await self._once("POST", self._url.join(URL(path)), headers, urlencode(fields).encode())
        except (aiohttp.ClientConnectionError, TimeoutError) as cause:
            raise UpstreamError(f"{self._url.authority} {await self._words(cause)}") from cause
        try:
            return msgspec.convert(reply.value, kind)
        except msgspec.ValidationError as cause:
            raise self._stranger() from cause

    async def _once(self, method: str, url: URL, headers: dict[str, str], content: bytes) -> Reply:
        async with self._session.request(
            method,
            url,
            headers=headers,
            data=BytesIO(content) if content else None,
            allow_redirects=False,
            timeout=_TIMEOUT,
            proxy=self._proxy,
        ) as response:
            try:
                text = await response.content.read(_LIMIT + 1)
                while len(text) <= _LIMIT and (piece := await response.content.read(_LIMIT + 1 - len(text))):
                    text += piece
            except aiohttp.ClientPayloadError as cause:
                raise UpstreamError(f"{self._url.authority} broke off its answer") from cause
            if len(text) > _LIMIT:
                raise UpstreamError(f"{self._url.authority} answers without end")
            kind = response.headers.get("content-type", "").partition(";")[0]
            if response.status >= 300:
                if headers.get("content-type") == _FORM:
                    raise self._oauth_refusal(response.status, text)
                raise self._refusal(response.status, kind, text)
            if response.status == 204 or not text:
                return Reply(version=response.headers.get("etag", ""))
            if kind != "application/json" and not kind.endswith("+json"):
                raise self._stranger()
            try:
                value = msgspec.json.decode(text)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
                raise self._stranger() from cause
            return Reply(value, response.headers.get("etag", ""), _next(response.headers.get("link", "")))

    async def _words(self, cause: BaseException) -> str:
        """What an error says, after the name of the server."""
        if words := failure(cause):
            return f"cannot be used: {words}"
        if isinstance(cause, aiohttp.ClientConnectorError):
            return f"cannot be reached: {unreachable(cause)}"
        if isinstance(cause, TimeoutError):
            return "cannot be reached: no answer in time"
        if self._url.scheme == "http" and await speaks_tls(self._url.host or "", self._url.port or 80):
            return f"cannot be used: {hint()}"
        return "cannot be reached: the connection broke"

    def _refusal(self, status: int, kind: str, text: bytes) -> Exception:
        if self._url.scheme == "http" and wants_tls(status, text):
            return UpstreamError(f"{self._url.authority} cannot be used: {hint()}")
        if kind != "application/problem+json":
            return self._stranger()
        try:
            problem = msgspec.json.decode(text, type=_Problem)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._stranger()
        said = "".join(c if c.isprintable() else " " for c in problem.detail[:1000])
        return RequestRefused(said or f"the server refused ({status})", status=status, code=problem.code[:64])

    def _oauth_refusal(self, status: int, text: bytes) -> Exception:
        """What a token server says (RFC 6749, section 5.2); of another server that there is none."""
        if self._url.scheme == "http" and wants_tls(status, text):
            return UpstreamError(f"{self._url.authority} cannot be used: {hint()}")
        try:
            said = msgspec.json.decode(text, type=_OAuthError)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            said = _OAuthError()
        if not said.error and status not in {404, 405}:
            return self._stranger()
        words = "".join(c if c.isprintable() else " " for c in said.error_description[:1000])
        return RequestRefused(words or f"the server refused ({status})", status=status, code=said.error[:64])

    def _stranger(self) -> UpstreamError:
        return UpstreamError(f"what answers at {self._url.authority} is no Orlop server with a management API")


@asynccontextmanager
async def open_server(
    url: str, name: str, secret: str, proxy_for: Callable[[str, str], str | None], *, verify_tls: bool, ca: str = ""
) -> AsyncGenerator[Server, None]:
    """A server until the block ends; without a name nobody is signed in."""
    connector = aiohttp.TCPConnector(ssl=client_context(verify=verify_tls, ca=ca))
    pair = base64.b64encode(f"{name}:{secret}".encode()).decode()
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
    ) as session:
        yield Server(session, URL(url), f"Basic {pair}" if name else "", proxy_for)


def _next(link: str) -> str:
    """The path that a Link header calls the next; never one on another server."""
    target, _, parameters = link.partition(">")
    if 'rel="next"' not in parameters or not target.startswith(f"<{PREFIX}/"):
        return ""
    return target.removeprefix("<")
