"""Steps that several transactions share: a repository made on first push, counters, events, tags, loose links."""

from orlop.adapters.sql.engine import Session
from orlop.domain.blob import BlobState
from orlop.domain.digest import Digest
from orlop.domain.errors import NameUnknown
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import By


async def event(tx: Session, kind: EventKind, by: By, repository: str = "", digest: str = "", tag: str = "") -> None:
    """Write one event to the outbox."""
    await tx.run("event", by.at, kind.value, by.actor, repository, digest, tag)


async def repository_id(tx: Session, name: RepositoryName) -> int | None:
    """The row of a repository, or None."""
    row = await tx.one("repository_id", name)
    return row[0] if row else None


async def existing_repository(tx: Session, name: RepositoryName) -> int:
    """The row of a repository. Raises NameUnknown."""
    found = await repository_id(tx, name)
    if found is None:
        raise NameUnknown(f"there is no repository {name}", {"name": name})
    return found


async def made_repository(tx: Session, name: RepositoryName, by: By) -> int:
    """The row of a repository, made with the namespaces above it if it is new."""
    found = await repository_id(tx, name)
    if found is not None:
        return found
    row = await tx.one("repository_create", name, await _made_namespace(tx, name.namespace, by), by.at, by.actor)
    assert row is not None
    await tx.run("totals_add", 1, 0, 0, 0, 0)
    await event(tx, EventKind.REPOSITORY_CREATED, by, name)
    return int(row[0])


async def _made_namespace(tx: Session, path: str, by: By) -> int:
    row = await tx.one("namespace_id", path)
    if row is None:
        parent = await _made_namespace(tx, path.rpartition("/")[0], by)
        row = await tx.one("namespace_create", path, parent, by.at, by.actor)
    assert row is not None
    return int(row[0])


async def count(
    tx: Session,
    repository: int,
    *,
    manifests: int = 0,
    manifest_bytes: int = 0,
    tags: int = 0,
    blobs: int = 0,
    blob_bytes: int = 0,
) -> None:
    """Move the counters of a repository, and with them the totals of manifests and tags."""
    await tx.run("repository_count", repository, manifests, manifest_bytes, tags, blobs, blob_bytes)
    if manifests or tags:
        await tx.run("totals_add", 0, manifests, tags, 0, 0)


async def link(tx: Session, repository: RepositoryName, digest: Digest, blob_id: int, size: int, by: By) -> bool:
    """Link a blob into a repository and revive it if it was condemned; False when the link was there already.

    The link is loose unless a manifest names the blob already, as a foreign layer that arrives late.
    """
    row_id = await made_repository(tx, repository, by)
    existing = await tx.one("link_row", row_id, digest)
    if existing is not None:
        if existing[1] is not None:
            await tx.run("link_loosen", row_id, digest, by.at)
        return False
    await tx.run("link_insert", row_id, digest, blob_id, by.at, by.actor)
    if await tx.one("edge_to_blob", row_id, digest):
        await tx.run("link_tighten", row_id, digest)
    await count(tx, row_id, blobs=1, blob_bytes=size)
    await revive(tx, blob_id, digest, by)
    return True


async def revive(tx: Session, blob_id: int, digest: Digest, by: By) -> None:
    """Make a condemned blob live again."""
    if await tx.one("blob_revive", blob_id, by.at):
        await event(tx, EventKind.BLOB_REVIVED, by, digest=digest)


async def unlink(
    tx: Session, repository_row: int, repository: str, digest: Digest, blob_id: int, size: int, by: By
) -> bool:
    """Remove a link; True when it was the blob's last and the blob is condemned now."""
    await tx.run("link_delete", repository_row, digest)
    await count(tx, repository_row, blobs=-1, blob_bytes=-size)
    await event(tx, EventKind.BLOB_UNLINKED, by, repository, digest)
    if await tx.one("link_of_blob", blob_id):
        return False
    await tx.run("blob_state", blob_id, BlobState.LIVE.value, BlobState.CONDEMNED.value, by.at)
    await event(tx, EventKind.BLOB_CONDEMNED, by, digest=digest)
    return True
