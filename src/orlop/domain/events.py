"""What happened, as the outbox keeps it: written in the transaction that changed the state, read by everything else."""

from enum import StrEnum

import msgspec


class EventKind(StrEnum):
    """Every change of state that others may want to hear of."""

    REPOSITORY_CREATED = "repository.created"
    BLOB_PUSHED = "blob.pushed"
    BLOB_MOUNTED = "blob.mounted"
    BLOB_UNLINKED = "blob.unlinked"
    BLOB_CONDEMNED = "blob.condemned"
    BLOB_REVIVED = "blob.revived"
    BLOB_TOMBSTONED = "blob.tombstoned"
    BLOB_GONE = "blob.gone"
    MANIFEST_PUSHED = "manifest.pushed"
    MANIFEST_DELETED = "manifest.deleted"
    TAG_SET = "tag.set"
    TAG_DELETED = "tag.deleted"


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change. `at` is microseconds since 1970, UTC; `id` grows in the order of commits."""

    id: int = 0
    at: int
    kind: EventKind
    actor: str = ""
    repository: str = ""
    digest: str = ""
    tag: str = ""
