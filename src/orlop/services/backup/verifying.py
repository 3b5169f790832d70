"""Reads what backups hold, every byte of it, and says what is wrong. It repairs nothing."""

from collections.abc import Callable
from contextlib import aclosing

import msgspec

from orlop.domain.backup import ListedBlob, NamedBackup, blob_key, chunk_key
from orlop.domain.digest import Digest
from orlop.domain.errors import ContentCorrupt
from orlop.ports.backup import BackupTarget, StoredKey
from orlop.services.backup.reading import BackupFiles, blob, chunk, readable

#: Findings that a report names.
_NAMED = 1000
#: Blobs whose sizes are asked for at once.
_PAGE = 500


class BackupFinding(msgspec.Struct, frozen=True):
    """Something that is wrong: in which backup, at which key, and what."""

    backup: str
    where: str
    what: str


class BackupReport(msgspec.Struct):
    """What was looked at, and what was wrong: `wrong` counts, `findings` has the first thousand. `read` in bytes."""

    backups: int = 0
    blobs: int = 0
    chunks: int = 0
    read: int = 0
    wrong: int = 0
    findings: list[BackupFinding] = []


class BackupVerification:
    """Looks through backups; what several share is read once."""

    def __init__(self, target: BackupTarget, progress: Callable[[BackupReport], None] = lambda _: None) -> None:
        self._target = target
        self._progress = progress
        self._seen: set[bytes] = set()
        self.report = BackupReport()

    async def everything(self, *, quick: bool) -> BackupReport:
        """Every backup. `quick` compares sizes, and reads no blob. Raises Unavailable."""
        backups, unreadable = await readable(self._target)
        for name in unreadable:
            self.report.backups += 1
            self._found(name, f"backups/{name}.json", "it cannot be read, or was changed")
        for backup in backups:
            await self.one(backup, quick=quick)
        return self.report

    async def one(self, backup: NamedBackup, *, quick: bool) -> BackupReport:
        """One backup. Raises Unavailable."""
        self.report.backups += 1
        for file in backup.backup.files:
            for digest in file.digests():
                await self._chunk(backup.name, digest)
        page: list[ListedBlob] = []
        damaged = {one.digest for one in backup.backup.damaged}
        try:
            async for listed in BackupFiles(self._target, backup.backup).blobs():
                if listed.digest not in damaged and self._is_new(listed.digest):
                    page.append(listed)
                if len(page) == _PAGE:
                    await self._blobs(backup.name, page, quick=quick)
                    page = []
            await self._blobs(backup.name, page, quick=quick)
        except ContentCorrupt:
            pass  # a chunk of the list, which was found above
        return self.report

    async def _chunk(self, name: str, digest: Digest) -> None:
        if not self._is_new(digest):
            return
        self.report.chunks += 1
        try:
            self.report.read += len(await chunk(self._target, digest))
        except ContentCorrupt as failure:
            self._found(name, chunk_key(digest), failure.message)
        self._progress(self.report)

    async def _blobs(self, name: str, page: list[ListedBlob], *, quick: bool) -> None:
        if quick:
            there = await self._target.present([StoredKey(blob_key(one.digest), one.size) for one in page])
            for one in page:
                self.report.blobs += 1
                if blob_key(one.digest) not in there:
                    self._found(name, blob_key(one.digest), "it is missing, or has another size")
        else:
            for one in page:
                self.report.blobs += 1
                try:
                    async with aclosing(blob(self._target, one)) as pieces:
                        async for piece in pieces:
                            self.report.read += len(piece)
                except ContentCorrupt as failure:
                    self._found(name, blob_key(one.digest), failure.message)
                self._progress(self.report)
        self._progress(self.report)

    def _is_new(self, digest: Digest) -> bool:
        key = bytes.fromhex(digest.hex)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _found(self, backup: str, where: str, what: str) -> None:
        self.report.wrong += 1
        if len(self.report.findings) < _NAMED:
            self.report.findings.append(BackupFinding(backup, where, what))
