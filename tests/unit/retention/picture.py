"""The picture of the simulated year. Its figures stand in it, as JSON, so that a test can compare them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

PICTURE = Path(__file__).parents[3] / "docs" / "pictures" / "retention-year.svg"

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 880, 380, 80, 190, 56, 60
_LINES = (("pushed", "pushed so far", "#57606a"), ("stored", "stored", "#1d4ed8"), ("releases", "releases", "#15803d"))
_METADATA = re.compile(r"<metadata>(.*)</metadata>")


def figures() -> dict[str, Any]:
    """Those of the picture that is in the documentation."""
    found = _METADATA.search(PICTURE.read_text())
    assert found is not None
    read: dict[str, Any] = msgspec.json.decode(found.group(1))
    return read


def drawn(team: Any, evenings: Sequence[Any]) -> str:
    """Three lines over the days: images that were pushed, that are stored, and that are releases."""
    last = evenings[-1]
    most = _rounded(last.pushed)
    title = (
        f"{team.repositories} repositories, {team.pushes} pushes and {team.pulls:,} pulls a day, for {last.day} days"
    )
    said = (
        f"{last.pushed:,} images were pushed, {last.stored:,} are stored, all {last.releases:,} releases among them; of"
        f" the blobs {last.stored_bytes / last.pushed_bytes:.0%} of the bytes"
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}"'
            f' height="{_HEIGHT}" role="img" aria-labelledby="t d" font-family="system-ui, sans-serif" font-size="14">',
            f'<title id="t">{title}</title>',
            f'<desc id="d">{said}</desc>',
            f"<metadata>{msgspec.json.encode({'team': team, 'evenings': evenings}).decode()}</metadata>",
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
            f'<text x="{_LEFT}" y="30" font-weight="600" fill="#1f2328">{title}</text>',
            *(_grid(most * step // 4, most) for step in range(5)),
            *(_line(evenings, name, text, color, most) for name, text, color in _LINES),
            *(_day(day, last.day) for day in range(0, last.day, 60)),
            f'<text x="{_LEFT}" y="{_HEIGHT - 12}" fill="#57606a" font-size="12">{said}</text>',
            "</svg>\n",
        ]
    )


def _rounded(most: int) -> int:
    """The next number with one digit that is not 0, and that four parts divide."""
    unit = 10 ** (len(str(most)) - 1)
    return max(4, (most + unit - 1) // unit * unit)


def _x(day: int, days: int) -> float:
    return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * day / days, 1)


def _y(number: int, most: int) -> float:
    return round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * number / most, 1)


def _grid(number: int, most: int) -> str:
    y = _y(number, most)
    return (
        f'<path d="M{_LEFT} {y}H{_WIDTH - _RIGHT}" stroke="#d0d7de"/>'
        f'<text x="{_LEFT - 8}" y="{y + 5}" text-anchor="end" fill="#57606a">{number:,}</text>'
    )


def _day(day: int, days: int) -> str:
    return (
        f'<text x="{_x(day, days)}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle" fill="#57606a">day {day}</text>'
    )


def _line(evenings: Sequence[Any], name: str, text: str, color: str, most: int) -> str:
    days = evenings[-1].day
    points = [(_x(each.day, days), _y(getattr(each, name), most)) for each in evenings]
    path = " ".join(f"{x},{y}" for x, y in [(_x(0, days), _y(0, most)), *points])
    x, y = points[-1]
    return (
        f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>'
        f'<text x="{x + 8}" y="{y + 5}" fill="{color}">{text}: {getattr(evenings[-1], name):,}</text>'
    )
