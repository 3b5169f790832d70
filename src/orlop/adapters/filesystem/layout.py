"""The tree of the data folder: where each thing lies, and nothing about how it is written.

```text
<data>/
  orlop.json                               the marker: what this folder is, its format and the id of the store
  catalog/                                 the catalog's own; see adapters/sql
    catalog.sqlite  writer.lock  server.lock  changes  access-changes  queue-changes  settings-changes
  uploads/
    <upload id>                            a stage: the bytes of one session so far
    .check-<process id>                    a probe of `BlobInventory.check`, for the moment that it runs
  blobs/
    <algorithm>/                           sha256, sha512
      <2 hex>/                             never removed; all 256 of sha256 are made with the folder
        <hex>.<copy>                       a stored copy: written once, never changed
  cache/                                   copies of blobs in a bucket, where that is set; see adapters/readcache
```
"""

import re
from pathlib import Path

import msgspec

from orlop.domain.blob import BlobKey
from orlop.domain.digest import ALGORITHMS, Digest
from orlop.domain.errors import BlobUploadUnknown, DigestInvalid

MARKER = "orlop.json"
#: The marker while it is written; alone in a folder it is what an interrupted creation left.
MARKER_DRAFT = "orlop.json.new"
CATALOG, UPLOADS, BLOBS, CACHE = "catalog", "uploads", "blobs", "cache"
CHECK_PREFIX = ".check-"

#: The algorithm whose prefixes are made with the folder: nearly every blob's, so it saves them an fsync each.
PREMADE = "sha256"

#: The two digits that begin a digest, in order.
PREFIXES = tuple(f"{number:02x}" for number in range(256))

_COPY = re.compile(r"[0-9a-f]{32}", re.ASCII)
_UPLOAD = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}", re.ASCII)


class DataFolder(msgspec.Struct, frozen=True):
    """The paths below one data folder. `store` is the id that the folder got when it was made."""

    root: str
    store: str

    @property
    def catalog(self) -> Path:
        """The folder that belongs to the catalog."""
        return Path(self.root, CATALOG)

    @property
    def marker(self) -> str:
        """What says that this is a data folder: without it the folder is not the one that was opened."""
        return f"{self.root}/{MARKER}"

    @property
    def uploads(self) -> str:
        """The folder of the stages."""
        return f"{self.root}/{UPLOADS}"

    @property
    def blobs(self) -> str:
        """The folder of the copies."""
        return f"{self.root}/{BLOBS}"

    def stage(self, upload: str) -> str:
        """Where an upload gathers. Raises BlobUploadUnknown for what cannot be the id of one."""
        if not _UPLOAD.fullmatch(upload):
            raise BlobUploadUnknown("there is no such upload")
        return f"{self.root}/{UPLOADS}/{upload}"

    def algorithm(self, digest: Digest) -> str:
        """The folder of all digests of an algorithm."""
        return f"{self.root}/{BLOBS}/{digest.algorithm}"

    def prefix(self, digest: Digest) -> str:
        """The folder that holds the copies of a digest."""
        return f"{self.algorithm(digest)}/{digest.hex[:2]}"

    def copy(self, key: BlobKey) -> str:
        """Where a copy lies. Raises ValueError for a name that is not 32 hex digits: no path leaves the tree."""
        if not _COPY.fullmatch(key.copy):
            raise ValueError(f"a copy is named by 32 hex digits, not {key.copy[:64]!r}")
        return f"{self.prefix(key.digest)}/{key.digest.hex}.{key.copy}"


def is_upload(name: str) -> bool:
    """Whether a file in `uploads` is named as a stage."""
    return _UPLOAD.fullmatch(name) is not None


def key_of(algorithm: str, prefix: str, name: str) -> BlobKey | None:
    """The key of what lies at `<algorithm>/<prefix>/<name>`; None when the names do not fit."""
    digits, _, copy = name.partition(".")
    if algorithm not in ALGORITHMS or not digits.startswith(prefix) or not _COPY.fullmatch(copy):
        return None
    try:
        return BlobKey(Digest(f"{algorithm}:{digits}"), copy)
    except DigestInvalid:
        return None
