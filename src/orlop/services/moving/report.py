"""What a move has done so far."""

import msgspec

from orlop.ports.catalog import Finding


class MoveReport(msgspec.Struct):
    """Counts of one run. `size` is in bytes, of the blobs that were copied."""

    passes: int = 0
    copied: int = 0
    size: int = 0
    present: int = 0
    """Blobs that an earlier run had copied."""
    rows: int = 0
    findings: list[Finding] = []
    moved: bool = False
    """Whether the registry is at the new place now."""
