"""Pages of rows that may be large: weighed first, so that no more are read than a page holds."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from orlop.adapters.sql.engine import Row, Session
from orlop.adapters.sql.records import each
from orlop.domain.pages import Page, PageRequest, fitting, page_of

T = TypeVar("T")


async def weighed(
    reader: Session, found: Sequence[Row], statement: str, made: Callable[[Row], T], page: PageRequest
) -> Page[T]:
    """The page of what was found, one more than it holds if there are more: ids and about how many bytes each has.
    `statement` reads those of some ids in the order of the page."""
    fit = [number for number, _ in found[: min(page.size, fitting((held for _, held in found), page.bytes))]]
    rows = await reader.all(statement, each(fit)) if fit else []
    return page_of(map(made, rows), page, more=len(fit) < len(found))
