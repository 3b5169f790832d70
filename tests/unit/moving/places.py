"""Places to move between: a folder with SQLite and files, as its server sees it and as one who moves it does."""

from pathlib import Path
from typing import Any, NamedTuple

from orlop.adapters.filesystem import FilesystemBlobs, open_data_folder
from orlop.adapters.sql.catalog import OpenCatalog, open_sqlite
from orlop.adapters.sql.moving import SqlMoves, SqlRows
from orlop.domain.errors import StoreClosed, Unavailable
from orlop.domain.moving import MOVER
from orlop.domain.names import RepositoryName, Tag
from orlop.services.moving.blobs import BlobCopies
from orlop.services.moving.move import End, StoreMove
from tests.content import artifact, image, index
from tests.contract.scene import APP, LIB, V1
from tests.registry import CountedIds, HandClock, Registry, Stores, empty_on_disk

ONE = image("one", ["base", "code"], foreign=["licensed"])
SBOM = artifact("sbom", subject=ONE)
BOTH = index("both", [ONE, image("two", ["base"])])
LATE = image("late", ["base", "later"])
AFTER = image("after", ["base", "much later"])


class Place(NamedTuple):
    """Stores in a folder, and their rows as a move sees them."""

    folder: Path
    stores: Stores
    registry: Registry
    moving: OpenCatalog
    files: FilesystemBlobs

    async def is_open(self, what: Any = AFTER) -> bool:
        """Whether somebody can push here."""
        try:
            await self.registry.push(RepositoryName("probe"), what)
        except StoreClosed:
            return False
        return True

    def end(self, moves: Any = None, rows: Any = None) -> End:
        """As one end of a move."""
        catalog, engine = self.moving.catalog, self.moving.engine
        return End(
            f"sqlite:{self.folder}",
            str(self.folder),
            f"file:{self.folder}",
            moves or SqlMoves(engine),
            rows or SqlRows(engine),
            catalog.inspection,
            catalog.vitals,
        )

    async def close(self) -> None:
        """Let go of everything."""
        await self.stores.close()
        await self.moving.engine.close()
        self.files.close()


def place(folder: Path, ids: int) -> Place:
    """A new place; `ids` is where the names that it gives begin, so that no two places give the same."""
    stores = empty_on_disk(folder)
    counted = CountedIds()
    counted.given = ids
    tree = open_data_folder(folder)
    registry = Registry(stores, HandClock(), counted)
    return Place(folder, stores, registry, open_sqlite(tree.catalog, MOVER), FilesystemBlobs(tree))


async def lived_in(here: Place) -> None:
    """Tags, an index, a referrer, shared layers, an upload under way."""
    await here.registry.push(APP, BOTH, V1)
    await here.registry.push(APP, SBOM)
    await here.registry.push(LIB, ONE, Tag("latest"))


class Mortal:
    """Passes calls on until so many were made that change something; then nothing comes of any, as after a kill."""

    def __init__(self, life: list[int], inner: Any) -> None:
        self._life = life
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in {"change", "add", "clear", "settle", "end_uploads", "promote"}:
            return found

        async def mortal(*arguments: Any) -> Any:
            self._life[0] -= 1
            if self._life[0] < 0:
                raise Unavailable("dead")
            return await found(*arguments)

        return mortal


def move_between(
    source: Place, target: Place, life: int = 1 << 30, ids: int = 0, target_stage: Any = None
) -> StoreMove:
    """A run of the command, which dies before the change that comes after `life` others."""
    left, counted = [life], CountedIds()
    counted.given = 50_000 + ids
    copies = BlobCopies(
        SqlRows(source.moving.engine),
        source.moving.catalog.inspection,
        source.files.reader,
        target.files.reader,
        target_stage or Mortal(left, target.files.stage),
    )
    ends = [
        end.end(Mortal(left, SqlMoves(end.moving.engine)), Mortal(left, SqlRows(end.moving.engine)))
        for end in (source, target)
    ]

    async def adopt() -> None:
        """Files are those of whoever has the folder."""

    return StoreMove(ends[0], ends[1], copies, adopt, counted)
