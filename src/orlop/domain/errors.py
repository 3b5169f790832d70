"""The one error tree. Codes are those of the distribution specification; HTTP statuses live in the faces."""

from typing import Any, ClassVar, NamedTuple

from orlop.domain.limits import Allowance


class Refused(NamedTuple):
    """What somebody who said who they are may not do, for the audit log: an action at a repository or namespace."""

    action: str
    place: str
    rule: str
    tag: str = ""


class RegistryError(Exception):
    """A refusal that a client may see.

    `code` is the error code of the specification (section "Error Codes"), `message` says what is wrong and, where
    something can be done about it, what to do; `detail` is any JSON value that helps a program.
    """

    code: ClassVar[str] = "UNKNOWN"
    refused: Refused | None = None
    """Set where a rule refused somebody: whoever answers with this error tells the audit log."""

    def __init__(self, message: str, detail: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class NameInvalid(RegistryError):
    """The repository name does not match the grammar."""

    code = "NAME_INVALID"


class NameUnknown(RegistryError):
    """The repository does not exist, or the subject may not know that it does."""

    code = "NAME_UNKNOWN"


class TagInvalid(RegistryError):
    """The tag does not match the grammar."""

    code = "TAG_INVALID"


class DigestInvalid(RegistryError):
    """The digest does not match the grammar, its algorithm is not supported, or the content does not match it."""

    code = "DIGEST_INVALID"


class SizeInvalid(RegistryError):
    """The length that was announced is not the length that arrived."""

    code = "SIZE_INVALID"


class BlobUnknown(RegistryError):
    """The repository does not hold this blob."""

    code = "BLOB_UNKNOWN"


class BlobUploadUnknown(RegistryError):
    """There is no such upload session in this repository: never begun, finished, cancelled or expired."""

    code = "BLOB_UPLOAD_UNKNOWN"


class BlobUploadInvalid(RegistryError):
    """The request does not fit the state of the upload session."""

    code = "BLOB_UPLOAD_INVALID"


class UploadRangeInvalid(BlobUploadInvalid):
    """A chunk does not start where the session stands; `offset` is where it stands, in bytes."""

    def __init__(self, message: str, *, offset: int) -> None:
        super().__init__(message, {"offset": offset})
        self.offset = offset


class ManifestInvalid(RegistryError):
    """The manifest is not one, or contradicts itself or its Content-Type."""

    code = "MANIFEST_INVALID"


class ManifestUnknown(RegistryError):
    """The repository does not hold this manifest or tag."""

    code = "MANIFEST_UNKNOWN"


class ManifestBlobUnknown(RegistryError):
    """The manifest references content that the repository does not hold."""

    code = "MANIFEST_BLOB_UNKNOWN"


class Unauthorized(RegistryError):
    """Nobody is signed in, and this needs somebody; or what they proved themselves with is not good (enough).

    `scope` is what a token for the request has to hold, as the token protocol writes it (`repository:app:pull`), and
    `reason` its word for what is wrong with the one that came, such as `insufficient_scope`. `kind` is the kind of rule
    that refused (domain.access.RuleKind), for counting; empty when none did.
    """

    code = "UNAUTHORIZED"

    def __init__(self, message: str, detail: Any = None, *, scope: str = "", reason: str = "", kind: str = "") -> None:
        super().__init__(message, detail)
        self.scope = scope
        self.reason = reason
        self.kind = kind


class Denied(RegistryError):
    """The subject may not do this, or nobody may, as things are. `kind` is as of Unauthorized."""

    code = "DENIED"

    def __init__(self, message: str, detail: Any = None, *, kind: str = "") -> None:
        super().__init__(message, detail)
        self.kind = kind


class NotJudged(Denied):
    """A gate does not know yet whether it lets this pass; come back after `retry_after` seconds."""

    def __init__(self, message: str, detail: Any = None, *, kind: str = "", retry_after: int = 15) -> None:
        super().__init__(message, detail, kind=kind)
        self.retry_after = retry_after


class NotFound(RegistryError):
    """There is no such account, group, grant, namespace or rule, or the subject may not know that there is."""

    code = "NOT_FOUND"


class Conflict(RegistryError):
    """It is there already, or something else stands in the way."""

    code = "CONFLICT"


class Stale(Conflict):
    """It was changed since it was looked at: look again."""

    code = "STALE"


class Unsupported(RegistryError):
    """The registry does not do this at all."""

    code = "UNSUPPORTED"


class RequestInvalid(Unsupported):
    """The request is malformed in a way no other code names."""


class PageInvalid(RegistryError):
    """The number of entries asked for, or where to go on, is not valid."""

    code = "PAGINATION_NUMBER_INVALID"


class RangeNotSatisfiable(RegistryError):
    """No byte of the content lies in the range asked for; `size` is that of the content, in bytes."""

    code = "RANGE_INVALID"

    def __init__(self, message: str, *, size: int) -> None:
        super().__init__(message, {"size": size})
        self.size = size


class TooLarge(RegistryError):
    """The body is larger than this endpoint takes; `limit` is in bytes."""

    code = "SIZE_INVALID"

    def __init__(self, message: str, *, limit: int) -> None:
        super().__init__(message, {"limit": limit})
        self.limit = limit


class TooManyRequests(RegistryError):
    """Come back after `retry_after` seconds. `allowance` is the rate that is used up, where it is one."""

    code = "TOOMANYREQUESTS"

    def __init__(self, message: str, *, retry_after: int = 1, allowance: Allowance | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.allowance = allowance


class Unavailable(RegistryError):
    """A store cannot serve right now: full, read-only, locked or gone. Nothing was changed."""

    code = "UNAVAILABLE"

    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RegistryReadOnly(Unavailable):
    """The registry serves what it has and takes no writes; `retry_after` in seconds, 0: nobody knows how long."""


class StoreRefusesWrites(Unavailable):
    """A store takes no writes: it is full, or read-only. Nothing was changed."""


class UpstreamAway(Unavailable):
    """What an upstream has, and is not cached, cannot be had right now; the stores of the registry are well."""


class StoreClosed(Unavailable):
    """The catalog is moving to another place, or is there already: it is read, and takes no changes."""

    def __init__(
        self,
        message: str = "the registry is moving to another store, or is there already; here it takes no changes",
    ) -> None:
        super().__init__(message)


class SettingsMoved(Unavailable):
    """A setting changed after the terms of a write were made from it, and before the write took effect."""

    def __init__(self, message: str = "settings change while this is written; try again") -> None:
        super().__init__(message, retry_after=1)


class ContentCorrupt(RegistryError):
    """Stored bytes are missing or do not match their digest or size."""

    code = "UNKNOWN"


class BodyInterrupted(RegistryError):
    """The client went away, or sent nothing for too long, before its whole body was here."""

    code = "SIZE_INVALID"
