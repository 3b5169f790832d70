"""An upload session: its life cycle as a table, and the arithmetic of its chunks. Where its bytes lie is not here."""

import re
from enum import StrEnum
from typing import NamedTuple, Self

import msgspec

from orlop.domain.counts import counted
from orlop.domain.digest import ALGORITHMS, Digest
from orlop.domain.durations import SECOND
from orlop.domain.errors import BlobUploadInvalid, TooManyRequests, UploadRangeInvalid
from orlop.domain.names import RepositoryName

#: After how many seconds it is worth to look again whether a session has expired.
_A_MINUTE = 60


class UploadState(StrEnum):
    """Where a session stands. A session that ended has no row, so the end states are never stored."""

    OPEN = "open"
    WRITING = "writing"
    COMMITTED = "committed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class UploadEvent(StrEnum):
    """What can happen to a session."""

    CLAIM = "claim"
    """A request takes the session's lease to write."""
    ADVANCE = "advance"
    """The holder records how far it came and lets go, or goes on."""
    COMMIT = "commit"
    CANCEL = "cancel"
    EXPIRE = "expire"


#: Everything that is legal. A lease that ran out counts as OPEN: claiming it raises the fence, so the old holder's
#: ADVANCE and COMMIT no longer match. Where nothing is left to write a session is committed as it was found, unclaimed:
#: if somebody claims it meanwhile that does not match any more.
TRANSITIONS: dict[tuple[UploadState, UploadEvent], UploadState] = {
    (UploadState.OPEN, UploadEvent.CLAIM): UploadState.WRITING,
    (UploadState.WRITING, UploadEvent.ADVANCE): UploadState.OPEN,
    (UploadState.WRITING, UploadEvent.COMMIT): UploadState.COMMITTED,
    (UploadState.OPEN, UploadEvent.COMMIT): UploadState.COMMITTED,
    (UploadState.OPEN, UploadEvent.CANCEL): UploadState.CANCELLED,
    (UploadState.WRITING, UploadEvent.CANCEL): UploadState.CANCELLED,
    (UploadState.OPEN, UploadEvent.EXPIRE): UploadState.EXPIRED,
}


class Ticket(NamedTuple):
    """The name of a session that has not begun: all that there is of it, and in the client's hands alone.

    A session begins, under an id of its own, with the first request that brings bytes. So a ticket is no secret and no
    right: who makes one up may do with it what a new one would have let them do.
    """

    nonce: str
    """A UUID."""
    algorithm: str
    started_at: int
    """In microseconds since 1970, UTC."""

    @classmethod
    def read(cls, text: str) -> Self | None:
        """What `text` wrote; None for anything else, such as the id of a session."""
        match = _TICKET.fullmatch(text)
        return cls(match[1], match[2], int(match[3], 16)) if match is not None else None

    def text(self) -> str:
        """As the address of the session has it."""
        return f"{self.nonce}-{self.algorithm}-{self.started_at:x}"


_UUID = "[0-9a-f-]{36}"
_TICKET = re.compile(f"({_UUID})-({'|'.join(ALGORITHMS)})-([0-9a-f]{{1,15}})", re.ASCII)
_NAME = re.compile(f"{_UUID}|{_TICKET.pattern}", re.ASCII)


def is_upload_name(text: str) -> bool:
    """Whether an address may end so: with the id of a session, or with a ticket."""
    return _NAME.fullmatch(text) is not None


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """One session as the catalog keeps it. Times are microseconds since 1970, UTC."""

    id: str
    repository: RepositoryName
    created_by: str
    owner: int | None = 0
    """The row of the account that it belongs to; 0: nobody is signed in. None: an older release began it, and told no
    more than the name, which may be another's by now."""
    algorithm: str
    """What the digest so far is computed with: what the client announced, else sha256."""
    offset: int = 0
    """Bytes that are staged and acknowledged."""
    reserved: int = 0
    """How many bytes it is to have once what is under way is here, as far as that is known; as long as the claim
    holds, they are held for it under every quota."""
    digest: Digest | None = None
    """Of bytes [0, offset); None when it is not known without reading them again."""
    place: str = ""
    """How the blob store finds bytes [0, offset) again, in its own words (ports.blobs.Staged)."""
    fence: int = 0
    """Raised by every claim; whose number is not the row's has lost the session."""
    lease_until: int = 0
    """Until when the last claim holds; 0 when nobody writes."""
    started_at: int
    expires_at: int
    ticket: str = ""
    """Its name as long as it has not begun, and has no row; empty from then on."""

    def belongs_to(self, name: str, account: int) -> bool:
        """Whether it is that account's, of that name."""
        return self.created_by == name and self.owner in {account, None}

    def state(self, now: int) -> UploadState:
        """Where the session stands at `now`."""
        if self.lease_until > now:
            return UploadState.WRITING
        return UploadState.EXPIRED if self.expires_at <= now else UploadState.OPEN


def busy(upload: Upload, now: int) -> TooManyRequests:
    """What a second writer is told: to come back when the lease of the first has run out.

    It may be free earlier, but a writer that died lets go no earlier, and clients come back only so many times.
    """
    return TooManyRequests(
        "another request is writing to this upload; try again when it has ended",
        retry_after=max(1, -((now - upload.lease_until) // SECOND)),
    )


def begun_already() -> TooManyRequests:
    """What those are told who come with a ticket with which another request has just begun."""
    return TooManyRequests("another request has begun this upload; ask where it stands", retry_after=1)


def too_many_sessions(upload: Upload, at_most: int) -> TooManyRequests:
    """What somebody is told who begins one session more than they may have."""
    return TooManyRequests(
        f"{upload.created_by} has {counted(at_most, 'upload')} under way; finish or cancel some, or wait until"
        f" they expire",
        retry_after=_A_MINUTE,
    )


class ChunkRange(NamedTuple):
    """The bytes `first` to `last`, both inclusive, that a chunk says it is."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many bytes the chunk announces."""
        return self.last - self.first + 1


_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?([0-9]{1,19})-([0-9]{1,19})(?:/(?:[0-9]{1,19}|\*))?", re.ASCII)


def parse_chunk_range(text: str) -> ChunkRange:
    """`<start>-<end>`, "inclusive on both ends" (distribution-spec, "Pushing a blob in chunks").

    The form of RFC 9110 with its unit (`bytes 0-9/*`), which some clients send, is read too. Raises BlobUploadInvalid.
    """
    match = _CONTENT_RANGE.fullmatch(text.strip())
    if match is None:
        raise BlobUploadInvalid("Content-Range is written <first>-<last>, for example 0-1023")
    chunk = ChunkRange(int(match[1]), int(match[2]))
    if chunk.last < chunk.first:
        raise BlobUploadInvalid("Content-Range ends before it begins")
    return chunk


def check_chunk(offset: int, chunk: ChunkRange | None, length: int | None) -> None:
    """May a chunk follow at `offset`? `length` is its Content-Length, None when it is streamed.

    Raises UploadRangeInvalid when it starts elsewhere ("If a chunk is uploaded out of order, the registry MUST respond
    with a 416"), BlobUploadInvalid when its two lengths differ. Either way the session stays as it is.
    """
    if chunk is None:
        return
    if chunk.first != offset:
        raise UploadRangeInvalid(
            f"the chunk starts at byte {chunk.first}, but the upload stands at {offset}; go on from there",
            offset=offset,
        )
    if length is not None and length != chunk.length:
        raise BlobUploadInvalid(f"Content-Range announces {chunk.length} bytes, Content-Length {length}")


def uploaded_range(offset: int) -> str:
    """The `Range` header of a session: `0-<last byte>`, without a unit; `0-0` while it is empty."""
    return f"0-{max(offset - 1, 0)}"
