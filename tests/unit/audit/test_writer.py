"""The audit log is written: every event once and in order, chained, signed now and then, and dropped by whole days."""

import hashlib

import pytest

from orlop.domain.audit import BEGINNING, AuditEntry, day_of, dropped_of, hash_after
from orlop.domain.errors import Stale
from orlop.domain.events import Event, EventKind
from orlop.ports.clock import SECOND
from orlop.services.audit import log as audit
from orlop.services.audit.log import HEAD_ENTRIES, HEAD_EVERY, AuditWriter, Keep
from tests.unit.audit.office import DAY, Office


async def test_every_event_becomes_an_entry_in_order() -> None:
    office = Office()
    await office.happen(1_203)
    await office.writer.step(await office.lease())
    events = await office.rows.catalog.outbox.events(0, 2_000)
    entries = [each.entry for each in office.entries]
    assert [entry.sequence for entry in entries] == list(range(1, 1_204))
    assert [entry.event for entry in entries] == [event.id for event in events]
    assert await office.writer.step(await office.lease()) == 0
    assert (await office.verified()).is_clean


@pytest.mark.parametrize("jump", [0, 365 * DAY, -DAY])
async def test_a_backlog_leaves_room_for_others_whatever_the_clock_does(
    monkeypatch: pytest.MonkeyPatch, jump: int
) -> None:
    office, paused = Office(), []

    class Jumping:
        """The outbox, read as the clock is put right."""

        async def events(self, after: int, limit: int) -> tuple[Event, ...]:
            office.clock.at += jump
            return await office.rows.catalog.outbox.events(after, limit)

    async def pause(seconds: float) -> None:
        paused.append(seconds)

    await office.happen(250)
    lease = await office.lease()
    writer = AuditWriter(
        Jumping(), office.audit.log, office.audit.reader, office.audit.readers, office.signer, office.clock, Keep()
    )
    monkeypatch.setattr(audit.asyncio, "sleep", pause)
    assert await writer.step(lease) == 250
    assert paused == [1.0 if jump > 0 else 0.0] * 2
    assert [each.entry.sequence for each in office.entries] == list(range(1, 251))


async def test_hashes_chain() -> None:
    office = Office()
    await office.written(3)
    previous = BEGINNING
    for each in office.entries:
        assert each.hash == hash_after(previous, each.entry)
        previous = each.hash


def test_a_hash_is_what_the_page_says_it_is() -> None:
    entry = AuditEntry(sequence=1, event=7, at=5, kind="tag.set", actor="алиса", tag='"')
    # echo -n of the previous hash in binary and of this JSON, through sha256sum
    json = (
        '{"actor":"алиса","address":"","at":5,"count":1,"credential":"","detail":"","digest":"","event":7,"first_at":0,'
        '"kind":"tag.set","repository":"","request":"","sequence":1,"subject":"","tag":"\\""}'
    )
    assert hash_after("ab" * 32, entry) == hashlib.sha256(b"\xab" * 32 + json.encode()).hexdigest()


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (0, "1970-01-01"),
        (951_782_400, "2000-02-29"),
        (951_868_799, "2000-02-29"),
        (951_868_800, "2000-03-01"),
        (4_102_444_799, "2099-12-31"),
        (4_107_542_400, "2100-03-01"),
    ],
)
def test_days(at: int, day: str) -> None:
    assert day_of(at * SECOND) == day


async def test_heads_are_signed_after_a_minute_or_many_entries() -> None:
    office = Office()
    await office.written()
    assert [head.sequence for head in office.heads] == [1]
    await office.written()
    assert len(office.heads) == 1
    office.clock.at += HEAD_EVERY
    await office.writer.step(await office.lease())
    assert [head.sequence for head in office.heads] == [1, 2]
    await office.written(HEAD_ENTRIES)
    assert office.heads[-1].sequence >= HEAD_ENTRIES
    office.clock.at += 5 * HEAD_EVERY
    await office.writer.step(await office.lease())
    office.clock.at += 5 * HEAD_EVERY
    heads = office.heads
    await office.writer.step(await office.lease())
    assert office.heads == heads
    assert heads[-1].sequence == HEAD_ENTRIES + 2


async def test_a_clock_that_was_set_back_stops_no_heads() -> None:
    office = Office()
    await office.written()
    office.clock.at -= 365 * DAY
    await office.written()
    assert [head.sequence for head in office.heads] == [1, 2]
    assert (await office.verified()).is_clean


async def test_each_day_has_a_segment_with_a_closing_head() -> None:
    office = Office()
    await office.days(3)
    segments = office.segments
    assert [(each.number, each.first, each.last) for each in segments] == [(1, 1, 3), (2, 4, 6), (3, 7, 9)]
    assert len({each.day for each in segments}) == 3
    assert {3, 6} <= {head.sequence for head in office.heads}


async def test_a_process_that_lost_the_lease_writes_nothing() -> None:
    office = Office()
    late = await office.lease()
    office.clock.at += 61 * SECOND
    await office.lease("two")
    await office.happen()
    with pytest.raises(Stale):
        await office.writer.step(late)
    assert office.entries == []


async def test_what_is_old_is_dropped_by_whole_days_and_said() -> None:
    office = Office()
    await office.days(32)
    await office.written()
    segments = office.segments
    gone = [each for each in segments if each.dropped_at]
    assert [each.number for each in gone] == list(range(1, len(gone) + 1))
    assert len(gone) >= 1
    assert office.entries[0].entry.sequence == gone[-1].last + 1
    (said, *_) = [each.entry for each in reversed(office.entries) if each.entry.kind == EventKind.AUDIT_DROPPED]
    dropped = dropped_of(said.detail)
    assert dropped is not None
    assert (dropped.through, dropped.hash, dropped.last, dropped.keep) == (
        gone[-1].last,
        gone[-1].closing,
        gone[-1].day,
        "30d",
    )
    report = await office.verified()
    assert report.is_clean
    assert (report.dropped, report.first) == (len(gone), gone[-1].last + 1)


async def test_a_log_that_is_kept_for_ever_is() -> None:
    office = Office(Keep())
    await office.days(40)
    assert len(office.entries) == 120
    assert not any(each.dropped_at for each in office.segments)


async def test_the_open_segment_stays_however_old() -> None:
    office = Office()
    await office.written()
    office.clock.at += 400 * DAY
    await office.writer.step(await office.lease())
    assert len(office.entries) == 1


async def test_the_outbox_goes_behind_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_EVENTS_KEPT", 5)
    office = Office()
    await office.written(20)
    assert len(await office.rows.catalog.outbox.events(0, 100)) == 5
    await office.audit.readers.register("slow")
    office.clock.at += DAY
    await office.written(20)
    assert len(await office.rows.catalog.outbox.events(0, 100)) == 25
    assert (await office.verified()).is_clean
