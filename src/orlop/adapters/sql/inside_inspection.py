"""What is kept of layers, packages and findings, row by row, for verification."""

import zlib
from collections.abc import Sequence

import msgspec

from orlop.adapters.sql.engine import Engine
from orlop.adapters.sql.records import each
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import Digest
from orlop.domain.inside.layers import LayerFacts
from orlop.domain.inside.matching import MATCHER_VERSION
from orlop.ports.advisories import AffectedPackage, FindingRow
from orlop.ports.inside_inspection import KeptLayer, KeptPackage

_facts = msgspec.msgpack.Decoder(LayerFacts)


class SqlInsideInspection:
    """See ports.inside_inspection.InsideInspection."""

    def __init__(self, engine: Engine) -> None:
        self._reader = engine.reader

    async def layers(self, after: str, reader: int, limit: int) -> tuple[KeptLayer, ...]:
        rows = await self._reader.all("inspect_layers", after, reader, limit)
        return tuple(
            KeptLayer(Blob(BlobKey(Digest.stored(digest), copy), size), _read(facts))
            for digest, copy, size, facts in rows
        )

    async def packages(self, after: int, limit: int) -> tuple[KeptPackage, ...]:
        rows = await self._reader.all("inspect_packages", after, MATCHER_VERSION, limit)
        return tuple(KeptPackage(*row) for row in rows)

    async def last_package(self) -> int:
        row = await self._reader.one("inspect_last_package")
        assert row is not None
        return int(row[0])

    async def affecting(self, packages: Sequence[int]) -> tuple[AffectedPackage, ...]:
        rows = await self._reader.all("inspect_affecting", each(packages), MATCHER_VERSION)
        return tuple(AffectedPackage(*row) for row in rows)

    async def found(self, packages: Sequence[int]) -> tuple[FindingRow, ...]:
        rows = await self._reader.all("inspect_found", each(packages), MATCHER_VERSION)
        return tuple(FindingRow(*row) for row in rows)

    async def advisory(self, number: int) -> str:
        row = await self._reader.one("inspect_advisory", number)
        return str(row[0]) if row is not None else ""


def _read(packed: bytes) -> LayerFacts | None:
    try:
        return _facts.decode(zlib.decompress(packed))
    except (zlib.error, msgspec.MsgspecError):
        return None
