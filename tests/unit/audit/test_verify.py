"""Verification of the audit log finds whatever was done to it."""

from collections.abc import Callable

import msgspec
import pytest

from orlop.adapters.identity.heads import Ed25519HeadChecker
from orlop.domain.audit import Chained, chained
from orlop.domain.events import EventKind
from orlop.services.audit.verify import AuditVerification, Flaw
from orlop.services.stores.verify import Verification
from tests.registry import in_memory
from tests.unit.audit.office import DAY, Log, Office


def changed(each: Chained, **fields: object) -> Chained:
    """An entry that says something else, with the hash it had."""
    return Chained(msgspec.structs.replace(each.entry, **fields), each.hash)


def rechained(log: Log, start: int) -> None:
    """Give the entries from a place on the hashes that their predecessors ask for, as somebody who knows how would."""
    entries = log.entries
    entries[start:] = chained(entries[start - 1].hash, [each.entry for each in entries[start:]])


def removed(log: Log) -> None:
    del log.entries[4]


def altered(log: Log) -> None:
    log.entries[4] = changed(log.entries[4], actor="bob")


def altered_with_its_hash(log: Log) -> None:
    log.entries[4:5] = chained(log.entries[3].hash, [changed(log.entries[4], actor="bob").entry])


def reordered(log: Log) -> None:
    one, two = log.entries[4], log.entries[5]
    log.entries[4:6] = [
        changed(two, sequence=one.entry.sequence),
        changed(one, sequence=two.entry.sequence),
    ]


def inserted(log: Log) -> None:
    entries = log.entries
    later = [changed(each, sequence=each.entry.sequence + 1) for each in entries[4:]]
    entries[4:] = [changed(entries[4], actor="bob", event=1_000), *later]


def rewritten(log: Log) -> None:
    altered(log)
    rechained(log, 4)
    segment = log.segments[-1]
    log.segments[-1] = msgspec.structs.replace(segment, closing=log.entries[-1].hash)


def truncated(log: Log) -> None:
    del log.entries[-2:]


def truncated_with_its_segment(log: Log) -> None:
    del log.entries[-2:]
    last = log.entries[-1]
    segment = log.segments[-1]
    log.segments[-1] = msgspec.structs.replace(segment, last=last.entry.sequence, closing=last.hash)


def truncated_with_its_heads(log: Log) -> None:
    truncated_with_its_segment(log)
    last = log.entries[-1].entry.sequence
    heads = log.heads
    heads[:] = [head for head in heads if head.sequence <= last]


def appended(log: Log) -> None:
    last = log.entries[-1]
    forged = msgspec.structs.replace(
        last.entry, sequence=last.entry.sequence + 1, event=last.entry.event + 1, actor="bob"
    )
    log.entries.extend(chained(last.hash, [forged]))


def segment_removed(log: Log) -> None:
    segment = log.segments.pop(0)
    del log.entries[: segment.last]
    log.heads[:] = [h for h in log.heads if h.sequence > segment.last]


def segment_dropped_by_hand(log: Log) -> None:
    segments = log.segments
    segments[0] = msgspec.structs.replace(segments[0], dropped_at=1)
    del log.entries[: segments[0].last]


def head_forged(log: Log) -> None:
    heads = log.heads
    heads[0] = msgspec.structs.replace(heads[0], hash="ab" * 32)


def head_of_another_key(log: Log) -> None:
    heads = log.heads
    heads[0] = msgspec.structs.replace(heads[0], key="sha256:" + "00" * 32)


def signature_broken(log: Log) -> None:
    heads = log.heads
    heads[0] = msgspec.structs.replace(heads[0], signature="not base64!")


@pytest.mark.parametrize(
    ("damage", "flaw"),
    [
        (removed, Flaw.REMOVED),
        (altered, Flaw.ALTERED),
        (altered_with_its_hash, Flaw.ALTERED),
        (reordered, Flaw.ALTERED),
        (inserted, Flaw.ALTERED),
        (rewritten, Flaw.HEAD),
        (truncated, Flaw.TRUNCATED),
        (truncated_with_its_segment, Flaw.TRUNCATED),
        (truncated_with_its_heads, Flaw.TRUNCATED),
        (appended, Flaw.ALTERED),
        (segment_removed, Flaw.SEGMENT),
        (segment_dropped_by_hand, Flaw.SEGMENT),
        (head_forged, Flaw.HEAD),
        (head_of_another_key, Flaw.HEAD),
        (signature_broken, Flaw.HEAD),
    ],
)
async def test_damage_is_found(damage: Callable[[Log], None], flaw: Flaw) -> None:
    office = Office()
    await office.days(2, each=6)
    await office.written(6)
    assert (await office.verified()).is_clean
    with office.damaged() as log:
        damage(log)
    assert flaw in {wrong.flaw for wrong in (await office.verified()).findings}


async def test_what_is_said_names_the_place() -> None:
    office = Office()
    await office.days(1, each=6)
    with office.damaged() as log:
        removed(log)
    (wrong,) = (await office.verified()).findings
    assert (wrong.flaw, wrong.sequence, wrong.what) == (Flaw.REMOVED, 5, "entries 5 to 5 are gone")


async def test_an_empty_log_is_whole() -> None:
    report = await Office().verified()
    assert report.is_clean
    assert (report.entries, report.last, report.signed) == (0, 0, 0)


async def test_everything_gone_is_found_by_what_is_left() -> None:
    office = Office()
    await office.days(2)
    with office.damaged() as log:
        log.entries.clear()
    assert Flaw.TRUNCATED in {wrong.flaw for wrong in (await office.verified()).findings}


async def test_retention_is_told_from_removal() -> None:
    office = Office()
    await office.days(40)
    report = await office.verified()
    assert report.is_clean
    assert report.dropped > 0
    place = next(place for place, each in enumerate(office.entries) if each.entry.kind == EventKind.AUDIT_DROPPED)
    assert place > 0
    with office.damaged() as log:
        first = next(each for each in log.segments if not each.dropped_at)
        log.segments[log.segments.index(first)] = msgspec.structs.replace(first, dropped_at=office.clock.now())
    assert any(
        wrong.flaw is Flaw.SEGMENT and "no retention tells of it" in wrong.what
        for wrong in (await office.verified()).findings
    )


async def test_the_closing_heads_of_what_was_dropped_are_held_against_it() -> None:
    office = Office()
    await office.days(40)
    with office.damaged() as log:
        last = max(each.last for each in log.segments if each.dropped_at)
        log.heads[:] = [head for head in log.heads if head.sequence != last]
    assert any("closing head" in wrong.what for wrong in (await office.verified()).findings)


async def test_a_noted_head_finds_a_log_that_was_written_anew_by_somebody_who_can_sign() -> None:
    office = Office()
    await office.days(2, each=6)
    noted = office.heads[-1]
    assert (await office.verified(noted)).noted == 1
    with office.damaged() as log:
        log.entries[4] = changed(log.entries[4], actor="bob")
        rechained(log, 4)
        log.heads[:] = [
            await office.signer.sign(head.sequence, log.entries[head.sequence - 1].hash, head.at) for head in log.heads
        ]
        first, second = log.segments
        closing = log.entries[first.last - 1].hash
        log.segments[:] = [
            msgspec.structs.replace(first, closing=closing),
            msgspec.structs.replace(second, opening=closing, closing=log.entries[-1].hash),
        ]
    assert (await office.verified()).is_clean
    (wrong,) = (await office.verified(noted)).findings
    assert (wrong.flaw, wrong.sequence) == (Flaw.HEAD, noted.sequence)


async def test_noted_heads_of_what_was_dropped_cannot_be_checked_and_later_ones_must_be_there() -> None:
    office = Office()
    await office.written(3)
    early = office.heads[-1]
    await office.days(40)
    later = msgspec.structs.replace(early, sequence=10_000)
    middle = msgspec.structs.replace(early, sequence=early.sequence - 1)
    report = await office.verified(middle, later)
    assert report.unreachable == 1
    assert [wrong.flaw for wrong in report.findings] == [Flaw.TRUNCATED]


async def test_only_trusted_keys_count() -> None:
    office = Office()
    await office.written(3)
    (key,) = await office.audit.keys.all()
    assert (await office.verified(trusted=(key.id,))).signed == 3
    report = await office.verified(trusted=("sha256:" + "0" * 64,))
    assert {wrong.flaw for wrong in report.findings} == {Flaw.HEAD}
    assert report.signed == 0


async def test_retention_beside_verification_is_no_finding() -> None:
    office = Office()
    await office.days(29)
    segments = await office.audit.reader.segments()

    class Late:
        """Answers first with the segments as they were before retention went by."""

        def __init__(self) -> None:
            self.asked = 0

        async def segments(self) -> object:
            self.asked += 1
            return segments if self.asked == 1 else await office.audit.reader.segments()

        def __getattr__(self, name: str) -> object:
            return getattr(office.audit.reader, name)

    office.clock.at += 20 * DAY
    await office.written()
    assert len(office.entries) < 3 * 29
    reader = Late()
    report = await AuditVerification(office.audit.log, reader, Ed25519HeadChecker(office.audit.keys)).run()  # type: ignore[arg-type]
    assert report.is_clean
    assert reader.asked > 2


async def test_the_whole_verification_looks_at_the_log_too() -> None:
    office = Office()
    await office.written(6)
    stores = in_memory(office.clock).stores
    audit = AuditVerification(office.audit.log, office.audit.reader, Ed25519HeadChecker(office.audit.keys))
    verification = Verification(
        office.rows.catalog.inspection,
        stores.reader,
        stores.inventory,
        office.clock,
        orphans=office.rows.catalog.orphans,
        audit=audit,
    )
    report = await verification.run()
    assert (report.is_clean, report.entries) == (True, 6)
    with office.damaged() as log:
        removed(log)
    assert [(each.invariant, each.where) for each in (await verification.run()).findings] == [(9, "audit entry 5")]
