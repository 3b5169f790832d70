"""What every driver keeps to about what was told of read-only mode (ports.read_only.ReadOnlyRecord)."""

import asyncio

from orlop.domain.read_only import ReadOnlyCause
from orlop.ports.by import By
from orlop.ports.catalog import Catalog
from orlop.ports.read_only import ReadOnlyTold

SWITCH, STORE = ReadOnlyCause.SWITCH, ReadOnlyCause.STORE


async def told(catalog: Catalog) -> list[tuple[str, str, str, int]]:
    """The events, as kind, subject, detail and time."""
    found = await catalog.outbox.events(0, 100)
    return [(each.kind.value, each.subject, each.detail, each.at) for each in found]


class ReadOnlyRecordKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_change_is_told_of_with_its_cause_and_its_reason(self, catalog: Catalog) -> None:
        record = catalog.read_only
        assert await record.told(SWITCH) == ReadOnlyTold()
        assert await record.tell(SWITCH, 0, "moving the database", By("", 10))
        assert await record.told(SWITCH) == ReadOnlyTold(1, True, 10, "moving the database")
        assert await record.told(STORE) == ReadOnlyTold()
        assert await record.tell(SWITCH, 1, "", By("", 20))
        assert await record.told(SWITCH) == ReadOnlyTold(2, False, 20, "")
        assert await told(catalog) == [
            ("read-only.on", "switch", "moving the database", 10),
            ("read-only.off", "switch", "", 20),
        ]

    async def test_of_several_that_tell_of_the_same_change_one_does(self, catalog: Catalog) -> None:
        answers = await asyncio.gather(
            *(catalog.read_only.tell(STORE, 0, f"full {number}", By("", 10)) for number in range(8))
        )
        assert answers.count(True) == 1
        assert not await catalog.read_only.tell(STORE, 0, "", By("", 20))
        [event] = await told(catalog)
        assert event[:2] == ("read-only.on", "store")
        assert (await catalog.read_only.told(STORE)).reason == event[2]
