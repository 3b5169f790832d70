"""A program that stores and removes copies as the services do, and tells on standard output what it has done.

Started as `python -m tests.faults.storing FOLDER`. Each line is written at once, so whoever reads it knows that
everything before it was acknowledged.
"""

import asyncio
import itertools
import os
import random
import sys

from orlop.adapters.filesystem import FilesystemBlobs, open_data_folder, pipeline, stage
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import digest_of
from orlop.domain.errors import Unavailable
from orlop.ports.blobs import Staged

#: How many copies it stores; every third is removed at once.
COPIES = 9
#: The sizes of a part, of what a flush begins with, and of what is kept at a time, in bytes: much less than a server's,
#: so that what is large to it is small enough to be replayed a hundred times.
BUFFER, FLUSH, KEEP = 256 * 1024, 512 * 1024, 600 * 1024


def content(number: int) -> bytes:
    """What copy `number` holds: sizes from nothing to more than two buffers."""
    size = (0, 17, 5_000, 65_536, 300_000, 1_048_576, 2_500_000, 10, 4_096)[number % 9]
    return random.Random(number).randbytes(size)


def upload(number: int) -> str:
    """The id of its upload."""
    return f"{number:032x}"


def blob(number: int) -> Blob:
    """What copy `number` is stored as."""
    return Blob(BlobKey(digest_of(content(number)), upload(number)), len(content(number)))


def is_removed(number: int) -> bool:
    """Whether it is removed again."""
    return number % 3 == 2


def say(event: str, number: int) -> None:
    """Report."""
    os.write(1, f"{event} {number}\n".encode())


async def put(store: FilesystemBlobs, number: int) -> None:
    """Store a copy, by two chunks if it is large."""
    whole = content(number)
    cuts = (0, len(whole)) if len(whole) < 100_000 else (0, len(whole) // 3, len(whole))
    for start, stop in itertools.pairwise(cuts):
        writer = await store.stage.open(upload(number), start, "sha256")
        kept = start
        try:
            for offset in range(start, stop, 65_536):
                await writer.write(whole[offset : min(offset + 65_536, stop)])
                if writer.offset - kept > KEEP:
                    kept = (await writer.progress()).offset
            staged = await writer.checkpoint()
        finally:
            await writer.close()
    assert staged == Staged(len(whole), blob(number).key.digest)
    await store.stage.promote(upload(number), blob(number))


async def work(folder: str) -> None:
    """Do it all; a copy that cannot be stored is reported and passed over."""
    stage.BUFFER, pipeline.FLUSH = BUFFER, FLUSH
    store = FilesystemBlobs(open_data_folder(folder))
    say("opened", 0)
    for number in range(COPIES):
        try:
            say("putting", number)
            await put(store, number)
            say("put", number)
            if is_removed(number):
                say("removing", number)
                await store.remover.remove(blob(number).key)
                say("removed", number)
        except Unavailable as failure:
            say(f"failed ({failure.message}) because {type(failure.__cause__).__name__}", number)
    store.close()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
