"""Lets old backups go, and then what no backup holds any more."""

from collections.abc import Callable

import msgspec

from orlop.domain.backup import BLOBS, CHUNKS, NamedBackup, backup_key, blob_key, chunk_key, outlived
from orlop.domain.errors import Denied
from orlop.ports.backup import BackupTarget, StoredKey
from orlop.services.backup.reading import BackupFiles, readable


class Pruned(msgspec.Struct):
    """What went, or would go. `freed` in bytes."""

    backups: tuple[str, ...] = ()
    kept: int = 0
    blobs: int = 0
    chunks: int = 0
    freed: int = 0


class BackupPruning:
    """Prunes one target."""

    def __init__(self, target: BackupTarget) -> None:
        self._target = target

    async def run(self, keep: int, *, dry: bool, progress: Callable[[Pruned], None] = lambda _: None) -> Pruned:
        """Keep the newest `keep` backups. `dry` changes nothing. May be stopped anywhere and run again.

        Raises Denied where a backup cannot be read, for nobody knows then what it holds; Conflict while a backup is
        being made there; ContentCorrupt; Unavailable.
        """
        async with self._target.occupied():
            backups, unreadable = await readable(self._target)
            if unreadable:
                raise Denied(
                    f"the backup {unreadable[0]} cannot be read, so what it holds is not known, and nothing was"
                    " removed; look at it with `orlop backup verify`, or remove its file"
                )
            going = outlived(backups, keep)
            staying = [one for one in backups if one not in going]
            needed = await self._needed(staying)
            pruned = Pruned(tuple(one.name for one in going), len(staying))
            # Backups first: one whose content goes must not be there any more.
            if not dry:
                for one in going:
                    await self._target.remove(backup_key(one.name))
                await self._target.settle()
            for under in (CHUNKS, BLOBS):
                async for stored in self._target.keys(under):
                    if _hash(stored.key) not in needed:
                        await self._remove(stored, pruned, dry=dry)
                        progress(pruned)
            return pruned

    async def _needed(self, staying: list[NamedBackup]) -> set[bytes]:
        needed: set[bytes] = set()
        for one in staying:
            needed.update(_hash(chunk_key(digest)) for file in one.backup.files for digest in file.digests())
            async for listed in BackupFiles(self._target, one.backup).blobs():
                needed.add(_hash(blob_key(listed.digest)))
        return needed

    async def _remove(self, stored: StoredKey, pruned: Pruned, *, dry: bool) -> None:
        if not dry:
            await self._target.remove(stored.key)
        pruned.freed += stored.size
        if stored.key.startswith(BLOBS):
            pruned.blobs += 1
        else:
            pruned.chunks += 1


def _hash(key: str) -> bytes:
    """What a key is remembered by: a million of them fit into memory as the digest's own bytes. What is named like no
    digest is nobody's."""
    kind, _, rest = key.partition("/")
    digits = rest.rpartition("/")[2]
    try:
        return kind[:1].encode() + bytes.fromhex(digits)
    except ValueError:
        return b""
