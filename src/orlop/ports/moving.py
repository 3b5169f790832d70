"""What a catalog offers to a move into another one: its state, which shuts it, and its rows, table by table."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from orlop.domain.moving import Move

#: A row with the columns of its key first, and such a key.
Row = tuple[Any, ...]
Key = tuple[Any, ...]


class Moves(Protocol):
    """Where the catalog stands in a move."""

    async def current(self) -> Move:
        """What is known now; a catalog that never moved is settled."""
        ...

    async def change(self, before: Move, after: Move) -> None:
        """Go from one state to another; the gate goes with it.

        Once it is shut every transaction that could write is over. Raises TooManyRequests when the catalog does not
        stand at `before` any more: another run of the command has taken over.
        """


class CatalogRows(Protocol):
    """All rows of a catalog but those of uploads, which do not move."""

    @property
    def tables(self) -> Mapping[str, Key]:
        """The tables, each after those that it refers to, with a key that lies before every row."""
        ...

    async def page(self, table: str, after: Key, limit: int) -> Sequence[Row]:
        """The first `limit` rows behind a key, in order, or as many of these as a page may hold (domain.pages)."""
        ...

    async def add(self, table: str, rows: Sequence[Row], move: Move) -> None:
        """Add rows as they are, ids and all, durably. Raises TooManyRequests as `Moves.change` does."""

    async def last(self, table: str) -> Key:
        """The greatest key there is."""
        ...

    async def count(self, table: str) -> int:
        """How many rows there are."""
        ...


class CatalogRenewal(Protocol):
    """What happens to a catalog as a whole, before and after it is filled."""

    async def clear(self, move: Move) -> None:
        """Remove everything. Raises TooManyRequests as `Moves.change` does."""

    async def end_uploads(self, move: Move) -> None:
        """Forget every upload session: its bytes are at another place. Raises TooManyRequests."""

    async def settle(self, sizes: Sequence[int], move: Move) -> None:
        """Let new ids follow those that were added, and set the totals (repositories, manifests, tags, blobs, bytes).

        Raises TooManyRequests.
        """
