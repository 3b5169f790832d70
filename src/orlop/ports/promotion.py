"""Promotions as the catalog keeps them, and the one transaction that carries one out."""

from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import Page, PageRequest
from orlop.domain.promotion.promotion import GatePassed, NewPromotion, PromotedImage, Promotion, PromotionState
from orlop.ports.by import By
from orlop.ports.terms import Terms


class Move(msgspec.Struct, frozen=True):
    """An image that goes somewhere, on terms that were made for its tag and for all of `beside`: the tags under which
    clients keep what refers to it. `gates`: those that were looked at, and what they said."""

    image: PromotedImage
    beside: tuple[Tag, ...]
    terms: Terms
    gates: tuple[GatePassed, ...] = ()


class PromotionOutcome(msgspec.Struct, frozen=True):
    """What became of one. `promotion` None: there was nothing to do, every image is there under its tag with all that
    refers to it."""

    promotion: Promotion | None
    manifests: int = 0
    blobs: int = 0


class Promotions(Protocol):
    """See the module."""

    async def beside(self, repository: RepositoryName, digest: Digest) -> tuple[Tag, ...]:
        """The tags under which clients keep what refers to a manifest and to all that belongs to it. Raises
        ManifestUnknown, ManifestInvalid beyond the bounds of one promotion."""
        ...

    async def ask(self, asked: NewPromotion, by: By) -> Promotion:
        """Keep one that waits; the one that waits already, where the same was asked for."""
        ...

    async def carry_out(self, promotion: NewPromotion | Promotion, moves: Sequence[Move], by: By) -> PromotionOutcome:
        """Link all images with all that belongs to them into their targets, and set their tags: all of it, or nothing,
        and once. No blob is read.

        Of a manifest these belong to it: what it lists, whatever refers to it or to those, and what lies under the tags
        of cosign and of clients without the referrers API. Such a tag of the target is moved where the source's tag
        once was what the target's is; else the target keeps its own.

        Raises what the terms refuse; Stale where a tag of that kind came up that they were not made for, or where
        the promotion does not wait any more; ManifestUnknown, ManifestBlobUnknown where the source does not hold it
        all.
        """
        ...

    async def get(self, promotion: int) -> Promotion | None:
        """One, with its images and approvals."""
        ...

    async def gates(self, promotion: int) -> tuple[tuple[GatePassed, ...], ...]:
        """What the gates said of each of its images when it was carried out; empty where it was not, or by a release
        that did not note it."""
        ...

    async def page(
        self, page: PageRequest, state: PromotionState | None = None, digest: Digest | None = None
    ) -> Page[Promotion]:
        """Those in a state, and of an image, the newest first, with images and approvals; pages go on after a
        number."""
        ...

    async def newest(self, target: RepositoryName) -> Promotion | None:
        """The last into a repository that was done, and not rolled back."""
        ...

    async def approve(self, promotion: int, account: int, by: By) -> Promotion:
        """Note that somebody agrees; nothing where they did. Raises Stale where it does not wait any more."""
        ...

    async def hold(self, promotion: int, due_at: int) -> Promotion:
        """Have one that waits be tried again at a time, for a day at least. Raises Stale where it waits no more."""
        ...

    async def ask_by_itself(self, asked: NewPromotion, by: By) -> Promotion | None:
        """Keep one of a single image that nobody asks for. None: that digest was asked for in that stage before, under
        that name, and it is not one that expired."""
        ...

    async def outdate(self, path: str, pipeline: str, tag: tuple[RepositoryName, Tag], digest: str, by: By) -> int:
        """Have the automatic ones along a pipeline expire that wait with another digest of a tag; how many."""
        ...

    async def put_off(self, promotion: Promotion, due_at: int, why: str) -> None:
        """Have one that waits be tried again at a time, 0: once somebody approves it, and say what holds it back;
        nothing where it waits no more, or was hastened since it was read."""
        ...

    async def hasten(self, repositories: Collection[str], now: int) -> int:
        """Have the automatic ones that wait be tried now, out of these repositories, empty: out of all; how many."""
        ...

    async def waiting(self) -> tuple[int, int]:
        """How many wait: for approvals, and for a time or what holds them back."""
        ...

    async def due(self, now: int, limit: int) -> tuple[Promotion, ...]:
        """Those that wait for a time that has come, the longest first."""
        ...

    async def end(self, promotion: int, state: PromotionState, why: str, by: By) -> Promotion:
        """End one that waits without doing it. Raises Stale where it does not."""
        ...

    async def roll_back(self, promotion: Promotion, terms: Sequence[Terms], why: str, by: By) -> Promotion:
        """Point the tags that one moved at what they were; where it moved none, remove those that it set. `terms` by
        image. Raises Stale where one of the tags is not as the promotion left it; what the terms refuse."""
        ...

    async def expire(self, now: int, limit: int, by: By) -> int:
        """End those that waited for too long; how many."""
        ...
