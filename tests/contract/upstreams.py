"""What every catalog keeps to about how upstreams fare (ports.upstreams.UpstreamStates)."""

import asyncio

import msgspec

from orlop.adapters.sql.catalog import OpenCatalog
from orlop.domain.events import EventKind
from orlop.domain.upstreams.breaker import Breaker
from orlop.domain.upstreams.budget import Budget
from orlop.domain.upstreams.showing import Showing
from orlop.domain.upstreams.state import UpstreamState
from orlop.domain.upstreams.upstream import UPSTREAMS, Upstream
from orlop.ports.by import By
from orlop.ports.settings import Document
from tests.contract.scene import START

HUB = Upstream(url="https://registry.example.org")


async def shown(opened: OpenCatalog, path: str = "hub", name: str = "hub") -> Showing:
    """A setting, new."""
    document = Document(UPSTREAMS.kind, name, msgspec.json.encode(HUB), path=path)
    made = await opened.identity.documents.put(document, By("root", START), rights=False)
    return Showing(path, name, made.identity, HUB)


def failed(at: int, error: str = "it fell silent") -> UpstreamState:
    """What a worker tells that ran into a time-out."""
    return UpstreamState(breaker=Breaker().failed(at, silent=True), last_error=error, last_error_at=at)


async def changes(opened: OpenCatalog) -> list[tuple[str, str, str, str]]:
    """What the outbox has of upstreams."""
    return [
        (event.kind.value, event.repository, event.subject, event.detail)
        for event in await opened.catalog.outbox.events(0, 100)
        if event.kind in {EventKind.UPSTREAM_AWAY, EventKind.UPSTREAM_BACK}
    ]


class UpstreamStatesKit:
    """Needs the fixture `opened`: an empty catalog."""

    async def test_what_processes_find_is_put_together(self, opened: OpenCatalog) -> None:
        states, hub = opened.catalog.upstream_states, await shown(opened)
        assert await states.get(hub.identity) is None
        assert await states.all() == ()
        one = UpstreamState(
            last_ok_at=START,
            budgets=(Budget(account="", limit=100, remaining=7, told_at=START, full_at=START + 5),),
            hits=3 << 40,
            misses=2,
            bytes_in=5 << 50,
        )
        assert await states.report(hub, one, By("orlop", START)) == one
        both = one.merged(one)
        assert await states.report(hub, one, By("orlop", START)) == both
        assert await states.get(hub.identity) == both
        other = await shown(opened, "quay", "quay")
        await states.report(other, UpstreamState(hits=1), By("orlop", START))
        assert dict(await states.all()) == {hub.identity: both, other.identity: UpstreamState(hits=1)}

    async def test_that_it_is_away_and_back_is_told_once(self, opened: OpenCatalog) -> None:
        states, hub = opened.catalog.upstream_states, await shown(opened)
        for at in (START + 1, START + 2):
            await states.report(hub, failed(at), By("orlop", at))
        found = await states.get(hub.identity)
        assert found is not None
        assert found.breaker.away_since == START + 2
        again = UpstreamState(breaker=found.breaker.probed(START + 9).failed(START + 10), last_error_at=START + 10)
        await states.report(hub, again, By("orlop", START + 10))
        assert await changes(opened) == [("upstream.away", "hub", "upstream hub", "it fell silent")]
        back = UpstreamState(breaker=again.breaker.answered(START + 11))
        for _ in range(2):
            await states.report(hub, back, By("orlop", START + 11))
        assert await changes(opened) == [
            ("upstream.away", "hub", "upstream hub", "it fell silent"),
            ("upstream.back", "hub", "upstream hub", ""),
        ]

    async def test_one_process_of_all_probes(self, opened: OpenCatalog) -> None:
        states, hub = opened.catalog.upstream_states, await shown(opened)
        away = failed(START).breaker
        assert await states.probe(hub.identity, away, away.probed(START + 5)) is False
        await states.report(hub, failed(START), By("orlop", START))
        probing = [away.probed(START + at) for at in range(5, 9)]
        won = await asyncio.gather(*(states.probe(hub.identity, away, each) for each in probing))
        assert sorted(won) == [False, False, False, True]
        found = await states.get(hub.identity)
        assert found is not None
        assert found.breaker == probing[won.index(True)]

    async def test_what_is_removed_and_made_anew_is_another(self, opened: OpenCatalog) -> None:
        states, hub = opened.catalog.upstream_states, await shown(opened)
        await states.report(hub, failed(START), By("orlop", START))
        await opened.identity.documents.remove(UPSTREAMS.kind, "hub", By("root", START), path="hub", rights=False)
        assert await states.all() == ()
        assert await states.report(hub, failed(START + 1), By("orlop", START)) is None
        anew = await shown(opened)
        assert anew.identity != hub.identity
        assert await states.report(hub, failed(START + 1), By("orlop", START)) is None
        assert await states.get(anew.identity) is None
