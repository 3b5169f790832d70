"""What somebody searches for, among what they may see.

What is rare is found wherever it is, and what the searcher may not see is left out. What is common is looked for in
the repositories that they may see, some thousands at a time: then an answer may end before a page is full, and goes on.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

import msgspec

from orlop.domain.access import Action, Caller, SubjectKind
from orlop.domain.access.spans import EVERYTHING, NameSpan, after, common
from orlop.domain.content_kinds import ContentKind
from orlop.domain.errors import PageInvalid, RequestInvalid
from orlop.domain.names import is_repository_name
from orlop.domain.pages import PageRequest
from orlop.domain.search import HitKind, SearchQuery, parse_query
from orlop.ports.search import SearchRows, Sought, SoughtRow
from orlop.services.access.decisions import Access
from orlop.services.content.repositories import Repositories
from orlop.services.management.robots import Robots
from orlop.services.management.users import Users

#: What there is more of than this is common; and how many there are of each word's digests or labels in one question.
_RARE = 2_000
#: Names of repositories looked through at once, and for one answer: names alone, what is in them, their manifests.
_NAMES, _NAMES_MOST = 20_000, 200_000
_FIRST, _INSIDE, _INSIDE_MOST, _MANIFESTS_MOST = 1_000, 10_000, 20_000, 4_000

#: Rows read at once, and for one answer, where few of them may fit.
_ROWS, _ROWS_MOST = 500, 20_000

#: A repository and what is found in it; the last of it all comes after every tag and digest.
Place = tuple[str, str]
_ALL = "~"


class _Window(NamedTuple):
    """Spans that a caller sees some of, and what they see; the last name looked at, where there may be more behind it,
    and whether they see that one."""

    spans: tuple[NameSpan, ...]
    sees: Callable[[str], bool]
    end: str
    is_shown: bool


class _Start(NamedTuple):
    """Where a search goes on: behind a place that its reader was told, and so many windows of names. What they do not
    see is never named, so how far it was looked among that is counted."""

    base: str
    windows: int

    def beyond(self, last: str, repository: str, begins: Sequence[str]) -> str:
        """Behind windows that begin at these names, of which the last that was told is in a repository."""
        if not last:
            return f"{self.base} +{self.windows + len(begins)}".lstrip()
        count = sum(repository < begin for begin in begins)
        return f"{last} +{count}" if count else last


class _Stop(NamedTuple):
    """Up to where it was looked, though there may be more: a place, whether that may be told, and the windows."""

    place: Place
    is_shown: bool
    begins: Sequence[str]


class Hit(msgspec.Struct, frozen=True):
    """What was found. `reference`: the tag or digest, empty for a repository itself; `content`: what that is, where it
    is a tag; `account`: the name of one, where that was found."""

    kind: HitKind
    repository: str = ""
    reference: str = ""
    digest: str = ""
    content: ContentKind | None = None
    account: str = ""


class SearchFound(msgspec.Struct, frozen=True):
    """Hits, and where each kind goes on that has more, or may have."""

    hits: tuple[Hit, ...]
    more: dict[HitKind, str]


class RegistrySearch:
    """See domain.search. `users` and `robots` tell the accounts that a caller may list."""

    def __init__(
        self, access: Access, repositories: Repositories, rows: SearchRows, users: Users, robots: Robots
    ) -> None:
        self._access = access
        self._repositories = repositories
        self._rows = rows
        self._users = users
        self._robots = robots

    async def find(self, caller: Caller, line: str, kind: HitKind | None, page: PageRequest) -> SearchFound:
        """The first hits of each kind that the line may mean, or the page of one kind. Raises RequestInvalid,
        Unauthorized, PageInvalid."""
        query = parse_query(line)
        kinds = [each for each in HitKind if each in query.kinds and kind in (None, each)]
        if page.after and kind is None:
            raise RequestInvalid("a search goes on for one kind of hits: say which")
        hits: list[Hit] = []
        more: dict[HitKind, str] = {}
        for each in kinds:
            found, place = await self._of(caller, query, each, page)
            hits += found
            if place:
                more[each] = place
        return SearchFound(tuple(hits), more)

    async def _of(self, caller: Caller, query: SearchQuery, kind: HitKind, page: PageRequest) -> tuple[list[Hit], str]:
        """The page of one kind, and where it goes on."""
        match kind:
            case HitKind.REPOSITORY:
                return await self._named(caller, query, page)
            case HitKind.ACCOUNT:
                return await self._accounts(caller, query, page)
            case _:
                return await self._inside(caller, query, kind, page)

    # --- Repositories by their names ------------------------------------------------------------------------------

    async def _named(self, caller: Caller, query: SearchQuery, page: PageRequest) -> tuple[list[Hit], str]:
        start = _parse_start(page.after)
        found: list[str] = []
        begins: list[str] = []
        read = 0
        async for window in self._windows(caller, Action.LIST, start.base, start.windows, _NAMES, _NAMES):
            begins.append(window.spans[0].low)
            at, together = start.base, max(page.size + 1, _ROWS)
            while len(found) <= page.size:
                left = common(window.spans, (NameSpan(after(at), EVERYTHING.high),))
                names = await self._rows.names(query.repositories, left, together) if left else ()
                found += [name for name in names if window.sees(name)]
                read += len(names)
                if len(names) < together:
                    break
                at, together = names[-1], _NAMES
            if len(found) > page.size:
                break
            if (read >= _ROWS_MOST or len(begins) * _NAMES >= _NAMES_MOST) and window.end:
                last = found[-1] if found else ""
                goes_on = window.end if window.is_shown else start.beyond(last, last, begins)
                return [Hit(HitKind.REPOSITORY, name) for name in found], goes_on
        shown = found[: page.size]
        return [Hit(HitKind.REPOSITORY, name) for name in shown], shown[-1] if len(found) > page.size and shown else ""

    async def _windows(
        self, caller: Caller, action: Action, start: str, passed: int, first: int, then: int
    ) -> AsyncIterator[_Window]:
        """The spans of names that the caller sees behind a name, of so many names at a time, without the first `passed`
        windows. Of these each has a few names less, so that nothing is missed where some were removed meanwhile."""
        size, count = first, 0
        async for spans, sees in self._repositories.visible_between(caller, action, start, EVERYTHING.high):
            left = spans
            while left:
                end = await self._rows.window(left[0].low, size if count >= passed else size - size // 100)
                part = common(left, (NameSpan("", after(end)),)) if end else left
                if part and count >= passed:
                    shown = any(span.low <= end < span.high for span in part) and sees(end)
                    yield _Window(part, sees, end, shown)
                left = common(left, (NameSpan(after(end), EVERYTHING.high),)) if end else ()
                size = then
                count += 1

    # --- What is in repositories ----------------------------------------------------------------------------------

    async def _inside(
        self, caller: Caller, query: SearchQuery, kind: HitKind, page: PageRequest
    ) -> tuple[list[Hit], str]:
        start = _parse_start(page.after)
        place = _parse_place(start.base)
        fits = _fitting(query)
        often: list[Sought] = []
        rows: list[SoughtRow] = []
        for one in _sought(query, kind):
            rare = await self._rows.rare(one, _RARE + 1)
            if len(rare) > _RARE:
                often.append(one)
            else:
                rows += [row for row in rare if fits(row) and row.place > place]
        found = await self._seen(caller, rows)
        stop: _Stop | None = None
        for one in often:
            more, stopped = await self._along(caller, one, fits, place, start.windows, page.size + 1)
            found += more
            stop = min(stop, stopped) if stop is not None and stopped is not None else stop or stopped
        # What comes after where one of them stopped is for the next page.
        found = [row for row in _in_order(found) if stop is None or row.place <= stop.place]
        if len(found) > page.size:
            found = found[: page.size]
            return [_hit(kind, row) for row in found], _written(found[-1].place) if found else ""
        return [_hit(kind, row) for row in found], _going_on(start, stop, found)

    async def _seen(self, caller: Caller, rows: Sequence[SoughtRow]) -> list[SoughtRow]:
        """Those in repositories that the caller may pull from."""
        by_name: dict[str, list[SoughtRow]] = {}
        for row in rows:
            by_name.setdefault(row.repository, []).append(row)
        names = sorted(by_name)
        seen: list[SoughtRow] = []
        if not names:
            return seen
        async for span, sees in self._repositories.visible(caller, Action.PULL, ""):
            while names and names[0] < span.low:
                names.pop(0)
            while names and names[0] < span.high:
                name = names.pop(0)
                if sees(name):
                    seen += by_name[name]
            if not names:
                break
        return seen

    async def _along(
        self, caller: Caller, sought: Sought, fits: Callable[[SoughtRow], bool], place: Place, passed: int, size: int
    ) -> tuple[list[SoughtRow], _Stop | None]:
        """The next in the order of repositories; and up to where it was looked, where that was not to the end."""
        found: list[SoughtRow] = []
        begins: list[str] = []
        looked, read, together = 0, 0, _FIRST
        most = _MANIFESTS_MOST if sought.what == HitKind.ANNOTATION else _INSIDE_MOST
        then = min(_INSIDE, most)
        before = _right_before(place[0])  # the repository of the place may have more
        async for window in self._windows(caller, Action.PULL, before, passed, _FIRST, then):
            begins.append(window.spans[0].low)
            async for rows in self._within(sought, window, place):
                found += [row for row in rows if fits(row)]
                read += len(rows)
                if len(found) >= size:
                    return found[:size], None
                if read >= _ROWS_MOST:
                    return found, _Stop(rows[-1].place, True, begins)
            looked, together = looked + together, then
            if looked >= most and window.end:
                return found, _Stop((window.end, _ALL), window.is_shown, begins)
        return found, None

    async def _within(self, sought: Sought, window: _Window, at: Place) -> AsyncIterator[list[SoughtRow]]:
        """Rows in repositories of a window that the caller sees, some at a time; none of them is empty."""
        parts = [window.spans]
        is_narrow = False
        while parts:
            part = parts.pop(0)
            while part:
                rows = await self._rows.within(sought, part, at, _ROWS)
                seen = [row for row in rows if window.sees(row.repository)]
                if seen:
                    yield seen
                if len(rows) < _ROWS:
                    break
                at = rows[-1].place
                if len(seen) < len(rows) and not is_narrow:  # of what is not seen no more is read
                    is_narrow = True
                    left = common(window.spans, (NameSpan(at[0], EVERYTHING.high),))
                    names = await self._rows.names((), left, _INSIDE)
                    spans = [NameSpan(name, after(name)) for name in names if window.sees(name)]
                    parts = [tuple(spans[each : each + _FIRST]) for each in range(0, len(spans), _FIRST)]
                    break

    # --- Accounts -------------------------------------------------------------------------------------------------

    async def _accounts(self, caller: Caller, query: SearchQuery, page: PageRequest) -> tuple[list[Hit], str]:
        """Those whose names begin so, robots without what stands before every robot's name, too."""
        if caller.subject.kind is SubjectKind.ANONYMOUS or self._access.everyone:
            return [], ""
        text = query.account.lower()
        found: list[str] = []
        for service, begins in ((self._users, text), (self._robots, text), (self._robots, f"robot+{text}")):
            if service is self._robots and begins == text and not text.startswith("robot+"):
                continue
            start = max(page.after, _right_before(begins))
            listed = await service.page(caller, PageRequest(page.size + 1, start))
            found += [one.name for one in listed.items if one.name.startswith(begins) and one.name > page.after]
        names = sorted(set(found))
        shown = names[: page.size]
        return [Hit(HitKind.ACCOUNT, account=name) for name in shown], (
            shown[-1] if len(names) > page.size and shown else ""
        )


def _sought(query: SearchQuery, kind: HitKind) -> list[Sought]:
    match kind:
        case HitKind.TAG:
            return [Sought("tag", query.tag, exact=query.exact_tag)]
        case HitKind.DIGEST:
            return [Sought(what, digest) for digest in query.digests for what in ("manifest", "blob")]
        case HitKind.LABEL if query.label is not None:
            return [Sought("label", query.label[1], key=query.label[0])]
        case HitKind.ANNOTATION if query.annotation is not None:
            return [Sought("annotation", query.annotation[1], key=query.annotation[0])]
    return []


def _fitting(query: SearchQuery) -> Callable[[SoughtRow], bool]:
    """What else has to hold of a row: parts of its repository's name beside a filter, and its type."""
    words = query.repositories if len(query.kinds) == 1 else ()
    images = (ContentKind.IMAGE, ContentKind.INDEX) if query.type == ContentKind.IMAGE else ()

    def fits(row: SoughtRow) -> bool:
        if not all(word in row.repository for word in words):
            return False
        return not query.type or row.kind in images or query.type in (row.kind, row.media_type, row.artifact_type)

    return fits


def _in_order(rows: Sequence[SoughtRow]) -> list[SoughtRow]:
    """Rows by their places, and one of each: a manifest may be linked as a blob, too."""
    found = {row.place: row for row in reversed(rows)}
    return [found[place] for place in sorted(found)]


def _hit(kind: HitKind, row: SoughtRow) -> Hit:
    return Hit(kind, row.repository, row.name or row.digest, row.digest, row.kind)


def _parse_place(text: str) -> Place:
    """A repository, all of which was looked at, or one and a tag or digest in it. Raises PageInvalid."""
    name, space, reference = text.partition(" ")
    if (name and not is_repository_name(name)) or not (reference + "-").isprintable():
        raise PageInvalid(
            "a search goes on after REPOSITORY, or REPOSITORY REFERENCE, as it says", {"after": text[:64]}
        )
    return (name, reference if space else _ALL) if name else ("", "")


def _parse_start(text: str) -> _Start:
    """A place, perhaps with a number of windows behind it, which nothing else has a plus for."""
    base, _, windows = text.partition("+")
    return _Start(base.rstrip(" "), int(windows)) if windows.isascii() and windows.isdecimal() else _Start(text, 0)


def _going_on(start: _Start, stop: _Stop | None, found: Sequence[SoughtRow]) -> str:
    """Where the next page begins, after all that was found; empty where nothing may follow."""
    if stop is None:
        return ""
    if stop.is_shown:
        return _written(stop.place)
    last = found[-1] if found else None
    begins = [begin for begin in stop.begins if begin <= stop.place[0]]
    return start.beyond(_written(last.place), last.repository, begins) if last else start.beyond("", "", begins)


def _written(place: Place) -> str:
    return place[0] if place[1] == _ALL else " ".join(place)


def _right_before(text: str) -> str:
    return f"{text[:-1]}{chr(ord(text[-1]) - 1)}~" if text else ""
