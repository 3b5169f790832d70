"""What every catalog keeps to about the audit log (ports.audit)."""

from collections.abc import Sequence

import msgspec
import pytest

from orlop.domain.audit import BEGINNING, AuditEntry, Chained, Head, begun, chained, extended
from orlop.domain.errors import Stale
from orlop.domain.events import Event, EventKind, Origin
from orlop.ports.audit import AUDIT, AuditKey, AuditStore, Batch, Filter, Tail
from orlop.ports.catalog import Catalog
from orlop.ports.clock import SECOND
from orlop.ports.events import Changes
from orlop.ports.jobs import Lease, Leases
from tests.content import image
from tests.contract.scene import APP, START, V1, Scene

#: What an event says, in full.
REFUSED = Event(
    at=START,
    kind=EventKind.REFUSED,
    actor="mallory",
    repository="team/app",
    tag="v1",
    origin=Origin("token 12 (laptop)", "192.0.2.7", "b7e6"),
    subject="delete",
    detail="grant 3 denies",
    count=17,
    first_at=START - SECOND,
)
PULLED = Event(at=START + 1, kind=EventKind.MANIFEST_PULLED, actor="alice", repository="app", digest="sha256:aa")
ENDLESS = 1 << 62


def entry(sequence: int, kind: EventKind = EventKind.TAG_SET, actor: str = "alice", **rest: str) -> AuditEntry:
    """An entry of an event with the same number."""
    return AuditEntry(sequence=sequence, event=sequence, at=START + sequence, kind=kind.value, actor=actor, **rest)


def head(sequence: int, text: str = "ab") -> Head:
    """A head that nobody signed."""
    return Head(sequence=sequence, hash=text * 32, at=START, key="sha256:00", signature="c2ln")


class Log:
    """Appends as the one who holds the lease."""

    def __init__(self, audit: AuditStore, lease: Lease) -> None:
        self.audit = audit
        self.lease = lease

    async def batch(
        self, entries: Sequence[AuditEntry], *, anew: bool = False, heads: tuple[Head, ...] = (), at: int = START
    ) -> Batch:
        """What these entries make of the log, in the open segment or a new one."""
        tail = await self.audit.log.tail()
        before = tail.segment
        links = chained(before.closing if before else BEGINNING, entries)
        segment = before
        if links:
            if before is None:
                segment = begun(1, BEGINNING, links, at)
            elif anew:
                segment = begun(before.number + 1, before.closing, links, at)
            else:
                segment = extended(before, links, at)
        position = entries[-1].event if entries and entries[-1].event else tail.position
        return Batch(tail, position, links, segment, heads)

    async def append(self, *entries: AuditEntry, anew: bool = False, heads: tuple[Head, ...] = ()) -> None:
        """Append them."""
        await self.audit.log.append(await self.batch(entries, anew=anew, heads=heads), self.lease)


async def opened(audit: AuditStore, leases: Leases) -> Log:
    """The log, with the lease to append."""
    lease = await leases.acquire("audit", "one", now=START, until=START + 60 * SECOND)
    assert lease is not None
    return Log(audit, lease)


def numbers(found: Sequence[Chained]) -> list[int]:
    """Which entries they are."""
    return [each.entry.sequence for each in found]


#: More than a page holds; shorter parts of it are what details are made of.
LONG = "x" * (4 << 20)


class EventWriterKit:
    """Needs the fixtures `catalog`, an empty one, `audit`, its audit log, and `changes`."""

    async def test_what_changes_nothing_is_told_with_everything_it_says(
        self, catalog: Catalog, audit: AuditStore
    ) -> None:
        await audit.writer.write([REFUSED, PULLED])
        first, second = await catalog.outbox.events(0, 10)
        assert 0 < first.id < second.id
        assert [
            (each.at, each.kind, each.actor, each.repository, each.digest, each.tag) for each in (first, second)
        ] == [(each.at, each.kind, each.actor, each.repository, each.digest, each.tag) for each in (REFUSED, PULLED)]
        assert (first.origin, first.subject, first.detail) == (REFUSED.origin, REFUSED.subject, REFUSED.detail)
        assert (first.count, first.first_at) == (17, START - SECOND)
        assert (second.count, second.first_at) == (1, 0)

    async def test_it_stands_among_the_changes(self, catalog: Catalog, audit: AuditStore) -> None:
        scene = Scene(catalog)
        await scene.push(APP, image("one"), V1)
        before = await catalog.outbox.events(0, 100)
        await audit.writer.write([PULLED])
        await catalog.manifests.untag(APP, V1, scene.by())
        kinds = [event.kind for event in await catalog.outbox.events(before[-1].id, 100)]
        assert kinds == [EventKind.MANIFEST_PULLED, EventKind.TAG_DELETED]

    async def test_what_is_read_is_plain_text(self, catalog: Catalog, audit: AuditStore) -> None:
        """Whatever the names were when they were written, so that what reads can write them as JSON."""
        one = image("one")
        await Scene(catalog).push(APP, one, V1)
        await audit.writer.write(
            [Event(at=START, kind=EventKind.MANIFEST_PULLED, repository=APP, digest=one.digest, tag=V1)]
        )
        for event in await catalog.outbox.events(0, 100):
            assert {type(text) for text in (event.repository, event.digest, event.tag, event.subject)} == {str}

    async def test_no_more_is_read_than_a_page_may_hold(self, catalog: Catalog, audit: AuditStore) -> None:
        told = [
            Event(at=START, kind=EventKind.GROUP_CHANGED, detail=LONG[: size << 10]) for size in (800, 900, 1900, 1)
        ]
        await audit.writer.write([*told, msgspec.structs.replace(told[0], detail=LONG)])
        at, counts = 0, []
        while found := await catalog.outbox.events(at, 100):
            counts.append(len(found))
            at = found[-1].id
        assert counts == [2, 2, 1]

    async def test_nothing_is_fine(self, catalog: Catalog, audit: AuditStore) -> None:
        await audit.writer.write([])
        assert await catalog.outbox.events(0, 10) == ()

    async def test_what_others_remember_stays_valid(self, audit: AuditStore, changes: Changes) -> None:
        before = changes.current(changes.place(APP))
        await audit.writer.write([REFUSED])
        assert changes.current(changes.place(APP)) == before


class ReadersKit:
    """Needs the fixtures `catalog`, an empty one, and `audit`, its audit log."""

    async def test_nothing_goes_while_nobody_reads(self, catalog: Catalog, audit: AuditStore) -> None:
        await audit.writer.write([PULLED] * 5)
        assert await audit.readers.trim(keep=1, limit=10) == 0

    async def test_a_new_reader_stands_at_the_beginning_and_holds_everything(
        self, catalog: Catalog, audit: AuditStore, leases: Leases
    ) -> None:
        log = await opened(audit, leases)
        await audit.writer.write([PULLED] * 5)
        await self.read(catalog, log, 5)
        assert await audit.readers.register("webhooks") == 0
        assert await audit.readers.trim(keep=1, limit=10) == 0
        await audit.readers.forget("webhooks")
        assert await audit.readers.trim(keep=1, limit=10) == 4

    async def test_what_was_read_goes_but_for_the_newest(
        self, catalog: Catalog, audit: AuditStore, leases: Leases
    ) -> None:
        log = await opened(audit, leases)
        await audit.writer.write([PULLED] * 8)
        before = await catalog.outbox.events(0, 10)
        await self.read(catalog, log, 6)
        assert await audit.readers.trim(keep=3, limit=2) == 2
        assert await audit.readers.trim(keep=3, limit=10) == 3
        assert await audit.readers.trim(keep=3, limit=10) == 0
        assert await catalog.outbox.events(0, 10) == before[5:]
        assert await audit.readers.trim(keep=0, limit=10) == 1

    async def test_ids_go_on_and_the_last_event_stays(
        self, catalog: Catalog, audit: AuditStore, leases: Leases
    ) -> None:
        log = await opened(audit, leases)
        await audit.writer.write([PULLED] * 3)
        last = (await catalog.outbox.events(0, 10))[-1]
        await self.read(catalog, log, 3)
        assert await audit.readers.trim(keep=0, limit=10) == 2
        await audit.writer.write([REFUSED])
        kept = await catalog.outbox.events(0, 10)
        assert kept[0] == last
        assert kept[1].id > last.id

    async def read(self, catalog: Catalog, log: Log, count: int) -> None:
        """Make entries of the first events."""
        events = await catalog.outbox.events(0, count)
        entries = [
            AuditEntry(sequence=place, event=event.id, at=event.at, kind=event.kind.value, actor=event.actor)
            for place, event in enumerate(events, 1)
        ]
        await log.append(*entries)
        assert await log.audit.readers.register(AUDIT) == events[-1].id


class AuditLogKit:
    """Needs the fixtures `audit`, an empty one, and `leases`."""

    async def test_it_begins_with_nothing(self, audit: AuditStore) -> None:
        assert await audit.log.tail() == Tail(0, None, None)
        assert await audit.reader.after(0, 10) == ()
        assert await audit.reader.before(ENDLESS, 10) == ()
        assert await audit.reader.segments() == ()
        assert await audit.reader.heads(0, 10) == ()

    async def test_entries_come_back_as_they_were(self, audit: AuditStore, leases: Leases) -> None:
        log = await opened(audit, leases)
        everything = AuditEntry(
            sequence=2,
            event=1 << 60,
            at=START,
            kind="of a newer release",
            actor="алиса",
            credential="password",
            address="2001:db8::1",
            request="id",
            repository="team/app",
            digest="sha256:bb",
            tag="v1",
            subject="bob",
            detail='"quoted"\n and more',
            count=3,
            first_at=START - 1,
        )
        await log.append(entry(1), everything)
        found = await audit.reader.after(0, 10)
        assert found == chained(BEGINNING, [entry(1), everything])
        assert (await audit.log.tail()).position == 1 << 60

    async def test_the_tail_follows(self, audit: AuditStore, leases: Leases) -> None:
        log = await opened(audit, leases)
        await log.append(entry(1), entry(2))
        await log.append(entry(3), heads=(head(3),))
        links = chained(BEGINNING, [entry(1), entry(2), entry(3)])
        first = extended(begun(1, BEGINNING, links[:2], START), links[2:], START)
        assert await audit.log.tail() == Tail(3, first, head(3))
        await log.append(entry(4), anew=True)
        tail = await audit.log.tail()
        assert tail.segment is not None
        assert (tail.segment.number, tail.segment.first, tail.segment.opening) == (2, 4, links[2].hash)
        assert await audit.reader.segments() == (first, tail.segment)
        assert tail.head == head(3)

    async def test_a_batch_for_another_tail_changes_nothing(self, audit: AuditStore, leases: Leases) -> None:
        log = await opened(audit, leases)
        await log.append(entry(1))
        late = await log.batch([entry(2)])
        await log.append(entry(2), entry(3))
        before = (await audit.log.tail(), await audit.reader.after(0, 10))
        with pytest.raises(Stale):
            await audit.log.append(late, log.lease)
        assert (await audit.log.tail(), await audit.reader.after(0, 10)) == before

    async def test_the_same_batch_twice_counts_once(self, audit: AuditStore, leases: Leases) -> None:
        log = await opened(audit, leases)
        batch = await log.batch([entry(1)])
        await audit.log.append(batch, log.lease)
        with pytest.raises(Stale):
            await audit.log.append(batch, log.lease)
        assert numbers(await audit.reader.after(0, 10)) == [1]

    async def test_without_the_lease_nothing_is_appended(self, audit: AuditStore, leases: Leases) -> None:
        log = await opened(audit, leases)
        await log.append(entry(1))
        batch = await log.batch([entry(2)])
        taken = await leases.acquire("audit", "two", now=START + 60 * SECOND, until=START + 90 * SECOND)
        assert taken is not None
        with pytest.raises(Stale):
            await audit.log.append(batch, log.lease)
        assert numbers(await audit.reader.after(0, 10)) == [1]
        await audit.log.append(batch, taken)
        await leases.release(taken, now=START, outcome="")
        with pytest.raises(Stale):
            await audit.log.append(await log.batch([entry(3)]), taken)

    async def test_a_head_may_come_alone(self, audit: AuditStore, leases: Leases) -> None:
        log = await opened(audit, leases)
        await log.append(entry(1))
        await log.append(heads=(head(1),))
        assert (await audit.log.tail()).head == head(1)
        assert await audit.reader.heads(0, 10) == (head(1),)
        assert await audit.reader.heads(1, 10) == ()

    async def test_what_is_dropped_is_gone_with_a_word(self, audit: AuditStore, leases: Leases) -> None:
        log = await self.three(audit, leases)
        await audit.log.drop(2, START + 5, await log.batch([said(7)]), log.lease)
        assert numbers(await audit.reader.after(0, 10)) == [5, 6, 7]
        assert numbers(await audit.reader.before(ENDLESS, 10)) == [7, 6, 5]
        assert numbers(await audit.reader.before(ENDLESS, 10, by=(Filter.ACTOR, "alice"))) == [6, 5]
        segments = await audit.reader.segments()
        assert [(each.number, each.dropped_at) for each in segments] == [(1, START + 5), (2, START + 5), (3, 0)]
        assert [each.last for each in segments] == [2, 4, 7]
        assert (await audit.log.tail()).position == 6

    async def test_dropping_again_leaves_the_first_time(self, audit: AuditStore, leases: Leases) -> None:
        log = await self.three(audit, leases)
        await audit.log.drop(1, START + 5, await log.batch([said(7)]), log.lease)
        await audit.log.drop(2, START + 9, await log.batch([said(8)]), log.lease)
        assert [each.dropped_at for each in await audit.reader.segments()] == [START + 5, START + 9, 0]

    async def test_dropping_needs_the_lease_and_the_tail(self, audit: AuditStore, leases: Leases) -> None:
        log = await self.three(audit, leases)
        late = await log.batch([said(7)])
        await log.append(entry(7))
        with pytest.raises(Stale):
            await audit.log.drop(1, START, late, log.lease)
        assert [each.dropped_at for each in await audit.reader.segments()] == [0, 0, 0]

    async def test_sweeping_removes_a_part_at_a_time_and_keeps_closing_heads(
        self, audit: AuditStore, leases: Leases
    ) -> None:
        log = await self.three(audit, leases)
        await log.append(heads=(head(1), head(2), head(3), head(4), head(5)))
        assert await audit.log.sweep(10) == 0
        await audit.log.drop(2, START + 5, await log.batch([said(7)]), log.lease)
        assert await audit.log.sweep(3) == 3
        assert await audit.log.sweep(3) == 1
        assert await audit.log.sweep(3) == 0
        assert [each.sequence for each in await audit.reader.heads(0, 10)] == [2, 4, 5]
        assert numbers(await audit.reader.after(0, 10)) == [5, 6, 7]

    async def three(self, audit: AuditStore, leases: Leases) -> Log:
        """Three segments with two entries each."""
        log = await opened(audit, leases)
        for number in (1, 3, 5):
            await log.append(entry(number), entry(number + 1), anew=True)
        return log


def said(sequence: int) -> AuditEntry:
    """What retention says, which is of no event: the cursor stays."""
    return AuditEntry(sequence=sequence, event=0, at=START, kind=EventKind.AUDIT_DROPPED.value, actor="orlop")


class AuditReaderKit:
    """Needs the fixtures `audit`, an empty one, and `leases`."""

    async def test_pages_go_both_ways(self, audit: AuditStore, leases: Leases) -> None:
        log = await opened(audit, leases)
        await log.append(*(entry(number) for number in range(1, 8)))
        reader = audit.reader
        assert numbers(await reader.after(0, 3)) == [1, 2, 3]
        assert numbers(await reader.after(5, 3)) == [6, 7]
        assert numbers(await reader.before(ENDLESS, 3)) == [7, 6, 5]
        assert numbers(await reader.before(3, 3)) == [2, 1]
        assert numbers(await reader.before(7, 10, least=4)) == [6, 5, 4]

    async def test_no_more_is_read_than_a_page_may_hold(self, audit: AuditStore, leases: Leases) -> None:
        log = await opened(audit, leases)
        sizes = (800, 900, 1900, 1, 4000)
        await log.append(*(entry(1 + place, detail=LONG[: size << 10]) for place, size in enumerate(sizes)))
        reader = audit.reader
        assert [numbers(await reader.after(at, 100)) for at in (0, 2, 4, 5)] == [[1, 2], [3, 4], [5], []]
        assert [numbers(await reader.before(at, 100)) for at in (ENDLESS, 5, 3, 1)] == [[5], [4, 3], [2, 1], []]
        by = (Filter.ACTOR, "alice")
        assert [numbers(await reader.before(at, 100, by=by)) for at in (ENDLESS, 5, 3, 1)] == [[5], [4, 3], [2, 1], []]

    async def test_each_filter_finds_what_it_names(self, audit: AuditStore, leases: Leases) -> None:
        log = await opened(audit, leases)
        await log.append(
            entry(1, repository="team/app"),
            entry(2, actor="bob", repository="team/sub/app", address="192.0.2.7"),
            entry(3, EventKind.ACCOUNT_CREATED, subject="bob"),
            entry(4, EventKind.REFUSED, actor="bob", repository="other", address="192.0.2.7"),
            entry(5, EventKind.SIGN_IN_FAILED, actor="bob", subject="bob"),
            entry(6, EventKind.NAMESPACE_CHANGED, subject="team/sub"),
            entry(
                7, EventKind.GRANT_ADDED, subject="bob", detail="grant 3 gives bob the role puller on team/, tags v*"
            ),
        )
        expected = {
            (Filter.ACTOR, "bob"): [5, 4, 2],
            (Filter.KIND, "account.created"): [3],
            (Filter.PLACE, "team"): [7, 6, 2, 1],
            (Filter.PLACE, "team/sub"): [6, 2],
            (Filter.PLACE, "team/app"): [1],
            (Filter.PLACE, "tea"): [],
            (Filter.SUBJECT, "bob"): [7, 5, 3],
            (Filter.ADDRESS, "192.0.2.7"): [4, 2],
            (Filter.REFUSED, ""): [5, 4],
        }
        for by, sequences in expected.items():
            assert numbers(await audit.reader.before(ENDLESS, 10, by=by)) == sequences, by
        assert numbers(await audit.reader.before(5, 1, by=(Filter.ACTOR, "bob"))) == [4]
        assert numbers(await audit.reader.before(5, 9, by=(Filter.PLACE, "team"), least=2)) == [2]


class KeysKit:
    """Needs the fixture `audit`, an empty one."""

    async def test_keys_are_kept_in_order(self, audit: AuditStore) -> None:
        one, two = AuditKey("one", b"public", b"", START), AuditKey("two", b"public", b"private", START + 1)
        assert await audit.keys.all() == ()
        assert await audit.keys.add(one, unless_any=False) == (one,)
        assert await audit.keys.add(two, unless_any=False) == (one, two)
        assert await audit.keys.add(one, unless_any=False) == (one, two)

    async def test_only_the_first_of_the_catalogs_own_keys_counts(self, audit: AuditStore) -> None:
        outside = AuditKey("outside", b"public", b"", START)
        first, late = (AuditKey(name, b"public", b"private", START + 1) for name in ("first", "late"))
        await audit.keys.add(outside, unless_any=False)
        assert await audit.keys.add(first, unless_any=True) == (outside, first)
        assert await audit.keys.add(late, unless_any=True) == (outside, first)


class AuditKit:
    """Everything."""

    TestEventWriter = EventWriterKit
    TestReaders = ReadersKit
    TestLog = AuditLogKit
    TestReader = AuditReaderKit
    TestKeys = KeysKit
