"""Blobs and their copies: the life of a blob from its first push to the removal of its last byte."""

from enum import StrEnum

import msgspec

from orlop.domain.digest import Digest


class BlobState(StrEnum):
    """live → condemned (grace) → tombstoned → gone; gone has no row.

    A condemned blob has no link in any repository and is revived by the next one. A tombstoned copy never comes back:
    the same digest pushed again is a new row with a new copy, which the late removal of the old file cannot hit.
    """

    LIVE = "live"
    CONDEMNED = "condemned"
    TOMBSTONED = "tombstoned"


class BlobKey(msgspec.Struct, frozen=True, order=True):
    """Where one stored copy lies: the digest, and the copy's own name (32 hex digits)."""

    digest: Digest
    copy: str


class Blob(msgspec.Struct, frozen=True):
    """A stored copy and its size in bytes."""

    key: BlobKey
    size: int
