"""Reads files of advisories for commands. What that takes is imported by the first file, not by every command."""

from collections.abc import AsyncIterator
from typing import IO

from orlop.ports.advisories import ReadBatch, RecordsBatch


class AdvisoryFiles:
    """See ports.advisories.AdvisoryReader."""

    async def read(self, file: IO[bytes]) -> AsyncIterator[ReadBatch]:
        """See AdvisoryReader."""
        from orlop.adapters.advisories.reader import ProcessAdvisoryReader

        async for batch in ProcessAdvisoryReader().read(file):
            yield batch

    async def records(self, file: IO[bytes]) -> AsyncIterator[RecordsBatch]:
        """See AdvisoryReader."""
        from orlop.adapters.advisories.reader import ProcessAdvisoryReader

        async for batch in ProcessAdvisoryReader().records(file):
            yield batch
