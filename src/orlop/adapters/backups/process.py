"""Has backups made and drilled by a process of its own: what it reads, hashes and compresses takes no time from those
who are served, and it ends with whoever asked, also where that is killed."""

import asyncio
import struct
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from orlop.adapters.children import Child, program
from orlop.domain.queue import Progress
from orlop.ports.backups import BackupFailed, BackupOrder, DrilledBackup, MadeBackup

#: Bytes that are taken at once, and seconds that a process has to put everything down when it is asked to end.
TAKEN, _ENDING = 64 << 20, 5.0

_DEFECT = "the process that makes backups ended without a word; it may have been killed, or be out of memory"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is asked. `settings`: those of the registry, as JSON; `work`: `make` or `drill`; `folder`: where
    paths begin that are not absolute, which is where the server was started."""

    work: str
    order: BackupOrder
    settings: msgspec.Raw
    folder: str


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What it says: how far it is, and at the end one of the others."""

    progress: Progress | None = None
    made: MadeBackup | None = None
    drilled: DrilledBackup | None = None
    failed: str = ""
    occupied: bool = False


def framed(said: Said) -> bytes:
    """As it is written: its length in four bytes, and JSON."""
    content = msgspec.json.encode(said)
    return struct.pack(">I", len(content)) + content


_said = msgspec.json.Decoder(Said)


class ProcessBackups:
    """See ports.backups.BackupWorker. `module`: what the process runs; `settings`: see `Asked`; `environment`: gives
    that of the process for an order, and may block."""

    def __init__(self, module: str, settings: bytes, environment: Callable[[BackupOrder], Mapping[str, str]]) -> None:
        self._module = module
        self._settings = msgspec.Raw(settings)
        self._environment = environment

    async def make(self, order: BackupOrder, told: Callable[[Progress], None]) -> MadeBackup:
        """See BackupWorker."""
        said = await self._do("make", order, told)
        if said.made is None:
            raise BackupFailed(_DEFECT)
        return said.made

    async def drill(self, order: BackupOrder, told: Callable[[Progress], None]) -> DrilledBackup:
        """See BackupWorker."""
        said = await self._do("drill", order, told)
        if said.drilled is None:
            raise BackupFailed(_DEFECT)
        return said.drilled

    async def _do(self, work: str, order: BackupOrder, told: Callable[[Progress], None]) -> Said:
        """What it says last. Raises BackupFailed."""
        environment = await asyncio.to_thread(self._environment, order)
        asked = msgspec.json.encode(Asked(work=work, order=order, settings=self._settings, folder=str(Path.cwd())))
        try:
            async with program([sys.executable, "-I", "-m", self._module], environment) as process:
                assert process.stdin is not None
                try:
                    with suppress(BrokenPipeError, ConnectionResetError):
                        process.stdin.write(asked + b"\n")
                        await process.stdin.drain()
                    said = await self._last(process, told)
                except BaseException:
                    await _put_down(process)
                    raise
        except OSError as cause:
            raise BackupFailed(f"no process could be started that makes backups: {cause.strerror or cause}") from cause
        if said.failed:
            raise BackupFailed(said.failed, occupied=said.occupied)
        return said

    async def _last(self, process: Child, told: Callable[[Progress], None]) -> Said:
        while True:
            try:
                (length,) = struct.unpack(">I", await process.stdout.readexactly(4))
                if length > TAKEN:
                    raise BackupFailed(_DEFECT)
                said = _said.decode(await process.stdout.readexactly(length))
            except (asyncio.IncompleteReadError, msgspec.DecodeError) as cause:
                raise BackupFailed(_DEFECT) from cause
            if said.progress is None:
                return said
            told(said.progress)


async def _put_down(process: Child) -> None:
    """Have it let go of what it holds: it hears of the end of its input."""
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(_ENDING):
            await process.wait()
