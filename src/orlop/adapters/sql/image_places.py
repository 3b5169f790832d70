"""Where images are, for what is said of them there."""

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.domain.digest import Digest
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName
from orlop.ports.by import By
from orlop.ports.events import KNOWN_OF_IMAGES


class SqlImagePlaces:
    """See ports.insides.ImagePlaces."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def holders(self, image: Digest, limit: int) -> tuple[RepositoryName, ...]:
        """See ImagePlaces."""
        rows = await self._reader.all("inside_holders", image, limit)
        return tuple(RepositoryName.stored(name) for (name,) in rows)

    async def indexes(self, repository: RepositoryName, image: Digest, limit: int) -> tuple[Digest, ...]:
        """See ImagePlaces."""
        rows = await self._reader.all("inside_indexes", repository, image, limit)
        return tuple(dict.fromkeys(Digest.stored(digest) for (digest,) in rows))

    async def came(self, image: Digest, now: int) -> bool:
        """See ImagePlaces."""

        async def script(tx: Session) -> bool:
            return await tx.one("inside_came", image, now) is not None

        # What documents had a word in does not stand any more: what was concluded from it is to be forgotten.
        documented = await self._reader.one("inside_documented", image) is not None
        return await self._engine.write(script, durable=False, changes=KNOWN_OF_IMAGES if documented else False)

    async def refused(self, repository: RepositoryName, image: Digest, why: str, by: By) -> None:
        """See ImagePlaces."""

        async def steps(tx: Session, ledger: Ledger) -> None:
            ledger.event(EventKind.SBOM_REFUSED, repository, image, detail=why)

        await self._engine.write(recorded(by, steps), changes=False)

    async def missed(self, repository: RepositoryName, layer: Digest, now: int) -> int:
        """See ImagePlaces."""
        rows = [(row, now) for (row,) in await self._reader.all("inside_missed", repository, layer)]

        async def script(tx: Session) -> None:
            await tx.many("inside_retry", rows)

        if rows:
            await self._engine.write(script, durable=False, changes=False)
        return len(rows)

    async def within(self, place: str, after: int, limit: int, now: int) -> int | None:
        """See ImagePlaces."""
        rows = await self._reader.all("inside_places", after, limit)
        if not rows:
            return None
        there = [(digest, now) for _, digest, name in rows if not place or f"{name}/".startswith(f"{place}/")]

        async def script(tx: Session) -> None:
            await tx.many("inside_anew", there)

        if there:
            await self._engine.write(script, durable=False, changes=False)
        last: int = rows[-1][0]
        return last
