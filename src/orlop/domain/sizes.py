"""Sizes as people write them (`50GiB`), and as sentences say them (`49.9 GiB`)."""

import re

UNITS = {
    "B": 1,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "TiB": 1 << 40,
    "PiB": 1 << 50,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "PB": 10**15,
}
_SIZE = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,6}))?\s*([A-Za-z]*)", re.ASCII)
_SAID = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")

#: The most that is counted: sums of it still fit where numbers are kept.
LARGEST = 1 << 60


def size_of(text: str) -> int:
    """Bytes; a bare number counts bytes. Raises ValueError."""
    found = _SIZE.fullmatch(text.strip())
    unit = UNITS.get(found[3] or "B") if found is not None else None
    if found is None or unit is None:
        raise ValueError(f"{text[:64]!r} is no size such as 50GiB, 1.5TB or 4096")
    fraction = found[2] or ""
    size = int(found[1]) * unit + int(fraction or "0") * unit // int(10 ** len(fraction))
    if size > LARGEST:
        raise ValueError(f"{text[:64]} is more than is counted: at most 1024PiB")
    return size


def size_words(size: int) -> str:
    """To one decimal where it is not whole, in the largest unit that it reaches: `50 GiB`, `49.9 GiB`, `812 B`."""
    place = max(0, min((size.bit_length() - 1) // 10, len(_SAID) - 1)) if size > 0 else 0
    unit = 1 << 10 * place
    whole, tenths = size // unit, size % unit * 10 // unit
    exact = size % unit == 0
    return f"{whole} {_SAID[place]}" if exact or not place else f"{whole}.{tenths} {_SAID[place]}"
