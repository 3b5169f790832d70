"""Processes that write to one catalog in SQLite take turns, and whoever waits for theirs shares one transaction."""

import asyncio
import fcntl
import time
from pathlib import Path

import pytest

from orlop.adapters.sql.catalog import WRITER_LOCK, open_sqlite
from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.sqlite import LONG
from tests.catalogs import empty_catalog


def _take(seconds: float) -> None:
    time.sleep(seconds)


async def test_those_that_come_while_another_process_writes_are_one_transaction(tmp_path: Path) -> None:
    """The first may have waited alone; the wait for the disk is one for all others."""
    empty_catalog(tmp_path)
    opened = open_sqlite(tmp_path)
    await opened.engine.check()
    before = opened.changes.current()
    assert before is not None

    async def change(tx: Session) -> None:
        await tx.run("totals_add", 1, 0, 0, 0, 0)

    with (tmp_path / WRITER_LOCK).open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        writes = []
        for _ in range(10):
            writes.append(asyncio.ensure_future(opened.engine.write(change)))
            await asyncio.sleep(0.02)
        assert not any(write.done() for write in writes)
        assert opened.changes.current() == before, "nothing changes before it is its turn"
    await asyncio.wait_for(asyncio.gather(*writes), 30)
    count = opened.changes.current()
    assert count is not None
    assert before < count <= before + 2, "more than one transaction"
    assert (await opened.catalog.vitals.totals()).repositories == 10
    await opened.engine.close()


async def test_long_ones_are_not_waited_for_by_all(tmp_path: Path) -> None:
    """What came first is durable, and told so, before others that are long have begun."""
    empty_catalog(tmp_path)
    opened = open_sqlite(tmp_path)
    await opened.engine.check()
    before = opened.changes.current()
    assert before is not None

    async def change(tx: Session) -> None:
        await tx.run("totals_add", 1, 0, 0, 0, 0)
        _take(2 * LONG)

    with (tmp_path / WRITER_LOCK).open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        writes = [asyncio.ensure_future(opened.engine.write(change)) for _ in range(4)]
        await asyncio.sleep(0.05)
    await asyncio.wait_for(asyncio.gather(*writes), 30)
    assert opened.changes.current() == before + 2 * 4, "each is a transaction of its own"
    assert (await opened.catalog.vitals.totals()).repositories == 4
    await opened.engine.close()


@pytest.mark.parametrize("takes", [0, 2 * LONG])
async def test_a_catalog_that_is_closed_finishes_what_waits_for_its_turn(tmp_path: Path, takes: float) -> None:
    empty_catalog(tmp_path)
    opened = open_sqlite(tmp_path)
    await opened.engine.check()

    async def change(tx: Session) -> None:
        await tx.run("totals_add", 1, 0, 0, 0, 0)
        _take(takes)

    with (tmp_path / WRITER_LOCK).open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        writes = [asyncio.ensure_future(opened.engine.write(change)) for _ in range(3)]
        await asyncio.sleep(0.05)
        closing = asyncio.ensure_future(opened.engine.close())
        await asyncio.sleep(0.05)
    await asyncio.wait_for(asyncio.gather(*writes, closing), 30)
    again = open_sqlite(tmp_path)
    assert (await again.catalog.vitals.totals()).repositories == 3
    await again.engine.close()
