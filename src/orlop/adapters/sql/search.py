"""What searches read, one statement for each way of finding each thing."""

from collections.abc import Sequence

from orlop.adapters.sql.engine import Row, Session
from orlop.adapters.sql.parameters import each, spans_of
from orlop.domain.access.spans import NameSpan
from orlop.domain.content_kinds import kind_of
from orlop.domain.names import RepositoryName
from orlop.ports.search import Sought, SoughtRow

#: Comes after every character of a tag or digest.
_LAST = "~"
#: What LIKE takes for more than itself; names have one of these.
_WILD = str.maketrans({"_": "!_", "%": "!%", "!": "!!"})


class SqlSearch:
    """See ports.search.SearchRows."""

    def __init__(self, reader: Session) -> None:
        self._reader = reader

    async def window(self, start: str, names: int) -> str:
        row = await self._reader.one("search_window", start, names)
        return row[0] if row is not None and row[1] == names else ""

    async def names(self, words: Sequence[str], within: Sequence[NameSpan], limit: int) -> tuple[RepositoryName, ...]:
        first, *others = sorted(words, key=len, reverse=True) or [""]
        rows = await self._reader.all(
            "search_names", spans_of(within), each([_like(word) for word in others]), limit, _like(first)
        )
        return tuple(RepositoryName.stored(name) for (name,) in rows)

    async def rare(self, sought: Sought, most: int) -> tuple[SoughtRow, ...]:
        rows = await self._reader.all(f"sought_{sought.what}", most, *_bounds(sought))
        return tuple(map(_row, rows))

    async def within(
        self, sought: Sought, within: Sequence[NameSpan], after: tuple[str, str], limit: int
    ) -> tuple[SoughtRow, ...]:
        rows = await self._reader.all(f"within_{sought.what}", spans_of(within), *after, limit, *_bounds(sought))
        return tuple(map(_row, rows))


def _like(word: str) -> str:
    """The pattern of what contains a word."""
    return f"%{word.translate(_WILD)}%"


def _bounds(sought: Sought) -> tuple[str, str]:
    """Of a text what it begins with, or, where that is meant, itself; of labels and annotations key and value."""
    if sought.key:
        return sought.key, sought.text
    return sought.text, f"{sought.text}{'!' if sought.exact else _LAST}"


def _row(row: Row) -> SoughtRow:
    repository, name, digest, media_type, artifact_type, caches = row
    kind = kind_of(name, media_type, artifact_type, caches=bool(caches)) if media_type else None
    return SoughtRow(RepositoryName.stored(repository), name, digest, kind, media_type, artifact_type)
