"""Keyset pages: a list goes on after the last key seen, so a page costs the same wherever it lies."""

from typing import Generic, TypeVar

import msgspec

from orlop.domain.errors import PageInvalid

T = TypeVar("T")

#: What a page holds when the client names no number.
DEFAULT_SIZE = 1_000

#: What a page holds at most, whatever the client asks.
MAX_SIZE = 10_000


class PageRequest(msgspec.Struct, frozen=True):
    """Up to `size` entries whose keys are after `after`, in byte order; the first page is after the empty string."""

    size: int = DEFAULT_SIZE
    after: str = ""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some entries and whether more follow."""

    items: tuple[T, ...]
    more: bool = False


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
