"""What is inside images: facts of layers, what waits to be read, and packages with the units that images share."""

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from orlop.adapters.sql.engine import Engine, Row, Script, Session
from orlop.adapters.sql.following import moved
from orlop.adapters.sql.records import each
from orlop.domain.artifacts import IMAGE_CONFIGS
from orlop.domain.descriptor import Platform
from orlop.domain.digest import Digest
from orlop.domain.inside.assembly import ImagePackages, PackageIn, Unit
from orlop.domain.inside.layers import LayerFacts
from orlop.domain.inside.licence_names import LICENCE_NAMES_VERSION, folded, licence_names
from orlop.domain.inside.package import Distribution, Package
from orlop.domain.leases import latest
from orlop.domain.names import RepositoryName
from orlop.ports.events import KNOWN_OF_IMAGES
from orlop.ports.following import Follower
from orlop.ports.insides import ClaimedImage, Depths, HeldPackage, Inside, InsideState
from orlop.ports.jobs import Lease

#: Packages that one transaction writes: pushes wait for their turn meanwhile.
_TOGETHER = 100
#: Rows that are looked at together for whether anything holds them. Of these tables, those that hold others first,
#: each from a key on that lies before every one.
_WINDOW = 200
_HELD_BY_OTHERS: dict[str, int | str] = {
    "inside_images": 0,
    "units": 0,
    "packages": 0,
    "licence_names": 0,
    "inside_layers": "",
}

_facts = msgspec.msgpack.Decoder(LayerFacts)
_packages = msgspec.json.Decoder(Package)


class SqlLayerFacts:
    """See ports.insides.LayerFactsStore."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def get(self, layers: Sequence[Digest], reader: int) -> Mapping[Digest, LayerFacts]:
        rows = await self._engine.reader.all("inside_layers_of", each(layers), reader)
        return {Digest.stored(digest): _facts.decode(zlib.decompress(packed)) for digest, packed in rows}

    async def keep(self, layer: Digest, reader: int, facts: LayerFacts, now: int) -> None:
        packed = await asyncio.to_thread(zlib.compress, msgspec.msgpack.encode(facts))  # of many files it is long

        async def script(tx: Session) -> None:
            await tx.run("inside_layer_keep", layer, reader, packed, now)

        await self._engine.write(script, durable=False, changes=False)


class SqlInsides:
    """See ports.insides.Insides. What a power cut takes is read again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def wait(
        self, images: Sequence[Digest], now: int, follower: Follower, before: int, after: int, lease: Lease
    ) -> None:
        async def script(tx: Session) -> None:
            await moved(tx, follower, before, after, lease)
            await tx.many("inside_wait", [(image, now) for image in images])

        await self._engine.write(script, durable=bool(images), changes=False)

    async def again(self, image: Digest, now: int) -> None:
        async def script(tx: Session) -> None:
            await tx.run("inside_again", image, now)

        await self._engine.write(script, changes=await self._changed(image))

    async def find(self, after: int, limit: int) -> tuple[int, int] | None:
        rows = await self._reader.all("inside_manifests", after, limit, each(sorted(IMAGE_CONFIGS)))
        if not rows:
            return None
        missed = [(digest, pushed_at) for _, digest, pushed_at, is_missed in rows if is_missed]

        async def script(tx: Session) -> None:
            await tx.many("inside_wait", missed)

        if missed:
            await self._engine.write(script, durable=False, changes=False)
        return rows[-1][0], len(missed)

    async def older(self, assembler: int, now: int, limit: int) -> int:
        async def script(tx: Session) -> int:
            return len(await tx.all("inside_older", assembler, now, limit))

        return await self._engine.write(script, durable=False, changes=False)

    async def claim(self, now: int, until: int, limit: int) -> tuple[ClaimedImage, ...]:
        async def script(tx: Session) -> list[tuple[int, str, int]]:
            found = await tx.all("inside_open", now, latest(now, until - now), limit)
            rows = [(row, digest, tries) for row, digest, tries in found]
            await tx.many("inside_claim", [(row, until) for row, _, _ in rows])
            return rows

        claimed = []
        for row, digest, tries in await self._engine.write(script, durable=False, changes=False):
            holder = await self._reader.one("inside_holder", digest)
            repository = RepositoryName.stored(holder[0]) if holder else None
            claimed.append(ClaimedImage(row, Digest.stored(digest), tries + 1, repository))
        return tuple(claimed)

    async def runs_on(self, claimed: ClaimedImage, platform: Platform) -> None:
        async def script(tx: Session) -> None:
            await tx.run("inside_runs_on", claimed.row, claimed.tries, str(platform))

        await self._engine.write(script, durable=False, changes=False)

    async def read(self, claimed: ClaimedImage, found: ImagePackages, assembler: int, now: int) -> bool:
        units = [(unit, await self._unit(unit)) for unit in found.units]
        distribution = msgspec.json.encode(found.distribution).decode() if found.distribution is not None else ""
        unread = msgspec.json.encode(found.unread).decode()

        async def script(tx: Session) -> bool:
            if await tx.one("inside_read", claimed.row, claimed.tries, now, assembler, distribution, unread) is None:
                return False
            await tx.run("image_units_forget", claimed.row)
            rows = [(claimed.row, unit.layer, number, unit.reader) for unit, number in units]
            await tx.many("image_unit_add", rows)
            return True

        return await self._engine.write(script, durable=False, changes=await self._changed(claimed.digest))

    async def unread(self, claimed: ClaimedImage, reason: str, assembler: int, now: int, again_at: int = 0) -> None:
        state = InsideState.WAITING if again_at else InsideState.UNREAD
        said = msgspec.json.encode((reason,)).decode()

        async def script(tx: Session) -> None:
            await tx.run("inside_unread", claimed.row, claimed.tries, state, again_at or now, assembler, said)

        await self._engine.write(script, durable=False, changes=await self._changed(claimed.digest))

    async def _changed(self, image: Digest) -> str | bool:
        """What a write about an image changes: of one that nobody ever read nobody remembers anything. Who reads it
        meanwhile takes a claim, as which the writes about it are."""
        row = await self._reader.one("inside_ever", image)
        return KNOWN_OF_IMAGES if row is not None and row[0] else False

    async def of(self, image: Digest) -> Inside | None:
        row = await self._reader.one("inside_of", image)
        if row is None:
            return None
        state, since, tries, distribution, unread, stands, packages = row
        return Inside(
            digest=image,
            state=InsideState(state),
            since=since,
            tries=tries,
            stands=bool(stands),
            distribution=msgspec.json.decode(distribution, type=Distribution) if distribution else None,
            packages=packages,
            unread=msgspec.json.decode(unread, type=tuple[str, ...]) if unread else (),
        )

    async def packages(self, image: Digest) -> tuple[HeldPackage, ...]:
        return tuple(
            HeldPackage(_packages.decode(body), purl, layer, path, reader)
            for body, purl, layer, path, reader in await self._reader.all("inside_packages", image)
        )

    async def depths(self) -> Depths:
        row = await self._reader.one("inside_depths")
        assert row is not None
        return Depths(*row)

    async def license(self, limit: int) -> int:
        rows = await self._reader.all("packages_unlicensed", LICENCE_NAMES_VERSION, limit)
        named = [(number, licence_names(_packages.decode(body).licences)) for number, body in rows]

        async def script(tx: Session) -> None:
            await tx.many("package_licences_forget", [(number,) for number, _ in named])
            await _license(tx, named)
            await tx.many("package_licensed", [(number, LICENCE_NAMES_VERSION) for number, _ in named])

        if named:
            await self._engine.write(script, durable=False, changes=False)
        return len(named)

    async def forget(self) -> int:
        removed = 0
        for table, start in _HELD_BY_OTHERS.items():
            after: int | str = start
            while rows := await self._reader.all(f"{table}_window", after, _WINDOW):
                after = rows[-1][0]
                loose = [(key,) for key, is_loose in rows if is_loose]
                removed += len(loose)
                if loose:
                    await self._engine.write(_running(f"{table}_forget", loose), durable=False, changes=False)
                await asyncio.sleep(0)
        return removed

    async def _unit(self, unit: Unit) -> int:
        """The row of a unit, which is complete."""

        async def begin(tx: Session) -> tuple[int, bool]:
            await tx.run("unit_add", unit.hash)
            row = await tx.one("unit_find", unit.hash)
            assert row is not None
            return row[0], bool(row[1])

        known = await self._reader.one("unit_find", unit.hash)
        if known is not None and known[1]:
            return int(known[0])
        number, complete = await self._engine.write(begin, durable=False, changes=False)
        if complete:
            return number
        for start in range(0, len(unit.packages), _TOGETHER):
            part = unit.packages[start : start + _TOGETHER]
            await self._engine.write(_writing(number, part), durable=False, changes=False)

        async def end(tx: Session) -> None:
            await tx.run("unit_complete", number)

        await self._engine.write(end, durable=False, changes=False)
        return number


def _running(statement: str, rows: Sequence[Row]) -> Script[None]:
    async def script(tx: Session) -> None:
        await tx.many(statement, rows)

    return script


def _writing(unit: int, packages: Sequence[PackageIn]) -> Script[None]:
    """What writes some packages of a unit."""
    by_identity = {one.identity: one for one in packages}

    async def script(tx: Session) -> None:
        await tx.many("package_add", [_row(one) for one in by_identity.values()])
        ids = dict(cast("list[tuple[str, int]]", await tx.all("package_ids", each(list(by_identity)))))
        named = [
            (key.ecosystem, key.name, ids[one.identity], key.version)
            for one in by_identity.values()
            for key in one.keys
        ]
        await tx.many("package_key_add", named)
        await _license(tx, [(ids[one.identity], licence_names(one.package.licences)) for one in by_identity.values()])
        await tx.many("unit_package_add", [(unit, ids[one.identity], one.path) for one in packages])

    return script


async def _license(tx: Session, named: Sequence[tuple[int, Sequence[str]]]) -> None:
    """Enter the names of licences of packages."""
    names = {folded(name): name for _, mine in named for name in mine}
    await tx.many("licence_name_add", sorted(names.items()))
    rows = {(folded(name), number): None for number, mine in named for name in mine}
    await tx.many("package_licence_add", list(rows))


def _row(one: PackageIn) -> Row:
    package = one.package
    body = msgspec.json.encode(package).decode()
    return (one.identity, package.type, package.name, package.version, one.purl, body, LICENCE_NAMES_VERSION)
