"""The members of a tar archive, as a stream: ustar, pax, GNU and what came before them.

Where formats leave something open, archives are read as archive/tar of Go reads them, for that is how layers are
unpacked by what runs them: global records of pax do not count, a link has no content whatever its size says, and what
follows on the end is not read. (IEEE Std 1003.1, pax; "Basic Tar Format" of the manual of GNU tar.)
"""

from collections.abc import Iterator
from enum import Enum

import msgspec

from orlop.adapters.inside.bounds import Beyond, Bounds, Damaged
from orlop.adapters.inside.sparse import Piece, Records, old_pieces, pax_pieces, text_pieces
from orlop.adapters.inside.unpacking import PIECE, Unpacked

BLOCK = 512
_ZEROS = bytes(BLOCK)
_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK = b"x", b"g", b"L", b"K"
_DAMAGED = "it is damaged, or no tar archive"
#: Of a number that a header holds in binary, and what a size is below.
_BINARY, _LARGEST = 0x80, 2**63


class Kind(Enum):
    """What a member is."""

    FILE = "file"
    FOLDER = "folder"
    HARD_LINK = "hard link"
    SYMLINK = "symlink"
    OTHER = "other"


_KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"S": Kind.FILE,
    b"1": Kind.HARD_LINK,
    b"2": Kind.SYMLINK,
    b"5": Kind.FOLDER,
}
#: Of links, devices, folders and pipes a size says nothing.
_HEADERS_ALONE = frozenset({b"1", b"2", b"3", b"4", b"5", b"6"})


class Member(msgspec.Struct):
    """A member. Its content comes after it, and is to be read before the next one."""

    name: bytes
    kind: Kind
    mode: int
    size: int
    """Bytes of its content, with holes."""
    link: bytes
    packed: int
    """Bytes of its content in the archive."""
    pieces: tuple[Piece, ...] | None = None
    """Of a sparse file: where its content belongs."""


class Tar:
    """An archive, read once."""

    def __init__(self, source: Unpacked, bounds: Bounds) -> None:
        self._source, self._bounds = source, bounds
        self._left = 0
        self._padding = 0
        self._member: Member | None = None

    def members(self) -> Iterator[Member]:
        """Each member in its turn. Raises Beyond and Damaged."""
        source = self._source
        count, records, long_name, long_link = 0, Records(), b"", b""
        while True:
            source.skip(self._left + self._padding)
            self._left = self._padding = 0
            block = source.some(BLOCK)
            if not block or (block == _ZEROS and not source.some(BLOCK).strip(b"\0")):
                return
            count += 1
            if count > self._bounds.members:
                raise Beyond(f"it has more than the {self._bounds.members} members that are read")
            if len(block) < BLOCK or not _is_sound(block):
                raise Damaged(_DAMAGED)
            kind, size = block[156:157], _number(block[124:136])
            if kind in {_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK}:
                special = self._special(size)
                if kind == _PAX:
                    records = Records.read(special, self._bounds.pieces)
                elif kind == _LONG_NAME:
                    long_name = special.partition(b"\0")[0]
                elif kind == _LONG_LINK:
                    long_link = special.partition(b"\0")[0]
                else:  # a member of its own, which what was before it is for
                    records, long_name, long_link = Records(), b"", b""
                continue
            yield self._begin(block, kind, size, records, long_name, long_link)
            if records.given:
                records = Records()
            long_name = long_link = b""

    def _special(self, size: int) -> bytes:
        if size > self._bounds.special:
            raise Beyond(f"a header in it is larger than the {self._bounds.special >> 10} KiB that are read")
        content = self._source.read(size)
        self._source.skip(-size % BLOCK)
        return content

    def _begin(
        self, block: bytes, kind: bytes, size: int, records: Records, long_name: bytes, long_link: bytes
    ) -> Member:
        name, link = _text(block[0:100]), _text(block[157:257])
        if prefix := _prefix(block):
            name = prefix + b"/" + name
        fields, pieces = records.fields, None
        if fields:
            name, link = fields.get(b"path") or name, fields.get(b"linkpath") or link
            if given := fields.get(b"size"):
                size = decimal(given)
        name, link = long_name or name, long_link or link
        if kind == b"\0" and name.endswith(b"/"):
            kind = b"5"
        packed = 0 if kind in _HEADERS_ALONE else size
        self._left, self._padding = packed, -packed % BLOCK
        whole = packed
        if kind == b"S":
            whole = _number(block[483:495])
            pieces = self._old_pieces(block)
        elif sparse := pax_pieces(records, self._bounds.pieces):
            whole, pieces = sparse
            name = fields.get(b"GNU.sparse.name") or name
            if pieces is None and packed:  # they stand before the content
                pieces = text_pieces(self._line, self._bounds.pieces)
        mode = _mode(block[100:108])
        return Member(name, _KINDS.get(kind, Kind.OTHER), mode, whole, link, self._left, pieces)

    def _old_pieces(self, block: bytes) -> tuple[Piece, ...]:
        """Of GNU's old form: four in the header, and blocks of 21 more after it."""
        pieces, goes_on = list(old_pieces(block[386:482], _number)), block[482]
        while goes_on:
            block = self._source.read(BLOCK)
            pieces += old_pieces(block[:504], _number)
            if len(pieces) > self._bounds.pieces:
                raise Beyond(f"a file in it has more than the {self._bounds.pieces} pieces that are read")
            goes_on = block[504]
        return tuple(pieces)

    def _line(self) -> bytes:
        """A block of the content of this member. Raises Damaged where it has none."""
        if self._left < BLOCK:
            raise Damaged(_DAMAGED)
        self._left -= BLOCK
        return self._source.read(BLOCK)

    def read(self, size: int, before: bytes = b"") -> bytes:
        """The next bytes of the content of this member as it lies in the archive, fewer only at its end, after those of
        `before`."""
        size = min(size, self._left)
        content = self._source.read(size, before)
        self._left -= size
        return content

    def search(self, marks: set[bytes], before: bytes = b"") -> set[bytes]:
        """Which of these are in the content of this member, as much of it as is left, and in what was `before` it."""
        found, kept = {mark for mark in marks if mark in before}, max(map(len, marks), default=1) - 1
        piece = before
        while marks - found and self._left:
            piece = self.read(PIECE, piece[-kept:] if kept else b"")
            found.update(mark for mark in marks if mark in piece)
        return found


def _is_sound(block: bytes) -> bool:
    """Whether the sum of a header is right: of its bytes as numbers without a sign, or with one."""
    field = block[148:156]
    try:
        told = _number(field)
    except Damaged:
        return False
    total = sum(block) - sum(field) + 8 * 0x20
    if told == total:
        return True
    return told == total - 256 * sum(1 for byte in block[:148] + block[156:] if byte >= _BINARY)


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes) -> int:
    """A number of a header: of octal digits, or in binary where the first bit says so. Raises Damaged."""
    if field[0] & _BINARY:
        if field[0] & 0x40:
            raise Damaged(_DAMAGED)  # below nothing
        value = int.from_bytes(bytes((field[0] & 0x7F,)) + field[1:], "big")
    else:
        digits = field.strip(b" \0").partition(b"\0")[0]
        if not digits:
            return 0
        if not digits.isdigit() or b"8" in digits or b"9" in digits:
            raise Damaged(_DAMAGED)
        value = int(digits, 8)
    if value >= _LARGEST:
        raise Damaged(_DAMAGED)
    return value


def _mode(field: bytes) -> int:
    try:
        return _number(field) & 0o7777
    except Damaged:
        return 0


def decimal(field: bytes) -> int:
    """A number of a record of pax. Raises Damaged."""
    if not field.isdigit() or len(field) > 19 or (value := int(field)) >= _LARGEST:
        raise Damaged(_DAMAGED)
    return value


def _prefix(block: bytes) -> bytes:
    """What is put before the name. GNU's form has times there, and star's one is shorter."""
    if block[345] == 0:
        return b""
    if block[257:263] == b"ustar\0":
        return _text(block[345:476] if block[508:512] == b"tar\0" else block[345:500])
    if block[257:265] == b"ustar  \0" and not (_is_time(block[345:357]) and _is_time(block[357:369])):
        prefix = _text(block[345:500])  # some programs wrote names of ustar into headers of GNU
        return prefix if prefix.isascii() else b""
    return b""


def _is_time(field: bytes) -> bool:
    if field[0] == 0 or field[0] & _BINARY:
        return True
    try:
        _number(field)
    except Damaged:
        return False
    return True
