"""One registry over HTTP: signs in when asked, follows redirects without taking credentials along, tries again."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

import aiohttp
import msgspec
from yarl import URL

from orlop.adapters.tls import hint, speaks_tls
from orlop.adapters.upstream.bodies import read_bounded
from orlop.adapters.upstream.current import CurrentCredentials, Fixed
from orlop.adapters.upstream.errors import words_of
from orlop.adapters.upstream.patience import RETRIED, Patience, Surroundings, Waiting, parse_retry_after
from orlop.adapters.upstream.tokens import Authorizer
from orlop.adapters.upstream.transport import (
    SMALL,
    Answer,
    Broken,
    Call,
    Transport,
    Unreachable,
    follow,
    site,
)
from orlop.ports.upstream import UpstreamError

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Witness(Protocol):
    """Is told how a registry fares: the registry itself, and not those that it redirects to."""

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """It answered; the names of headers are in lower case."""
        ...

    def failed(self, error: UpstreamError) -> None:
        """It, or the server that it has tokens from, was not reached or broke off."""
        ...


class _Nobody:
    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """Nobody wants to know."""

    def failed(self, error: UpstreamError) -> None:
        """Nobody wants to know."""


_NOBODY = _Nobody()
_NO_ONE = Fixed(None)


class Connection:
    """Requests to the registry at `base`, on behalf of whoever `credentials` are of."""

    def __init__(
        self,
        base: URL,
        transport: Transport,
        patience: Patience,
        surroundings: Surroundings,
        credentials: CurrentCredentials = _NO_ONE,
        trusted_realms: frozenset[str] = frozenset(),
        witness: Witness = _NOBODY,
    ) -> None:
        self.base = base
        self._witness = witness
        self.patience = patience
        self._site = site(base)
        self._transport = transport
        self._surroundings = surroundings
        self._waiting = Waiting(surroundings)
        self._authorizer = Authorizer(
            self._site,
            credentials,
            self.ask,
            surroundings.monotonic,
            trusted_realms,
            transport.advice,
            careful=patience.careful,
        )
        self._reached = False

    async def read(self, call: Call, limit: int = SMALL) -> Answer:
        """Send a request that may be repeated and read its answer, whatever its status, with at most `limit` bytes.

        With a limit of 0 the whole body of a success is left unread.
        Raises UpstreamError when no try brought an answer.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                async with self._exchange(call) as response:
                    answer = await self.answer(response, limit)
            except (Unreachable, Broken) as broken:
                await self._refuse_mistaken(broken)
                await self.wait_after(attempt, broken)
                continue
            if answer.status not in RETRIED:
                return answer
            if not await self.wait_for(attempt, answer.retry_after, words_of(answer)):
                return answer

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        """One try at a request whose answer is streamed; the caller goes on after Unreachable, Broken and `RETRIED`."""
        async with self._exchange(call) as response:
            yield response

    async def stream(self, call: Call, body: AsyncIterator[bytes]) -> Answer:
        """One try at a request whose body is streamed, with whatever sign-in is at hand."""
        own = site(call.url) == self._site
        authorization = await self._authorizer.header(call.scopes) if own else None
        async with self._transport.send(call, authorization, body) as response:
            return await self.answer(response, SMALL)

    def tell(self, sentence: str) -> None:
        """Say what whoever waits should know of an answer that is less than it should be."""
        self._surroundings.tell(sentence)

    async def wait_after(self, attempt: int, failure: UpstreamError) -> None:
        """Wait before the try after `attempt`; raises `failure` when there is to be none.

        A registry that has never answered is more likely misspelt than busy, so it is not asked again.
        """
        hopeless = isinstance(failure, Unreachable) and not self._reached
        delay = None if hopeless else self.patience.delay(attempt, None, self._surroundings.jitter())
        if delay is None:
            raise failure
        await self._waiting.wait(delay, self._of_it(failure.message))

    async def _refuse_mistaken(self, broken: UpstreamError) -> None:
        """Raises UpstreamError for a server that breaks off at the first word of plain http, because it wants TLS."""
        if self._reached or self._site.scheme != "http" or not isinstance(broken, Broken):
            return
        if not self._transport.advice.probes:
            return
        if await speaks_tls(self._site.host, self._site.port):
            raise UpstreamError(f"{self._site.authority}: {hint(self._transport.advice.tls)}") from broken

    async def wait_for(self, attempt: int, retry_after: float | None, why: str) -> bool:
        """Wait before the try after `attempt`, because of `why`; False, at once, when there is to be none."""
        delay = self.patience.delay(attempt, retry_after, self._surroundings.jitter())
        if delay is None:
            return False
        await self._waiting.wait(delay, self._of_it(why))
        return True

    def _of_it(self, why: str) -> str:
        return why if self._site.authority in why else f"{self._site.authority}: {why}"

    def retry_after(self, response: aiohttp.ClientResponse) -> float | None:
        """The seconds that an answer asks to wait."""
        return parse_retry_after(response.headers.get("Retry-After"), self._surroundings.wall())

    @asynccontextmanager
    async def _exchange(self, call: Call) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        """Send; on a 401 of the registry itself once more with what it asks for; follow what it redirects to."""
        own = site(call.url) == self._site
        authorization = await self._authorizer.header(call.scopes) if own else None
        async with AsyncExitStack() as stack:
            response = await stack.enter_async_context(self._sent(call, authorization, witnessed=own))
            self._reached = True
            if response.status == 401 and own:
                challenges = response.headers.getall("WWW-Authenticate", [])
                again = await self._authorizer.challenged(challenges, call.scopes, authorization)
                if again is not None:
                    await stack.aclose()
                    authorization = again
                    response = await stack.enter_async_context(self._sent(call, authorization, witnessed=True))
            hops = 0
            while response.status in _REDIRECTS and call.method in ("GET", "HEAD"):
                hops += 1
                if hops > self.patience.redirects:
                    raise UpstreamError(f"{call.url.authority} redirects more than {self.patience.redirects} times")
                target = follow(response.url, response.headers.get("Location", ""))
                await stack.aclose()
                call = msgspec.structs.replace(call, url=target)
                # Credentials belong to an origin, and stay behind even when a later hop leads back to it.
                authorization = authorization if site(target) == self._site else None
                response = await stack.enter_async_context(self._transport.send(call, authorization))
            if response.status not in RETRIED:
                self._waiting.answered()
            yield response

    @asynccontextmanager
    async def _sent(
        self, call: Call, authorization: str | None, *, witnessed: bool
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        if not witnessed:
            async with self._transport.send(call, authorization) as response:
                yield response
            return
        try:
            async with self._transport.send(call, authorization) as response:
                self._witness.answered(response.status, _headers(response))
                yield response
        except UpstreamError as error:
            self._witness.failed(error)
            raise

    async def ask(self, call: Call) -> Answer:
        """A request to whoever gives out tokens: its own Authorization, no redirect, tried again like any other."""
        attempt = 0
        while True:
            attempt += 1
            try:
                async with self._transport.send(call) as response:
                    answer = await self.answer(response, SMALL)
            except (Unreachable, Broken) as broken:
                self._witness.failed(broken)
                await self.wait_after(attempt, broken)
                continue
            if answer.status not in RETRIED or not await self.wait_for(attempt, answer.retry_after, words_of(answer)):
                return answer

    async def answer(self, response: aiohttp.ClientResponse, limit: int) -> Answer:
        """An answer that was opened, read; see `read` for the limit."""
        headers = _headers(response)
        unread = limit == 0 and response.status == 200
        body = b"" if unread else await read_bounded(response, limit or SMALL)
        return Answer(
            response.status,
            response.reason or "",
            headers,
            body,
            response.url,
            self.retry_after(response),
            self._transport.advice,
        )


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    """With names in lower case, each once."""
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        known = headers.get(name.lower())
        headers[name.lower()] = value if known is None else f"{known}, {value}"
    return headers
