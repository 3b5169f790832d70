"""What needs somebody, as values: of which kind, how urgent, in a sentence, and what it is about."""

from enum import StrEnum

import msgspec


class ConcernKind(StrEnum):
    """What something is about."""

    QUOTA = "quota"
    """A quota is nearly used up, or is."""
    TOKEN = "token"  # noqa: S105 - the name of a kind
    """An access token of the reader's own expires."""
    ROBOT_SECRET = "robot-secret"  # noqa: S105
    """A secret of a robot expires."""
    WEBHOOK = "webhook"
    """A webhook fails, is paused, or deliveries of it were given up."""
    JOB = "job"
    """A job failed for good."""
    UPSTREAM = "upstream"
    """An upstream is away."""
    SCANNER = "scanner"
    """A scanner does not answer."""
    RETENTION_PLAN = "retention-plan"
    """A plan was made and waits for somebody who applies it."""
    FOLLOWER = "follower"
    """What follows changes cannot get past one."""
    QUARANTINE = "quarantine"
    """Copies of blobs are damaged."""
    EXCEPTION = "exception"
    """An exception ends soon."""
    ADVISORIES = "advisories"
    """A source of advisories fails, or was not updated for long."""
    DISK = "disk"
    """The disk of the blobs fills up."""
    CERTIFICATE = "certificate"
    """A certificate of the server, or one that it trusts, ends soon or cannot be read."""
    VULNERABILITY = "vulnerability"
    """Advisories came to hit images, and the worst of it is critical."""
    BACKUP = "backup"
    """No backup was made for too long, or one could not be restored."""
    UNREAD_IMAGES = "unread-images"
    """Images could not be read."""


class Severity(StrEnum):
    """How urgent it is."""

    ERROR = "error"
    """Something does not work now."""
    WARNING = "warning"
    """Something will not work soon, or waits."""


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """Something that needs somebody. `place` is a namespace or repository, empty for the registry; `name` is that of
    what it is about, or its number."""

    kind: ConcernKind
    severity: Severity
    text: str
    place: str = ""
    name: str = ""
