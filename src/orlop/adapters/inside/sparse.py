"""Sparse files of tar archives: what their pieces are in all forms of GNU tar ("Storing Sparse Files" of its manual).

The old form has them in headers, those of pax in records (0.0, 0.1) or before the content (1.0).
"""

from collections.abc import Callable, Iterator

import msgspec

from orlop.adapters.inside.bounds import Beyond, Damaged

#: Where a piece begins, and its bytes.
Piece = tuple[int, int]
_DAMAGED = "a sparse file in it is damaged"
_RECORDS_DAMAGED = "records of pax in it are damaged"
_BLOCK, _ENTRY, _NUMBER = 512, 24, 12
_DIGITS = 19


class Records(msgspec.Struct, frozen=True):
    """Records of pax for the next member."""

    fields: dict[bytes, bytes] = {}
    pieces: tuple[bytes, ...] = ()
    """Of form 0.0, where a piece is two records: numbers, in their order."""
    given: bool = False

    @classmethod
    def read(cls, content: bytes, most: int) -> "Records":
        """Records as they come. Raises Damaged and Beyond."""
        fields, pieces, at = dict[bytes, bytes](), list[bytes](), 0
        while at < len(content):
            blank = content.find(b" ", at, at + _DIGITS)
            length = content[at:blank] if blank >= 0 else b""
            if not length.isdigit():
                raise Damaged(_RECORDS_DAMAGED)
            end = at + int(length)
            key, equals, value = content[blank + 1 : end - 1].partition(b"=")
            if end <= blank + 1 or content[end - 1 : end] != b"\n" or not equals or not key or b"\0" in key:
                raise Damaged(_RECORDS_DAMAGED)
            at = end
            if key in {b"GNU.sparse.offset", b"GNU.sparse.numbytes"}:
                if (len(pieces) % 2 == 0) != (key == b"GNU.sparse.offset"):
                    raise Damaged(_DAMAGED)
                pieces.append(value)
                _bounded(len(pieces) // 2, most)
                continue
            if key in {b"path", b"linkpath"} and b"\0" in value:
                raise Damaged(_RECORDS_DAMAGED)
            fields[key] = value
        return cls(fields, tuple(pieces), True)


def _bounded(count: int, most: int) -> None:
    if count > most:
        raise Beyond(f"a file in it has more than the {most} pieces that are read")


def _number(text: bytes) -> int:
    if not text.isdigit() or len(text) > _DIGITS:
        raise Damaged(_DAMAGED)
    return int(text)


def old_pieces(table: bytes, number: Callable[[bytes], int]) -> Iterator[Piece]:
    """Pieces of a table of the old form; they end with the first that is empty."""
    for at in range(0, len(table), _ENTRY):
        if table[at] == 0:
            return
        yield number(table[at : at + _NUMBER]), number(table[at + _NUMBER : at + _ENTRY])


def pax_pieces(records: Records, most: int) -> tuple[int, tuple[Piece, ...] | None] | None:
    """The size of a file and its pieces; no pieces where they stand before its content; None if it is not sparse."""
    fields = records.fields
    major, minor = fields.get(b"GNU.sparse.major"), fields.get(b"GNU.sparse.minor")
    size = fields.get(b"GNU.sparse.realsize") or fields.get(b"GNU.sparse.size")
    if major == b"1" and minor == b"0":
        return _number(size or b""), None
    listed = fields.get(b"GNU.sparse.map")
    if (major or minor) and (major != b"0" or minor not in {b"0", b"1"}):
        return None
    if not (major or minor or listed or records.pieces):
        return None
    numbers = listed.split(b",") if listed else records.pieces
    _bounded(len(numbers) // 2, most)
    if len(numbers) % 2:
        raise Damaged(_DAMAGED)
    values = [_number(each) for each in numbers]
    return _number(size or b""), tuple(zip(values[::2], values[1::2], strict=True))


def text_pieces(block: Callable[[], bytes], most: int) -> tuple[Piece, ...]:
    """Pieces as they stand before the content, in whole blocks: how many there are, and two numbers of each, each of
    them on a line. Raises Damaged and Beyond."""
    text, values, wanted = b"", list[int](), 1
    while len(values) < wanted:
        *lines, text = (text + block()).split(b"\n")
        for line in lines:
            if len(values) == wanted:
                break
            values.append(_number(line))
            if len(values) == 1:
                _bounded(values[0], most)
                wanted = 1 + 2 * values[0]
        if len(text) > _DIGITS and len(values) < wanted:
            raise Damaged(_DAMAGED)
    return tuple(zip(values[1::2], values[2::2], strict=True))


def expanded(content: bytes, pieces: tuple[Piece, ...], size: int) -> bytes:
    """A file with its holes. Raises Damaged."""
    whole, at = bytearray(size), 0
    for start, length in pieces:
        if start + length > size or at + length > len(content):
            raise Damaged(_DAMAGED)
        whole[start : start + length] = content[at : at + length]
        at += length
    return bytes(whole)
