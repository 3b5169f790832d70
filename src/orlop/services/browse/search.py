"""What somebody searches for, among what they may see.

What is rare is found wherever it is, and what the searcher may not see is left out. What is common is looked for in
the repositories that they may see, some thousands at a time: then an answer may end before a page is full, and goes on.
"""

from collections.abc import AsyncIterator, Callable, Sequence

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
        found: list[str] = []
        looked, start = 0, page.after
        async for spans, sees, end in self._windows(caller, Action.LIST, start, _NAMES, _NAMES):
            at = start
            while len(found) <= page.size:
                left = common(spans, (NameSpan(after(at), EVERYTHING.high),))
                names = await self._rows.names(query.repositories, left, page.size + 1) if left else ()
                found += [name for name in names if sees(name)]
                if len(names) <= page.size:
                    break
                at = names[-1]
            looked += _NAMES
            if len(found) > page.size:
                break
            if looked >= _NAMES_MOST and end:
                return [Hit(HitKind.REPOSITORY, name) for name in found], end
        shown = found[: page.size]
        return [Hit(HitKind.REPOSITORY, name) for name in shown], shown[-1] if len(found) > page.size and shown else ""

    async def _windows(
        self, caller: Caller, action: Action, start: str, first: int, then: int
    ) -> AsyncIterator[tuple[tuple[NameSpan, ...], Callable[[str], bool], str]]:
        """The spans of names that the caller sees behind a name, of so many names at a time; and the last name of
        each where there are more and the caller sees it, else empty."""
        size = first
        async for spans, sees in self._repositories.visible_between(caller, action, start, EVERYTHING.high):
            left = spans
            while left:
                end = await self._rows.window(left[0].low, size)
                part = common(left, (NameSpan("", after(end)),)) if end else left
                if part:
                    shown = any(span.low <= end < span.high for span in part) and sees(end)
                    yield part, sees, end if shown else ""
                left = common(left, (NameSpan(after(end), EVERYTHING.high),)) if end else ()
                size = then

    # --- What is in repositories ----------------------------------------------------------------------------------

    async def _inside(
        self, caller: Caller, query: SearchQuery, kind: HitKind, page: PageRequest
    ) -> tuple[list[Hit], str]:
        place = _parse_place(page.after)
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
        end: Place | None = None
        for one in often:
            more, stopped = await self._along(caller, one, fits, place, page.size + 1)
            found += more
            end = min(end, stopped) if end is not None and stopped is not None else end or stopped
        # What comes after where one of them stopped is for the next page.
        found = [row for row in _in_order(found) if end is None or row.place <= end]
        if len(found) > page.size:
            found = found[: page.size]
            end = found[-1].place if found else None
        return [_hit(kind, row) for row in found], _written(end)

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
        self, caller: Caller, sought: Sought, fits: Callable[[SoughtRow], bool], place: Place, size: int
    ) -> tuple[list[SoughtRow], Place | None]:
        """The next in the order of repositories; and up to where it was looked, where that was not to the end."""
        found: list[SoughtRow] = []
        looked, read, together = 0, 0, _FIRST
        most = _MANIFESTS_MOST if sought.what == HitKind.ANNOTATION else _INSIDE_MOST
        before = _right_before(place[0])  # the repository of the place may have more
        async for spans, sees, end in self._windows(caller, Action.PULL, before, _FIRST, min(_INSIDE, most)):
            at = place
            while len(found) < size:
                rows = await self._rows.within(sought, spans, at, _ROWS)
                seen = [row for row in rows if sees(row.repository)]
                found += [row for row in seen if fits(row)]
                if len(rows) < _ROWS:
                    break
                at, read = rows[-1].place, read + len(rows)
                if read >= _ROWS_MOST and seen and len(found) < size:
                    return found, seen[-1].place
            looked, together = looked + together, min(_INSIDE, most)
            if len(found) >= size:
                return found[:size], None
            if looked >= most and end:
                return found, (end, _ALL)
        return found, None

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


def _written(place: Place | None) -> str:
    if place is None:
        return ""
    return place[0] if place[1] == _ALL else " ".join(place)


def _right_before(text: str) -> str:
    return f"{text[:-1]}{chr(ord(text[-1]) - 1)}~" if text else ""
