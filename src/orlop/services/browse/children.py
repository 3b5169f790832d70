"""What lies directly below a namespace and somebody may see: namespaces first, by name, then repositories."""

import heapq
from collections.abc import AsyncIterator, Callable
from itertools import takewhile

import msgspec

from orlop.domain.access import Action, Caller, Effect, PlaceKind, SubjectKind, Visibility
from orlop.domain.access.spans import EVERYTHING, NameSpan, after, below, common, is_in
from orlop.domain.errors import NotFound, PageInvalid
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.domain.settings import checked_path
from orlop.ports.browse import Children, ListedNamespace, ListedRepository, RepositoryOrder
from orlop.ports.catalog import Browse
from orlop.ports.identity import AccessFacts
from orlop.services.access.decisions import Access
from orlop.services.content.repositories import Repositories
from orlop.services.management.operations import Administered, Gate

#: Names and spans that are looked through at once, names where those before are not for the caller to see, and
#: repositories that are read or asked for by their names at once.
_NAMES, _SPANS, _NAMES_MOST, _COMPARED, _SINGLE = 64, 64, 10_000, 2_000, 500
#: Names and repositories that are looked through for one page at most; of more none is found any more.
_PASSED, _LOOKED_AT = 200_000, 50_000
_DIGITS = 19


class Child(msgspec.Struct, frozen=True):
    """A namespace, whose path ends with a slash, or a repository. `place`: where a list goes on after it. The numbers
    of a namespace are told to whoever may edit its rules: they are of everything below."""

    path: str
    place: str
    visibility: Visibility
    description: str = ""
    repositories: int | None = None
    tags: int | None = None
    size: int | None = None
    pushed_at: int = 0
    pulled_at: int = 0
    pulls: int = 0

    @property
    def is_namespace(self) -> bool:
        """Whether others may lie below it."""
        return self.path.endswith("/")


class NamespaceChildren:
    """See ports.browse.Children."""

    def __init__(
        self,
        gate: Gate,
        access: Access,
        repositories: Repositories,
        facts: AccessFacts,
        browse: Browse,
        children: Children,
    ) -> None:
        self._gate = gate
        self._access = access
        self._repositories = repositories
        self._facts = facts
        self._browse = browse
        self._children = children

    async def page(self, caller: Caller, path: str, order: RepositoryOrder, page: PageRequest) -> Page[Child]:
        """What lies directly below a node; the order is that of repositories. Pages go on after a `Child.place`.

        Raises NotFound where there is nothing for the caller to know of, Unauthorized, PageInvalid.
        """
        path = checked_path(path)
        seeing = await self._seeing(caller)
        visible = (await self._facts.place(f"{path}/" if path else "")).visible.visibility
        found: list[Child] = []
        early = False
        in_namespaces = not page.after or page.after.endswith("/")
        if in_namespaces:
            names = await self._namespaces(caller, seeing, path, page.after, page.size + 1)
            found += await self._described(seeing, names, visible)
        if len(found) <= page.size:
            start = "" if in_namespaces else page.after
            direct, early = await self._direct(caller, path, order, start, page.size + 1 - len(found))
            found += [_repository(one, order, visible) for one in direct]
        if not found and path and not page.after and not await self._knows(caller, seeing, path):
            raise NotFound(f"there is no namespace {path}, or not for you to see", {"path": path})
        return Page(tuple(found[: page.size]), more=early or len(found) > page.size)

    async def node(self, caller: Caller, path: str) -> Child:
        """The namespace itself. Raises NotFound where there is none for the caller to know of."""
        path = checked_path(path)
        seeing = await self._seeing(caller)
        if path and not (
            await self._knows(caller, seeing, path)
            or await self._namespaces(caller, seeing, path, "", 1)
            or (await self._direct(caller, path, RepositoryOrder.NAME, "", 1))[0]
        ):
            raise NotFound(f"there is no namespace {path}, or not for you to see", {"path": path})
        above = (await self._facts.place(path)).visible.visibility if path else Visibility.PRIVATE
        found = await self._described(seeing, [path], above)
        return found[0] if found else Child(f"{path}/", "", above)

    async def _seeing(self, caller: Caller) -> Administered | None:
        """Where the caller has a say; None where nobody is signed in."""
        if caller.subject.kind is SubjectKind.ANONYMOUS or self._access.everyone:
            return None
        return await self._gate.administers(caller)

    async def _knows(self, caller: Caller, seeing: Administered | None, path: str) -> bool:
        """Whether a namespace is there that a caller may know of though it has nothing in it."""
        if path not in await self._children.described([path]):
            return False
        if seeing is None:
            return self._access.everyone
        return seeing.namespace(path) or seeing.setting(Action.LIST, path)

    # --- Namespaces -----------------------------------------------------------------------------------------------

    async def _namespaces(
        self, caller: Caller, seeing: Administered | None, path: str, start: str, limit: int
    ) -> list[str]:
        """The next namespaces below a node that hold something that the caller sees, or that they have a say in."""
        if self._access.everyone or (seeing is not None and seeing.namespace(path)):
            return list(await self._children.namespaces(path, start, limit))
        found: dict[str, None] = {}
        async for name in self._with_content(caller, path, start):
            found[name] = None
            if len(found) == limit:
                break
        if seeing is not None:
            granted = await self._granted(caller, seeing, path)
            found |= dict.fromkeys(name for name in granted if f"{name}/" > start)
        return sorted(found, key=lambda name: f"{name}/")[:limit]

    async def _granted(self, caller: Caller, seeing: Administered, path: str) -> list[str]:
        """Namespaces below a node in which the caller has a grant, as they may have been given one before there is
        anything."""
        prefix = f"{path}/" if path else ""
        named: set[str] = set()
        for grant in (await self._access.rights(caller.subject)).grants:
            place = grant.place
            inside = place.kind is PlaceKind.NAMESPACE and place.path.startswith(prefix) and place.path != path
            if inside and grant.effect is Effect.ALLOW and seeing.setting(Action.LIST, place.path):
                named.add(prefix + place.path[len(prefix) :].partition("/")[0])
        return list(await self._children.described(named))

    async def _with_content(self, caller: Caller, path: str, start: str) -> AsyncIterator[str]:
        """Namespaces below a node with a repository that the caller sees, in order: what lies in one that is found, and
        repositories between two, are not read."""
        whole = below(path)
        prefix = f"{path}/" if path else ""
        at = below(start.removesuffix("/")).high if start else whole.low
        passed, size = 0, _NAMES
        async for spans, sees in self._repositories.visible_between(caller, Action.LIST, at or path, whole.high):
            left = common(spans, (NameSpan(at, whole.high),))
            while left:
                page = await self._browse.repositories(PageRequest(size), left[:_SPANS])
                seen = [name for name in page.items if sees(name)]
                passed += len(page.items) - len(seen)
                size = _NAMES if seen else min(4 * size, _NAMES_MOST)
                if passed >= _PASSED and not seen:
                    return
                for name in seen:
                    if name < at:
                        continue
                    head, inside, _ = name[len(prefix) :].partition("/")
                    if inside:
                        yield f"{prefix}{head}"
                        at = below(f"{prefix}{head}").high
                        continue
                    beyond = await self._children.namespaces(path, name, 1)
                    if not beyond:
                        return
                    at = max(at, f"{beyond[0]}/")
                at = max(at, after(page.items[-1])) if page.more else at
                left = common(left if page.more else left[_SPANS:], (NameSpan(at, whole.high),))

    async def _described(self, seeing: Administered | None, names: list[str], above: Visibility) -> list[Child]:
        described = await self._children.described(names)
        return [_namespace(described[name], seeing, above) for name in names if name in described]

    # --- Repositories ---------------------------------------------------------------------------------------------

    async def _direct(
        self, caller: Caller, path: str, order: RepositoryOrder, start: str, limit: int
    ) -> tuple[list[ListedRepository], bool]:
        """The next repositories directly below that the caller sees; and whether so much was looked at that there may
        be more, though there are fewer than `limit`. Raises PageInvalid."""
        spans, sees = await self._repositories.visible_in(caller, Action.LIST, path)
        if order is not RepositoryOrder.NAME:
            return await self._greatest(path, order, _parse_place(start), limit, spans, sees)
        found: list[ListedRepository] = []
        looked = 0
        left = common(spans, (NameSpan(after(start), EVERYTHING.high),))
        async for chunk in self._chunks(path, left, max(limit, _NAMES)):
            found += [one for one in chunk if sees(one.name)]
            looked += len(chunk)
            if len(found) >= limit:
                break
            if looked >= _LOOKED_AT:
                return found, bool(found)
        return found[:limit], False

    async def _greatest(
        self,
        path: str,
        order: RepositoryOrder,
        start: tuple[int, str] | None,
        limit: int,
        spans: tuple[NameSpan, ...],
        sees: Callable[[str], bool],
    ) -> tuple[list[ListedRepository], bool]:
        """As `_direct`: a few are compared, and of many those that are not for the caller to see are left out."""
        if spans == (below(path),):
            return await self._along(path, order, start, limit, spans, sees)
        best: list[ListedRepository] = []
        looked = 0
        async for chunk in self._chunks(path, spans, _COMPARED):
            looked += len(chunk)
            if looked > _LOOKED_AT:
                return await self._along(path, order, start, limit, spans, sees)
            further = [one for one in chunk if (start is None or _rank(one, order) < start) and sees(one.name)]
            best = heapq.nlargest(limit, [*best, *further], key=lambda one: _rank(one, order))
        return best, False

    async def _along(
        self,
        path: str,
        order: RepositoryOrder,
        start: tuple[int, str] | None,
        limit: int,
        spans: tuple[NameSpan, ...],
        sees: Callable[[str], bool],
    ) -> tuple[list[ListedRepository], bool]:
        found: list[ListedRepository] = []
        looked, size = 0, max(limit, _NAMES)
        while looked < _LOOKED_AT:
            chunk = await self._children.greatest(path, order, start, size)
            found += [one for one in chunk if is_in(one.name, spans) and sees(one.name)]
            if len(found) >= limit or len(chunk) < size:
                return found[:limit], False
            looked, start = looked + len(chunk), _rank(chunk[-1], order)
            size = max(size, min(4 * size, _COMPARED))
        return found, bool(found)

    async def _chunks(
        self, path: str, spans: tuple[NameSpan, ...], size: int
    ) -> AsyncIterator[tuple[ListedRepository, ...]]:
        """Repositories directly below with names in spans, and no others: those of single names together."""
        left = spans
        while left:
            single = list(takewhile(_is_single, left[:_SINGLE]))
            if single:
                counted = await self._children.counted([RepositoryName.stored(span.low) for span in single])
                yield tuple(one for one in counted if one.name.namespace == path)
                left = left[len(single) :]
                continue
            found = await self._children.repositories(path, left[0], size)
            yield found
            left = common(left, (NameSpan(after(found[-1].name), EVERYTHING.high),)) if len(found) == size else left[1:]
            size = max(size, min(4 * size, _COMPARED))


def _is_single(span: NameSpan) -> bool:
    return span.high == after(span.low)


def _rank(one: ListedRepository, order: RepositoryOrder) -> tuple[int, str]:
    return one.number(order), str(one.name)


def _parse_place(text: str) -> tuple[int, str] | None:
    if not text:
        return None
    number, colon, name = text.partition(":")
    if not colon or not number.isascii() or not number.isdecimal() or len(number) > _DIGITS:
        raise PageInvalid("this list goes on after NUMBER:NAME, as its link says", {"after": text[:64]})
    return int(number), name


def _repository(one: ListedRepository, order: RepositoryOrder, visible: Visibility) -> Child:
    place = str(one.name) if order is RepositoryOrder.NAME else f"{one.number(order)}:{one.name}"
    return Child(
        str(one.name),
        place,
        visible,
        tags=one.tags,
        size=one.size,
        pushed_at=one.pushed_at,
        pulled_at=one.pulled_at,
        pulls=one.pulls,
    )


def _namespace(one: ListedNamespace, seeing: Administered | None, above: Visibility) -> Child:
    path = f"{one.path}/"
    child = Child(path, path, one.visibility or above, one.description)
    if seeing is None or not seeing.setting(Action.POLICY_EDIT, one.path):
        return child
    return msgspec.structs.replace(child, repositories=one.repositories, tags=one.tags, size=one.size)
