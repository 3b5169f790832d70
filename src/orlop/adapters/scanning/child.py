"""The process that reads one report: `python -m orlop.adapters.scanning.child`.

The report comes on standard input, and what it says goes to standard output as MessagePack.
"""

import os
import sys

import msgspec

from orlop.adapters.confined import confine
from orlop.domain.scanning.report import ScanVerdict, read_report

#: Bytes of address space, seconds of a processor, descriptors.
MEMORY, SECONDS, FILES = 1024 * 1024 * 1024, 30, 16


class Said(msgspec.Struct):
    """What came of it: a verdict, or why there is none."""

    verdict: ScanVerdict | None = None
    refused: str = ""


def main() -> None:
    """Read the report, and say what it says."""
    confine(MEMORY, SECONDS, FILES)
    try:
        said = Said(read_report(sys.stdin.buffer.read()))
    except ValueError as error:
        said = Said(refused=str(error))
    except MemoryError:
        said = Said(refused=f"it takes more than {MEMORY >> 20} MiB of memory to read")
    answer = msgspec.msgpack.encode(said)
    while answer:
        answer = answer[os.write(1, answer) :]


if __name__ == "__main__":
    main()
