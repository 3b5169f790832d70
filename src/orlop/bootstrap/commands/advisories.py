"""Reads files of advisories for commands. What that takes is imported by the first file, not by every command."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import IO

from orlop.ports.advisories import ReadBatch, RecordsBatch


class AdvisoryFiles:
    """See ports.advisories.AdvisoryReader."""

    async def read(self, file: IO[bytes]) -> AsyncGenerator[ReadBatch, None]:
        """See AdvisoryReader."""
        from orlop.adapters.advisories.reader import ProcessAdvisoryReader

        async with aclosing(ProcessAdvisoryReader().read(file)) as batches:
            async for batch in batches:
                yield batch

    async def records(self, file: IO[bytes]) -> AsyncGenerator[RecordsBatch, None]:
        """See AdvisoryReader."""
        from orlop.adapters.advisories.reader import ProcessAdvisoryReader

        async with aclosing(ProcessAdvisoryReader().records(file)) as batches:
            async for batch in batches:
                yield batch
