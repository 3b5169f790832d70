"""Bundles as rows."""

from collections.abc import Sequence

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import each
from orlop.domain.digest import Digest
from orlop.domain.errors import Conflict, NotFound
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import Page, PageRequest, page_of
from orlop.domain.promotion.bundle import Bundle, BundledImage
from orlop.domain.settings import place_words
from orlop.ports.by import By


class SqlBundles:
    """See ports.bundles.Bundles. `lists`: what pages are read by."""

    def __init__(self, engine: Engine, lists: Session) -> None:
        self._engine = engine
        self._lists = lists

    async def add(self, bundle: Bundle, most: int, by: By) -> Bundle:
        async def steps(tx: Session, ledger: Ledger) -> Bundle:
            await tx.one("bundle_maker_lock", bundle.created_id)
            count = await tx.one("bundles_of_account", bundle.created_id)
            found = await tx.one("bundle_get", bundle.name, bundle.path)
            if found is None and count is not None and count[0] >= most:
                raise Conflict(f"{by.actor} has {most} bundles; remove some first", {"bundle": bundle.name})
            row = found or await tx.one(
                "bundle_add", bundle.path, bundle.name, by.actor, bundle.created_id, bundle.created_at
            )
            if found is not None or row is None:
                return await _same(tx, bundle)
            await tx.many(
                "bundle_image_add",
                [(row[0], place, one.repository, one.tag or "", one.digest) for place, one in enumerate(bundle.images)],
            )
            _tell(ledger, EventKind.BUNDLE_CREATED, bundle)
            return bundle

        return await self._engine.write(recorded(by, steps), changes=False)

    async def named(self, name: str, limit: int) -> tuple[Bundle, ...]:
        return await _whole(self._engine.reader, await self._engine.reader.all("bundles_named", name, limit))

    async def page(self, page: PageRequest) -> Page[Bundle]:
        name, _, path = page.after.partition(" ")
        rows = await self._lists.all("bundle_page", name, path, page.size + 1)
        return page_of(await _whole(self._lists, rows), page)

    async def remove(self, path: str, name: str, by: By) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            row = await tx.one("bundle_get", name, path)
            if row is None:
                raise NotFound(f"there is no bundle {name} at {place_words(path)}", {"bundle": name, "path": path})
            [bundle] = await _whole(tx, [row])
            await tx.run("bundle_remove", row[0])
            _tell(ledger, EventKind.BUNDLE_REMOVED, bundle)

        await self._engine.write(recorded(by, steps), changes=False)


async def _same(tx: Session, bundle: Bundle) -> Bundle:
    """The one of that name, if it is the same. Raises Conflict."""
    row = await tx.one("bundle_get", bundle.name, bundle.path)
    found = (await _whole(tx, [row]))[0] if row is not None else None
    if found is not None and (found.created_id, found.images) == (bundle.created_id, bundle.images):
        return found
    raise Conflict(
        f"there is a bundle {bundle.name} at {place_words(bundle.path)} already, and it stays as it is; choose another"
        " name",
        {"bundle": bundle.name, "path": bundle.path},
    )


async def _whole(session: Session, rows: Sequence[Row]) -> tuple[Bundle, ...]:
    """Bundles with their images."""
    if not rows:
        return ()
    images: dict[int, list[BundledImage]] = {}
    for number, repository, tag, digest in await session.all("bundle_images_of", each([row[0] for row in rows])):
        one = BundledImage(RepositoryName.stored(repository), Tag.stored(tag) if tag else None, Digest.stored(digest))
        images.setdefault(number, []).append(one)
    return tuple(
        Bundle(
            path=path,
            name=name,
            created_by=maker,
            created_id=account,
            created_at=at,
            images=tuple(images.get(number, ())),
        )
        for number, path, name, maker, account, at in rows
    )


def _tell(ledger: Ledger, kind: EventKind, bundle: Bundle) -> None:
    for image in bundle.images:
        ledger.event(kind, image.repository, image.digest, str(image.tag or ""), subject=f"bundle {bundle.name}")
