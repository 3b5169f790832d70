"""What clients do to a registry while it collects garbage, and what each answer promises from then on."""

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from orlop.domain.errors import BlobUnknown, ManifestBlobUnknown, ManifestUnknown, NotFound
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.catalog import By, Terms
from orlop.ports.trash import Asked
from tests.content import Piece, Pushable, blob, image
from tests.registry import ALICE, GRACE, Registry


class Place(NamedTuple):
    """Where one scenario plays: repositories and contents that no other scenario touches."""

    app: RepositoryName
    lib: RepositoryName
    base: Piece
    new: Pushable
    old: Pushable

    @classmethod
    def number(cls, number: int) -> "Place":
        """The place of a scenario."""
        base = f"base of {number}"
        return cls(
            RepositoryName(f"team/app{number}"),
            RepositoryName(f"team/web/lib{number}"),
            blob(base),
            image(f"new {number}", [base]),
            image(f"old {number}", [base, f"more of {number}"]),
        )


NEW, OLD = Tag("new"), Tag("old")


class Promises:
    """What the registry has acknowledged, and not been asked to undo since."""

    def __init__(self) -> None:
        self.blobs: set[tuple[RepositoryName, Piece]] = set()
        self.manifests: dict[str, Pushable] = {}
        self.tags: dict[Tag, Pushable] = {}
        self.gone: set[Tag | str] = set()


Operation = Callable[[Registry, Place, Promises], Coroutine[Any, Any, None]]


async def head(registry: Registry, place: Place, promises: Promises) -> None:
    """HEAD of the blob: who is told that it is there may name it in a manifest."""
    try:
        await registry.blobs.find(place.app, place.base.digest, ALICE)
    except BlobUnknown:
        return
    promises.blobs.add((place.app, place.base))


async def mount(registry: Registry, place: Place, promises: Promises) -> None:
    """Mount of the blob into another repository."""
    if await registry.blobs.mount(place.base.digest, place.app, place.lib, ALICE) is not None:
        promises.blobs.add((place.lib, place.base))


async def put(registry: Registry, place: Place, promises: Promises) -> None:
    """PUT of a manifest that names the blob."""
    try:
        await registry.put(place.app, place.new, [NEW])
    except ManifestBlobUnknown:
        return
    promises.manifests[place.new.digest] = place.new
    promises.tags[NEW] = place.new
    promises.gone -= {place.new.digest, NEW}


async def untag(registry: Registry, place: Place, promises: Promises) -> None:
    """DELETE of the tag of an older manifest that names the blob."""
    try:
        await registry.manifests.delete(place.app, OLD, ALICE)
    except ManifestUnknown:
        return
    promises.tags.pop(OLD, None)
    promises.gone.add(OLD)


async def delete(registry: Registry, place: Place, promises: Promises) -> None:
    """DELETE of the older manifest itself, which lets go of the blob."""
    try:
        await registry.manifests.delete(place.app, place.old.digest, ALICE)
    except ManifestUnknown:
        return
    promises.manifests.pop(place.old.digest, None)
    promises.tags.pop(OLD, None)
    promises.gone |= {place.old.digest, OLD}


async def push_again(registry: Registry, place: Place, promises: Promises) -> None:
    """The blob once more."""
    await registry.push_blob(place.app, place.base)
    promises.blobs.add((place.app, place.base))


async def trash(registry: Registry, place: Place, promises: Promises) -> None:
    """DELETE of the older manifest, which then lies in the trash."""
    rows, by = registry.stores.catalog.manifests, collector(registry)
    try:
        await rows.delete(place.app, place.old.digest, by, Terms(trash=GRACE))
    except ManifestUnknown:
        return
    promises.manifests.pop(place.old.digest, None)
    promises.tags.pop(OLD, None)
    promises.gone |= {place.old.digest, OLD}


async def restore(registry: Registry, place: Place, promises: Promises) -> None:
    """The older manifest comes back with its tag, if it still lies in the trash."""
    try:
        await registry.stores.catalog.trash.restore(Asked(place.app, digest=place.old.digest), collector(registry))
    except NotFound:
        return
    promises.manifests[place.old.digest] = place.old
    promises.tags[OLD] = place.old
    promises.gone -= {place.old.digest, OLD}


OPERATIONS: tuple[Operation, ...] = (head, mount, put, untag, delete, push_again)
#: Where the older manifest lies in the trash.
OF_TRASH: tuple[Operation, ...] = (head, mount, put, push_again, trash, restore)


async def loose(registry: Registry, place: Place, promises: Promises) -> None:
    """The blobs were pushed long ago, and no manifest names them."""
    for piece in (*place.new.blobs, *place.old.blobs):
        await registry.push_blob(place.app, piece)


async def named(registry: Registry, place: Place, promises: Promises) -> None:
    """The blobs were pushed long ago, and an older manifest names some of them."""
    await registry.push(place.app, place.old, OLD)
    await registry.push_blob(place.app, place.new.blobs[0])
    promises.manifests[place.old.digest] = place.old
    promises.tags[OLD] = place.old


async def condemned(registry: Registry, place: Place, promises: Promises) -> None:
    """The blobs lost their last link long ago."""
    await loose(registry, place, promises)
    for piece in {*place.new.blobs, *place.old.blobs}:
        await registry.blobs.delete(place.app, piece.digest, ALICE)


async def trashed(registry: Registry, place: Place, promises: Promises) -> None:
    """An older manifest was deleted long ago, and is about to expire in the trash."""
    await named(registry, place, promises)
    await trash(registry, place, promises)


SITUATIONS: tuple[Operation, ...] = (loose, named, condemned, trashed)


def operations(situation: Operation) -> tuple[Operation, ...]:
    """What clients do in a situation."""
    return OF_TRASH if situation is trashed else OPERATIONS


async def kept(registry: Registry, place: Place, promises: Promises) -> None:
    """Everything that was promised holds. That copies are readable is for verification to say."""
    catalog = registry.stores.catalog
    for repository, piece in promises.blobs:
        assert await catalog.links.find(repository, piece.digest) is not None, (repository, piece.name)
    for what in promises.manifests.values():
        found = await catalog.manifests.resolve(place.app, what.digest)
        assert found is not None, what.name
        assert found.content == what.content
    for tag, what in promises.tags.items():
        found = await catalog.manifests.resolve(place.app, tag)
        assert found is not None, tag
        assert found.digest == what.digest
    for name in promises.gone:
        reference = Tag(name) if name in (OLD, NEW) else place.old.digest
        assert await catalog.manifests.resolve(place.app, reference) is None, name


async def is_sound(registry: Registry) -> None:
    """Verification finds nothing, and a collection right after a collection does nothing."""
    assert (await registry.verification().run()).findings == []
    await registry.collection.run(GRACE)
    second = await registry.collection.run(GRACE)
    assert (second.uploads, second.links, second.condemned, second.tombstoned, second.removed) == (0, 0, 0, 0, 0)
    assert (await registry.verification().run()).findings == []


def collector(registry: Registry) -> By:
    """Who collects, now."""
    return By("collection", registry.clock.at)
