"""Copies the rows of a catalog that takes no changes into another one, and makes sure that they are all there."""

from collections.abc import Callable
from typing import Protocol

from orlop.domain.errors import ContentCorrupt
from orlop.domain.moving import Move
from orlop.ports.catalog import Finding, Inspection, Overdue, Vitals
from orlop.ports.moving import CatalogRenewal, CatalogRows
from orlop.services.moving.report import MoveReport

#: Rows that one transaction takes at most; of large ones fewer.
_PAGE = 2000


class Rows(CatalogRows, CatalogRenewal, Protocol):
    """All that a move does with rows."""


async def copy_rows(
    source: Rows, target: Rows, move: Move, report: MoveReport, progress: Callable[[MoveReport], None]
) -> None:
    """Copy every table from where the target stands on, reading each page back. `move` is what the target knows of it.

    May be stopped anywhere. Raises ContentCorrupt when the target gives back other rows than it was given,
    TooManyRequests when another run has taken over, Unavailable.
    """
    for table, start in source.tables.items():
        last = await target.last(table)
        while rows := await source.page(table, last, _PAGE):
            await target.add(table, rows, move)
            if await target.page(table, last, len(rows)) != rows:
                raise ContentCorrupt(f"the new catalog gives back other {table} than it was given")
            last = rows[-1][: len(start)]
            report.rows += len(rows)
            progress(report)


async def settle_rows(source: Vitals, target: Rows, move: Move) -> None:
    """Give the target what is no row of its own: the totals, and where new ids begin."""
    totals = await source.totals()
    sizes = (totals.repositories, totals.manifests, totals.tags, totals.blobs, totals.blob_bytes)
    await target.settle(sizes, move)


async def compare_rows(source: CatalogRows, target: CatalogRows) -> None:
    """Raises ContentCorrupt when a table of the target has more or fewer rows than that of the source."""
    for table in source.tables:
        there, here = await target.count(table), await source.count(table)
        if there != here:
            raise ContentCorrupt(f"the new catalog has {there} {table}, the old one {here}")


async def wrong_rows(inspection: Inspection) -> set[Finding]:
    """Where rows do not fit one another: tags that lead nowhere, content that is not there, counters that are wrong."""
    return {finding async for finding in inspection.findings(_NOTHING_IS_OVERDUE)}


#: Uploads do not move, and what is overdue at one place may be so at the other.
_NOTHING_IS_OVERDUE = Overdue(uploads_before=0, tombstones_before=0)
