"""Upstreams that may be away or busy: asked only while they are there and have something left, and never for long.

Whoever has something to serve waits a moment, and the call goes on without them: what comes late is for whoever asks
next, and tells whether the upstream is slow or away.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec

from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError, Unavailable, UpstreamAway
from orlop.domain.names import RepositoryName
from orlop.domain.upstreams.budget import Need
from orlop.domain.upstreams.showing import Showing
from orlop.ports.clock import Clock
from orlop.ports.upstream import ManifestContent, Origin, UpstreamError
from orlop.ports.upstreams import RemoteContent, Remotes
from orlop.services.upstreams.standing import BudgetSpent, Standings

T = TypeVar("T")

#: For how many seconds what came late is kept, and how much of it.
_KEPT, _KEPT_MAX = 30.0, 1_000


class Bounds(msgspec.Struct, frozen=True):
    """How long an upstream is waited for, in seconds."""

    cached: float = 1.5
    """By whoever has something to serve."""
    described: float = 10.0
    """For what describes a manifest or a blob, and for a page of a list."""
    manifest: float = 20.0
    """For a whole manifest; what it is begun with comes in `described`, as all that is connected to."""
    first_bytes: float = 15.0
    """Of a blob."""
    stall: float = 60.0
    """Between two pieces of a blob, while a broken transfer is gone on with."""


class GuardedRemotes:
    """See ports.upstreams.Remotes. Raises UpstreamAway at once for what is away, and BudgetSpent for what is busy."""

    def __init__(self, remotes: Remotes, standings: Standings, clock: Clock, bounds: Bounds = Bounds()) -> None:  # noqa: B008 - frozen
        self.remotes = remotes
        self.standings = standings
        self.clock = clock
        self.bounds = bounds
        self.late = LateCalls()

    async def repository(self, showing: Showing, name: RepositoryName, need: Need = Need.FIRST) -> RemoteContent:
        """See Remotes. Nothing is asked yet."""
        return _Guarded(self, showing, name, need)

    async def close(self) -> None:
        """See Remotes."""
        await self.late.close()
        await self.remotes.close()
        await self.standings.close()


class LateCalls:
    """Calls that go on when those who asked were given what is cached."""

    def __init__(self) -> None:
        self._calls: OrderedDict[tuple[str, ...], asyncio.Task[Any]] = OrderedDict()

    def begin(self, key: tuple[str, ...], call: Callable[[], Awaitable[T]]) -> "asyncio.Task[T]":
        """The call that is under way, or came to something since, and is for one who asks; else a new one."""
        task = self._calls.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._calls[key] = asyncio.ensure_future(_run(call))
            task.add_done_callback(lambda done: self._ended(key, done))
            if len(self._calls) > _KEPT_MAX:
                self._calls.popitem(last=False)[1].cancel()
        return task

    def took(self, key: tuple[str, ...], task: "asyncio.Task[Any]") -> None:
        """Somebody has what it came to."""
        if self._calls.get(key) is task:
            del self._calls[key]

    def _ended(self, key: tuple[str, ...], task: "asyncio.Task[Any]") -> None:
        """What it came to is kept for a while, for whoever asks next."""
        failed = task.cancelled() or task.exception() is not None
        asyncio.get_running_loop().call_later(0.0 if failed else _KEPT, self.took, key, task)

    async def close(self) -> None:
        """Break off what is under way."""
        calls, self._calls = list(self._calls.values()), OrderedDict()
        for task in calls:
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


class _Guarded:
    """See ports.upstreams.RemoteContent."""

    def __init__(self, guard: GuardedRemotes, showing: Showing, name: RepositoryName, need: Need) -> None:
        self._guard = guard
        self._showing = showing
        self._name = name
        self._need = need

    @property
    def origin(self) -> Origin | None:
        return Origin(self._showing.upstream.origin.partition("://")[2], self._name)

    async def resolve(self, reference: str) -> Descriptor:
        bounds = self._guard.bounds
        return await self._call(
            ("resolve", reference), self._looking, lambda remote: remote.resolve(reference), bounds.described
        )

    async def fetch(self, reference: str) -> ManifestContent:
        async def fetch(remote: RemoteContent) -> ManifestContent:
            content = await remote.fetch(reference)
            self._guard.standings.received(self._showing, len(content.content))
            if self._need is not Need.AHEAD:
                self._guard.standings.missed(self._showing)
            return content

        return await self._call(("fetch", reference), self._need, fetch, self._guard.bounds.manifest)

    async def stat_blob(self, digest: Digest) -> int | None:
        bounds = self._guard.bounds
        return await self._call(
            ("blob", digest), self._looking, lambda remote: remote.stat_blob(digest), bounds.described
        )

    async def read_blob(self, digest: Digest, size: int, offset: int = 0) -> AsyncGenerator[bytes, None]:
        bounds = self._guard.bounds
        remote = await self._admitted(self._looking)
        pieces = self._each(remote.read_blob(digest, size, offset), bounds.first_bytes, bounds.stall)
        async with aclosing(pieces):
            async for piece in pieces:
                self._guard.standings.received(self._showing, len(piece))
                yield piece

    async def referrers(self, subject: Digest, artifact_type: str = "") -> AsyncIterator[Descriptor]:
        remote = await self._admitted(self._looking)
        async with aclosing(self._listed(remote.referrers(subject, artifact_type))) as found:
            async for each in found:
                yield each

    async def tags(self, after: str = "") -> AsyncIterator[str]:
        remote = await self._admitted(self._looking)
        async with aclosing(self._listed(remote.tags(after))) as found:
            async for each in found:
                yield each

    @property
    def _looking(self) -> Need:
        """What asking for anything but a manifest's content is: Docker Hub counts that alone ("using GET emulates a
        real pull and will count towards the limit; using HEAD will not", Docker Hub, "Pull usage and limits")."""
        return Need.FREE if self._showing.upstream.is_docker_hub else self._need

    @property
    def _patient(self) -> bool:
        """Whether it is waited for: there is nothing else to serve."""
        return self._need is not Need.AGAIN

    async def _admitted(self, need: Need) -> RemoteContent:
        await self._guard.standings.admit(self._showing, need, patient=self._patient)
        return await self._guard.remotes.repository(self._showing, self._name, need)

    async def _call(
        self, what: tuple[str, str], need: Need, ask: Callable[[RemoteContent], Awaitable[T]], seconds: float
    ) -> T:
        guard, showing = self._guard, self._showing
        probes = await guard.standings.admit(showing, need, patient=self._patient)

        async def call() -> T:
            return await self._bounded(need, ask, seconds)

        if self._patient:
            return await call()
        key = (showing.identity, self._name, *what)
        task = guard.late.begin(key, call)
        if not probes:
            await asyncio.wait([task], timeout=guard.bounds.cached)
        if task.done():
            guard.late.took(key, task)
            return task.result()
        guard.standings.late(showing, 1)
        task.add_done_callback(lambda _: guard.standings.late(showing, -1))
        raise UpstreamAway(f"the upstream {showing.name} ({showing.upstream.host}) did not answer in time")

    async def _bounded(self, need: Need, ask: Callable[[RemoteContent], Awaitable[T]], seconds: float) -> T:
        began = self._guard.clock.now()
        try:
            async with asyncio.timeout(seconds):
                found = await ask(await self._guard.remotes.repository(self._showing, self._name, need))
        except TimeoutError as cause:
            raise self._silent(began, seconds) from cause
        except RegistryError as error:
            self._sign(error, began)
            raise
        self._guard.standings.answered(self._showing)
        return found

    async def _listed(self, entries: AsyncIterator[T]) -> AsyncGenerator[T, None]:
        bounds = self._guard.bounds
        first = bounds.described if self._patient else bounds.cached
        async with aclosing(self._each(entries, first, bounds.described)) as found:
            async for each in found:
                yield each

    async def _each(self, entries: AsyncIterator[T], first: float, later: float) -> AsyncGenerator[T, None]:
        """Each of them, waiting so many seconds for the first and for every other."""
        began, seconds, answered = self._guard.clock.now(), first, False
        ended = object()
        try:
            while True:
                try:
                    async with asyncio.timeout(seconds):
                        entry = await anext(entries, ended)
                except TimeoutError as cause:
                    raise self._silent(began, seconds) from cause
                except RegistryError as error:
                    self._sign(error, began)
                    raise
                if not answered:
                    self._guard.standings.answered(self._showing)
                if entry is ended:
                    return
                yield entry  # type: ignore[misc]
                began, seconds, answered = self._guard.clock.now(), later, True
        finally:
            if isinstance(entries, AsyncGenerator):
                await entries.aclose()

    def _silent(self, began: int, seconds: float) -> UpstreamAway:
        showing = self._showing
        error = UpstreamAway(
            f"the upstream {showing.name} ({showing.upstream.host}) did not answer within {seconds:g} seconds"
        )
        self._guard.standings.away(showing, error, began)
        return error

    def _sign(self, error: RegistryError, began: int) -> None:
        """What an error says of the upstream."""
        if isinstance(error, BudgetSpent):
            return
        if isinstance(error, UpstreamError | Unavailable):
            self._guard.standings.away(self._showing, error, began)
        else:
            self._guard.standings.answered(self._showing)


async def _run(call: Callable[[], Awaitable[T]]) -> T:
    return await call()
