"""Backups: what one holds, how it is named, and which of several is meant or may go. Not how they are made.

```text
<target>/
  backups/<time>-<16 hex>.json           a backup, written last: there is none without; the digits begin its SHA-256
  blobs/<algorithm>/<2 hex>/<hex>        a blob, as it was pushed; shared by all backups
  chunks/<2 hex>/<hex>                   a piece of a catalog or of a list, named by its SHA-256; shared by all backups
```
"""

import re
from collections.abc import Sequence

import msgspec

from orlop.domain.digest import Digest, digest_of
from orlop.domain.durations import MINUTE
from orlop.domain.errors import ContentCorrupt, NotFound

#: The format that this program writes. A program that changes it so that an older one would err raises it.
FORMAT = 1

#: The job whose lease keeps collections from the copies that a backup reads, and how long it lasts, in microseconds.
JOB = "backup"
HOLD = 2 * MINUTE

#: What the keys of backups begin with, of blobs, and of chunks.
BACKUPS, BLOBS, CHUNKS = "backups/", "blobs/", "chunks/"

#: The file in which a backup lists its blobs: a line for each, with digest, size and the name of the copy.
LIST = "blobs.list"

_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-([0-9a-f]{16})", re.ASCII)
_LINE = re.compile(r"([a-z0-9]+:[0-9a-f]{1,256})\t([0-9]{1,18})\t([0-9a-f]{32})", re.ASCII)


class Sealing(msgspec.Struct, frozen=True, kw_only=True):
    """For whom backups are encrypted, and what opens them; with nothing of it they are not."""

    recipients: tuple[str, ...] = ()
    """Public keys of age, `age1…`: each of them can read all of it."""
    identity: str = ""
    """Secret keys of age, a line each, that open what is read."""
    passphrase: str = ""
    """In place of both."""

    @property
    def seals(self) -> bool:
        """Whether new backups are to be encrypted."""
        return bool(self.recipients or self.passphrase)


class BackupFile(msgspec.Struct, frozen=True):
    """A file of the catalog, or the list of blobs: the digests of its chunks, in order. `columns` of a table's rows."""

    name: str
    size: int
    chunks: tuple[str, ...]
    columns: tuple[str, ...] = ()

    def digests(self) -> tuple[Digest, ...]:
        """Its chunks in order."""
        return tuple(Digest.stored(chunk) for chunk in self.chunks)


class Damage(msgspec.Struct, frozen=True):
    """A blob that the registry itself had lost, or whose bytes were wrong there: it is not in the backup."""

    digest: str
    what: str


class Backup(msgspec.Struct, frozen=True):
    """What a backup holds. Everything that was acknowledged before `at` (microseconds since 1970) is in it."""

    format: int
    at: int
    ended_at: int
    release: str
    engine: str
    """`sqlite` or `postgres`."""
    schema: int
    """The number of the last migration that the catalog had taken."""
    blobs: int
    bytes: int
    """Of blobs and catalog, whether they were here already or not."""
    files: tuple[BackupFile, ...]
    damaged: tuple[Damage, ...] = ()

    def file(self, name: str) -> BackupFile:
        """One of its files. Raises ContentCorrupt."""
        for file in self.files:
            if file.name == name:
                return file
        raise ContentCorrupt(f"the backup has no file {name}")


class NamedBackup(msgspec.Struct, frozen=True):
    """A backup, and its name."""

    name: str
    backup: Backup


class ListedBlob(msgspec.Struct, frozen=True):
    """A line of the list of blobs: the name of the copy is that in the catalog."""

    digest: Digest
    size: int
    copy: str

    def line(self) -> bytes:
        """As it stands in the list."""
        return f"{self.digest}\t{self.size}\t{self.copy}\n".encode()


def listed_blob(line: bytes) -> ListedBlob:
    """A line of the list, without its end. Raises ContentCorrupt, DigestInvalid."""
    found = _LINE.fullmatch(line.decode("ascii", "replace"))
    if found is None:
        raise ContentCorrupt("the list of blobs has a line that is none")
    return ListedBlob(Digest(found[1]), int(found[2]), found[3])


def blob_key(digest: Digest) -> str:
    """Where a blob lies."""
    return f"{BLOBS}{digest.algorithm}/{digest.hex[:2]}/{digest.hex}"


def chunk_key(digest: Digest) -> str:
    """Where a chunk lies."""
    return f"{CHUNKS}{digest.hex[:2]}/{digest.hex}"


def backup_key(name: str) -> str:
    """Where a backup lies."""
    return f"{BACKUPS}{name}.json"


def name_of(key: str) -> str | None:
    """The name of the backup that lies there; None for what is named like none."""
    name = key.removeprefix(BACKUPS).removesuffix(".json")
    return name if backup_key(name) == key and _NAME.fullmatch(name) else None


def written(backup: Backup, stamp: str) -> tuple[str, bytes]:
    """Its name and its bytes; `stamp` is its time as names begin with it."""
    content = msgspec.json.format(msgspec.json.encode(backup), indent=1) + b"\n"
    return f"{stamp}-{digest_of(content).hex[:16]}", content


def read(name: str, content: bytes) -> Backup:
    """A backup from its bytes. Raises ContentCorrupt when they are not those that its name says."""
    found = _NAME.fullmatch(name)
    if found is None or digest_of(content).hex[:16] != found[1]:
        raise ContentCorrupt(f"the backup {name} is damaged: its bytes are not those that were written")
    try:
        format_ = msgspec.json.decode(content, type=_Format).format
        if format_ > FORMAT:
            raise ContentCorrupt(f"the backup {name} has format {format_}, and this program knows {FORMAT}")
        backup = msgspec.json.decode(content, type=Backup)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise ContentCorrupt(f"the backup {name} cannot be read") from cause
    for file in backup.files:
        for chunk in file.chunks:
            Digest(chunk)
    return backup


class _Format(msgspec.Struct, frozen=True):
    format: int


def chosen(backups: Sequence[NamedBackup], name: str = "", at: int = 0) -> NamedBackup:
    """The backup of that name; or the newest, of those whose point is not after `at` (0: whenever). Raises NotFound."""
    fitting = [one for one in backups if (one.name == name if name else not at or one.backup.at <= at)]
    if not fitting:
        what = f"named {name[:80]}" if name else "from before that time" if at else "here"
        raise NotFound(f"there is no backup {what}")
    return max(fitting, key=lambda one: (one.backup.at, one.name))


def outlived(backups: Sequence[NamedBackup], keep: int) -> tuple[NamedBackup, ...]:
    """Those that go where the newest `keep` stay, oldest first."""
    by_age = sorted(backups, key=lambda one: (one.backup.at, one.name))
    return tuple(by_age[: max(0, len(by_age) - keep)])
