"""Keyset pages: a list goes on after the last key seen, so a page costs the same wherever it lies.

A page has bounds in number and in bytes: what clients push decides how large an entry is.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Generic, TypeVar

import msgspec

from orlop.domain.errors import PageInvalid

T = TypeVar("T")

#: What a page holds when the client names no number.
DEFAULT_SIZE = 1_000

#: What a page holds at most, whatever the client asks.
MAX_SIZE = 10_000

#: What the entries of a page hold together at most, in bytes as JSON; a single one may hold more.
PAGE_BYTES = 2 * 1024 * 1024

#: The most that a tag or the name of a repository weighs (domain.names).
NAME_BYTES = 255 + 3


class PageRequest(msgspec.Struct, frozen=True):
    """Up to `size` entries whose keys are after `after`, in byte order; the first page is after the empty string.

    Fewer, but one at least, where more would hold over `bytes` bytes.
    """

    size: int = DEFAULT_SIZE
    after: str = ""
    bytes: int = PAGE_BYTES


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some entries and whether more follow."""

    items: tuple[T, ...]
    more: bool = False


def page_of(found: Iterable[T], page: PageRequest, *, more: bool = False, largest: int = 0) -> Page[T]:
    """The page that begins with what was found, which need not all fit. `more`: others are behind that.

    `largest`: no entry weighs more, so that few need no weighing.
    """
    if largest:
        found = tuple(islice(found, page.size + 1))
        if len(found) * largest <= page.bytes:
            return Page(found[: page.size], more=more or len(found) > page.size)
    items: list[T] = []
    left = page.bytes
    for item in found:
        left -= weight(item)
        if len(items) == page.size or (left < 0 and items):
            return Page(tuple(items), more=True)
        items.append(item)
    return Page(tuple(items), more=more)


def joined(pages: Iterable[Page[T]], page: PageRequest, key: Callable[[T], str]) -> Page[T]:
    """The page of several lists together, in the order of their keys, from the same page of each: what has the same key
    is there once, as the first of them has it."""
    found: dict[str, T] = {}
    ends: list[str] = []
    more = False
    for each in pages:
        for item in each.items:
            found.setdefault(key(item), item)
        if each.more:
            more = True
            ends.extend([key(each.items[-1])] if each.items else [])
    if not page.size:
        return Page(())
    # What is behind the end of a list that goes on may not be the next of all.
    known = sorted(name for name in found if not ends or name <= min(ends))
    return page_of((found[name] for name in known), page, more=more)


def fitting(weights: Iterable[int], most: int = PAGE_BYTES) -> int:
    """How many entries, of so many bytes each and in order, a page of `most` bytes holds: one at least, of any."""
    count = 0
    for held in weights:
        most -= held
        if most < 0 and count:
            break
        count += 1
    return count


def weight(item: object) -> int:
    """What an entry holds in a list, in bytes as JSON."""
    if isinstance(item, str) and item.isascii():
        return len(item) + 3  # quotes and a comma; names need no escaping
    return len(msgspec.json.encode(item, enc_hook=str)) + 1


def after_number(page: PageRequest) -> int:
    """Where a list goes on whose keys are numbers, as decimal text. Raises PageInvalid for what is none."""
    text = page.after
    if not text:
        return 0
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise PageInvalid("this list goes on after a number", {"after": text[:64]})
    return int(text)


def page_size(text: str | None) -> int:
    """The `n` of a list request, at most MAX_SIZE. Raises PageInvalid unless it is a whole number from 0 on."""
    if text is None:
        return DEFAULT_SIZE
    if not text.isascii() or not text.isdecimal() or len(text) > 19:
        raise PageInvalid("n is a whole number, 0 or more", {"n": text[:64]})
    return min(int(text), MAX_SIZE)
