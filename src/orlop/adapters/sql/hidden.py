"""Hidden repositories, which hold what lies in the trash: rows of repositories by names that nobody can ask for.

Such a name begins with a character that none of a repository has and that comes after all of these: every list ends
before it.
"""

from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.ledger import Ledger
from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.catalog import By
from orlop.ports.trash import Trashed

#: What hidden names begin with; domain.access.spans says why.
MARK = "~"


def is_hidden(name: str) -> bool:
    """Whether it is the name of a hidden repository."""
    return name.startswith(MARK)


async def trash_manifest(
    tx: Session,
    repository: int,
    name: RepositoryName,
    manifest: int,
    digest: Digest,
    tags: list[Tag],
    children: str,
    by: By,
    keep: int,
    ledger: Ledger,
) -> None:
    """Move a manifest of a locked repository, whose tags are gone already, into the trash for `keep` microseconds.
    `children`: the blobs that it names.

    The links of its blobs are copied: those of the repository stay as they are.
    """
    row = await tx.one("trash_described", manifest)
    assert row is not None
    subject, size = row
    entry = await _entry(tx, name, Trashed.MANIFEST, digest, by, keep, subject=subject or "")
    root, *_ = ledger.counting(repository)
    made = await tx.one("repository_create", _hidden(entry, name), root, by.at, by.actor, None)
    assert made is not None
    holder = int(made[0])
    ledger.located(holder, str(root))
    links = await tx.all("trash_links", repository, children)
    if links:
        await tx.run("trash_link_copy", holder, repository, children)
    await tx.run("trash_manifest_move", manifest, holder)
    await tx.run("trash_edges_move", manifest, holder)
    await tx.run("vex_move", manifest, holder)
    await tx.run("labels_move", repository, digest, holder)
    held = sum(length for _, _, length in links)
    ledger.count(holder, manifests=1, manifest_bytes=size, blobs=len(links), blob_bytes=held, hidden=True)
    await tx.run("trash_hold", entry, holder, size + held)
    if tags:
        await tx.many("trash_tag_add", [(entry, name, tag) for tag in tags])


async def trash_tag(tx: Session, name: RepositoryName, tag: Tag, digest: str, by: By, keep: int) -> None:
    """Note a tag that is gone, and what it pointed at."""
    entry = await _entry(tx, name, Trashed.TAG, digest, by, keep)
    await tx.run("trash_tag_add", entry, name, tag)


async def trash_repository(tx: Session, repository: int, name: RepositoryName, size: int, by: By, keep: int) -> int:
    """Hide a locked repository with all that it holds, whatever that is, where it lies; its entry. It has to leave its
    namespace (`leaving`), or without a time to keep it to be removed where it is (`trash_end`)."""
    entry = await _entry(tx, name, Trashed.REPOSITORY, "", by, keep)
    await tx.run("repository_hide", repository, _hidden(entry, name))
    await tx.run("trash_hold", entry, repository, size)
    await tx.run("trash_leaves", entry, "", 0)
    return entry


async def trash_namespace(tx: Session, path: str, body: bytes, by: By, keep: int) -> None:
    """Note what a namespace that is gone had."""
    await _entry(tx, f"{path}/", Trashed.NAMESPACE, "", by, keep, body=body)


async def _entry(
    tx: Session, name: str, kind: Trashed, digest: str, by: By, keep: int, *, subject: str = "", body: bytes = b""
) -> int:
    expires_at = by.at + keep if keep else 0
    row = await tx.one(
        "trash_add", name, kind.value, digest, subject, body, by.at, by.actor, by.origin.request, expires_at
    )
    assert row is not None
    return int(row[0])


def _hidden(entry: int, name: str) -> str:
    return f"{MARK}{entry}/{name}"
