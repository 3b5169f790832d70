"""The process that reads one report: `python -m orlop.adapters.scanning.child [SBOM_TYPE]`.

The report comes on standard input, and what it says goes to standard output as MessagePack: a verdict, or with a media
type the SBOM of that type that is in it.
"""

import os
import sys

import msgspec

from orlop.adapters.confined import confine
from orlop.domain.scanning.report import ScanVerdict, read_report, read_sbom

#: Bytes of address space, seconds of a processor, descriptors.
MEMORY, SECONDS, FILES = 1024 * 1024 * 1024, 30, 16


class Said(msgspec.Struct):
    """What came of it: a verdict or an SBOM, or why there is none."""

    verdict: ScanVerdict | None = None
    sbom: bytes = b""
    refused: str = ""


def main() -> None:
    """Read the report, and say what it says."""
    confine(MEMORY, SECONDS, FILES)
    try:
        body = sys.stdin.buffer.read()
        said = Said(sbom=read_sbom(body, sys.argv[1])) if len(sys.argv) > 1 else Said(read_report(body))
    except ValueError as error:
        said = Said(refused=str(error))
    except MemoryError:
        said = Said(refused=f"it takes more than {MEMORY >> 20} MiB of memory to read")
    answer = msgspec.msgpack.encode(said)
    while answer:
        answer = answer[os.write(1, answer) :]


if __name__ == "__main__":
    main()
