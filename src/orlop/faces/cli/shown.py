"""How management commands print: tables for people, JSON for programs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

#: Longer cells are cut.
_WIDEST = 60


def rows(
    entries: Sequence[Mapping[str, Any]],
    columns: Mapping[str, Callable[[Any], str] | str],
    *,
    json: bool,
    widest: int = _WIDEST,
) -> None:
    """Entries with these columns: a heading → a field, or what to make of the entry."""
    if json:
        print_json(list(entries))
        return
    table = [
        tuple(columns),
        *(
            tuple(cell(entry.get(made) if isinstance(made, str) else made(entry), widest) for made in columns.values())
            for entry in entries
        ),
    ]
    widths = [max(len(row[column]) for row in table) for column in range(len(columns))]
    for row in table:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def fields(entry: Mapping[str, Any], *, json: bool) -> None:
    """One entry, a line for each of its fields."""
    if json:
        print_json(dict(entry))
        return
    width = max(len(name) for name in entry) + 1
    for name, value in entry.items():
        print(f"{f'{name}:'.ljust(width)} {cell(value, widest=400)}".rstrip())


def cell(value: Any, widest: int = _WIDEST) -> str:
    """A value for people, on one line, without anything that would move the cursor."""
    match value:
        case None | "":
            text = "-"
        case bool():
            text = "yes" if value else "no"
        case list() if all(isinstance(item, str | int) for item in value):
            text = ", ".join(map(str, value)) or "-"
        case {"kind": _, "path": _}:
            text = place_text(value)
        case list() | dict():
            text = _json(value)
        case _:
            text = str(value)
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= widest else f"{text[: widest - 1]}…"


def place_text(place: Mapping[str, Any]) -> str:
    """A place as it is typed: `/`, `team/` for what lies below, `team/*` for a pattern."""
    match place.get("kind"):
        case "registry":
            return "/"
        case "namespace":
            return f"{place.get('path')}/"
        case _:
            return str(place.get("path"))


def _json(value: Any) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()


def print_json(value: Any) -> None:
    """A value as JSON, indented."""
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
