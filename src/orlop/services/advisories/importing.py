"""Takes in advisories, batch by batch, and writes down how that went."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import IO

import msgspec

from orlop.domain.errors import RegistryError
from orlop.domain.inside.rows import Refusal
from orlop.ports.advisories import (
    REFUSALS_KEPT,
    Advisories,
    AdvisoryReader,
    AdvisorySource,
    AdvisorySources,
    ImportRefused,
    ReadBatch,
)
from orlop.ports.by import By
from orlop.ports.clock import Clock


class Imported(msgspec.Struct, frozen=True):
    """How an import went: records of all kinds, those that were new or others, those refused and the first reasons."""

    records: int = 0
    changed: int = 0
    older: int = 0
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()
    gone: int = 0
    """Rows that were forgotten, for they left their source."""

    def joined(self, other: "Imported") -> "Imported":
        """Both together."""
        return Imported(
            self.records + other.records,
            self.changed + other.changed,
            self.older + other.older,
            self.refused + other.refused,
            (*self.refusals, *other.refusals)[:REFUSALS_KEPT],
        )


class Importing:
    """See the module. `imported` is told of each import that ended."""

    def __init__(
        self,
        advisories: Advisories,
        sources: AdvisorySources,
        reader: AdvisoryReader,
        clock: Clock,
        imported: Callable[[Imported], None] = lambda _: None,
    ) -> None:
        self._advisories = advisories
        self._sources = sources
        self._reader = reader
        self._clock = clock
        self._imported = imported

    async def file(
        self,
        source: str,
        file: IO[bytes],
        by: By,
        *,
        origin: str = "",
        etag: str = "",
        told: Callable[[Imported], None] = lambda _: None,
    ) -> Imported:
        """Everything in a file; `told` how far it is. What was taken in stays if it ends early. Raises ImportRefused,
        and whatever the catalog raises."""
        return await self.batches(source, self._reader.read(file), by, origin=origin, etag=etag, told=told)

    async def batches(
        self,
        source: str,
        batches: AsyncGenerator[ReadBatch, None],
        by: By,
        *,
        origin: str = "",
        etag: str = "",
        continues: bool = False,
        told: Callable[[Imported], None] = lambda _: None,
    ) -> Imported:
        """The same of what was read; one that `continues` is written down as one with what came of the source before.
        What comes of it alone is answered."""
        done = Imported()
        try:
            async with aclosing(batches):
                async for batch in batches:
                    done = done.joined(await self._store(source, batch))
                    told(done)
            if not done.records and not done.refused:
                raise ImportRefused("it holds no advisories")
        except ImportRefused as error:
            await self.failed(source, origin, error, by)
            raise
        now = self._clock.now()
        await self._sources.tell(
            AdvisorySource(
                name=source,
                origin=origin,
                etag=etag,
                tried_at=now,
                imported_at=now,
                records=done.records,
                changed=done.changed,
                refused=done.refused,
                refusals=done.refusals,
            ),
            by,
            continues=continues,
        )
        self._imported(done)
        return done

    async def failed(self, source: str, origin: str, error: RegistryError, by: By) -> None:
        """Write down that an import came to nothing."""
        known = await self._sources.get(source) or AdvisorySource(name=source)
        told = msgspec.structs.replace(known, origin=origin, tried_at=self._clock.now(), error=error.message[:1_000])
        await self._sources.tell(told, by)

    async def _store(self, source: str, batch: ReadBatch) -> Imported:
        stored = await self._advisories.store(source, batch)
        others = len(batch.exploited) + len(batch.scores)
        return Imported(
            records=len(batch.rows) + others,
            changed=stored.new + stored.changed + stored.others,
            older=stored.older,
            refused=len(batch.refusals),
            refusals=batch.refusals[:REFUSALS_KEPT],
        )
