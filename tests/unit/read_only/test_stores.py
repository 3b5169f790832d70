"""A store that takes no writes is tried until it does, and nobody else is."""

import asyncio
from collections.abc import Iterator

import pytest
import structlog

from orlop.domain.errors import StoreRefusesWrites, Unavailable
from orlop.domain.read_only import ReadOnly, standing_of
from orlop.services.read_only.stores import StoreWrites

FULL = StoreRefusesWrites("storing the upload failed: the disk is full; the registry's operator has to look")


class Store:
    """A store that fails as long as it is told to."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.tried = 0

    async def write(self) -> None:
        self.tried += 1
        if self.failure is not None:
            raise self.failure


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with structlog.testing.capture_logs():
        yield


async def becomes(writes: StoreWrites, reason: str) -> None:
    async with asyncio.timeout(10):
        while writes.reason != reason:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)


async def test_it_is_read_only_for_as_long_as_small_writes_fail() -> None:
    store = Store()
    writes = StoreWrites(store.write, first=0.001, longest=0.004)
    store.failure = FULL
    writes.failed(FULL)
    writes.failed(FULL)
    await becomes(writes, "storing the upload failed: the disk is full")
    store.failure = Unavailable("the database cannot be reached")  # which says nothing of writes
    tried = store.tried
    while store.tried < tried + 3:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.001)
    assert writes.reason
    store.failure = None
    await becomes(writes, "")
    tried = store.tried
    await asyncio.sleep(0.02)
    assert store.tried == tried, "nobody looks at a store that takes writes"


async def test_one_write_that_does_not_fit_stops_nobody() -> None:
    store = Store()
    writes = StoreWrites(store.write)
    writes.failed(FULL)
    await asyncio.sleep(0.01)
    assert (store.tried, writes.reason) == (1, "")
    writes.failed(Unavailable("the database cannot be reached"))
    await asyncio.sleep(0.01)
    assert store.tried == 1


async def test_it_can_be_closed_while_it_tries() -> None:
    store = Store()
    store.failure = FULL
    writes = StoreWrites(store.write, first=60)
    writes.failed(FULL)
    await becomes(writes, "storing the upload failed: the disk is full")
    await writes.close()
    assert writes.reason == ""
    await StoreWrites(store.write).close()


def test_of_several_switches_the_one_that_ends_last_speaks() -> None:
    hour = 3_600_000_000
    soon, later = (
        ReadOnly(reason="soon", until="1970-01-01T01:00:00Z"),
        ReadOnly(reason="later", until="1970-01-01T02:00:00Z"),
    )
    ever = ReadOnly(reason="ever")
    assert standing_of((), 0) is None
    assert standing_of((soon, later), 2 * hour) is None
    both = standing_of((soon, later), 0)
    assert both is not None
    assert (both.reason, both.ends_at) == ("later; soon", 2 * hour)
    assert both.refusal(2 * hour - 90_500_000).retry_after == 91
    assert both.refusal(0).retry_after == 3600
    all_three = standing_of((soon, later, ever), hour)
    assert all_three is not None
    assert (all_three.reason, all_three.ends_at, all_three.refusal(0).retry_after) == ("ever; later", 0, 0)


@pytest.mark.parametrize(
    "until", ["tomorrow", "2026-12-03", "2026-12-03T25:00:00Z", "2026-13-03T01:00:00Z", "2026-12-03T18:00:00+01:00"]
)
def test_an_end_is_a_time_in_utc(until: str) -> None:
    with pytest.raises(ValueError, match=r"2026-12-03T18:00:00Z|2027-01-31"):
        ReadOnly(reason="moving", until=until)
