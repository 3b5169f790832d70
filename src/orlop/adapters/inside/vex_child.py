"""The process that reads one VEX document: `python -m orlop.adapters.inside.vex_child`.

The document comes on standard input. `Read` goes to standard output as MessagePack. Whoever starts it kills it when it
takes too long.
"""

import msgspec

from orlop.adapters.confined import answer, confine
from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.vex.parsing import parse_vex
from orlop.domain.inside.vex.statements import BYTES, VexDocument

#: Bytes of address space, seconds of a processor, descriptors.
MEMORY, SECONDS, _FILES = 512 * 1024 * 1024, 20, 32


class Read(msgspec.Struct, frozen=True):
    """What it read, or why it could not."""

    document: VexDocument | None = None
    refused: str = ""


def read(content: bytes) -> Read:
    """What a document says."""
    try:
        return Read(parse_vex(content))
    except RequestInvalid as refusal:
        return Read(refused=refusal.message)


def main() -> None:
    """Read the document, and say what it says."""
    confine(MEMORY, SECONDS, _FILES, 10)
    answer(BYTES, read)


if __name__ == "__main__":
    main()
