"""How the repositories below a place stand: what is known to be wrong with the image of each that was tagged last."""

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.access.spans import EVERYTHING, NameSpan, after, at_or_below, common
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.domain.settings import checked_path
from orlop.ports.counting import Counting, NewestImage
from orlop.ports.search import SearchRows
from orlop.services.advisories.counts import CountedImage, FindingCounts, ImageCounts, KnownFindings
from orlop.services.advisories.questions import Vulnerability
from orlop.services.content.repositories import Repositories
from orlop.services.licences.counts import LicenceCounts, LicencesOfImages

#: Repositories of one page at most, and findings of each that are told.
PAGE_MOST, _WORST = 200, 5
#: Repositories of one page whose licences are told: all packages of each are read for that.
LICENCES_MOST = 50
#: Names that are read at once, at least.
_NAMES = 100


class RepositoryReport(msgspec.Struct, frozen=True, kw_only=True):
    """A repository that has tags. `known`: None where its newest image is none, or nothing is known of it; `worst`: the
    worst of what nobody accepts; `licences`: None where that was not asked for, no rule holds, or nothing is known."""

    repository: RepositoryName
    newest: NewestImage
    known: KnownFindings | None
    worst: tuple[Vulnerability, ...] = ()
    licences: LicenceCounts | None = None


class VulnerabilityReports:
    """See the module."""

    def __init__(
        self,
        repositories: Repositories,
        names: SearchRows,
        counting: Counting,
        counts: ImageCounts,
        licences: LicencesOfImages,
    ) -> None:
        self._licences = licences
        self._repositories = repositories
        self._names = names
        self._counting = counting
        self._counts = counts

    async def page(
        self, caller: Caller, at: str, page: PageRequest, *, licences: bool = False
    ) -> Page[RepositoryReport]:
        """The next repositories at a place that have tags, by name, of which the caller may read what was found; with
        `licences` also what rules for licences find, of LICENCES_MOST at most.

        Raises Unauthorized, RequestInvalid.
        """
        spans = at_or_below(checked_path(at.strip("/")))
        size = min(page.size, LICENCES_MOST if licences else PAGE_MOST)
        found: list[tuple[RepositoryName, NewestImage]] = []
        async for names in self._visible(caller, spans, page.after, size + 1):
            newest = await self._counting.newest(names)
            found += [(name, newest[name]) for name in names if name in newest]
            if len(found) > size:
                break
        wanted = {name: CountedImage(name, one.digest, (one.tag,)) for name, one in found[:size]}
        known = await self._counts.known(list(wanted.values()))
        licensed = await self._licences.of(list(wanted.values())) if licences else {}
        rows = []
        for name, one in found[:size]:
            mine = known.get(wanted[name])
            worst = mine.found[:_WORST] if mine is not None else ()
            under = licensed.get(wanted[name])
            rows.append(RepositoryReport(repository=name, newest=one, known=mine, worst=worst, licences=under))
        return Page(tuple(rows), more=len(found) > size)

    async def of(
        self, caller: Caller, namespace: str, repositories: Sequence[RepositoryName]
    ) -> Mapping[str, FindingCounts]:
        """How much is known of the newest image of each of these, which lie directly in a namespace; nothing of those
        where the caller may not read what was found. Raises Unauthorized."""
        spans, sees = await self._repositories.visible_in(caller, Action.SCAN_READ, namespace)
        seen = [name for name in repositories if any(span.low <= name < span.high for span in spans) and sees(name)]
        if not seen:
            return {}
        newest = await self._counting.newest(seen)
        wanted = [CountedImage(name, newest[name].digest, (newest[name].tag,)) for name in seen if name in newest]
        return {str(one.repository): known.counts for one, known in (await self._counts.known(wanted)).items()}

    async def names(self, caller: Caller, at: str, most: int) -> tuple[tuple[RepositoryName, ...], bool]:
        """So many repositories at a place at most, by name, of which the caller may read what was found; and whether
        there are more. Raises Unauthorized, RequestInvalid."""
        found: list[RepositoryName] = []
        async for names in self._visible(caller, at_or_below(checked_path(at.strip("/"))), "", most + 1):
            found += names
            if len(found) > most:
                break
        return tuple(found[:most]), len(found) > most

    async def _visible(
        self, caller: Caller, within: tuple[NameSpan, ...], start: str, size: int
    ) -> AsyncIterator[list[RepositoryName]]:
        """Names that the caller sees, some at a time, in order."""
        together = max(size, _NAMES)
        async for spans, sees in self._repositories.visible_between(caller, Action.SCAN_READ, start, within[-1].high):
            left = common(spans, common(within, (NameSpan(after(start), EVERYTHING.high),)))
            while left:
                names = await self._names.names((), left, together)
                seen = [name for name in names if sees(name)]
                if seen:
                    yield seen
                if len(names) < together:
                    break
                left = common(left, (NameSpan(after(names[-1]), EVERYTHING.high),))
