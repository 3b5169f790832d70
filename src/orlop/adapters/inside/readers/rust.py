"""Crates in programs that `cargo auditable` built: a list in JSON, packed by zlib, in a section of its own.

github.com/rust-secure-code/cargo-auditable (PARSING.md).
"""

import zlib

from orlop.adapters.inside.readers.binaries import binaries, is_binary, wants_binary
from orlop.adapters.inside.readers.harvest import LARGEST, Harvest, json_of, rows, table, text
from orlop.adapters.inside.readers.reader import Reader
from orlop.domain.inside.layers import Found

_SECTION = ".dep-v0"
#: Bytes of the list, packed and unpacked.
_PACKED, _LIST = 8 * 1024 * 1024, 8 * 1024 * 1024


def read_rust(path: str, content: bytes) -> Found | None:
    """The crates that a program was built of, without those that only ran to build it."""
    if _SECTION.encode() not in content:
        return None
    harvest = Harvest(path, "rust")
    for binary in binaries(content):
        section = binary.section(_SECTION)
        if section is None:
            continue
        try:
            listed = json_of(_unpacked(content[section.at : section.at + min(section.size, _PACKED)]))
        except ValueError as cause:
            harvest.unread = str(cause)
            continue
        for crate in map(table, rows(table(listed).get("packages"))):
            if crate.get("kind", "runtime") == "runtime":
                harvest.add("cargo", text(crate.get("name")), text(crate.get("version")))
    return harvest.found()


def _unpacked(packed: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(packed, _LIST + 1)
    except zlib.error as cause:
        raise ValueError("its list of crates is damaged") from cause
    if len(content) > _LIST:
        raise ValueError(f"its list of crates is larger than the {_LIST >> 20} MiB that are read")
    return content


RUST = Reader(
    name="rust", wants=wants_binary, most=LARGEST, marks=(_SECTION.encode(),), begins=is_binary, read=read_rust
)
