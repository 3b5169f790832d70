"""A treemap: shares of a whole as rectangles of their areas, as square as they get (Bruls, Huizing and van Wijk,
"Squarified Treemaps", 2000)."""

from collections.abc import Sequence

import msgspec


class Box(msgspec.Struct, frozen=True):
    """Where a share lies."""

    x: float
    y: float
    wide: float
    high: float


def treemap(amounts: Sequence[int], wide: float, high: float) -> list[Box]:
    """A box for each amount, the largest first; amounts are over 0."""
    whole = sum(amounts)
    if not whole:
        return []
    left = [amount * wide * high / whole for amount in amounts]
    room, boxes = Box(0, 0, wide, high), []
    while left:
        side = min(room.wide, room.high)
        count = 1
        while count < len(left) and _worst(left[: count + 1], side) <= _worst(left[:count], side):
            count += 1
        row, left = left[:count], left[count:]
        thick, at = sum(row) / side, 0.0
        for area in row:
            long = area / thick
            if room.wide >= room.high:
                boxes.append(Box(room.x, room.y + at, thick, long))
            else:
                boxes.append(Box(room.x + at, room.y, long, thick))
            at += long
        if room.wide >= room.high:
            room = Box(room.x + thick, room.y, max(room.wide - thick, 1e-9), room.high)
        else:
            room = Box(room.x, room.y + thick, room.wide, max(room.high - thick, 1e-9))
    return boxes


def _worst(row: Sequence[float], side: float) -> float:
    """How far the least square box of a row is from a square."""
    total = sum(row)
    return max(side * side * max(row) / (total * total), total * total / (side * side * min(row)))
