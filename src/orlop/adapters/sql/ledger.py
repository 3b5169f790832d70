"""What a transaction has to say at its end: what happened, and what it adds to the counters."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from orlop.adapters.sql.engine import Row, Script, Session
from orlop.domain.events import EventKind
from orlop.ports.catalog import By

T = TypeVar("T")


class Ledger:
    """Gathers events and sums of one transaction, and writes each kind in one go.

    The version of who may do what and the counters of the whole store are the very last that is written: many
    transactions want their rows, so none may hold one while it waits for anything else.
    """

    def __init__(self, by: By) -> None:
        self._by = by
        self._events: list[Row] = []
        self._repositories: dict[int, list[int]] = {}
        self._pushed: dict[int, int] = {}
        self._totals = [0, 0, 0, 0, 0]
        self._access = False
        self._settings = False
        self._deleted: list[str] = []

    def event(
        self,
        kind: EventKind,
        repository: str = "",
        digest: str = "",
        tag: str = "",
        *,
        subject: str = "",
        detail: str = "",
    ) -> None:
        """Something happened."""
        by, origin, place = self._by, self._by.origin, len(self._events)
        what = (by.at, kind.value, by.actor, repository, digest, tag, place)
        self._events.append((*what, origin.credential, origin.address, origin.request, subject, detail))

    def access(self, *, deleted: str = "") -> None:
        """Who may do what is another from now on, perhaps because the repository `deleted` is no more."""
        self._access = True
        if deleted:
            self._deleted.append(deleted)

    def setting(self, *, rights: bool) -> None:
        """A setting is another from now on; `rights`: and with it perhaps who may do what."""
        self._settings = True
        if rights:
            self.access()

    def count(
        self,
        repository: int,
        *,
        manifests: int = 0,
        manifest_bytes: int = 0,
        tags: int = 0,
        blobs: int = 0,
        blob_bytes: int = 0,
        hidden: bool = False,
    ) -> None:
        """Move the counters of a repository, and with them the totals of manifests and tags, unless it is hidden."""
        sums = self._repositories.setdefault(repository, [0, 0, 0, 0, 0])
        for place, amount in enumerate((manifests, manifest_bytes, tags, blobs, blob_bytes)):
            sums[place] += amount
        if not hidden:
            self.add_totals(manifests=manifests, tags=tags)

    def pushed(self, repository: int) -> None:
        """Somebody pushed a manifest there."""
        self._pushed[repository] = self._by.at
        self._repositories.setdefault(repository, [0, 0, 0, 0, 0])

    def add_totals(
        self, *, repositories: int = 0, manifests: int = 0, tags: int = 0, blobs: int = 0, blob_bytes: int = 0
    ) -> None:
        """Move the counters of the store."""
        for place, amount in enumerate((repositories, manifests, tags, blobs, blob_bytes)):
            self._totals[place] += amount

    async def write(self, tx: Session) -> None:
        """Write everything that was gathered."""
        if self._events:
            await tx.many("event", self._events)
        if self._repositories:
            rows = [(row_id, *sums, self._pushed.get(row_id)) for row_id, sums in sorted(self._repositories.items())]
            await tx.many("repository_count", rows)
        if self._access:
            row = await tx.one("access_move")
            assert row is not None
            for name in self._deleted:
                await tx.run("repository_deleted", name, row[0], self._by.at)
        if any(self._totals):
            await tx.run("totals_add", *self._totals)
        if self._settings:
            await tx.run("settings_move")


def recorded(by: By, steps: Callable[[Session, Ledger], Awaitable[T]]) -> Script[T]:
    """A script that ends with what its ledger gathered."""

    async def script(tx: Session) -> T:
        ledger = Ledger(by)
        outcome = await steps(tx, ledger)
        await ledger.write(tx)
        return outcome

    return script
