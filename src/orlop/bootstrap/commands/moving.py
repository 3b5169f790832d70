"""Both ends of a move, opened for `orlop store migrate`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial

from orlop.bootstrap.clocks import RandomIds
from orlop.bootstrap.commands.migrations import Migrations
from orlop.bootstrap.stores.blobs import BlobRoles, hand_blobs_over, open_blobs, prepare_blobs
from orlop.bootstrap.stores.catalogs import Siblings, open_sql, prepare_catalog
from orlop.bootstrap.stores.places import blob_store_name, place_name
from orlop.config import Settings
from orlop.domain.errors import Unavailable
from orlop.domain.moving import MOVER
from orlop.ports.stores import StoreRefused
from orlop.services.moving.blobs import BlobCopies
from orlop.services.moving.move import End, StoreMove
from orlop.services.moving.report import MoveReport


class Movings:
    """See faces.cli.stores.store_work.Moving."""

    @asynccontextmanager
    async def move(
        self, source: Settings, target: Settings, progress: Callable[[MoveReport], None]
    ) -> AsyncIterator[StoreMove]:
        """A move from the stores of a server to others, which are made if there are none."""
        blobs_move = blob_store_name(source) != blob_store_name(target)
        async with AsyncExitStack() as stack:
            with _told():
                here = await _existing(source)
                if blobs_move:
                    await asyncio.to_thread(prepare_blobs, source, here)
                there = await asyncio.to_thread(prepare_catalog, target)
                if blobs_move:
                    await asyncio.to_thread(prepare_blobs, target, there)
                start = await _end(stack, source, here)
                goal = await _end(stack, target, there)
                copies = None
                if blobs_move:
                    old, new = await _blobs(stack, source), await _blobs(stack, target)
                    copies = BlobCopies(start.rows, start.inspection, old.reader, new.reader, new.stage)

            async def adopt() -> None:
                with _told():
                    if not blobs_move:
                        await hand_blobs_over(target, here, there)

            yield StoreMove(start, goal, copies, adopt, RandomIds(), progress)

    @asynccontextmanager
    async def source(self, settings: Settings) -> AsyncIterator[StoreMove]:
        """The move that the stores of a server are in, to give it up: the other end may be out of reach."""
        async with AsyncExitStack() as stack:
            with _told():
                here = await _end(stack, settings, await _existing(settings))
            yield StoreMove(here, here, None, _nothing, RandomIds())


async def _existing(settings: Settings) -> str:
    """The id of a catalog that is there, with the schema of this release. Raises StoreRefused."""
    schema = await Migrations().schema(settings)
    if not schema.applied or schema.due:
        raise StoreRefused(
            f"{place_name(settings)} holds no catalog of this release; name the stores that are served, or look at"
            " `orlop migrate status`"
        )
    return await asyncio.to_thread(prepare_catalog, settings)


async def _end(stack: AsyncExitStack, settings: Settings, catalog: str) -> End:
    from orlop.adapters.sql.moving import SqlMoves, SqlRows

    opened = open_sql(settings, Siblings([0], 0), MOVER)
    stack.push_async_callback(opened.engine.close)
    return End(
        place_name(settings),
        catalog,
        blob_store_name(settings),
        SqlMoves(opened.engine),
        SqlRows(opened.engine),
        opened.catalog.inspection,
        opened.catalog.vitals,
    )


async def _blobs(stack: AsyncExitStack, settings: Settings) -> BlobRoles:
    roles, close = await asyncio.to_thread(partial(open_blobs, settings))
    stack.push_async_callback(close)
    return roles


@contextmanager
def _told() -> Iterator[None]:
    """Turn refusals into Unavailable, which the command line tells in its sentence."""
    try:
        yield
    except StoreRefused as refusal:
        raise Unavailable(str(refusal)) from refusal


async def _nothing() -> None:
    """There are no blobs to hand over."""
