"""The keys of the bucket: where each thing lies, and nothing about how it is written.

```text
<prefix>/
  orlop.json                                 the marker: what this prefix is, its format and whose blobs these are
  checks/<random id>                         a probe of `BlobInventory.check`, for the moment that it runs
  stages/<upload>/<writer>/
    <number>                                 a part of an upload: every one of the same size, numbered from 00000
    <number>-<size>                          the beginning of a part, as far as it had come at a checkpoint
  blobs/<algorithm>/<2 hex>/<hex>/<copy>     a stored copy: written once, never changed
```

A writer has a random name of its own, so no key is ever written by two of them.
"""

import re
import uuid

import msgspec

from orlop.domain.blob import BlobKey
from orlop.domain.digest import ALGORITHMS, Digest
from orlop.domain.errors import BlobUploadUnknown, DigestInvalid

_COPY = re.compile(r"[0-9a-f]{32}", re.ASCII)
_UPLOAD = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}", re.ASCII)


class Keys(msgspec.Struct, frozen=True):
    """The keys below one prefix: empty, or without a slash at either end."""

    prefix: str

    @property
    def root(self) -> str:
        """What every key begins with."""
        return f"{self.prefix}/" if self.prefix else ""

    @property
    def marker(self) -> str:
        """Says that the prefix belongs to Orlop."""
        return f"{self.root}orlop.json"

    @property
    def stages(self) -> str:
        """What the keys of all stages begin with."""
        return f"{self.root}stages/"

    @property
    def blobs(self) -> str:
        """What the keys of all copies begin with."""
        return f"{self.root}blobs/"

    def check(self, name: str) -> str:
        """A probe."""
        return f"{self.root}checks/{name}"

    def stage(self, upload: str) -> str:
        """What the keys of a stage begin with. Raises BlobUploadUnknown for what cannot be the id of an upload."""
        if not _UPLOAD.fullmatch(upload):
            raise BlobUploadUnknown("there is no such upload")
        return f"{self.stages}{upload}/"

    def copy(self, key: BlobKey) -> str:
        """Where a copy lies. Raises ValueError for a name that is not 32 hex digits."""
        if not _COPY.fullmatch(key.copy):
            raise ValueError(f"a copy is named by 32 hex digits, not {key.copy[:64]!r}")
        return f"{self.blobs}{key.digest.algorithm}/{key.digest.hex[:2]}/{key.digest.hex}/{key.copy}"

    def upload_of(self, key: str) -> str | None:
        """The upload on whose stage a key lies; None when it lies on none."""
        upload, _, piece = key.removeprefix(self.stages).partition("/")
        return upload if key.startswith(self.stages) and piece and _UPLOAD.fullmatch(upload) else None

    def copy_of(self, key: str) -> BlobKey | None:
        """The copy that lies under a key; None when it is named like none."""
        parts = key.removeprefix(self.blobs).split("/")
        if not key.startswith(self.blobs) or len(parts) != 4:
            return None
        algorithm, prefix, digits, copy = parts
        if algorithm not in ALGORITHMS or digits[:2] != prefix or not _COPY.fullmatch(copy):
            return None
        try:
            return BlobKey(Digest(f"{algorithm}:{digits}"), copy)
        except DigestInvalid:
            return None


def upload_of_copy(copy: str) -> str:
    """The upload that became, or is becoming, a copy: their names differ in the hyphens alone."""
    return str(uuid.UUID(hex=copy))
