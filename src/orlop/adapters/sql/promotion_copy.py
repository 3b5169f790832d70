"""The rows of an image, with all that belongs to it, from one repository to another: within one transaction."""

from collections.abc import Iterable, Sequence

import msgspec

from orlop.adapters.sql.engine import Row, Session
from orlop.adapters.sql.ledger import Ledger
from orlop.adapters.sql.quarantining import waits_there
from orlop.adapters.sql.records import each, hold
from orlop.domain.digest import Digest
from orlop.domain.errors import ManifestBlobUnknown, ManifestInvalid, ManifestUnknown, RegistryError
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag, referrers_tags
from orlop.ports.by import By

#: Manifests of one image with all that belongs to it; levels of what lists and refers to each other.
MANIFESTS, DEPTH = 2_000, 16


class Belongings(msgspec.Struct):
    """What belongs to an image in its source: manifests (digest: row), edges to what is no manifest (digest: whether
    it has to be there), tags beside (tag: digest)."""

    manifests: dict[str, int] = {}
    needed: dict[str, bool] = {}
    tags: dict[Tag, str] = {}


async def belongings(
    tx: Session, repository: int, name: RepositoryName, digest: Digest, *, whole: bool = False
) -> Belongings:
    """Everything that belongs to a manifest: see ports.promotion. `whole`: also what it might do without has to be
    there, as of a cache that fetches as it is asked. What waits in quarantine is not there. Raises ManifestUnknown,
    ManifestInvalid."""
    found = Belongings()
    front, optional = {str(digest): False}, dict[str, bool]()
    for _ in range(DEPTH):
        rows = [row[:2] for row in await tx.all("promoted_manifests", repository, each(sorted(front))) if not row[2]]
        missing = [one for one, may in front.items() if not may and one not in {row[1] for row in rows}]
        if missing:
            raise ManifestUnknown(f"{name} holds no manifest {missing[0]}", {"reference": missing[0]})
        found.manifests |= {one: row for row, one in rows}
        if len(found.manifests) > MANIFESTS:
            raise ManifestInvalid(f"the image has more than {MANIFESTS} manifests with all that refers to it")
        if not rows:
            return found
        reached = sorted(one for _, one in rows)
        optional = {}
        for child, kind, may, _ in await tx.all("promoted_children", each(sorted(row for row, _ in rows))):
            if kind == "manifest":
                optional[child] = optional.get(child, True) and bool(may) and not whole
            else:
                found.needed[child] = found.needed.get(child, False) or not may or whole
        optional |= {one: True for (one,) in await tx.all("promoted_referrers", repository, each(reached))}
        wanted = each(sorted(tag for one in reached for tag in referrers_tags(Digest.stored(one))))
        for tag, one, _ in await tx.all("promoted_tags", repository, wanted):
            found.tags[Tag.stored(tag)] = one
            optional.setdefault(one, True)
        front = {one: may for one, may in optional.items() if one not in found.manifests}
        if not front:
            return found
    raise ManifestInvalid(f"what belongs to the image is more than {DEPTH} levels deep")


async def copied(
    tx: Session,
    source: tuple[int, RepositoryName],
    target: tuple[int, RepositoryName],
    found: Belongings,
    by: By,
    ledger: Ledger,
    refusal: RegistryError | None = None,
    subject: str = "",
) -> tuple[int, int]:
    """Link what belongs to an image into another locked repository; how many manifests and blobs came to be there.

    Raises the refusal, if there is one, instead of adding a manifest; Conflict where one waits in quarantine there.
    `subject` is that of the events: what it is copied for."""
    held = await tx.all("promoted_manifests", target[0], each(sorted(found.manifests)))
    for one in sorted(one for _, one, hidden in held if hidden):
        raise waits_there(target[1], Digest.stored(one))
    there = {one for _, one, _ in held}
    missing = {one: row for one, row in found.manifests.items() if one not in there}
    if missing and refusal is not None:
        raise refusal
    blobs = await _linked(tx, source, target, found, by, ledger)
    if missing:
        rows = await tx.all("promoted_insert", target[0], each(sorted(missing.values())), by.at, by.actor)
        pairs = sorted((missing[one], new) for new, one, _ in rows)
        await tx.many("promoted_edges", [(old, new, target[0]) for old, new in pairs])
        await tx.many("promoted_annotations", pairs)
        ledger.count(target[0], manifests=len(rows), manifest_bytes=sum(size for _, _, size in rows))
        for _, one, _ in sorted(rows):
            ledger.event(EventKind.MANIFEST_PUSHED, target[1], one, subject=subject)
    if found.needed:
        await tx.run("links_tighten", target[0], each(sorted(found.needed)))
    return len(missing), blobs


async def _linked(
    tx: Session,
    source: tuple[int, RepositoryName],
    target: tuple[int, RepositoryName],
    found: Belongings,
    by: By,
    ledger: Ledger,
) -> int:
    """Link the blobs; how many are new there. Raises ManifestBlobUnknown."""
    wanted = each(sorted(found.needed))
    held = {row[0]: row for row in await tx.all("promoted_links", source[0], wanted)}
    missing = sorted(one for one, needed in found.needed.items() if needed and one not in held)
    if missing:
        raise ManifestBlobUnknown(
            f"{source[1]} does not hold {len(missing)} of what the image names; push or pull it whole first",
            {"digests": missing},
        )
    there = {row[0] for row in await tx.all("promoted_links", target[0], wanted)}
    new: Sequence[Row] = [row for one, row in sorted(held.items()) if one not in there]
    if new:
        await tx.all("blobs_lock", each(sorted(blob for _, blob, _ in new)))
        await tx.many("promoted_link_insert", [(target[0], one, blob, by.at, by.actor) for one, blob, _ in new])
        ledger.count(target[0], blobs=len(new), blob_bytes=sum(size for _, _, size in new))
        await hold(tx, target[0], sorted((blob, size) for _, blob, size in new), ledger)
        for one, _, _ in new:
            ledger.event(EventKind.BLOB_MOUNTED, target[1], one)
    return len(new)


def in_order(names: Iterable[RepositoryName]) -> list[RepositoryName]:
    """In which order repositories are locked, so that no two transactions wait for each other."""
    return sorted(set(names))
