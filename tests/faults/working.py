"""A program that lives a registry's life in small steps, on SQLite and files, and tells what it has done; and the model
of what has to be there after any number of steps.

Started as `python -m tests.faults.working FOLDER`. Each line is written at once, so whoever reads it knows that
everything before it was acknowledged.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from orlop.domain.names import Reference, RepositoryName, Tag
from orlop.domain.retention.plans import PlanState
from orlop.ports.catalog import By, ManifestPush, Terms
from orlop.ports.clock import SECOND
from orlop.ports.trash import Asked
from tests.content import Piece, Pushable, artifact, blob, image, index
from tests.registry import ALICE, EXPIRE, GRACE, START, HandClock, Registry, Stores, body, on_disk

APP, LIB, BUILDS = RepositoryName("team/app"), RepositoryName("lib"), RepositoryName("team/builds")
HELD = RepositoryName("team/held")

#: What is looked at: (repository, "manifest" or "blob", reference).
Key = tuple[RepositoryName, str, Reference]


class Step(NamedTuple):
    """Something that a client asks for, and what holds once it is acknowledged: the digest behind a key, or None."""

    name: str
    run: Callable[[Registry], Awaitable[object]]
    leaves: dict[Key, str | None]


def push_blob(repository: RepositoryName, piece: Piece) -> Step:
    """Push a blob in one request."""
    return Step(
        f"push blob {piece.name}",
        lambda registry: registry.push_blob(repository, piece),
        {(repository, "blob", piece.digest): piece.digest},
    )


def put(repository: RepositoryName, what: Pushable, *tags: Tag) -> Step:
    """Push a manifest alone."""
    leaves: dict[Key, str | None] = {(repository, "manifest", what.digest): what.digest}
    leaves |= {(repository, "manifest", tag): what.digest for tag in tags}
    return Step(f"put {what.name}", lambda registry: registry.put(repository, what, tags), leaves)


def push(repository: RepositoryName, what: Pushable, *tags: Tag) -> list[Step]:
    """Push a manifest after everything that it needs."""
    steps = []
    for pushable in what.everything():
        steps += [push_blob(repository, piece) for piece in pushable.blobs]
        steps.append(put(repository, pushable, *(tags if pushable is what else ())))
    return steps


def push_in_chunks(repository: RepositoryName, piece: Piece) -> Step:
    """Push a blob by two chunks and an empty end."""

    async def run(registry: Registry) -> None:
        middle = piece.size // 3
        upload = await registry.uploads.start(repository, ALICE)
        await registry.uploads.append(repository, upload.id, body(piece.content[:middle]), ALICE)
        await registry.uploads.append(repository, upload.id, body(piece.content[middle:]), ALICE)
        await registry.uploads.finish(repository, upload.id, piece.digest, body(), ALICE)

    return Step(f"push blob {piece.name} in chunks", run, {(repository, "blob", piece.digest): piece.digest})


def delete(repository: RepositoryName, reference: Reference, *gone: Reference) -> Step:
    """Delete a manifest or tag; `gone` are the tags that go with it."""
    return Step(
        f"delete {reference[:16]}",
        lambda registry: registry.manifests.delete(repository, reference, ALICE),
        {(repository, "manifest", each): None for each in (reference, *gone)},
    )


def delete_blob(repository: RepositoryName, piece: Piece) -> Step:
    """Delete a blob."""
    return Step(
        f"delete blob {piece.name}",
        lambda registry: registry.blobs.delete(repository, piece.digest, ALICE),
        {(repository, "blob", piece.digest): None},
    )


def trash(repository: RepositoryName, what: Pushable, *gone: Tag) -> Step:
    """Delete a manifest, which then lies in the trash; `gone` are the tags that go with it."""
    return Step(
        f"trash {what.name}",
        lambda registry: registry.stores.catalog.manifests.delete(repository, what.digest, _by(registry), TRASHED),
        {(repository, "manifest", each): None for each in (what.digest, *gone)},
    )


def trash_repository(repository: RepositoryName, what: Pushable, *gone: Tag) -> Step:
    """Delete a repository, which then lies in the trash; `what` is all that it holds."""
    leaves: dict[Key, str | None] = {(repository, "blob", piece.digest): None for piece in what.blobs}
    leaves |= {(repository, "manifest", each): None for each in (what.digest, *gone)}
    return Step(
        "trash a repository",
        lambda registry: registry.stores.catalog.repositories.remove(repository, _by(registry), TRASHED),
        leaves,
    )


def restore(asked: Asked, *came: Pushable, **tags: Pushable) -> Step:
    """Restore from the trash."""
    leaves: dict[Key, str | None] = {(asked.repository, "manifest", what.digest): what.digest for what in came}
    leaves |= {(asked.repository, "manifest", Tag(tag)): what.digest for tag, what in tags.items()}
    leaves |= {(asked.repository, "blob", piece.digest): piece.digest for what in came for piece in what.blobs}
    return Step("restore", lambda registry: registry.stores.catalog.trash.restore(asked, _by(registry)), leaves)


def hold(repository: RepositoryName, what: Pushable, *tags: Tag) -> list[Step]:
    """Push an image into quarantine: it is there, without its tags."""

    async def run(registry: Registry) -> None:
        push = ManifestPush(repository, what.digest, what.content, what.manifest, tags, held=True)
        assert await registry.stores.catalog.manifests.put(push, _by(registry))

    leaves: dict[Key, str | None] = {(repository, "manifest", what.digest): what.digest}
    leaves |= {(repository, "manifest", tag): None for tag in tags}
    return [*(push_blob(repository, piece) for piece in what.blobs), Step(f"hold {what.name}", run, leaves)]


def let_out(repository: RepositoryName, what: Pushable, *tags: Tag) -> Step:
    """Let it out of quarantine: it gets its tags."""

    async def run(registry: Registry) -> None:
        rows = registry.stores.catalog.held_pushes
        held = await rows.of(repository, what.digest)
        assert held is not None
        await rows.release(held, Terms(), _by(registry), "it is fine")

    return Step(f"let out {what.name}", run, {(repository, "manifest", tag): what.digest for tag in tags})


def refuse(repository: RepositoryName, what: Pushable) -> Step:
    """Refuse it, into the trash."""

    async def run(registry: Registry) -> None:
        rows = registry.stores.catalog.held_pushes
        held = await rows.of(repository, what.digest)
        assert held is not None
        await rows.refuse(held, TRASHED, _by(registry), "no")

    return Step(f"refuse {what.name}", run, {(repository, "manifest", what.digest): None})


def _by(registry: Registry) -> By:
    return By("alice", registry.clock.at)


def abandon(repository: RepositoryName, *, cancel: bool) -> Step:
    """Begin an upload, and cancel or forget it."""

    async def run(registry: Registry) -> None:
        upload = await registry.uploads.start(repository, ALICE)
        await registry.uploads.append(repository, upload.id, body(b"never finished"), ALICE)
        if cancel:
            await registry.uploads.cancel(repository, upload.id, ALICE)

    return Step("cancel an upload" if cancel else "abandon an upload", run, {})


def collect(*loose: tuple[RepositoryName, Piece]) -> Step:
    """Collect garbage, much later: `loose` is what no manifest names by then."""

    async def run(registry: Registry) -> None:
        for _ in range(3):
            registry.clock.at += GRACE + SECOND
            await registry.collection.run(GRACE)
        registry.clock.at += EXPIRE
        await registry.collection.expire_uploads()

    return Step("collect", run, {(repository, "blob", piece.digest): None for repository, piece in loose})


def lose(piece: Piece, *held_by: RepositoryName) -> Step:
    """The disk loses a blob, and scrub finds out: no repository holds it any more."""

    async def run(registry: Registry) -> None:
        found = await registry.blobs.find(held_by[0], piece.digest, ALICE)
        await registry.stores.remover.remove(found.blob.key)
        registry.clock.at += SECOND
        assert (await registry.scrub.run(whole=True)).rotten == 1

    return Step(f"lose {piece.name}", run, {(repository, "blob", piece.digest): None for repository in held_by})


def heal(piece: Piece, *held_by: RepositoryName) -> Step:
    """Push a lost blob into one of the repositories that held it, which all have it again."""
    leaves: dict[Key, str | None] = {(repository, "blob", piece.digest): piece.digest for repository in held_by}
    return Step(f"heal {piece.name}", lambda registry: registry.push_blob(held_by[0], piece), leaves)


def retain(repository: RepositoryName, rule: Mapping[str, object], *gone: Reference) -> Step:
    """Plan what a rule deletes, and apply the plan."""

    async def run(registry: Registry) -> None:
        await registry.retention(repository, rule)
        done = await registry.applier.apply(await registry.plan(repository))
        assert (done.state, done.skipped) == (PlanState.APPLIED, 0)

    return Step("apply retention", run, {(repository, "manifest", each): None for each in gone})


BASE, CODE, BIG = blob("base", 20_000), blob("code", 3_000), blob("big", 2_500_000)
ONE = image("one", [BASE, CODE])
TWO = image("two", [BASE, BIG])
SBOM = artifact("sbom", subject=TWO)
BOTH = index("both", [ONE, TWO])
LOOSE, UNWANTED, LOST = blob("loose", 70_000), blob("unwanted", 10), blob("lost", 30_000)
TRASHED = Terms(trash=GRACE)

STEPS: Sequence[Step] = (
    *push(APP, ONE, Tag("v1"), Tag("latest")),
    push_in_chunks(APP, BIG),
    *push(APP, TWO, Tag("v2"), Tag("latest")),
    *push(APP, SBOM),
    put(APP, BOTH, Tag("both")),
    *push(LIB, ONE, Tag("v1")),
    push_blob(LIB, UNWANTED),
    delete_blob(LIB, UNWANTED),
    push_in_chunks(LIB, LOOSE),
    abandon(LIB, cancel=True),
    abandon(LIB, cancel=False),
    delete(APP, Tag("v1")),
    delete(LIB, ONE.digest, Tag("v1")),
    collect((LIB, LOOSE), *((LIB, piece) for piece in ONE.blobs)),
    push_blob(LIB, UNWANTED),
    *push(LIB, ONE, Tag("v2")),
    delete(APP, Tag("both")),
    delete(APP, BOTH.digest),
    delete(APP, ONE.digest),
    collect((APP, CODE), (APP, ONE.blobs[0]), (LIB, UNWANTED)),
    trash(APP, TWO, Tag("v2"), Tag("latest")),
    trash(APP, SBOM),
    restore(Asked(APP, Tag("v2")), TWO, SBOM, v2=TWO, latest=TWO),
    trash_repository(LIB, ONE, Tag("v2")),
    restore(Asked(LIB), ONE, v2=ONE),
    trash_repository(LIB, ONE, Tag("v2")),
    trash(APP, SBOM),
    collect(*((APP, piece) for piece in SBOM.blobs)),
    push_blob(LIB, LOST),
    push_blob(APP, LOST),
    lose(LOST, APP, LIB),
    heal(LOST, LIB, APP),
    collect((LIB, LOST), (APP, LOST)),
    *push(BUILDS, ONE, Tag("build-1"), Tag("prod")),
    *push(BUILDS, TWO, Tag("build-2")),
    *push(BUILDS, SBOM),
    retain(
        BUILDS,
        {"delete": [{"tags": ["build-*"]}], "keep": [{"tags": ["prod"]}]},
        *(Tag("build-1"), Tag("build-2"), TWO.digest, SBOM.digest),
    ),
    collect(*((BUILDS, piece) for piece in (BIG, TWO.blobs[0], *SBOM.blobs))),
    *hold(HELD, ONE, Tag("h1"), Tag("h2")),
    collect(),
    let_out(HELD, ONE, Tag("h1"), Tag("h2")),
    *hold(HELD, TWO, Tag("h3")),
    refuse(HELD, TWO),
    collect((HELD, BIG), (HELD, TWO.blobs[0])),
)


def say(event: str, number: int) -> None:
    """Report."""
    os.write(1, f"{event} {number}\n".encode())


def opened(folder: Path, clock: HandClock) -> tuple[Registry, Stores]:
    """The registry in a folder."""
    stores = on_disk(folder)
    return Registry(stores, clock), stores


async def work(folder: Path) -> None:
    """Take all steps."""
    registry, stores = opened(folder, HandClock())
    say("opened", 0)
    for number, step in enumerate(STEPS):
        say("begin", number)
        await step.run(registry)
        say("done", number)
    await stores.close()


def later(steps: int) -> int:
    """A time at which everything that `steps` steps made is past its grace."""
    return START + (steps + 1) * 10 * (GRACE + EXPIRE)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))
