"""Steps that several transactions share: a repository made on first push, its lock, links that come and go."""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.adapters.sql.engine import Raced, Row, Session
from orlop.adapters.sql.ledger import Ledger
from orlop.adapters.sql.parameters import each as each
from orlop.domain.blob import BlobState
from orlop.domain.digest import Digest
from orlop.domain.errors import NameUnknown, RegistryError
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName
from orlop.domain.quotas import Usage
from orlop.ports.catalog import FREELY, By, Terms

#: Blobs that one statement counts.
_MANY = 500


async def existing_repository(tx: Session, name: RepositoryName) -> int:
    """The row of a repository, to read. Raises NameUnknown."""
    row = await tx.one("repository_id", name)
    if row is None:
        raise NameUnknown(f"there is no repository {name}", {"name": name})
    return int(row[0])


async def locked_repository(tx: Session, name: RepositoryName, ledger: Ledger | None = None) -> int | None:
    """The row of a repository, or None. Until the transaction ends nobody else changes what the repository holds.

    A script that changes it tells the ledger, which then knows what it lies below.
    """
    row = await tx.one("repository_lock", name)
    if row is None:
        return None
    if ledger is not None:
        ledger.located(*row)
    return int(row[0])


async def made_repository(tx: Session, name: RepositoryName, by: By, ledger: Ledger, terms: Terms = FREELY) -> int:
    """The row of a repository, locked; made with the namespaces above it if it is new, unless the terms refuse that.
    A cache becomes its own where the terms are of no cache.

    What the ledger counts from here on has to find room."""
    ledger.within(name, terms.room)
    found = await locked_repository(tx, name, ledger)
    if found is not None:
        ledger.into(found)
        if terms.cache is None:
            await make_own(tx, found, ledger)
        return found
    if terms.create is not None:
        raise terms.create
    namespace = await made_namespace(tx, name.namespace, by)
    cache = await made_namespace(tx, terms.cache, by) if terms.cache is not None else None
    row = await tx.one("repository_create", name, namespace, by.at, by.actor, cache)
    nodes = await tx.one("nodes_above", namespace)
    if row is None or nodes is None:
        raise Raced  # somebody else made it meanwhile
    ledger.located(row[0], nodes[0], cache)
    ledger.into(row[0])
    ledger.repository(row[0], 1)
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
    *,
    new: bool = False,
) -> bool:
    """Link a blob into a locked repository and revive it if it was condemned; False when the link was there already.

    Raises the refusal, if there is one, instead of making a link. `new`: nobody has held the blob before.

    `blob` is its locked row: id, copy, size, state. The link is loose unless a manifest names the blob already, as a
    foreign layer that arrives late.
    """
    blob_id, _, size, state = blob
    existing = await tx.one("link_row", repository, digest) if not new else None
    if existing is not None:
        if existing[1] is not None:
            await tx.run("link_loosen", repository, digest, by.at)
        return False
    if refusal is not None:
        raise refusal
    await tx.run("link_insert", repository, digest, blob_id, by.at, by.actor)
    ledger.count(repository, blobs=1, blob_bytes=size)
    root, *_ = ledger.counting(repository)
    if new:
        await _hold_new(tx, repository, blob_id, size, ledger)
    else:
        await hold(tx, repository, [(blob_id, size)], ledger)
    if new or state == BlobState.CONDEMNED:
        ledger.held([root], size)
    if state == BlobState.CONDEMNED:
        await tx.run("blob_revive", blob_id, by.at)
        ledger.event(EventKind.BLOB_REVIVED, digest=digest)
    return True


async def drop_manifest(tx: Session, repository: int, manifest: int, digest: str) -> None:
    """Remove a manifest of a locked repository that has no tags any more; what it named stays."""
    await tx.run("edges_delete", manifest)
    await tx.run("labels_of_manifest_delete", repository, digest)
    await tx.run("annotations_delete", manifest)
    await tx.run("pulls_delete", manifest)
    await tx.run("manifest_delete", manifest)


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
    await _released(tx, links, rows, condemned, ledger)
    for gone in links:
        ledger.count(gone.repository_id, blobs=-1, blob_bytes=-gone.size)
        if gone.repository:
            ledger.event(EventKind.BLOB_UNLINKED, gone.repository, gone.digest)
    last = {gone.blob_id: gone.digest for gone in links if gone.blob_id in condemned}
    for digest in last.values():
        ledger.event(EventKind.BLOB_CONDEMNED, digest=digest)
    return len(condemned)


async def hold(tx: Session, repository: int, blobs: Sequence[tuple[int, int]], ledger: Ledger) -> None:
    """Count that a located repository has come to hold blobs (row, size), which are locked, below the root."""
    await _hold(tx, ledger.counting(repository)[1:], blobs, ledger)
    for node, size in await _first(tx, "node_cached", ledger.caching(repository), blobs):
        ledger.cached([node], size)


async def _hold(tx: Session, below: Sequence[int], blobs: Sequence[tuple[int, int]], ledger: Ledger) -> None:
    for node, size in await _first(tx, "node_blobs", below, blobs):
        ledger.held([node], size)


async def _first(
    tx: Session, table: str, nodes: Sequence[int], blobs: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Count one repository more below nodes that holds blobs; of each node that had one not: the node, and its size."""
    if not nodes:
        return []
    if len(blobs) == 1:
        [(blob_id, size)] = blobs
        found = await tx.all(f"{table}_hold", blob_id, each(nodes))
        return [(node, size) for node, holders in found if holders == 1]
    first: list[tuple[int, int]] = []
    for start in range(0, len(blobs), _MANY):
        sizes = dict(blobs[start : start + _MANY])
        found = await tx.all(f"{table}_hold_all", each(sorted(sizes)), each(nodes))
        first += [(node, sizes[blob_id]) for node, holders, blob_id in found if holders == 1]
    return first


async def _hold_new(tx: Session, repository: int, blob_id: int, size: int, ledger: Ledger) -> None:
    """The same of a blob that nobody has held before: nobody has to be asked how many do."""
    below, caching = ledger.counting(repository)[1:], ledger.caching(repository)
    if below:
        await tx.many("node_blobs_new", [(blob_id, node) for node in below])
        ledger.held(below, size)
    if caching:
        await tx.many("node_cached_new", [(blob_id, node) for node in caching])
        ledger.cached(caching, size)


async def make_own(tx: Session, repository: int, ledger: Ledger) -> None:
    """Let a located repository be no cache any more: whatever it holds counts for the nodes above its upstream, too."""
    caching = ledger.caching(repository)
    if not caching:
        return
    sizes = await tx.one("repository_sizes", repository)
    assert sizes is not None
    tags, manifests, _, size, manifest_bytes = sizes
    links = {blob_id: length for _, blob_id, length in await tx.all("repository_links", repository)}
    rows = each(sorted(links))
    await tx.all("blobs_lock", rows)
    await _uncache(tx, [(blob_id, node) for blob_id in sorted(links) for node in caching], rows, links, ledger)
    ledger.cached(caching, -manifest_bytes)
    more = ledger.becomes_own(repository)
    await _hold(tx, more, sorted(links.items()), ledger)
    ledger.gained(more, Usage(manifest_bytes, size, tags, manifests, 1))
    await tx.run("repository_own", repository)
    await tx.run("cached_manifests_own", repository)


async def _uncache(
    tx: Session, gone: Sequence[tuple[int, int]], rows: str, sizes: Mapping[int, int], ledger: Ledger
) -> None:
    """Count that blobs are cached by one repository less below nodes: (blob, node); all of the blobs are `rows`."""
    if not gone:
        return
    await tx.many("node_cached_release", gone)
    for node, blob_id in await tx.all("node_cached_released", rows):
        ledger.cached([node], -sizes[blob_id])


async def release(tx: Session, repository: int, blobs: Mapping[int, int], ledger: Ledger) -> None:
    """Count that a located repository, which keeps them, holds blobs (row: size) below the root no more, and caches
    them no more."""
    if not blobs:
        return
    rows = each(sorted(blobs))
    await tx.all("blobs_lock", rows)
    below = ledger.counting(repository)[1:]
    if below:
        await tx.many("node_blobs_release", [(blob_id, node) for blob_id in sorted(blobs) for node in below])
        for node, blob_id in await tx.all("node_blobs_released", rows):
            ledger.held([node], -blobs[blob_id])
    caching = ledger.caching(repository)
    await _uncache(tx, [(blob_id, node) for blob_id in sorted(blobs) for node in caching], rows, blobs, ledger)


async def _released(tx: Session, links: Sequence[Linked], rows: str, condemned: set[int], ledger: Ledger) -> None:
    """Count what the nodes above hold no more; the root nothing that is condemned."""
    below = [(gone.blob_id, node) for gone in links for node in ledger.counting(gone.repository_id)[1:]]
    sizes = {gone.blob_id: gone.size for gone in links}
    if below:
        await tx.many("node_blobs_release", below)
        for node, blob_id in await tx.all("node_blobs_released", rows):
            ledger.held([node], -sizes[blob_id])
    cached = [(gone.blob_id, node) for gone in links for node in ledger.caching(gone.repository_id)]
    await _uncache(tx, cached, rows, sizes, ledger)
    for blob_id in condemned:
        ledger.held(ledger.counting(links[0].repository_id)[:1], -sizes[blob_id])
