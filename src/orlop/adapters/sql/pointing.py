"""Tags that are pointed at manifests, by a push or by whatever lets something out."""

from collections.abc import Sequence

from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.ledger import Ledger
from orlop.domain.digest import Digest
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
) -> None:
    """Point a tag at a manifest of a locked repository; `previous`: what it pointed at, None: it is new."""
    await tx.run("tag_set", repository, tag, manifest, by.at, by.actor)
    await tx.run("tag_history_add", repository, tag, by.at, by.actor, digest, previous)
    if previous is None:
        ledger.count(repository, tags=1)
    ledger.event(EventKind.TAG_SET, name, digest, tag)
