"""What every driver keeps to about the servers on a catalog (ports.replicas.Replicas)."""

from orlop.adapters.sql.migrations import known
from orlop.ports.catalog import Catalog
from orlop.ports.replicas import Replica

ONE, TWO = Replica("a:1", "a", "1.0", 2, 10, 100), Replica("b:7", "b", "1.1", 4, 20, 101)


class ReplicasKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_each_is_told_of_once_the_last_seen_first(self, catalog: Catalog) -> None:
        await catalog.replicas.seen(ONE, 0)
        await catalog.replicas.seen(TWO, 0)
        assert tuple(await catalog.replicas.since(0, 10)) == (TWO, ONE)
        later = Replica("a:1", "a", "1.2", 3, 30, 102)
        await catalog.replicas.seen(later, 0)
        assert tuple(await catalog.replicas.since(0, 10)) == (later, TWO)
        assert tuple(await catalog.replicas.since(0, 1)) == (later,)
        assert tuple(await catalog.replicas.since(102, 10)) == (later,)

    async def test_those_that_left_and_those_that_nobody_saw_are_forgotten(self, catalog: Catalog) -> None:
        await catalog.replicas.seen(ONE, 0)
        await catalog.replicas.seen(TWO, 101)
        assert tuple(await catalog.replicas.since(0, 10)) == (TWO,)
        await catalog.replicas.left(TWO.id)
        await catalog.replicas.left(TWO.id)
        assert tuple(await catalog.replicas.since(0, 10)) == ()

    async def test_the_schema_is_the_newest_migration(self, catalog: Catalog) -> None:
        assert await catalog.replicas.schema() == known("sqlite")[-1].number == known("postgres")[-1].number
