"""Headers of packages out of the databases of RPM in its own format (NDB) and in the one of Berkeley DB.

What they look like is written in `lib/backend` of RPM alone. NDB has slots, each of which says where a header lies.
Berkeley DB has pages of pairs of keys and values; a value that does not fit is a chain of pages. Hashes are not needed
where all pages of pairs are read.
"""

import struct
from collections.abc import Iterator

from orlop.adapters.inside.readers.words import DAMAGED

NDB, BERKELEY = b"RpmP", 0x061561
_SLOT, _BLOB, _SLOT_SIZE, _BLOCK, _PAGE, _HEADER = b"Slot", b"BlbS", 16, 16, 4096, 32
_PAIRS = frozenset({2, 13})
_OVERFLOW, _IN_PAGE, _OFF_PAGE = 7, 1, 3
_HEAD, _SMALLEST, _LARGEST = 26, 512, 65_536
#: Bytes of all values. A page may be in several chains, and so what comes out may be more than what went in.
_TIMES = 2


def ndb(content: bytes) -> Iterator[bytes]:
    """Headers of a database of RPM's own format. Raises ValueError and struct.error."""
    _version, _generation, pages = struct.unpack_from("<III", content, 4)
    if pages * _PAGE > len(content):
        raise ValueError(DAMAGED)
    given = 0
    for at in range(_HEADER, pages * _PAGE, _SLOT_SIZE):
        magic, number, block, _blocks = struct.unpack_from("<4sIII", content, at)
        if magic != _SLOT:
            raise ValueError(DAMAGED)
        if not block:
            continue
        start = block * _BLOCK
        magic, same, _time, length = struct.unpack_from("<4sIII", content, start)
        given += length
        if magic != _BLOB or same != number or start + 16 + length > len(content) or given > _TIMES * len(content):
            raise ValueError(DAMAGED)
        yield content[start + 16 : start + 16 + length]


def berkeley_order(content: bytes) -> str:
    """The order of bytes of a database of hashes; nothing where it is none."""
    for order in "<>":
        if struct.unpack_from(order + "I", content, 12)[0] == BERKELEY:
            return order
    return ""


def berkeley(content: bytes, order: str) -> Iterator[bytes]:
    """Values of a database of hashes but that of the key 0, which counts them. Raises ValueError and struct.error."""
    (size,) = struct.unpack_from(order + "I", content, 20)
    (last,) = struct.unpack_from(order + "I", content, 32)
    if size & (size - 1) or not _SMALLEST <= size <= _LARGEST:
        raise ValueError(DAMAGED)
    given = 0
    for page in range(1, min(last + 1, len(content) // size)):
        start = page * size
        (number,) = struct.unpack_from(order + "I", content, start + 8)
        if content[start + 25] not in _PAIRS or number != page:
            continue
        for key, value in _pairs(content[start : start + size], order):
            if len(key) != 5 or key[0] != _IN_PAGE or key[1:] == b"\0\0\0\0":
                continue
            header = _value(content, value, size, order)
            given += len(header)
            if given > _TIMES * len(content):
                raise ValueError(DAMAGED)
            yield header


def _pairs(page: bytes, order: str) -> Iterator[tuple[bytes, bytes]]:
    """Items of a page by twos, each with the byte before it that says its kind. They begin at the end of the page."""
    (count,) = struct.unpack_from(order + "H", page, 20)
    places = struct.unpack_from(f"{order}{count}H", page, _HEAD)
    end, items = len(page), list[bytes]()
    for place in places:
        if not _HEAD + 2 * count <= place < end:
            raise ValueError(DAMAGED)
        items.append(page[place:end])
        end = place
    return zip(items[::2], items[1::2], strict=False)


def _value(content: bytes, item: bytes, size: int, order: str) -> bytes:
    if item[0] == _IN_PAGE:
        return item[1:]
    if item[0] != _OFF_PAGE or len(item) < 12:
        raise ValueError(DAMAGED)
    page, length = struct.unpack_from(order + "II", item, 4)
    if length > len(content):
        raise ValueError(DAMAGED)
    pieces, missing = list[bytes](), length
    while missing > 0:
        start = page * size
        if not page or content[start + 25] != _OVERFLOW:
            raise ValueError(DAMAGED)
        (page,) = struct.unpack_from(order + "I", content, start + 16)
        (filled,) = struct.unpack_from(order + "H", content, start + 22)
        if not 0 < filled <= min(missing, size - _HEAD):
            raise ValueError(DAMAGED)
        pieces.append(content[start + _HEAD : start + _HEAD + filled])
        missing -= filled
    return b"".join(pieces)
