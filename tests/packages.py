"""Files that list packages, made by code: executables, what Go and Rust leave in them, and archives."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping

from orlop.domain.inside.layers import Found

#: Where the data of made executables is loaded.
BASE = 0x400000

_GO_MAGIC = b"\xff Go buildinf:"
#: What Go writes before and behind the information about modules.
_BEFORE, _BEHIND = (
    bytes.fromhex("3077af0c9274080241e1c107e6d618e6"),
    bytes.fromhex("f932433186182072008242104116d8f2"),
)


def listed(found: Found | None) -> list[str]:
    """The packages as `type:namespace/name@version`, sorted."""
    packages = found.packages if found else ()
    return sorted(f"{p.type}:{p.namespace}{'/' if p.namespace else ''}{p.name}@{p.version}" for p in packages)


def licences(found: Found | None) -> dict[str, tuple[str, ...]]:
    """The licences by the names of the packages."""
    return {package.name: package.licences for package in found.packages} if found else {}


def elf(sections: Mapping[str, bytes], *, wide: bool = True, big: bool = False, data: bytes = b"") -> bytes:
    """An ELF file with these sections, and `data` loaded at BASE."""
    order = ">" if big else "<"
    header, program, section = (64, 56, 64) if wide else (52, 32, 40)
    names, content, headers = b"\0", b"", []
    begin = header + program
    for name, held in {"": b"", **sections, ".shstrtab": b""}.items():
        label = 0 if not name else len(names)
        names += name.encode() + b"\0" if name else b""
        held = names if name == ".shstrtab" else held
        content += b"\0" * (-(begin + len(content)) % 16)
        where = begin + len(content)
        headers.append((label, 1 if name else 0, 0, BASE + where if name else 0, where, len(held)))
        content += held
    content += b"\0" * (-(begin + len(content)) % 16)
    data_at = begin + len(content)
    content += data
    table = begin + len(content)
    identity = b"\x7fELF" + bytes([2 if wide else 1, 2 if big else 1, 1]) + b"\0" * 9
    pointers = (0, header, table, 0, header, program, 1, section, len(headers), len(headers) - 1)
    form = "HHIQQQI6H" if wide else "HHIIIII6H"
    packed = identity + struct.pack(order + form, 2, 62, 1, *pointers)
    sizes = (data_at, BASE, BASE, len(data), len(data))
    packed += struct.pack(order + "IIQQQQQQ", 1, 6, *sizes, 16) if wide else struct.pack(order + "8I", 1, *sizes, 6, 16)
    packed += content
    for each in headers:
        tail = (0, 0, 1, 0)
        packed += struct.pack(order + ("IIQQQQIIQQ" if wide else "10I"), *each, *tail)
    return packed


def pe(sections: Mapping[str, tuple[int, bytes]]) -> bytes:
    """A PE file with sections of these flags; the first is loaded at BASE."""
    optional = struct.pack("<H22xQ", 0x20B, BASE - 0x1000) + b"\0" * 208
    head = b"MZ" + b"\0" * 58 + struct.pack("<I", 64)
    head += b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, len(sections), 0, 0, 0, len(optional), 0) + optional
    begin, table, content = 1024, b"", b""
    for number, (name, (flags, held)) in enumerate(sections.items()):
        held += b"\0" * (-len(held) % 16)
        address = 0x1000 + 0x10000 * number
        table += struct.pack(
            "<8sIIIIIIHHI", name.encode(), len(held), address, len(held), begin + len(content), 0, 0, 0, 0, flags
        )
        content += held
    return (head + table).ljust(begin, b"\0") + content


def macho(sections: Mapping[str, bytes]) -> bytes:
    """A Mach-O file of 64 bits with these sections in one segment of data, which is loaded at BASE."""
    begin, content, table = 4096, b"", b""
    for name, held in sections.items():
        content += b"\0" * (-len(content) % 16)
        address = BASE + len(content)
        table += struct.pack(
            "<16s16sQQ8I", name.encode(), b"__DATA", address, len(held), begin + len(content), 4, 0, 0, 0, 0, 0, 0
        )
        content += held
    segment = struct.pack(
        "<II16sQQQQIIII",
        0x19,
        72 + len(table),
        b"__DATA",
        BASE,
        len(content),
        begin,
        len(content),
        3,
        3,
        len(sections),
        0,
    )
    head = struct.pack("<IIIIIIII", 0xFEEDFACF, 0x0100000C, 0, 2, 1, len(segment) + len(table), 0, 0)
    return (head + segment + table).ljust(begin, b"\0") + content


def fat(*files: bytes) -> bytes:
    """Several Mach-O files in one."""
    begin = 4096
    head, content = struct.pack(">II", 0xCAFEBABE, len(files)), b""
    for each in files:
        head += struct.pack(">IIIII", 0x0100000C, 0, begin + len(content), len(each), 12)
        content += each.ljust(len(each) + -len(each) % 4096, b"\0")
    return head.ljust(begin, b"\0") + content


def modules(*lines: str) -> str:
    """What Go says of modules; values are separated by blanks here and by tabs there."""
    return "".join("\t".join(line.split(" ", 3 if not line.startswith("build") else 1)) + "\n" for line in lines)


def go_information(version: str, said: str) -> bytes:
    """The build information as Go writes it since 1.18."""
    framed = _BEFORE + said.encode() + _BEHIND
    return (_GO_MAGIC + b"\x08\x02").ljust(32, b"\0") + b"".join(_counted(each) for each in (version.encode(), framed))


def _counted(text: bytes) -> bytes:
    length, head = len(text), b""
    while length >= 0x80:
        head += bytes([length & 0x7F | 0x80])
        length >>= 7
    return head + bytes([length]) + text


def go_pointers(version: str, said: str, *, wide: bool = True, big: bool = False, base: int = BASE) -> bytes:
    """The build information as Go wrote it before 1.18, for the beginning of what is loaded at `base`."""
    order, width = (">" if big else "<"), (8 if wide else 4)
    word = order + ("Q" if wide else "I")
    texts = [version.encode(), _BEFORE + said.encode() + _BEHIND]
    headers_at, texts_at = base + 32, base + 32 + 4 * width
    head = (_GO_MAGIC + bytes([width, int(big)])).ljust(16, b"\0")
    head = (head + struct.pack(word, headers_at) + struct.pack(word, headers_at + 2 * width)).ljust(32, b"\0")
    for number, each in enumerate(texts):
        head += struct.pack(word, texts_at + sum(map(len, texts[:number]))) + struct.pack(word, len(each))
    return head + b"".join(texts)


def crates(*packages: Mapping[str, object]) -> bytes:
    """The list of crates that cargo-auditable leaves in a program."""
    return zlib.compress(json.dumps({"packages": packages}).encode())


def jar(files: Mapping[str, bytes | str], *, packed: bool = True) -> bytes:
    """An archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, held in files.items():
            archive.writestr(zipfile.ZipInfo(name), held, zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED)
    return content.getvalue()


def manifest(**fields: str) -> str:
    """A manifest with these fields of its main section; `_` stands for a hyphen."""
    return "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in fields.items()) + "\r\n"
