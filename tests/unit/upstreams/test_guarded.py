"""Upstreams that are away, slow or busy: who is sent there, who waits, and what is told to others."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import web

from orlop.adapters.sql.catalog import OpenCatalog
from orlop.adapters.sql.memory import open_memory
from orlop.adapters.upstream.pool import PATIENCE, RemotePool
from orlop.domain.durations import SECOND
from orlop.domain.errors import ManifestUnknown, TooManyRequests, Unavailable, UpstreamAway
from orlop.domain.names import RepositoryName
from orlop.domain.upstreams.breaker import REST, BreakerState
from orlop.domain.upstreams.budget import Need
from orlop.domain.upstreams.showing import Showing
from orlop.domain.upstreams.state import UpstreamState
from orlop.domain.upstreams.upstream import UPSTREAMS, Credential, Upstream
from orlop.ports.by import By
from orlop.ports.settings import Document
from orlop.ports.upstreams import RemoteContent
from orlop.services.upstreams.guarded import Bounds, GuardedRemotes
from orlop.services.upstreams.standing import BudgetSpent, Standings
from tests import content
from tests.clientside.loopback import Loopback, serving
from tests.clientside.memoryregistry import MemoryRegistry
from tests.remotes.scene import HERE, SURROUNDINGS, fetcher

IMAGE = content.image("app", layers=["base"])
LAYER = IMAGE.blobs[1]
APP = RepositoryName("team/app")
BOUNDS = Bounds(cached=0.2, described=0.6, manifest=0.6, first_bytes=0.6, stall=0.6)


class SteppedClock:
    """Stands where a test puts it, and moves with what it waits for."""

    def __init__(self) -> None:
        self.at = 20_000 * 86_400 * SECOND

    def now(self) -> int:
        return self.at


class Counting:
    """See Meter."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self.pulls: Counter[str] = Counter()
        self.bytes = 0

    def requested(self, upstream: str, outcome: str) -> None:
        self.requests[upstream, outcome] += 1

    def pulled(self, upstream: str, hits: int, misses: int) -> None:
        self.pulls.update(hits=hits, misses=misses)

    def received(self, upstream: str, size: int) -> None:
        self.bytes += size


class Moody(MemoryRegistry):
    """A registry that answers as a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.keep(APP, IMAGE, "1")
        self.status = 0
        self.headers: dict[str, str] = {}
        self.swallows = False
        self.free = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        if self.swallows:
            await self.free.wait()
        if self.status:
            return web.Response(status=self.status, headers=self.headers)
        answer = await super().handle(request)
        if not answer.prepared:
            answer.headers.update(self.headers)
        return answer


class Process:
    """One worker of several that share a catalog."""

    def __init__(self, opened: OpenCatalog, clock: SteppedClock, showing: Showing) -> None:
        self.meter = Counting()
        self.standings = Standings(opened.catalog.upstream_states, clock, self.meter)
        pool = RemotePool(HERE, fetcher(), SURROUNDINGS, self.standings, msgspec.structs.replace(PATIENCE, attempts=1))
        self.remotes = GuardedRemotes(pool, self.standings, clock, BOUNDS)
        self.showing = showing

    async def remote(self, need: Need = Need.FIRST) -> RemoteContent:
        """The repository."""
        return await self.remotes.repository(self.showing, APP, need)

    async def resolve(self, need: Need = Need.FIRST) -> str:
        """What the tag leads to."""
        return (await (await self.remote(need)).resolve("1")).digest

    async def close(self) -> None:
        """Let go of everything."""
        await self.remotes.close()
        await self.standings.close()


class Scene:
    """A registry, and workers that show it."""

    def __init__(self, registry: Moody, server: Loopback, opened: OpenCatalog, clock: SteppedClock) -> None:
        self.registry = registry
        self.server = server
        self.opened = opened
        self.clock = clock
        self.processes: list[Process] = []

    async def process(self, **fields: object) -> Process:
        """One worker more."""
        upstream = msgspec.convert({"url": self.server.url, **fields}, Upstream)
        body = msgspec.json.encode(upstream)
        document = Document(UPSTREAMS.kind, "hub", body, path="hub")
        made = await self.opened.identity.documents.put(document, By("root", 1), rights=False)
        process = Process(self.opened, self.clock, Showing("hub", "hub", made.identity, upstream))
        self.processes.append(process)
        return process

    async def state(self) -> UpstreamState:
        """What is written."""
        [(_, found)] = await self.opened.catalog.upstream_states.all()
        return found

    async def changes(self) -> list[str]:
        """What the outbox has of upstreams."""
        events = await self.opened.catalog.outbox.events(0, 100)
        return [event.kind.value for event in events if event.kind.startswith("upstream.")]

    @property
    def asked(self) -> int:
        """Requests that came."""
        return len(self.server.seen)


@asynccontextmanager
async def scene() -> AsyncGenerator[Scene, None]:
    """Until the block ends."""
    registry, opened = Moody(), open_memory()
    async with serving(registry.handle) as server:
        made = Scene(registry, server, opened, SteppedClock())
        try:
            yield made
        finally:
            registry.free.set()
            for process in made.processes:
                await process.close()
            await opened.engine.close()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something to become true."""
    for _ in range(500):
        if await true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not become true")


async def test_what_answers_is_asked_and_counted() -> None:
    async with scene() as here:
        one = await here.process()
        remote = await one.remote()
        assert await one.resolve() == IMAGE.digest
        manifest = await remote.fetch("1")
        assert await remote.stat_blob(LAYER.digest) == LAYER.size
        assert b"".join([piece async for piece in remote.read_blob(LAYER.digest, LAYER.size)]) == LAYER.content
        assert [tag async for tag in remote.tags()] == ["1"]
        assert [each async for each in remote.referrers(IMAGE.digest)] == []
        one.standings.pulled(one.showing, 3)
        await one.standings.tell()
        found = await here.state()
        size = len(manifest.content) + LAYER.size
        assert (found.last_ok_at, found.bytes_in, found.hits, found.misses) == (here.clock.at, size, 2, 1)
        assert one.meter.bytes == size
        assert one.meter.pulls == {"hits": 2, "misses": 1}
        assert set(one.meter.requests) <= {("hub/hub", "answered"), ("hub/hub", "missing")}
        assert await here.changes() == []


async def test_an_upstream_that_is_offline_by_its_setting_is_not_asked() -> None:
    async with scene() as here:
        one = await here.process(offline=True)
        with pytest.raises(Unavailable, match="is offline by its setting"):
            await one.resolve()
        assert here.asked == 0


async def test_errors_in_a_row_open_the_breaker_for_all_and_one_probe_closes_it() -> None:
    async with scene() as here:
        one, two = await here.process(), await here.process()
        here.registry.status = 503
        for _ in range(3):
            with pytest.raises(Unavailable):
                await one.resolve()
        asked = here.asked
        await until(lambda: _opened(here))
        for process in (one, two):
            with pytest.raises(Unavailable, match="is asked again in 5 seconds"):
                await process.resolve()
        assert here.asked == asked
        here.clock.at += REST
        here.registry.status = 0
        results = await asyncio.gather(one.resolve(), two.resolve(), return_exceptions=True)
        assert sorted(type(each) for each in results if isinstance(each, Exception)) == [UpstreamAway]
        assert here.asked == asked + 1
        await one.standings.close()
        await two.standings.close()
        here.clock.at += SECOND
        assert await one.resolve() == await two.resolve() == IMAGE.digest
        assert await here.changes() == ["upstream.away", "upstream.back"]


async def _opened(here: Scene) -> bool:
    states = await here.opened.catalog.upstream_states.all()
    return any(state.breaker.state is BreakerState.OPEN for _, state in states)


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refusal_is_an_answer(status: int) -> None:
    async with scene() as here:
        one = await here.process()
        here.registry.status = status
        for _ in range(5):
            with pytest.raises(Exception, match=r"."):
                await one.resolve()
        assert here.asked >= 5
        assert await here.changes() == []


async def test_whoever_has_something_to_serve_waits_once_and_what_comes_late_is_for_the_next() -> None:
    async with scene() as here:
        one = await here.process()
        here.registry.swallows = True
        with pytest.raises(Unavailable, match="did not answer in time"):
            await one.resolve(Need.AGAIN)
        for _ in range(20):
            with pytest.raises(Unavailable, match="takes long to answer"):
                await one.resolve(Need.AGAIN)
        assert here.asked == 1
        here.registry.free.set()
        here.registry.swallows = False
        await until(lambda: _resolved(one))
        assert here.asked == 1
        assert await here.changes() == []


async def _resolved(process: Process) -> bool:
    try:
        return await process.resolve(Need.AGAIN) == IMAGE.digest
    except Unavailable:
        return False


async def test_an_upstream_that_says_nothing_is_away_and_probed_by_nobody_who_waits() -> None:
    async with scene() as here:
        one, two = await here.process(), await here.process()
        here.registry.swallows = True

        async def pass_time() -> None:
            await asyncio.sleep(0.1)
            here.clock.at += 3 * SECOND

        passing = asyncio.ensure_future(pass_time())
        with pytest.raises(Unavailable, match=r"did not answer within 0\.6 seconds"):
            await one.resolve()
        await passing
        await until(lambda: _opened(here))
        for process in (one, two):
            for need in Need:
                with pytest.raises(Unavailable, match="is away: the upstream hub"):
                    await process.resolve(need)
        assert here.asked == 1
        here.clock.at += REST
        with pytest.raises(Unavailable, match="did not answer in time"):  # it probes, and does not wait
            await two.resolve(Need.AGAIN)
        with pytest.raises(Unavailable, match="is away"):
            await one.resolve()
        here.registry.free.set()
        here.registry.swallows = False
        await until(lambda: _resolved(two))
        assert here.asked == 2
        assert await here.changes() == ["upstream.away", "upstream.back"]


async def test_429_is_for_one_account_and_the_others_go_on() -> None:
    async with scene() as here:
        accounts = {"user": "ann", "password": "a", "credentials": (Credential(user="bob", password="b"),)}
        one = await here.process(**accounts)
        here.registry.status, here.registry.headers = 429, {"Retry-After": "30"}
        for _ in range(2):
            with pytest.raises(TooManyRequests):
                await one.resolve()
        with pytest.raises(BudgetSpent, match="not asked for 30 seconds: it answered 429") as refusal:
            await one.resolve()
        assert refusal.value.retry_after == 30
        assert here.asked == 2
        await one.standings.tell()
        two = await here.process(**accounts)
        with pytest.raises(BudgetSpent):
            await two.resolve()
        assert {each.account: each.blocked(here.clock.at) for each in (await here.state()).budgets} == {
            "ann": True,
            "bob": True,
        }
        here.clock.at += 31 * SECOND
        here.registry.status = 0
        assert await two.resolve() == IMAGE.digest
        assert await here.changes() == []


async def test_what_was_never_pulled_has_the_last_tenth_of_a_budget() -> None:
    async with scene() as here:
        one = await here.process()
        here.registry.headers = {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "10;w=21600"}
        await one.resolve()
        for need in (Need.AGAIN, Need.AHEAD):
            with pytest.raises(BudgetSpent, match="what is left is kept for what was never pulled"):
                await one.resolve(need)
        assert await one.resolve(Need.FIRST) == IMAGE.digest
        assert await one.resolve(Need.FREE) == IMAGE.digest
        await one.standings.tell()
        [budget] = (await here.state()).budgets
        assert (budget.limit, budget.remaining) == (100, 10)


async def test_an_unknown_tag_is_told_as_such() -> None:
    async with scene() as here:
        one = await here.process()
        with pytest.raises(ManifestUnknown):
            await (await one.remote()).resolve("2")


async def test_what_stalls_in_a_blob_is_broken_off() -> None:
    async with scene() as here:
        one = await here.process()
        here.registry.swallows = True
        with pytest.raises(Unavailable, match="did not answer within"):
            async for _ in (await one.remote()).read_blob(LAYER.digest, LAYER.size):
                pass


async def test_a_setting_that_is_removed_is_forgotten() -> None:
    async with scene() as here:
        one = await here.process()
        await one.resolve()
        await here.opened.identity.documents.remove(UPSTREAMS.kind, "hub", By("root", 1), path="hub", rights=False)
        await one.standings.tell()
        assert await here.opened.catalog.upstream_states.all() == ()
