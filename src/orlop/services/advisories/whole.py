"""What is read of a source as a whole: nothing of it is taken in before the last of it was read."""

import asyncio
import struct
from collections.abc import AsyncGenerator
from contextlib import aclosing
from tempfile import TemporaryFile

import msgspec

from orlop.ports.advisories import ReadBatch

_LENGTH = struct.Struct(">I")
_packed, _read = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(ReadBatch)


async def whole(batches: AsyncGenerator[ReadBatch, None]) -> AsyncGenerator[ReadBatch, None]:
    """The same batches, kept in a file until the last one came. Raises what they raise, before it gives the first, and
    OSError where there is no room for them."""
    with TemporaryFile() as file:
        async with aclosing(batches):
            async for batch in batches:
                packed = _packed.encode(batch)
                await asyncio.to_thread(file.write, _LENGTH.pack(len(packed)) + packed)
        file.seek(0)
        while head := await asyncio.to_thread(file.read, _LENGTH.size):
            (length,) = _LENGTH.unpack(head)
            yield _read.decode(await asyncio.to_thread(file.read, length))
