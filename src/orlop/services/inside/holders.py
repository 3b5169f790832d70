"""Pages of images that hold packages, among those that somebody may see.

What few images hold is found wherever it is, and what the reader may not see is left out. What many hold is looked for
along the repositories that they may see: then an answer may end before a page is full, and goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple, Protocol

from orlop.domain.access import Action, Caller
from orlop.domain.access.spans import EVERYTHING, NameSpan, after, at_or_below, common
from orlop.domain.digest import Digest
from orlop.domain.errors import PageInvalid, RegistryError
from orlop.domain.names import RepositoryName
from orlop.domain.pages import PageRequest
from orlop.domain.settings import checked_path
from orlop.ports.holding import HoldingPlace, LookedAt, PackageHolders
from orlop.ports.search import SearchRows
from orlop.services.content.repositories import Repositories

#: Places of images that are found at once, wherever they are.
_RARE = 5_000
#: Names of repositories and manifests that are looked through at once, and manifests for one answer.
_NAMES, _TOGETHER, _MOST = 500, 5_000, 20_000


class HolderPage(NamedTuple):
    """Images by repository and digest, and where the next page begins; empty: nowhere."""

    places: tuple[HoldingPlace, ...]
    goes_on: str


class Sought(Protocol):
    """What images are to hold. `together`: manifests that are looked at in one question."""

    together: int

    @property
    def is_nothing(self) -> bool:
        """Whether no image can hold it."""
        ...

    async def rare(self, most: int) -> tuple[HoldingPlace, ...] | None:
        """Every place of images that hold it; None: there are more than so many."""
        ...

    async def along(self, repositories: Sequence[str], after: tuple[str, str], limit: int) -> tuple[LookedAt, ...]:
        """The next manifests of repositories, behind a place."""
        ...


class SoughtPackages:
    """Any of these packages."""

    together = _TOGETHER

    def __init__(self, holding: PackageHolders, packages: Sequence[int]) -> None:
        self._holding = holding
        self._packages = packages
        self.is_nothing = not packages

    async def rare(self, most: int) -> tuple[HoldingPlace, ...] | None:
        """See Sought."""
        return await self._holding.rare(self._packages, most)

    async def along(self, repositories: Sequence[str], after: tuple[str, str], limit: int) -> tuple[LookedAt, ...]:
        """See Sought."""
        return await self._holding.along(self._packages, repositories, after, limit)


class SoughtLicences:
    """Packages under any of these licences: which it is that an image holds is looked up package by package."""

    together = 500

    def __init__(self, holding: PackageHolders, licences: Sequence[int]) -> None:
        self._holding = holding
        self._licences = licences
        self.is_nothing = not licences

    async def rare(self, most: int) -> tuple[HoldingPlace, ...] | None:
        """See Sought."""
        return await self._holding.rare_licensed(self._licences, most)

    async def along(self, repositories: Sequence[str], after: tuple[str, str], limit: int) -> tuple[LookedAt, ...]:
        """See Sought."""
        return await self._holding.along_licensed(self._licences, repositories, after, limit)


class ImageHolders:
    """See the module."""

    def __init__(self, repositories: Repositories, names: SearchRows) -> None:
        self._repositories = repositories
        self._names = names

    async def page(self, caller: Caller, sought: Sought, at: str, page: PageRequest) -> HolderPage:
        """Images at a place that hold something, of repositories whose findings the caller may read.

        `at`: a namespace or repository, empty for all. Raises Unauthorized, RequestInvalid, PageInvalid.
        """
        spans = at_or_below(checked_path(at.strip("/")))
        start = _parsed(page.after)
        if sought.is_nothing:
            return HolderPage((), "")
        # A page of so many that goes on has more behind it than are rare.
        rare = None if page.after and page.size >= _RARE else await sought.rare(_RARE)
        if rare is None:
            return await self._along(caller, sought, spans, start, page.size)
        places = sorted(place for place in rare if (place.repository, place.digest) > start)
        found = [place async for place in self._seen(caller, places, spans, page.size + 1)]
        shown = found[: page.size]
        return HolderPage(tuple(shown), _written(shown[-1]) if len(found) > page.size and shown else "")

    async def _seen(
        self, caller: Caller, places: Sequence[HoldingPlace], within: tuple[NameSpan, ...], most: int
    ) -> AsyncIterator[HoldingPlace]:
        """So many of these, which are in order, that the caller may see."""
        at = 0
        if not places:
            return
        async for span, sees in self._visible(caller, within, _right_before(places[0].repository)):
            while at < len(places) and places[at].repository < span.low:
                at += 1
            while at < len(places) and places[at].repository < span.high:
                if sees(places[at].repository):
                    yield places[at]
                    most -= 1
                at += 1
                if not most:
                    return
            if at == len(places):
                return

    async def _visible(
        self, caller: Caller, within: tuple[NameSpan, ...], start: str
    ) -> AsyncIterator[tuple[NameSpan, Callable[[str], bool]]]:
        begin = max(start, _right_before(within[0].low))
        async for spans, sees in self._repositories.visible_between(
            caller, Action.SCAN_READ, begin, within[-1].high or EVERYTHING.high
        ):
            for span in common(spans, within):
                yield span, sees

    async def _along(
        self,
        caller: Caller,
        sought: Sought,
        within: tuple[NameSpan, ...],
        start: tuple[str, str],
        size: int,
    ) -> HolderPage:
        found: list[HoldingPlace] = []
        looked, last = 0, start
        step = max(_NAMES, sought.together // 10)
        async for span, sees in self._visible(caller, within, _right_before(start[0])):
            left: tuple[NameSpan, ...] = common((span,), (NameSpan(start[0], EVERYTHING.high),))
            while left:
                names = await self._names.names((), left, step)
                seen = [name for name in names if sees(name)]
                while seen:
                    await asyncio.sleep(0)  # a catalog that is in this process does not wait, and others do
                    rows = await sought.along(seen, last, sought.together)
                    found += [row.place for row in rows if row.holds]
                    looked += len(rows)
                    if len(found) > size:
                        return HolderPage(tuple(found[:size]), _written(found[size - 1]))
                    if rows:
                        last = (rows[-1].place.repository, rows[-1].place.digest)
                    if looked >= _MOST:
                        return HolderPage(tuple(found), " ".join(last))
                    if len(rows) < sought.together:
                        break
                if len(names) < step:
                    break
                left = common(left, (NameSpan(after(names[-1]), EVERYTHING.high),))
        return HolderPage(tuple(found), "")


def _written(place: HoldingPlace) -> str:
    return f"{place.repository} {place.digest}"


def _parsed(text: str) -> tuple[str, str]:
    if not text:
        return "", ""
    name, _, digest = text.partition(" ")
    try:
        return str(RepositoryName(name)), str(Digest(digest))
    except RegistryError as error:
        raise PageInvalid(
            "this list goes on after REPOSITORY DIGEST, as its link says", {"after": text[:64]}
        ) from error


def _right_before(text: str) -> str:
    return f"{text[:-1]}{chr(ord(text[-1]) - 1)}~" if text else ""
