"""What stands in the stages of pipelines, as the catalog says it."""

from collections.abc import Collection, Mapping
from typing import Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.promotion.promotion import Promotion


class StandingTag(msgspec.Struct, frozen=True):
    """A tag, what it points at, and since when in microseconds since 1970."""

    tag: str
    digest: str
    since: int


class Boards(Protocol):
    """See the module. Tags under which clients keep signatures and the like are none of these."""

    async def repositories(self, path: str, after: str, limit: int) -> tuple[RepositoryName, ...]:
        """The first repositories anywhere below a namespace, by name, whose name below it is greater than `after`."""
        ...

    async def newest(self, repositories: Collection[RepositoryName]) -> Mapping[RepositoryName, StandingTag]:
        """The tag of each that was set last; of those that have one."""
        ...

    async def tagged(self, repository: RepositoryName, tag: Tag) -> StandingTag | None:
        """A tag by its name."""
        ...

    async def holding(
        self, images: Collection[tuple[RepositoryName, Digest]]
    ) -> Mapping[tuple[RepositoryName, Digest], StandingTag]:
        """Of those digests that their repositories hold, the tag that was set last to point at one; an empty tag, since
        it was pushed, where none does. What waits in quarantine is none of them."""
        ...

    async def waiting(
        self, path: str, pipeline: str, targets: Collection[RepositoryName], limit: int
    ) -> tuple[Promotion, ...]:
        """The last promotions along a pipeline into one of these repositories that wait, the newest first."""
        ...
