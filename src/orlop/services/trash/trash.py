"""What lies in the trash, as somebody may see it, restore it, or give it up.

Entries are read where their names may be seen, and nowhere else; what one answer looks at has a bound of its own.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.access.spans import EVERYTHING, NameSpan, after, below, common, merged
from orlop.domain.digest import Digest
from orlop.domain.errors import Conflict, NotFound
from orlop.domain.names import RepositoryName
from orlop.domain.pages import PageRequest, page_of
from orlop.domain.settings import checked_path
from orlop.ports.catalog import by
from orlop.ports.terms import Terms
from orlop.ports.trash import Asked, Restored, Trashed, TrashEnd, TrashEntry, key_of
from orlop.ports.trash import Trash as TrashRows
from orlop.services.content.repositories import Repositories
from orlop.services.management.operations import Administered, Gate, Operation
from orlop.services.tags.terms import WriteTerms
from orlop.services.trash.namespaces import NamespaceRestoration

#: Entries that are looked through at once, and for one answer; and those that one transaction gives up.
_AT_ONCE, _MOST, _STEP = 1_000, 5_000, 500
#: Of a number of steps.
_DIGITS = 6


class TrashFound(msgspec.Struct, frozen=True):
    """Entries, and where it goes on, if there are more or may be: a page ends early where much was looked at."""

    items: tuple[TrashEntry, ...]
    goes_on: str = ""


class TrashAble(msgspec.Struct, frozen=True):
    """What somebody may do with an entry."""

    restore: bool
    discard: bool


class Trash:
    """See ports.trash.Trash. What a caller may not see is not there for them."""

    def __init__(
        self,
        gate: Gate,
        repositories: Repositories,
        rows: TrashRows,
        end: TrashEnd,
        terms: WriteTerms,
        namespaces: NamespaceRestoration,
    ) -> None:
        self._gate = gate
        self._repositories = repositories
        self._rows = rows
        self._end = end
        self._terms = terms
        self._namespaces = namespaces

    async def page(self, caller: Caller, place: str, page: PageRequest) -> TrashFound:
        """Those at a place, as `place_of` reads it, by name and number. Names of others are told to those who read the
        audit log of the place. Raises RequestInvalid, PageInvalid, Unauthorized."""
        within = place_of(place).span
        view = await self._view(caller, within)
        sight = _Sight(self._gate, caller)
        told, passed = _parse_start(page.after)
        found: list[TrashEntry] = []
        begins: list[tuple[str, int]] = []
        start, left = told, view.spans
        for _ in range(passed):
            start = await self._rows.passed(_around(left), start, _AT_ONCE - _AT_ONCE // 100) if left else ""
            if not start:
                return TrashFound(())
            left = _behind(left, start)
        while left:
            begins.append(max((left[0].low, 0), _by_key(start)))
            read = await self._rows.page(_around(left), PageRequest(_AT_ONCE, start))
            found += [await sight.shown(entry) for entry in read.items if view.sees(entry)]
            kept = page_of(found, page)
            if kept.more:
                return TrashFound(kept.items, key_of(kept.items[-1]) if kept.items else page.after)
            if not read.more:
                break
            start = key_of(read.items[-1])
            left = _behind(left, start)
            if len(begins) * _AT_ONCE >= _MOST and left:
                told = key_of(found[-1]) if found else told
                steps = sum(begin >= _by_key(told) for begin in begins) if found else passed + len(begins)
                return TrashFound(kept.items, f"{told}+{steps}" if steps else told)
        return TrashFound(tuple(found))

    async def _view(self, caller: Caller, within: NameSpan) -> "_View":
        """What the caller sees at a place."""
        seeing = await self._gate.administers(caller)
        if seeing.everything:
            return _View(seeing, (within,), [])
        before = f"{within.low[:-1]}{chr(ord(within.low[-1]) - 1)}~" if within.low else ""
        pulled = [
            (span, sees)
            async for spans, sees in self._repositories.visible_between(caller, Action.PULL, before, within.high)
            for span in spans
        ]
        ruled = await self._repositories.granted(caller, Action.ADMIN)
        spans = common(merged([*ruled, *(span for span, _ in pulled)]), (within,))
        return _View(seeing, spans, pulled)

    async def able(self, caller: Caller, entries: Iterable[TrashEntry]) -> dict[int, TrashAble]:
        """What the caller may do with each of these, by number, as far as rights say it: a restoration is a push, and
        may be refused as one."""
        sight = _Sight(self._gate, caller)
        return {
            entry.number: TrashAble(
                await sight.may(
                    Operation.NAMESPACE_CHANGE if entry.kind is Trashed.NAMESPACE else Operation.TRASH_RESTORE,
                    entry.name,
                ),
                await sight.may(Operation.TRASH_PURGE, entry.name),
            )
            for entry in entries
        }

    async def check_empty(self, caller: Caller, place: str) -> None:
        """Raises Denied unless the caller may give up what lies in the trash of a place; RequestInvalid."""
        await self._check(caller, place_of(place).name)

    async def may_empty(self, caller: Caller, place: str) -> bool:
        """The same as an answer. Raises RequestInvalid."""
        return await _Sight(self._gate, caller).may(Operation.TRASH_PURGE, place_of(place).name)

    async def entry(self, caller: Caller, number: int) -> TrashEntry:
        """One that the caller may give up. Raises NotFound, Denied."""
        entry = await self._seen(caller, number)
        await self._check(caller, entry.name)
        return entry

    async def restore(self, caller: Caller, asked: Asked) -> Restored:
        """Put back what was deleted, by the terms of a push. Raises NotFound, Conflict, and what a push is refused
        with."""
        for operation in (Operation.TRASH_READ, Operation.TRASH_RESTORE):
            await self._gate.check(caller, operation, repository=asked.repository)
        who = by(caller, self._gate.now())
        done: list[Restored] = []
        looked: list[Restored] = []

        async def terms() -> Terms:
            looked[:] = [await self._rows.look(asked)]
            return await self._terms.push(caller, asked.repository, tuple(looked[0].tags))

        async def write(terms: Terms) -> None:
            done[:] = [await self._rows.restore(asked, who, terms, looked[0])]

        await self._terms.keep(terms, write)
        return done[0]

    async def restore_namespace(self, caller: Caller, path: str) -> Restored:
        """See NamespaceRestoration."""
        return await self._namespaces.restore(caller, path)

    async def holds(self, repository: RepositoryName, digest: Digest) -> bool:
        """Whether a manifest that the repository does not hold could be restored."""
        try:
            await self._rows.look(Asked(repository, digest=digest, untagged=True))
        except (NotFound, Conflict):
            return False
        return True

    async def discard(self, caller: Caller, number: int) -> None:
        """Give one entry up. Raises NotFound, Denied."""
        await self.entry(caller, number)
        await self._end.discard_one(number, by(caller, self._gate.now()))

    async def empty(self, caller: Caller, place: str) -> int:
        """Give up whatever lies in the trash of a place; how many entries. Raises Denied, RequestInvalid."""
        within = place_of(place)
        await self._check(caller, within.name)
        who, done = by(caller, self._gate.now()), 0
        while count := await self._end.discard(within.span, _STEP, who):
            done += count
        return done

    async def _seen(self, caller: Caller, number: int) -> TrashEntry:
        """Raises NotFound."""
        entry = await self._rows.get(number)
        sight = _Sight(self._gate, caller)
        if entry is None or not await sight.sees(entry):
            raise NotFound(f"there is no entry {number} in the trash, or not for you to see")
        return await sight.shown(entry)

    async def _check(self, caller: Caller, name: str) -> None:
        await self._gate.check(caller, Operation.TRASH_PURGE, namespace=_namespace(name), repository=_repository(name))


class TrashPlace(msgspec.Struct, frozen=True):
    """Where entries are looked for. `name`: of a repository, or the path of a namespace with a `/` behind it."""

    name: str
    span: NameSpan


def place_of(text: str) -> TrashPlace:
    """A place as it is typed: `/` is the registry, `team/` a namespace with all below it, `team/app` a repository.

    Raises RequestInvalid.
    """
    if text.strip("/") == "":
        return TrashPlace("/", EVERYTHING)
    path = checked_path(text.strip("/"))
    if text.endswith("/"):
        return TrashPlace(f"{path}/", below(path))
    return TrashPlace(path, NameSpan(path, after(path)))


def _namespace(name: str) -> str | None:
    return name.strip("/") if name.endswith("/") else None


def _repository(name: str) -> str | None:
    return None if name.endswith("/") else name


class _View:
    """Which entries a caller sees: of repositories that they may pull from, and of namespaces that they administer.
    `spans` have the names of all, `pulled` those of repositories."""

    def __init__(
        self,
        seeing: Administered,
        spans: tuple[NameSpan, ...],
        pulled: Sequence[tuple[NameSpan, Callable[[str], bool]]],
    ) -> None:
        self.spans = spans
        self._seeing = seeing
        self._pulled = pulled
        self._lows = [span.low for span, _ in pulled]

    def sees(self, entry: TrashEntry) -> bool:
        """Without a question to the catalog."""
        if self._seeing.everything:
            return True
        if entry.kind is Trashed.NAMESPACE:
            return self._seeing.namespace(entry.name.strip("/"))
        place = bisect_right(self._lows, entry.name)
        if not place:
            return False
        span, sees = self._pulled[place - 1]
        return entry.name < span.high and sees(entry.name)


def _parse_start(text: str) -> tuple[str, int]:
    """The last key that was told, and how many steps behind it were looked through: what a caller may not see is not
    named."""
    told, plus, steps = text.rpartition("+")
    is_counted = plus and steps.isascii() and steps.isdecimal() and len(steps) <= _DIGITS
    return (told, int(steps)) if is_counted else (text, 0)


def _around(spans: Sequence[NameSpan]) -> NameSpan:
    return NameSpan(spans[0].low, spans[-1].high)


def _behind(spans: Sequence[NameSpan], key: str) -> tuple[NameSpan, ...]:
    return common(spans, (NameSpan(_by_key(key)[0], EVERYTHING.high),))


def _by_key(key: str) -> tuple[str, int]:
    """The order of keys of entries."""
    name, _, number = key.rpartition(":")
    return name, int(number) if number.isdecimal() else 0


class _Sight:
    """What a caller may see; asked once for each name."""

    def __init__(self, gate: Gate, caller: Caller) -> None:
        self._gate = gate
        self._caller = caller
        self._known: dict[tuple[Operation, str], bool] = {}

    async def sees(self, entry: TrashEntry) -> bool:
        reads = Operation.NAMESPACE_READ if entry.kind is Trashed.NAMESPACE else Operation.TRASH_READ
        return await self.may(reads, entry.name)

    async def shown(self, entry: TrashEntry) -> TrashEntry:
        if entry.deleted_by == self._caller.subject.name or await self.may(Operation.AUDIT_READ, entry.name):
            return entry
        return msgspec.structs.replace(entry, deleted_by="")

    async def may(self, operation: Operation, name: str) -> bool:
        """At a name as entries have it."""
        key = operation, name
        if key not in self._known:
            self._known[key] = await self._gate.may(
                self._caller, operation, namespace=_namespace(name), repository=_repository(name)
            )
        return self._known[key]
