"""The process that reads one VEX document: `python -m orlop.adapters.inside.vex_child`.

The document comes on standard input. `Read` goes to standard output as MessagePack. Whoever starts it kills it when it
takes too long.
"""

import os

import msgspec

from orlop.adapters.confined import confine
from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.vex.parsing import parse_vex
from orlop.domain.inside.vex.statements import BYTES, VexDocument

#: Bytes of address space, seconds of a processor, descriptors.
MEMORY, SECONDS, _FILES = 512 * 1024 * 1024, 20, 32


class Read(msgspec.Struct, frozen=True):
    """What it read, or why it could not."""

    document: VexDocument | None = None
    refused: str = ""


def main() -> None:
    """Read the document, and say what it says."""
    confine(MEMORY, SECONDS, _FILES, 10)
    content = bytearray()
    while len(content) <= BYTES and (piece := os.read(0, 1 << 16)):
        content += piece
    try:
        said = Read(parse_vex(bytes(content)))
    except RequestInvalid as refusal:
        said = Read(refused=refusal.message)
    answer = msgspec.msgpack.encode(said)
    while answer:
        answer = answer[os.write(1, answer) :]


if __name__ == "__main__":
    main()
