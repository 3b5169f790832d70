"""Opens docker archives, to be read or to be made."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from orlop.adapters.dockerarchive.contents import read_images
from orlop.adapters.dockerarchive.reader import DockerArchiveReader
from orlop.adapters.dockerarchive.writer import DockerArchiveWriter
from orlop.adapters.tarball import TarWriter, open_tar
from orlop.domain.errors import Denied


@asynccontextmanager
async def open_reader(path: Path) -> AsyncIterator[DockerArchiveReader]:
    """The images of an archive. Raises UpstreamError, ContentCorrupt or ManifestUnknown for what is no such archive."""
    tar = await open_tar(path)
    try:
        yield DockerArchiveReader(tar, await read_images(tar))
    finally:
        tar.close()


@asynccontextmanager
async def open_writer(path: Path) -> AsyncIterator[DockerArchiveWriter]:
    """A new archive, in place when the block ends without an error. Raises Denied where there is a file already."""
    tar = TarWriter(path)
    try:
        await tar.open()
        if path.exists():  # noqa: ASYNC240 - one look at a name
            raise Denied(
                f"{path} is there already; a docker archive is written anew, so remove it or name another file"
            )
        writer = DockerArchiveWriter(tar)
        yield writer
        await writer.finish()
    finally:
        tar.abandon()
