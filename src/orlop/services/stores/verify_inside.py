"""Whether what is kept of images is what is in them: layers are read anew, and packages compared with advisories anew.

Of a sample, or of everything. Beside a live server: what looks wrong is looked at again before it is reported.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from enum import StrEnum

import msgspec

from orlop.domain.errors import ContentCorrupt, Unavailable
from orlop.domain.inside.layers import Found, LayerFacts
from orlop.domain.ranges import Span
from orlop.ports.advisories import FindingRow
from orlop.ports.blobs import BlobReader
from orlop.ports.catalog import Finding
from orlop.ports.inside import READER_VERSION, LayerPacking, LayerReader
from orlop.ports.inside_inspection import InsideInspection, KeptLayer, KeptPackage
from orlop.services.advisories.matching import hits

#: Layers and packages of a sample, and of one question.
_LAYERS, _PACKAGES, _WINDOW = 5, 1_000, 200
#: The number of the invariant (docs/reliability.md), and differences of one thing that are named.
_INVARIANT, _NAMED = 11, 3


class InsideDepth(StrEnum):
    """How much of what is kept is made anew."""

    NONE = "none"
    SAMPLE = "sample"
    ALL = "all"


class InsideReport(msgspec.Struct):
    """What was made anew so far, and what is wrong."""

    layers: int = 0
    packages: int = 0
    findings: list[Finding] = []


class InsideVerification:
    """See the module. `draw` gives a number below another one, for where a sample begins."""

    def __init__(
        self, inspection: InsideInspection, blobs: BlobReader, reader: LayerReader, draw: Callable[[int], int]
    ) -> None:
        self._inspection = inspection
        self._blobs = blobs
        self._reader = reader
        self._draw = draw

    async def run(
        self, depth: InsideDepth, *, quick: bool, told: Callable[[InsideReport], None] = lambda _: None
    ) -> InsideReport:
        """Verify, telling how far it is. `quick` reads no layers. Raises Unavailable where the catalog cannot be
        read."""
        report = InsideReport()
        if depth is InsideDepth.NONE:
            return report
        whole = depth is InsideDepth.ALL
        if not quick:
            async for layer in self._layers(whole=whole):
                report.findings += await self._layer(layer)
                report.layers += 1
                told(report)
        async for packages in self._packages(whole=whole):
            report.findings += await self._matched(packages)
            report.packages += len(packages)
            told(report)
        return report

    async def _layers(self, *, whole: bool) -> AsyncIterator[KeptLayer]:
        """All, or some that follow on one another behind any digest, and then behind none: digests lie anywhere."""
        if whole:
            after = ""
            while rows := await self._inspection.layers(after, READER_VERSION, _WINDOW):
                for row in rows:
                    yield row
                after = rows[-1].blob.key.digest
            return
        start = f"sha256:{self._draw(1 << 64):016x}"
        rows = await self._inspection.layers(start, READER_VERSION, _LAYERS)
        if len(rows) < _LAYERS:
            first = await self._inspection.layers("", READER_VERSION, _LAYERS - len(rows))
            rows += tuple(row for row in first if row.blob.key.digest <= start)
        for row in rows:
            yield row

    async def _layer(self, kept: KeptLayer) -> list[Finding]:
        where = f"layer {kept.blob.key.digest}"
        if kept.facts is None:
            return [Finding(_INVARIANT, where, "what is kept of it cannot be read")]
        try:
            anew = await self._read(kept)
        except (ContentCorrupt, Unavailable):
            return []  # of a copy that is damaged or gone whoever verifies blobs tells
        wrong = list(_differences(kept.facts, anew))
        if not wrong:
            return []
        again = await self._inspection.layers(_before(kept.blob.key.digest), READER_VERSION, 1)
        if not again or again[0] != kept:  # it was read anew meanwhile, or is gone
            return []
        more = f", and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
        return [Finding(_INVARIANT, where, f"{'; '.join(wrong[:_NAMED])}{more}")]

    async def _read(self, kept: KeptLayer) -> LayerFacts:
        content = await self._blobs.open(kept.blob)
        try:
            return await self._reader.facts(content.chunks(Span(0, kept.blob.size)), LayerPacking.TAR)
        finally:
            content.close()

    async def _packages(self, *, whole: bool) -> AsyncIterator[Sequence[KeptPackage]]:
        last, left = await self._inspection.last_package(), _PACKAGES
        after = 0 if whole else self._draw(max(1, last - _PACKAGES + 1))
        while rows := await self._inspection.packages(after, _WINDOW if whole else min(_WINDOW, left)):
            yield rows
            after, left = rows[-1].id, left - len(rows)
            if not whole and left <= 0:
                return

    async def _matched(self, packages: Sequence[KeptPackage]) -> list[Finding]:
        """What hits these packages and is not kept, or the other way round, twice in a row."""
        wrong = await self._different(packages)
        if wrong:
            again = await self._different(packages)
            wrong = {key: what for key, what in wrong.items() if again.get(key) == what}
        purls = {one.id: one.purl for one in packages}
        found = []
        for (package, advisory), what in sorted(wrong.items()):
            name = await self._inspection.advisory(advisory)
            if name:
                found.append(Finding(_INVARIANT, f"{name} in {purls[package]}", what))
        return found

    async def _different(self, packages: Sequence[KeptPackage]) -> Mapping[tuple[int, int], str]:
        numbers = [one.id for one in packages]
        kept = {(row.package, row.advisory): row for row in await self._inspection.found(numbers)}
        rows = await self._inspection.affecting(numbers)
        anew = {(row.package, row.advisory): row for row in await asyncio.to_thread(hits, rows)}
        keys = kept.keys() | anew.keys()
        return {key: _said(kept.get(key), anew.get(key)) for key in keys if kept.get(key) != anew.get(key)}


def _said(kept: FindingRow | None, anew: FindingRow | None) -> str:
    if kept is None:
        return "the advisory hits the package, and that is not kept"
    if anew is None:
        return "it is kept that the advisory hits the package, which it does not"
    parts = [
        f"{word} {before or 'nothing'} is kept, and it is {after or 'nothing'}"
        for word, before, after in (
            ("fixed in", kept.fixed, anew.fixed),
            ("severity", f"{kept.severity} by {kept.source}", f"{anew.severity} by {anew.source}"),
            ("reason", kept.how, anew.how),
        )
        if before != after
    ]
    return "; ".join(parts)


def _differences(kept: LayerFacts, anew: LayerFacts) -> list[str]:
    """What is kept of a layer and is not in it, or the other way round. How far one is read that is not read to its end
    hangs on the machine, too: that says nothing."""
    if kept.unread or anew.unread:
        return []
    before, after = ({(each.path, each.reader): each for each in one.found} for one in (kept, anew))
    wrong = []
    for place in sorted(before.keys() | after.keys()):
        if before.get(place) != after.get(place):
            wrong += _of_file(place[0], before.get(place), after.get(place))
    for word, one, other in (
        ("what it removes is", (kept.removed, kept.emptied), (anew.removed, anew.emptied)),
        ("the names in it are", (kept.names, kept.folders, kept.files), (anew.names, anew.folders, anew.files)),
    ):
        if one != other:
            wrong.append(f"{word} kept wrongly")
    return wrong


def _of_file(path: str, kept: Found | None, anew: Found | None) -> list[str]:
    before, after = ({f"{one.name} {one.version}" for one in each.packages} if each else set() for each in (kept, anew))
    wrong = [f"{path}: {name} is kept, and not there" for name in sorted(before - after)]
    wrong += [f"{path}: {name} is there, and not kept" for name in sorted(after - before)]
    return wrong or [f"{path}: what is kept of it differs"]


def _before(digest: str) -> str:
    """What comes right before a digest, so that it is the first behind that."""
    return f"{digest[:-1]}{chr(ord(digest[-1]) - 1)}~"
