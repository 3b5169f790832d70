"""The catalog in PostgreSQL keeps to every contract."""

import asyncio
from collections.abc import Iterator

import pytest

from orlop.adapters.sql.catalog import OpenCatalog
from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.ports.catalog import Catalog
from orlop.ports.events import Changes
from orlop.ports.jobs import Leases
from tests.contract import kits
from tests.contract.changes import ChangesKit
from tests.contract.leases import LeasesKit
from tests.postgres import SURROUNDINGS, PostgresServer

pytestmark = pytest.mark.slow


@pytest.fixture(name="opened")
def _opened(postgres: PostgresServer, runner: asyncio.Runner) -> Iterator[OpenCatalog]:
    opened = open_postgres(Database(postgres.catalog()), None, [0], 0, SURROUNDINGS)
    yield opened
    runner.run(opened.engine.close())


@pytest.fixture(name="catalog")
def _catalog(opened: OpenCatalog) -> Catalog:
    return opened.catalog


@pytest.fixture(name="leases")
def _leases(opened: OpenCatalog) -> Leases:
    return opened.leases


@pytest.fixture(name="changes")
def _changes(opened: OpenCatalog, runner: asyncio.Runner) -> Changes:
    async def watched() -> None:
        opened.start()
        async with asyncio.timeout(10):
            while opened.changes.current() is None:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)

    runner.run(watched())
    return opened.changes


class TestCatalog(kits.CatalogKit):
    """Every role of the catalog."""


class TestChanges(ChangesKit):
    """The change counter."""


class TestLeases(LeasesKit):
    """Leases."""
