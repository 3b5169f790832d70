"""Read-only mode is told of once, however many processes know of it, and also when nothing could be written then."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest
import structlog

from orlop.domain.errors import RegistryError, StoreRefusesWrites, Unavailable
from orlop.domain.read_only import READ_ONLY, ReadOnlyCause
from orlop.ports.by import By
from orlop.ports.read_only import ReadOnlyRecord, ReadOnlyTold
from orlop.ports.settings import Document
from orlop.services.read_only.mode import ReadOnlyMode
from orlop.services.read_only.stores import StoreWrites
from orlop.services.read_only.telling import ReadOnlyTelling
from orlop.services.settings.in_force import SettingsInForce
from tests.registry import HandClock, in_memory

FULL = StoreRefusesWrites("storing the upload failed: the disk is full; the registry's operator has to look")
REASON = "storing the upload failed: the disk is full"


class Record:
    """The record of a catalog that takes no writes for as long as it is told to."""

    def __init__(self, record: ReadOnlyRecord) -> None:
        self._record = record
        self.failure: RegistryError | None = None

    async def told(self, cause: ReadOnlyCause) -> ReadOnlyTold:
        return await self._record.told(cause)

    async def tell(self, cause: ReadOnlyCause, before: int, reason: str, by: By) -> bool:
        if self.failure is not None:
            raise self.failure
        return await self._record.tell(cause, before, reason, by)


class Processes:
    """Several on one catalog, whose stores take writes as far as `refusal` says."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.rows = in_memory(self.clock).rows
        self.record = Record(self.rows.catalog.read_only)
        self.refusal: RegistryError | None = None

    def begin(self) -> tuple[ReadOnlyTelling, StoreWrites]:
        """One more process."""
        writes = StoreWrites(self._probe, first=0.001, longest=0.002)
        documents = self.rows.identity.documents
        mode = ReadOnlyMode(SettingsInForce(documents, self.rows.settings_changes), self.clock, writes)
        return ReadOnlyTelling(mode, self.record, documents, self.clock), writes

    async def _probe(self) -> None:
        if self.refusal is not None:
            raise self.refusal

    async def switch(self, **body: str) -> None:
        """Set the switch, or take it away."""
        documents = self.rows.identity.documents
        if body:
            document = Document(READ_ONLY.kind, "switch", msgspec.json.encode(body))
            await documents.put(document, By("admin", 1))
        else:
            await documents.remove(READ_ONLY.kind, "switch", By("admin", 2))

    async def told(self) -> list[tuple[str, str, str]]:
        """What was told, as kind, cause and reason."""
        events = await self.rows.catalog.outbox.events(0, 100)
        return [(one.kind.value, one.subject, one.detail) for one in events if one.kind.startswith("read-only.")]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with structlog.testing.capture_logs():
        yield


async def refuses(writes: StoreWrites) -> None:
    assert await writes.is_refused(FULL)


async def takes(writes: StoreWrites) -> None:
    async with asyncio.timeout(10):
        while writes.reason:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)


async def test_a_switch_is_told_of_once_by_all_processes_together() -> None:
    all_of_them = Processes()
    tellings = [all_of_them.begin()[0] for _ in range(3)]

    async def look() -> None:
        for _ in range(2):
            for telling in tellings:
                await telling.look()

    await look()
    assert await all_of_them.told() == []
    await all_of_them.switch(reason="moving")
    await look()
    assert await all_of_them.told() == [("read-only.on", "switch", "moving")]
    await all_of_them.switch(reason="still moving")
    await look()
    await all_of_them.switch()
    await look()
    tellings.append(all_of_them.begin()[0])
    await look()
    assert await all_of_them.told() == [("read-only.on", "switch", "moving"), ("read-only.off", "switch", "")]


async def test_one_that_ends_by_itself_is_told_of_then() -> None:
    all_of_them = Processes()
    telling, _ = all_of_them.begin()
    all_of_them.clock.at = 0
    await all_of_them.switch(reason="moving", until="1970-01-01T01:00:00Z")
    await telling.look()
    all_of_them.clock.at = 3_600_000_000
    await telling.look()
    await telling.look()
    assert [kind for kind, _, _ in await all_of_them.told()] == ["read-only.on", "read-only.off"]


async def test_what_a_store_says_is_told_of_once_when_several_hear_it() -> None:
    all_of_them = Processes()
    (one, of_one), (two, of_two) = all_of_them.begin(), all_of_them.begin()
    all_of_them.refusal = FULL
    await refuses(of_one)
    await one.look()
    await refuses(of_two)
    await two.look()
    assert await all_of_them.told() == [("read-only.on", "store", REASON)]
    all_of_them.refusal = None
    await takes(of_one)
    await takes(of_two)
    all_of_them.clock.at += 1
    await one.look()
    await two.look()
    assert await all_of_them.told() == [("read-only.on", "store", REASON), ("read-only.off", "store", "")]


async def test_where_the_catalog_takes_nothing_both_changes_are_told_of_afterwards_and_once() -> None:
    all_of_them = Processes()
    (one, of_one), (two, of_two) = all_of_them.begin(), all_of_them.begin()
    all_of_them.refusal = all_of_them.record.failure = FULL
    began = all_of_them.clock.now()
    for telling, writes in ((one, of_one), (two, of_two)):
        await refuses(writes)
        await telling.look()
    assert await all_of_them.told() == []
    all_of_them.clock.at = began + 60_000_000
    all_of_them.refusal = None
    for telling, writes in ((one, of_one), (two, of_two)):
        await takes(writes)
        await telling.look()
    all_of_them.record.failure = None
    for telling in (one, two, one, two):
        await telling.look()
    assert await all_of_them.told() == [("read-only.on", "store", REASON), ("read-only.off", "store", "")]
    on, off = await all_of_them.rows.catalog.outbox.events(0, 10)
    assert (on.at, off.at) == (began, began + 60_000_000)


async def test_a_process_that_begins_tells_the_end_of_what_one_said_that_is_gone() -> None:
    all_of_them = Processes()
    one, of_one = all_of_them.begin()
    all_of_them.refusal = FULL
    await refuses(of_one)
    await one.look()
    await of_one.close()
    still, of_still = all_of_them.begin()
    await still.look()
    assert of_still.reason == REASON, "the store was tried, and takes none"
    await of_still.close()
    assert len(await all_of_them.told()) == 1
    all_of_them.refusal = None
    begun, _ = all_of_them.begin()
    await begun.look()
    assert await all_of_them.told() == [("read-only.on", "store", REASON), ("read-only.off", "store", "")]


async def test_what_cannot_be_told_is_no_failure_of_whoever_looks() -> None:
    all_of_them = Processes()
    telling, _ = all_of_them.begin()
    await all_of_them.switch(reason="moving")
    all_of_them.record.failure = Unavailable("the database is away")
    await telling.look()
    all_of_them.record.failure = None
    await telling.look()
    assert await all_of_them.told() == [("read-only.on", "switch", "moving")]
