"""Reads VEX documents for commands. What that takes is imported by the first file, not by every command."""

from orlop.domain.inside.vex.statements import VexDocument


class VexFiles:
    """See ports.vex.VexReader."""

    async def read(self, content: bytes) -> VexDocument:
        """See VexReader."""
        from orlop.adapters.inside.vex_process import ProcessVexReader

        return await ProcessVexReader().read(content)
