"""Pages of what a caller may see, where the catalog's pages hold more than that."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from orlop.domain.pages import Page, PageRequest, page_of

T = TypeVar("T")

#: How many entries are looked through at once.
_AT_ONCE = 1_000


async def seen(
    fetch: Callable[[PageRequest], Awaitable[Page[T]]],
    page: PageRequest,
    key: Callable[[T], str],
    keep: Callable[[T], bool],
    at_once: int = _AT_ONCE,
) -> Page[T]:
    """The page of those entries that `keep` is true of; `key` is where a list goes on after an entry. `at_once`: how
    many entries are looked through at once, fewer where one may be large.

    It costs one query for each so many entries looked through, and none for an entry.
    """
    found: list[T] = []
    after = page.after
    while True:
        looked = await fetch(PageRequest(at_once, after))
        found += filter(keep, looked.items)
        kept = page_of(found, page)
        if kept.more or not looked.more:
            return kept
        after = key(looked.items[-1])


async def every(fetch: Callable[[PageRequest], Awaitable[Page[T]]], key: Callable[[T], str]) -> AsyncIterator[T]:
    """All entries of a list, a page of them at a time."""
    after = ""
    while True:
        looked = await fetch(PageRequest(_AT_ONCE, after))
        for item in looked.items:
            yield item
        if not looked.more:
            return
        after = key(looked.items[-1])


async def beginning(
    fetch: Callable[[PageRequest], Awaitable[Page[T]]], page: PageRequest, name: Callable[[T], str], begins: str
) -> Page[T]:
    """The page of those entries whose names, by which the list is sorted, begin with a text; empty: of all."""
    if not begins:
        return await fetch(page)
    if not (begins.isascii() and begins.isprintable()):  # no name has anything else
        return Page(())
    # Right before all of them in the order of bytes.
    before = f"{begins[:-1]}{chr(ord(begins[-1]) - 1)}\x7f"
    found = await fetch(PageRequest(page.size, max(page.after, before), page.bytes))
    kept = tuple(item for item in found.items if name(item).startswith(begins))
    return Page(kept, more=found.more and len(kept) == len(found.items))


def one(item: T, page: PageRequest, key: str) -> Page[T]:
    """The page of a list that holds nothing but one entry, which is empty after that."""
    return Page((item,) if key > page.after and page.size else ())
