"""What lies at a target: its backups, their files and their blobs, each byte compared with its digest."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from orlop.domain.backup import (
    BACKUPS,
    LIST,
    Backup,
    ListedBlob,
    NamedBackup,
    backup_key,
    blob_key,
    chunk_key,
    listed_blob,
    name_of,
    read,
)
from orlop.domain.digest import Digest, digest_of
from orlop.domain.errors import ContentCorrupt, DigestInvalid, NotFound
from orlop.ports.backup import BackupTarget

#: The most that a chunk or a backup may have, in bytes; a row is never cut.
_MOST = 64 << 20


async def whole(target: BackupTarget, key: str) -> bytes:
    """All of something small. Raises ContentCorrupt when it is missing or too large, Unavailable."""
    pieces, size = [], 0
    try:
        async with aclosing(target.read(key)) as stream:
            async for piece in stream:
                size += len(piece)
                if size > _MOST:
                    raise ContentCorrupt(f"{key} has more than {_MOST} bytes")
                pieces.append(piece)
    except NotFound as missing:
        raise ContentCorrupt(f"{key} is missing") from missing
    return b"".join(pieces)


async def names(target: BackupTarget) -> tuple[str, ...]:
    """The names of all backups, oldest first; of one second, in any order."""
    found = [name_of(stored.key) async for stored in target.keys(BACKUPS)]
    return tuple(sorted(name for name in found if name is not None))


async def named(target: BackupTarget, name: str) -> NamedBackup:
    """One of them. Raises ContentCorrupt, Unavailable."""
    try:
        return NamedBackup(name, read(name, await whole(target, backup_key(name))))
    except DigestInvalid as cause:
        raise ContentCorrupt(f"the backup {name} cannot be read") from cause


async def readable(target: BackupTarget) -> tuple[tuple[NamedBackup, ...], tuple[str, ...]]:
    """Every backup that can be read, oldest first, and the names of those that cannot. Raises Unavailable."""
    good, bad = [], []
    for name in await names(target):
        try:
            good.append(await named(target, name))
        except ContentCorrupt:
            bad.append(name)
    # Names tell no more than the second.
    return tuple(sorted(good, key=lambda one: (one.backup.at, one.name))), tuple(bad)


async def chunk(target: BackupTarget, digest: Digest) -> bytes:
    """A chunk. Raises ContentCorrupt, Unavailable."""
    content = await whole(target, chunk_key(digest))
    if digest_of(content) != digest:
        raise ContentCorrupt(f"{chunk_key(digest)} has other bytes than were written")
    return content


class BackupFiles:
    """The files of one backup. See ports.backup.FilePieces."""

    def __init__(self, target: BackupTarget, backup: Backup) -> None:
        self._target = target
        self._backup = backup

    async def __call__(self, file: str) -> AsyncGenerator[bytes, None]:
        """See FilePieces."""
        size, wanted = 0, self._backup.file(file)
        for digest in wanted.digests():
            content = await chunk(self._target, digest)
            size += len(content)
            yield content
        if size != wanted.size:
            raise ContentCorrupt(f"{file} has {size} bytes in the backup, not {wanted.size}")

    async def blobs(self) -> AsyncIterator[ListedBlob]:
        """Its list of blobs. Lines are never cut. Raises ContentCorrupt, Unavailable."""
        async with aclosing(self(LIST)) as pieces:
            async for piece in pieces:
                for line in piece.splitlines():
                    try:
                        yield listed_blob(line)
                    except DigestInvalid as cause:
                        raise ContentCorrupt("the list of blobs has a line that is none") from cause


async def blob(target: BackupTarget, wanted: ListedBlob) -> AsyncGenerator[bytes, None]:
    """The bytes of a blob; the last piece comes after they were compared. Raises ContentCorrupt, Unavailable."""
    state, size, last = hashlib.new(wanted.digest.algorithm), 0, b""
    try:
        async with aclosing(target.read(blob_key(wanted.digest))) as pieces:
            async for piece in pieces:
                if last:
                    yield last
                await asyncio.to_thread(state.update, piece)
                size, last = size + len(piece), piece
    except NotFound as missing:
        raise ContentCorrupt(f"{wanted.digest} is missing") from missing
    if size != wanted.size or state.hexdigest() != wanted.digest.hex:
        raise ContentCorrupt(f"{wanted.digest} has other bytes than were pushed")
    if last:
        yield last
