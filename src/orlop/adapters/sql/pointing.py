"""Tags that are pointed at manifests: by a push, a promotion, or whatever lets something out."""

from collections.abc import Sequence

from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.ledger import Ledger
from orlop.adapters.sql.quarantining import waits_there
from orlop.domain.digest import Digest
from orlop.domain.errors import ManifestUnknown
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.catalog import By, Terms


async def moved_tags(
    tx: Session, repository: int, tags: Sequence[Tag], digest: Digest, terms: Terms
) -> dict[Tag, str | None]:
    """Those of these tags that would become others by pointing at a digest, and what each pointed at. Raises what one
    of them is refused with."""
    moves: dict[Tag, str | None] = {}
    for tag in dict.fromkeys(tags):
        target = await tx.one("tag_target", repository, tag)
        previous = target[1] if target is not None else None
        if terms.sets(tag, previous, digest):
            moves[tag] = previous
    return moves


async def point_tag(
    tx: Session,
    repository: int,
    name: RepositoryName,
    manifest: int,
    digest: Digest,
    tag: Tag,
    previous: str | None,
    by: By,
    ledger: Ledger,
    detail: str = "",
) -> None:
    """Point a tag at a manifest of a locked repository; `previous`: what it pointed at, None: it is new; `detail`: why,
    for its history."""
    await tx.run("tag_set", repository, tag, manifest, by.at, by.actor)
    await tx.run("tag_history_told", repository, tag, by.at, by.actor, digest, previous, detail)
    if previous is None:
        ledger.count(repository, tags=1)
    ledger.event(EventKind.TAG_SET, name, digest, tag, detail=detail)


async def set_tag(
    tx: Session,
    repository: tuple[int, RepositoryName],
    tag: Tag,
    digest: Digest,
    terms: Terms,
    by: By,
    ledger: Ledger,
    detail: str = "",
) -> str | None:
    """Point a tag at a manifest of a locked repository (row, name) unless it does so; what it pointed at before.

    Raises what the terms refuse; ManifestUnknown where the repository does not hold that, Conflict where it waits in
    quarantine.
    """
    row_id, name = repository
    target = await tx.one("tag_target", row_id, tag)
    previous: str | None = target[1] if target is not None else None
    if not terms.sets(tag, previous, digest):
        return previous
    manifest = await tx.one("manifest_row", row_id, digest)
    if manifest is None:
        raise ManifestUnknown(f"{name} does not hold {digest} any more", {"reference": digest})
    if manifest[3]:
        raise waits_there(name, digest)
    await point_tag(tx, row_id, name, manifest[0], digest, tag, previous, by, ledger, detail)
    return previous
