"""Tags of a locked repository that are set beside a push: the steps, with their terms."""

from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.ledger import Ledger
from orlop.domain.digest import Digest
from orlop.domain.errors import ManifestUnknown
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.by import By
from orlop.ports.terms import Terms


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
    """Point a tag at a manifest of a repository (row, name); what it pointed at before. Raises what the terms refuse,
    and ManifestUnknown where the repository does not hold that."""
    row_id, name = repository
    target = await tx.one("tag_target", row_id, tag)
    previous: str | None = target[1] if target is not None else None
    if not terms.sets(tag, previous, digest):
        return previous
    manifest = await tx.one("manifest_row", row_id, digest)
    if manifest is None:
        raise ManifestUnknown(f"{name} does not hold {digest} any more", {"reference": digest})
    await tx.run("tag_set", row_id, tag, manifest[0], by.at, by.actor)
    await tx.run("tag_history_told", row_id, tag, by.at, by.actor, digest, previous, detail)
    if previous is None:
        ledger.count(row_id, tags=1)
    ledger.event(EventKind.TAG_SET, name, digest, tag, detail=detail)
    return previous
