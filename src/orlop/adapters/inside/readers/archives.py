"""Members of a ZIP archive in memory, read by its central directory and within bounds (APPNOTE.TXT of PKWARE, 4.3).

Nothing of what an archive says of itself is believed: neither how many members it has nor how large they are.
"""

import struct
import zlib
from collections.abc import Iterator

import msgspec

#: How many bytes come of each that goes in, from some size on.
RATIO, RATIO_FROM = 200, 128 * 1024

_END, _END64_AT, _END64 = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
_ENTRY, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"
#: The longest comment after the end, and the size of the record.
_COMMENT, _RECORD = 65_535, 22
_STORED, _DEFLATED, _ENCRYPTED, _UTF8 = 0, 8, 0x1, 0x800
_FULL = 0xFFFFFFFF


class Member(msgspec.Struct, frozen=True):
    """A file or folder of the archive. Where it begins and how many bytes it takes is what the directory says."""

    name: str
    at: int
    packed: int
    method: int
    encrypted: bool


class Archive:
    """An archive. Raises ValueError where it is none."""

    def __init__(self, content: bytes | memoryview) -> None:
        self._content = memoryview(content)
        self._start, self._size, self._shift = self._directory()

    def _directory(self) -> tuple[int, int, int]:
        """Where the directory begins and its size, and how many bytes were put before the archive."""
        tail_at = max(0, len(self._content) - _COMMENT - _RECORD)
        tail = bytes(self._content[tail_at:])
        found = tail.rfind(_END)
        if found < 0 or len(tail) - found < _RECORD:
            raise ValueError("it is no ZIP archive")
        end = tail_at + found
        size, offset = struct.unpack_from("<II", self._content, end + 12)
        if _FULL in {size, offset} and end >= 20 and bytes(self._content[end - 20 : end - 16]) == _END64_AT:
            end -= 20 + 56
            if end < 0 or bytes(self._content[end : end + 4]) != _END64:
                raise ValueError("the end of the ZIP archive is damaged")
            size, offset = struct.unpack_from("<QQ", self._content, end + 40)
        start = end - size
        if start < 0 or start < offset:
            raise ValueError("the directory of the ZIP archive is damaged")
        return start, size, start - offset

    def members(self) -> Iterator[Member]:
        """What the directory names, folders too; what comes after a damaged entry is left out."""
        at, end = self._start, self._start + self._size
        while at + 46 <= end and bytes(self._content[at : at + 4]) == _ENTRY:
            flags, method = struct.unpack_from("<HH", self._content, at + 8)
            packed, _unpacked, name, extra, comment = struct.unpack_from("<IIHHH", self._content, at + 20)
            (where,) = struct.unpack_from("<I", self._content, at + 42)
            raw = bytes(self._content[at + 46 : at + 46 + name])
            packed, where = self._wide(at, 46 + name, extra, packed, where)
            at += 46 + name + extra + comment
            text = raw.decode("utf-8" if flags & _UTF8 else "cp437", "replace")
            yield Member(text, where + self._shift, packed, method, bool(flags & _ENCRYPTED))

    def _wide(self, at: int, skipped: int, extra: int, packed: int, where: int) -> tuple[int, int]:
        """Size and place, of the field of ZIP64 where they need more than 32 bits."""
        if _FULL not in {packed, where}:
            return packed, where
        fields = bytes(self._content[at + skipped : at + skipped + extra])
        (unpacked,) = struct.unpack_from("<I", self._content, at + 24)
        place = 0
        while place + 4 <= len(fields):
            kind, length = struct.unpack_from("<HH", fields, place)
            if kind == 1:
                values = [
                    int.from_bytes(fields[each : each + 8], "little")
                    for each in range(place + 4, min(place + 4 + length, len(fields)) - 7, 8)
                ]
                values = values[1:] if unpacked == _FULL else values
                if packed == _FULL and values:
                    packed = values.pop(0)
                if where == _FULL and values:
                    where = values.pop(0)
                break
            place += 4 + length
        return packed, where

    def read(self, member: Member, most: int) -> bytes:
        """What it holds. Raises ValueError where it is damaged, encrypted, packed otherwise, or beyond a bound."""
        if member.method != _STORED:
            most = min(most, max(RATIO_FROM, RATIO * member.packed))
        content = self.beginning(member, most + 1)
        if len(content) > most:
            raise ValueError(f"{_shown(member)} unpacks to more than the {most >> 10} KiB that are read")
        return content

    def beginning(self, member: Member, most: int) -> bytes:
        """So many bytes of what it holds, or all. Raises ValueError as `read` does, but for bounds."""
        if member.encrypted or member.method not in {_STORED, _DEFLATED}:
            raise ValueError(f"{_shown(member)} is encrypted or packed in a way that is not read")
        if member.at < 0 or member.at + 30 > len(self._content):
            raise ValueError(f"{_shown(member)} is not where the directory of the archive says")
        name, extra = struct.unpack_from("<HH", self._content, member.at + 26)
        at = member.at + 30 + name + extra
        packed = self._content[at : at + member.packed]
        if bytes(self._content[member.at : member.at + 4]) != _LOCAL or len(packed) != member.packed:
            raise ValueError(f"{_shown(member)} is not where the directory of the archive says")
        if member.method == _STORED:
            return bytes(packed[:most])
        try:
            return zlib.decompressobj(-15).decompress(packed, most)
        except zlib.error as cause:
            raise ValueError(f"{_shown(member)} is damaged") from cause


def _shown(member: Member) -> str:
    return f"{member.name[:200]!r} in it"
