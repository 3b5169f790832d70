"""Steps that several transactions share: a repository made on first push, its lock, links that come and go."""

from collections.abc import Sequence

import msgspec

from orlop.adapters.sql.engine import Raced, Row, Session
from orlop.adapters.sql.ledger import Ledger
from orlop.domain.blob import BlobState
from orlop.domain.digest import Digest
from orlop.domain.errors import NameUnknown, RegistryError
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import By


def each(values: Sequence[str | int]) -> str:
    """Values as one parameter, which a statement takes apart again."""
    return msgspec.json.encode(values, enc_hook=str).decode()


async def existing_repository(tx: Session, name: RepositoryName) -> int:
    """The row of a repository, to read. Raises NameUnknown."""
    row = await tx.one("repository_id", name)
    if row is None:
        raise NameUnknown(f"there is no repository {name}", {"name": name})
    return int(row[0])


async def locked_repository(tx: Session, name: RepositoryName) -> int | None:
    """The row of a repository, or None. Until the transaction ends nobody else changes what the repository holds."""
    row = await tx.one("repository_lock", name)
    return int(row[0]) if row else None


async def made_repository(
    tx: Session, name: RepositoryName, by: By, ledger: Ledger, refusal: RegistryError | None = None
) -> int:
    """The row of a repository, locked; made with the namespaces above it if it is new, unless there is a refusal."""
    found = await locked_repository(tx, name)
    if found is not None:
        return found
    if refusal is not None:
        raise refusal
    row = await tx.one("repository_create", name, await made_namespace(tx, name.namespace, by), by.at, by.actor)
    if row is None:
        raise Raced  # somebody else made it meanwhile
    ledger.add_totals(repositories=1)
    ledger.event(EventKind.REPOSITORY_CREATED, name)
    return int(row[0])


async def made_namespace(tx: Session, path: str, by: By) -> int:
    """The row of a namespace, made with those above it if it is new."""
    row = await tx.one("namespace_id", path)
    if row is None:
        parent = await made_namespace(tx, path.rpartition("/")[0], by)
        row = await tx.one("namespace_create", path, parent, by.at, by.actor)
    if row is None:
        raise Raced
    return int(row[0])


async def link(
    tx: Session,
    repository: int,
    digest: Digest,
    blob: Row,
    by: By,
    ledger: Ledger,
    refusal: RegistryError | None = None,
) -> bool:
    """Link a blob into a locked repository and revive it if it was condemned; False when the link was there already.

    Raises the refusal, if there is one, instead of making a link.

    `blob` is its locked row: id, copy, size, state. The link is loose unless a manifest names the blob already, as a
    foreign layer that arrives late.
    """
    blob_id, _, size, state = blob
    existing = await tx.one("link_row", repository, digest)
    if existing is not None:
        if existing[1] is not None:
            await tx.run("link_loosen", repository, digest, by.at)
        return False
    if refusal is not None:
        raise refusal
    await tx.run("link_insert", repository, digest, blob_id, by.at, by.actor)
    ledger.count(repository, blobs=1, blob_bytes=size)
    if state == BlobState.CONDEMNED:
        await tx.run("blob_revive", blob_id, by.at)
        ledger.event(EventKind.BLOB_REVIVED, digest=digest)
    return True


class Linked(msgspec.Struct, frozen=True):
    """A link that goes: the repository's row and name, the blob's row, digest and size.

    Without a name nobody is told that it went: the repository is hidden.
    """

    repository_id: int
    repository: str
    digest: Digest
    blob_id: int
    size: int


async def unlink(tx: Session, links: Sequence[Linked], by: By, ledger: Ledger) -> int:
    """Remove links of locked repositories; how many blobs thereby lost their last and are condemned now.

    The blobs are locked before anybody looks who else holds them: of two transactions that remove the last two links,
    the second must see that there is none left.
    """
    rows = each(sorted({gone.blob_id for gone in links}))
    await tx.all("blobs_lock", rows)
    await tx.many("link_delete", [(gone.repository_id, gone.digest) for gone in links])
    condemned = {row_id for (row_id,) in await tx.all("blobs_condemn", rows, by.at)}
    for gone in links:
        ledger.count(gone.repository_id, blobs=-1, blob_bytes=-gone.size)
        if gone.repository:
            ledger.event(EventKind.BLOB_UNLINKED, gone.repository, gone.digest)
    last = {gone.blob_id: gone.digest for gone in links if gone.blob_id in condemned}
    for digest in last.values():
        ledger.event(EventKind.BLOB_CONDEMNED, digest=digest)
    return len(condemned)
