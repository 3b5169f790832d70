"""Executables and libraries as ELF, PE and Mach-O: their sections, and where in the file what is at an address lies.

man7.org (elf.5), learn.microsoft.com ("PE Format"), and loader.h of Apple. A file says of itself where everything is,
so everything is checked against its size.
"""

import struct
from collections.abc import Iterator

import msgspec

#: The first bytes of each format, and of several Mach-O files in one.
MAGICS = (b"\x7fELF", b"MZ", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")
_FAT = b"\xca\xfe\xba\xbe"
#: Sections or segments of one file, and files in one.
_PARTS, _ARCHITECTURES = 4_096, 16
#: Bytes of the smallest header, and endings of what needs no permission to be run.
_LEAST, _ENDINGS = 64, (".so", ".dylib", ".exe", ".dll", ".node")
_LOAD, _EXECUTABLE, _WRITABLE = 1, 1, 2
_SEGMENT32, _SEGMENT64 = 0x1, 0x19
#: Of PE: initialized data that is read and written, without the bits of alignment.
_DATA, _ALIGNMENT = 0xC0000040, 0x00F00000
_NO_BITS = 8


class Part(msgspec.Struct, frozen=True):
    """A section or a segment: where in the whole file it lies, its bytes there, and at which address it is loaded."""

    name: str
    at: int
    size: int
    address: int
    data: bool = False
    """Whether it is data that a program writes to."""


class Binary(msgspec.Struct, frozen=True):
    """An executable or a library; `content` is the whole file."""

    content: bytes
    sections: tuple[Part, ...]
    segments: tuple[Part, ...]
    wide: bool
    big: bool

    def section(self, *names: str) -> Part | None:
        """The first section with one of these names."""
        return next((each for each in self.sections if each.name in names), None)

    def loaded(self, address: int, length: int) -> bytes:
        """What is loaded there; nothing where the file has not all of it."""
        for each in self.segments:
            begin = address - each.address
            if begin >= 0 and begin + length <= each.size:
                return self.content[each.at + begin : each.at + begin + length]
        return b""


def wants_binary(path: str, mode: int, size: int) -> bool:
    """Whether a file may be an executable or a library: it may be run, or is named like one."""
    return size >= _LEAST and (bool(mode & 0o111) or path.endswith(_ENDINGS))


def is_binary(first: bytes) -> bool:
    """Whether a file that begins so, with at least eight bytes, may be an executable or a library."""
    return first.startswith(MAGICS) or _architectures(first) > 0


def _architectures(first: bytes) -> int:
    """How many Mach-O files are in this one. Classes of Java begin the same way, and go on with a large number."""
    many = int.from_bytes(first[4:8], "big") if first.startswith(_FAT) else 0
    return many if many <= _ARCHITECTURES else 0


def binaries(content: bytes) -> Iterator[Binary]:
    """The executables or libraries that a file is; none where it is none or damaged."""
    starts = [0]
    if many := _architectures(content[:8]):
        starts = [int.from_bytes(content[8 + 20 * each + 8 : 8 + 20 * each + 12], "big") for each in range(many)]
    for start in starts:
        first = content[start : start + 4]
        try:
            if first == MAGICS[0]:
                yield _elf(content)
            elif first[:2] == MAGICS[1]:
                yield _pe(content)
            elif first in MAGICS[2:]:
                yield _macho(content, start)
        except (struct.error, OverflowError):  # a header that goes on behind the end of the file
            continue


def _part(content: bytes, name: bytes, at: int, size: int, address: int, *, data: bool = False) -> Part:
    at = min(at, len(content))
    size = min(size, len(content) - at)
    return Part(name.partition(b"\0")[0].decode("latin-1"), at, size, address, data)


def _elf(content: bytes) -> Binary:
    wide, big = content[4:5] == b"\x02", content[5:6] == b"\x02"
    order = ">" if big else "<"
    if wide:
        programs, sections = struct.unpack_from(order + "QQ", content, 32)
        program_size, program_count, section_size, section_count, names = struct.unpack_from(order + "5H", content, 54)
    else:
        programs, sections = struct.unpack_from(order + "II", content, 28)
        program_size, program_count, section_size, section_count, names = struct.unpack_from(order + "5H", content, 42)
    segments = []
    for each in range(min(program_count, _PARTS)):
        at = programs + each * program_size
        if wide:
            kind, flags, where, address, _, size = struct.unpack_from(order + "IIQQQQ", content, at)
        else:
            kind, where, address, _, size, _, flags = struct.unpack_from(order + "7I", content, at)
        if kind == _LOAD:
            data = flags & (_EXECUTABLE | _WRITABLE) == _WRITABLE
            segments.append(_part(content, b"", where, size, address, data=data))
    headers = []
    for each in range(min(section_count, _PARTS)):
        form = order + ("IIQQQQ" if wide else "6I")
        headers.append(struct.unpack_from(form, content, sections + each * section_size))
    table, found = headers[names][4] if names < len(headers) else len(content), []
    for name, kind, _flags, address, where, size in headers:
        label = content[table + name : table + name + 64]
        found.append(_part(content, label, where, 0 if kind == _NO_BITS else size, address))
    return Binary(content, tuple(found), tuple(segments), wide, big)


def _pe(content: bytes) -> Binary:
    (header,) = struct.unpack_from("<I", content, 0x3C)
    if content[header : header + 4] != b"PE\0\0":
        return Binary(content, (), (), False, False)
    (count,) = struct.unpack_from("<H", content, header + 6)
    (optional,) = struct.unpack_from("<H", content, header + 20)
    (magic,) = struct.unpack_from("<H", content, header + 24)
    wide = magic == 0x20B
    (base,) = struct.unpack_from("<Q" if wide else "<I", content, header + 24 + (24 if wide else 28))
    sections = []
    for each in range(min(count, _PARTS)):
        name, _virtual, address, size, where, _, _, _, flags = struct.unpack_from(
            "<8sIIIIIIII", content, header + 24 + optional + each * 40
        )
        data = bool(address and size) and flags & ~_ALIGNMENT == _DATA
        sections.append(_part(content, name, where, size, base + address, data=data))
    return Binary(content, tuple(sections), tuple(sections), wide, False)


def _macho(content: bytes, start: int) -> Binary:
    first = content[start : start + 4]
    big, wide = first[:1] == b"\xfe", 0xCF in {first[0], first[3]}
    order = ">" if big else "<"
    count, at = struct.unpack_from(order + "I", content, start + 16)[0], start + (32 if wide else 28)
    sections, segments = list[Part](), list[Part]()
    form, section_form = (order + "16s4Q4I", order + "16s16s2QI") if wide else (order + "16s8I", order + "16s16s3I")
    for _ in range(min(count, _PARTS)):
        command, length = struct.unpack_from(order + "II", content, at)
        if command == (_SEGMENT64 if wide else _SEGMENT32):
            name, address, _, where, size, most, initial, parts, _ = struct.unpack_from(form, content, at + 8)
            data = bool(address and size) and most == initial == 3
            segments.append(_part(content, name, start + where, size, address, data=data))
            at_section, step = at + 8 + struct.calcsize(form), 80 if wide else 68
            for each in range(min(parts, _PARTS - len(sections))):
                label, _, address, size, where = struct.unpack_from(section_form, content, at_section + each * step)
                sections.append(_part(content, label, start + where, size, address))
        if length < 8:
            break
        at += length
    return Binary(content, tuple(sections), tuple(segments), wide, big)
