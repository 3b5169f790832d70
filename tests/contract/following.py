"""What every catalog keeps to about followers (ports.following.Cursors)."""

import pytest

from orlop.adapters.sql.catalog import OpenCatalog
from orlop.domain.errors import Conflict, Stale
from orlop.domain.events import Event, EventKind
from orlop.ports.catalog import By
from orlop.ports.clock import SECOND
from orlop.ports.following import Follower, Stream, Trouble
from orlop.ports.jobs import Lease
from tests.contract.scene import START

ONE = Follower("one", Stream.OUTBOX, "one", "follow-one")
OTHER = Follower("other", Stream.OUTBOX, "other", "follow-other")
LOG = Follower("log", Stream.AUDIT, "log", "follow-log")
ROOT = By("root", START)


async def leased(opened: OpenCatalog, owner: str = "me", *, now: int = START) -> Lease:
    """The lease to follow with."""
    lease = await opened.leases.acquire(ONE.job, owner, now=now, until=now + SECOND)
    assert lease is not None
    return lease


async def happen(opened: OpenCatalog, count: int) -> list[int]:
    """Things happen; the ids of all there were."""
    events = [Event(at=START + place, kind=EventKind.REFUSED, actor="eve") for place in range(count)]
    await opened.audit.writer.write(events)
    return [event.id for event in await opened.catalog.outbox.events(0, 1000)]


class CursorsKit:
    """Needs the fixture `opened`: an empty catalog."""

    async def test_a_cursor_moves_with_the_lease_from_where_it_stands(self, opened: OpenCatalog) -> None:
        cursors, lease = opened.cursors, await leased(opened)
        assert await cursors.position(ONE) == 0
        await cursors.advance(ONE, 0, 7, lease)
        await cursors.advance(LOG, 0, 3, lease)
        assert (await cursors.position(ONE), await cursors.position(LOG)) == (7, 3)
        with pytest.raises(Stale):
            await cursors.advance(ONE, 0, 9, lease)
        await leased(opened, "somebody else", now=START + SECOND)
        with pytest.raises(Stale):
            await cursors.advance(ONE, 7, 9, lease)
        assert await cursors.position(ONE) == 7

    async def test_events_stay_until_every_follower_of_the_outbox_has_read_them(self, opened: OpenCatalog) -> None:
        ids, lease = await happen(opened, 5), await leased(opened)
        await opened.cursors.register(ONE)
        await opened.cursors.register(OTHER)
        await opened.cursors.register(LOG)
        await opened.cursors.advance(ONE, 0, ids[-1], lease)
        assert await opened.audit.readers.trim(keep=1, limit=10) == 0
        await opened.cursors.advance(OTHER, 0, ids[2], lease)
        assert await opened.audit.readers.trim(keep=1, limit=10) == 3

    async def test_how_far_behind_is_counted_in_events_and_time(self, opened: OpenCatalog) -> None:
        ids, lease = await happen(opened, 5), await leased(opened)
        state = await opened.cursors.state(ONE)
        assert (state.position, state.behind, state.oldest_at, state.trouble) == (0, 5, START, None)
        await opened.cursors.advance(ONE, 0, ids[1], lease)
        state = await opened.cursors.state(ONE)
        assert (state.behind, state.oldest_at) == (3, START + 2)
        await opened.cursors.advance(ONE, ids[1], ids[-1], lease)
        state = await opened.cursors.state(ONE)
        assert (state.behind, state.oldest_at) == (0, 0)

    async def test_what_it_fails_at_is_counted_until_it_goes_on(self, opened: OpenCatalog) -> None:
        cursors, lease = opened.cursors, await leased(opened)
        await cursors.stumble(ONE, 3, "it is away", START + 1)
        await cursors.stumble(ONE, 1, "it is still away", START + 9)
        trouble = (await cursors.state(ONE)).trouble
        assert trouble == Trouble(1, 2, START + 1, START + 9, "it is still away")
        assert (await cursors.state(OTHER)).trouble is None
        await cursors.advance(ONE, 0, 1, lease)
        assert (await cursors.state(ONE)).trouble is None
        await cursors.stumble(LOG, 1, "no", START)
        await cursors.recover(LOG)
        assert (await cursors.state(LOG)).trouble is None

    async def test_what_it_fails_at_can_be_skipped_and_nothing_else(self, opened: OpenCatalog) -> None:
        cursors, lease = opened.cursors, await leased(opened)
        await cursors.register(ONE)
        with pytest.raises(Conflict):
            await cursors.skip(ONE, 4, ROOT)
        await cursors.stumble(ONE, 4, "it makes no sense", START)
        with pytest.raises(Conflict):
            await cursors.skip(ONE, 5, ROOT)
        await cursors.skip(ONE, 4, ROOT)
        state = await cursors.state(ONE)
        assert (state.position, state.trouble) == (4, None)
        [event] = [each for each in await opened.catalog.outbox.events(0, 100) if each.kind == "follower.skipped"]
        assert (event.actor, event.subject, event.detail) == ("root", "one", "4: it makes no sense")
        with pytest.raises(Conflict):
            await cursors.skip(ONE, 4, ROOT)
        with pytest.raises(Stale):  # who was about to move it from before that does not
            await cursors.advance(ONE, 0, 4, lease)
