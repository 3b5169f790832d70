"""Pages of what a caller may see, where the catalog's pages hold more than that."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from orlop.domain.pages import Page, PageRequest

T = TypeVar("T")

#: How many entries are looked through at once.
_AT_ONCE = 1_000


async def seen(
    fetch: Callable[[PageRequest], Awaitable[Page[T]]],
    page: PageRequest,
    key: Callable[[T], str],
    keep: Callable[[T], bool],
) -> Page[T]:
    """The page of those entries that `keep` is true of; `key` is where a list goes on after an entry.

    It costs one query for each thousand entries looked through, and none for an entry.
    """
    found: list[T] = []
    after = page.after
    while True:
        looked = await fetch(PageRequest(_AT_ONCE, after))
        for item in looked.items:
            if keep(item):
                if len(found) == page.size:
                    return Page(tuple(found), more=True)
                found.append(item)
        if not looked.more or not looked.items:
            return Page(tuple(found))
        after = key(looked.items[-1])


def one(item: T, page: PageRequest, key: str) -> Page[T]:
    """The page of a list that holds nothing but one entry, which is empty after that."""
    return Page((item,) if key > page.after and page.size else ())
