"""What retention asks of a catalog: what repositories hold, what is in use, and plans as they are kept."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from orlop.domain.errors import Conflict, Denied, ManifestUnknown, NameUnknown
from orlop.domain.names import Reference, RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.domain.retention.inventory import Inventory
from orlop.domain.retention.plan import PlannedItem
from orlop.domain.retention.plans import PlanFigures, RetentionPlan
from orlop.ports.by import By
from orlop.ports.terms import Terms


class Wanted(msgspec.Struct, frozen=True):
    """What an inventory is to have beside what every rule asks."""

    labels: bool = False
    platforms: bool = False
    untagged: bool = False


class FreedBlob(msgspec.Struct, frozen=True, gc=False):
    """A blob that a repository would not name any more, and how many repositories hold it."""

    digest: str
    size: int
    links: int


class Inventories(Protocol):
    """What repositories hold, one at a time."""

    async def of(self, repository: RepositoryName, wanted: Wanted, *, lists: bool = False) -> Inventory | None:
        """Read in pages, each of which sees what was there when it was read; None where there is no such repository.

        `lists`: it may be read where lists are, which may lag behind.
        """
        ...

    async def freed(self, inventory: Inventory, going: Sequence[str]) -> tuple[FreedBlob, ...]:
        """The blobs that no manifest names any more once these are gone."""
        ...


class PlanPage(msgspec.Struct, frozen=True):
    """Some items of one repository, in order."""

    repository: str
    number: int
    items: tuple[PlannedItem, ...]


class PageDone(msgspec.Struct, frozen=True):
    """A page with what became of its items: how many were deleted, and how many of those that were to be, left."""

    page: PlanPage
    done: int
    skipped: int


class RetentionPlans(Protocol):
    """Plans, and what is in them by pages."""

    async def add(self, path: str, by: By) -> RetentionPlan:
        """A new one, which is still to be made."""
        ...

    async def get(self, plan: int) -> RetentionPlan | None:
        """One of them."""
        ...

    async def page(self, page: PageRequest, path: str | None = None) -> Page[RetentionPlan]:
        """The newest first, of one place if it is given; the key is the number of a plan."""
        ...

    async def clear(self, plan: int) -> None:
        """Forget the pages of a plan whose making was broken off."""

    async def keep(self, plan: int, pages: Sequence[PlanPage]) -> None:
        """Add pages."""

    async def planned(self, plan: int, figures: PlanFigures, by: By) -> None:
        """It is made: it stays as it is from now on."""

    async def apply(self, plan: int, by: By) -> RetentionPlan:
        """It is to be applied, by whoever asks. Raises NotFound, Conflict where it is none to apply."""
        ...

    async def has_job(self, plan: int, job: int) -> None:
        """Which job works on it."""

    async def pages(
        self, plan: int, after: tuple[str, int], limit: int, *, deletes: bool = False
    ) -> tuple[PlanPage, ...]:
        """Pages behind a repository and a number; `deletes`: only those with something to delete."""
        ...

    async def open(self, plan: int, limit: int) -> tuple[PlanPage, ...]:
        """The first pages with items that are to be deleted and were not looked at."""
        ...

    async def did(self, plan: int, pages: Sequence[PageDone]) -> None:
        """Write down what became of pages, which are then done."""

    async def applied(self, plan: int, by: By) -> RetentionPlan:
        """Every page is done."""
        ...

    async def forget(self, before: int, limit: int) -> int:
        """Remove up to `limit` plans that were asked for before then; how many."""
        ...


class Removal(msgspec.Struct, frozen=True):
    """A manifest that goes with its tags, or a tag that goes alone, and on what terms."""

    reference: Reference
    terms: Terms


#: What a manifest or a tag is left for.
Left = Conflict | Denied | ManifestUnknown | NameUnknown


class Removals(Protocol):
    """What plans delete."""

    async def remove(
        self, repository: RepositoryName, removals: Sequence[Removal], by: By, settings: int
    ) -> tuple[Left | None, ...]:
        """Delete them in order, each as `Manifests.delete` and `untag` do; for each what it was left for, or None.

        Raises SettingsMoved where the terms are not of the last version of all settings, and then none goes.
        """
        ...


class InUseSet(msgspec.Struct, frozen=True, kw_only=True):
    """Digests that a cluster or a script said it runs, for a place and until a time."""

    path: str
    name: str
    digests: int
    posted_at: int
    posted_by: str
    expires_at: int

    @property
    def key(self) -> str:
        """What names it in lists."""
        return f"{self.path}:{self.name}"


class InUse(Protocol):
    """What is in use."""

    async def get(self, path: str, name: str) -> InUseSet | None:
        """One set, also one that has expired."""
        ...

    async def put(self, path: str, name: str, digests: Sequence[str], expires_at: int, by: By) -> InUseSet:
        """Take the place of what was posted under that name."""
        ...

    async def page(self, page: PageRequest, path: str | None = None) -> Page[InUseSet]:
        """By place and name; the key is `PATH:NAME`."""
        ...

    async def remove(self, path: str, name: str, by: By) -> None:
        """Raises NotFound."""

    async def forget(self, before: int, limit: int) -> int:
        """Remove up to `limit` sets that expired before then; how many."""
        ...

    async def among(self, repository: str, digests: Sequence[str], now: int) -> Mapping[str, str]:
        """Those of these digests that are in use in a repository, each with who says so, in words."""
        ...


class Retention(msgspec.Struct, frozen=True):
    """Every role of retention of one catalog."""

    inventories: Inventories
    plans: RetentionPlans
    removals: Removals
    in_use: InUse
