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
    BLOB_ROTTEN = "blob.rotten"
    BLOB_HEALED = "blob.healed"
    MANIFEST_PUSHED = "manifest.pushed"
    MANIFEST_DELETED = "manifest.deleted"
    TAG_SET = "tag.set"
    TAG_DELETED = "tag.deleted"
    REPOSITORY_DELETED = "repository.deleted"
    LOCK_ADDED = "lock.added"
    LOCK_LIFTED = "lock.lifted"
    TRASH_RESTORED = "trash.restored"
    TRASH_PURGED = "trash.purged"
    LABEL_SET = "label.set"
    LABEL_REMOVED = "label.removed"
    ACCOUNT_CREATED = "account.created"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_DELETED = "account.deleted"
    PASSWORD_SET = "account.password-set"  # noqa: S105 - the name of an event
    FACTORS_SET = "account.factors-set"
    SECRET_ISSUED = "secret.issued"  # noqa: S105
    SECRET_REVOKED = "secret.revoked"  # noqa: S105
    SECRET_EXPIRING = "secret.expiring"  # noqa: S105
    GROUP_CREATED = "group.created"
    GROUP_CHANGED = "group.changed"
    GROUP_DELETED = "group.deleted"
    GRANT_ADDED = "grant.added"
    GRANT_REMOVED = "grant.removed"
    NAMESPACE_CHANGED = "namespace.changed"
    NAMESPACE_DELETED = "namespace.deleted"
    DOCUMENT_CHANGED = "document.changed"
    DOCUMENT_DELETED = "document.deleted"
    EXCEPTION_EXPIRING = "exception.expiring"
    EXCEPTION_EXPIRED = "exception.expired"
    KEY_ADDED = "key.added"
    SIGNING_KEY_ADDED = "signing-key.added"
    SIGNING_KEY_RETIRED = "signing-key.retired"
    IMAGE_ATTESTED = "image.attested"
    ATTESTATION_FAILED = "attestation.failed"
    SESSION_STARTED = "session.started"
    SESSION_ENDED = "session.ended"
    SIGN_IN_FAILED = "sign-in.failed"
    REFUSED = "access.refused"
    GATE_WARNED = "gate.warned"
    QUARANTINE_HELD = "quarantine.held"
    QUARANTINE_RELEASED = "quarantine.released"
    QUARANTINE_REFUSED = "quarantine.refused"
    MANIFEST_PULLED = "manifest.pulled"
    BLOB_PULLED = "blob.pulled"
    AUDIT_DROPPED = "audit.dropped"
    FOLLOWER_SKIPPED = "follower.skipped"
    WEBHOOK_TESTED = "webhook.tested"
    WEBHOOK_REDELIVERED = "webhook.redelivered"
    WEBHOOK_PAUSED = "webhook.paused"
    WEBHOOK_RESUMED = "webhook.resumed"
    JOB_ASKED = "job.asked"
    JOB_CANCELLED = "job.cancelled"
    QUOTA_WARNING = "quota.warning"
    RETENTION_PLANNED = "retention.planned"
    RETENTION_BEGUN = "retention.begun"
    RETENTION_APPLIED = "retention.applied"
    IN_USE_SET = "in-use.set"
    IN_USE_REMOVED = "in-use.removed"
    UPSTREAM_AWAY = "upstream.away"
    UPSTREAM_BACK = "upstream.back"
    ADVISORIES_IMPORTED = "advisories.imported"
    ADVISORIES_FAILED = "advisories.failed"
    IMAGE_AFFECTED = "image.affected"
    SBOM_REFUSED = "sbom.refused"
    SIGNATURE_VERIFIED = "signature.verified"
    SIGNATURE_REFUSED = "signature.refused"
    SCAN_FINISHED = "scan.finished"
    SCAN_FAILED = "scan.failed"
    SCANNER_UNHEALTHY = "scanner.unhealthy"
    SCANNER_BACK = "scanner.back"
    IMAGE_PROMOTED = "image.promoted"
    PROMOTION_ASKED = "promotion.asked"
    PROMOTION_APPROVED = "promotion.approved"
    PROMOTION_REFUSED = "promotion.refused"
    PROMOTION_EXPIRED = "promotion.expired"
    PROMOTION_ROLLED_BACK = "promotion.rolled-back"
    BUNDLE_CREATED = "bundle.created"
    BUNDLE_REMOVED = "bundle.removed"
    BACKUP_COMPLETED = "backup.completed"
    BACKUP_FAILED = "backup.failed"
    BACKUP_DRILLED = "backup.drilled"
    BACKUP_DRILL_FAILED = "backup.drill-failed"
    READ_ONLY_ON = "read-only.on"
    READ_ONLY_OFF = "read-only.off"


#: How the detail of a deleted manifest begins that referred to another, whose digest follows.
REFERRED = "referred to "

#: What did not happen because it was not allowed.
REFUSALS = frozenset({EventKind.REFUSED, EventKind.SIGN_IN_FAILED})


#: After these everything that can be pulled is as it was: what is remembered of content stays right.
CONTENT_STAYS = frozenset(
    {
        *(EventKind.ACCOUNT_CREATED, EventKind.ACCOUNT_CHANGED, EventKind.ACCOUNT_DELETED),
        *(EventKind.PASSWORD_SET, EventKind.FACTORS_SET),
        *(EventKind.SECRET_ISSUED, EventKind.SECRET_REVOKED, EventKind.SECRET_EXPIRING),
        *(EventKind.GROUP_CREATED, EventKind.GROUP_CHANGED, EventKind.GROUP_DELETED),
        *(EventKind.GRANT_ADDED, EventKind.GRANT_REMOVED),
        *(EventKind.NAMESPACE_CHANGED, EventKind.NAMESPACE_DELETED),
        *(EventKind.DOCUMENT_CHANGED, EventKind.DOCUMENT_DELETED),
        *(EventKind.EXCEPTION_EXPIRING, EventKind.EXCEPTION_EXPIRED),
        *(EventKind.LOCK_ADDED, EventKind.LOCK_LIFTED, EventKind.LABEL_SET, EventKind.LABEL_REMOVED),
        *(EventKind.TRASH_RESTORED, EventKind.TRASH_PURGED),
        *(EventKind.KEY_ADDED, EventKind.SESSION_STARTED, EventKind.SESSION_ENDED),
        *(EventKind.SIGNING_KEY_ADDED, EventKind.SIGNING_KEY_RETIRED),
        *(EventKind.IMAGE_ATTESTED, EventKind.ATTESTATION_FAILED),
        *(EventKind.SIGN_IN_FAILED, EventKind.REFUSED, EventKind.GATE_WARNED, EventKind.AUDIT_DROPPED),
        *(EventKind.QUARANTINE_HELD, EventKind.QUARANTINE_RELEASED, EventKind.QUARANTINE_REFUSED),
        *(EventKind.MANIFEST_PULLED, EventKind.BLOB_PULLED, EventKind.FOLLOWER_SKIPPED),
        *(EventKind.WEBHOOK_TESTED, EventKind.WEBHOOK_REDELIVERED),
        *(EventKind.WEBHOOK_PAUSED, EventKind.WEBHOOK_RESUMED),
        *(EventKind.JOB_ASKED, EventKind.JOB_CANCELLED),
        *(EventKind.RETENTION_PLANNED, EventKind.RETENTION_BEGUN, EventKind.RETENTION_APPLIED),
        *(EventKind.IN_USE_SET, EventKind.IN_USE_REMOVED),
        *(EventKind.QUOTA_WARNING, EventKind.UPSTREAM_AWAY, EventKind.UPSTREAM_BACK),
        *(EventKind.ADVISORIES_IMPORTED, EventKind.ADVISORIES_FAILED, EventKind.IMAGE_AFFECTED),
        *(EventKind.SBOM_REFUSED, EventKind.SIGNATURE_VERIFIED, EventKind.SIGNATURE_REFUSED),
        *(EventKind.SCAN_FINISHED, EventKind.SCAN_FAILED, EventKind.SCANNER_UNHEALTHY, EventKind.SCANNER_BACK),
        *(EventKind.IMAGE_PROMOTED, EventKind.PROMOTION_ASKED, EventKind.PROMOTION_APPROVED),
        *(EventKind.PROMOTION_REFUSED, EventKind.PROMOTION_EXPIRED, EventKind.PROMOTION_ROLLED_BACK),
        *(EventKind.BUNDLE_CREATED, EventKind.BUNDLE_REMOVED),
        *(EventKind.BACKUP_COMPLETED, EventKind.BACKUP_FAILED),
        *(EventKind.BACKUP_DRILLED, EventKind.BACKUP_DRILL_FAILED),
        *(EventKind.READ_ONLY_ON, EventKind.READ_ONLY_OFF),
    }
)


#: What is told to those who may pull from the repository; all else is for those who read the audit log.
OF_CONTENT = frozenset(
    {
        *(EventKind.REPOSITORY_CREATED, EventKind.REPOSITORY_DELETED),
        *(EventKind.BLOB_PUSHED, EventKind.BLOB_MOUNTED, EventKind.BLOB_UNLINKED, EventKind.BLOB_PULLED),
        *(EventKind.MANIFEST_PUSHED, EventKind.MANIFEST_DELETED, EventKind.MANIFEST_PULLED),
        *(EventKind.TAG_SET, EventKind.TAG_DELETED),
        *(EventKind.LOCK_ADDED, EventKind.LOCK_LIFTED, EventKind.TRASH_RESTORED, EventKind.TRASH_PURGED),
        *(EventKind.LABEL_SET, EventKind.LABEL_REMOVED, EventKind.IMAGE_AFFECTED),
        *(EventKind.SCAN_FINISHED, EventKind.SCAN_FAILED, EventKind.IMAGE_PROMOTED),
        *(EventKind.IMAGE_ATTESTED, EventKind.ATTESTATION_FAILED),
        *(EventKind.SIGNATURE_VERIFIED, EventKind.SIGNATURE_REFUSED),
    }
)


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where something came from: what the actor was signed in with, their address, the id of the request."""

    credential: str = ""
    address: str = ""
    request: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change, or a refusal. `at` is microseconds since 1970, UTC; `id` grows in the order of commits."""

    id: int = 0
    at: int
    kind: EventKind
    actor: str = ""
    repository: str = ""
    digest: str = ""
    tag: str = ""
    origin: Origin = Origin()
    subject: str = ""
    """What it happened to, where that is no content: an account, a group, a namespace, a grant."""
    detail: str = ""
    """What else an auditor wants to know: the rule that refused, what was changed. Never a secret."""
    count: int = 1
    """How often: of refusals and pulls many are told as one. Then `at` is when it happened last."""
    first_at: int = 0
    """When it happened first; 0: it happened once."""
