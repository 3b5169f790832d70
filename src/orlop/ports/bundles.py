"""Bundles as the catalog keeps them."""

from typing import Protocol

from orlop.domain.pages import Page, PageRequest
from orlop.domain.promotion.bundle import Bundle
from orlop.ports.by import By


class Bundles(Protocol):
    """A bundle is found by its name and place, and does not change."""

    async def add(self, bundle: Bundle, most: int, by: By) -> Bundle:
        """Keep one; the one that there is, where the same account made it of the same images. Raises Conflict where the
        name is taken at that place, or the account has `most` bundles."""
        ...

    async def named(self, name: str, limit: int) -> tuple[Bundle, ...]:
        """Those of a name, at most so many, by their places."""
        ...

    async def page(self, page: PageRequest) -> Page[Bundle]:
        """All of them by name and place; pages go on after `NAME PLACE`."""
        ...

    async def remove(self, path: str, name: str, by: By) -> None:
        """Raises NotFound."""
        ...
