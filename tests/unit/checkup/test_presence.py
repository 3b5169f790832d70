"""Servers on one catalog know of each other, and of certificates it is told when they end."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from orlop.adapters.certificate_files import CertificateFiles
from orlop.adapters.sql.catalog import OpenCatalog
from orlop.adapters.sql.memory import open_memory
from orlop.domain.errors import Unavailable
from orlop.ports.replicas import Replica
from orlop.services.status.presence import GONE_AFTER, Presence, there
from tests.wire.test_certificates import pair

ONE, TWO = Replica("a:1", "a", "1", 1, 5, 0), Replica("b:1", "b", "2", 2, 4, 0)


class Hand:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.time = 1_000_000_000

    def now(self) -> int:
        return self.time


@pytest.fixture
def opened() -> Iterator[tuple[asyncio.Runner, OpenCatalog]]:
    with asyncio.Runner() as runner:

        async def make() -> OpenCatalog:
            return open_memory()

        catalog = runner.run(make())
        yield runner, catalog
        runner.run(catalog.engine.close())


def test_servers_come_and_go(opened: tuple[asyncio.Runner, OpenCatalog]) -> None:
    runner, catalog = opened
    replicas, clock, ending = catalog.catalog.replicas, Hand(), [False]
    one, two = (Presence(replicas, each, clock, lambda: ending[0]) for each in (ONE, TWO))

    def names() -> list[str]:
        return [each.id for each in runner.run(there(replicas, ONE, clock.now()))]

    assert names() == ["a:1"]  # the one that is asked is there, whatever it told
    runner.run(one.tell())
    runner.run(two.tell())
    assert names() == ["b:1", "a:1"]
    clock.time += GONE_AFTER
    assert names() == ["b:1", "a:1"]
    clock.time += 1
    assert names() == ["a:1"]
    runner.run(two.tell())
    assert names() == ["b:1", "a:1"]
    ending[0] = True
    runner.run(two.tell())
    assert names() == ["a:1"]


def test_a_catalog_that_is_away_is_told_the_next_time() -> None:
    class Away:
        async def seen(self, replica: Replica, forgotten: int) -> None:
            raise Unavailable("away")

        async def left(self, replica: str) -> None:
            raise Unavailable("away")

        async def since(self, moment: int, limit: int) -> list[Replica]:
            raise Unavailable("away")

        async def schema(self) -> int:
            raise Unavailable("away")

    for ending in (True, False):
        asyncio.run(Presence(Away(), ONE, Hand(), lambda ending=ending: ending).tell())  # type: ignore[misc]


def test_files_of_certificates(tmp_path: Path) -> None:
    pair(tmp_path, "one")
    pair(tmp_path, "two")
    live = tmp_path / "live.crt"
    files = CertificateFiles({"tls.cert": live})
    [missing] = asyncio.run(files.standing())
    assert missing.trouble.endswith("cannot be read: No such file or directory")
    live.write_bytes((tmp_path / "one.crt").read_bytes())
    [first] = asyncio.run(files.standing())
    assert (first.name, first.subject, first.trouble) == ("tls.cert", "CN=one", "")
    assert first.ends_at > 0
    (tmp_path / "new").write_bytes((tmp_path / "two.crt").read_bytes())
    (tmp_path / "new").replace(live)
    assert asyncio.run(files.standing())[0].subject == "CN=two"
    live.write_text("nothing")
    assert "holds no certificate" in asyncio.run(files.standing())[0].trouble
    assert asyncio.run(CertificateFiles({}).standing()) == []
