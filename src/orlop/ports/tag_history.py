"""What tags pointed at."""

from collections.abc import Collection
from typing import NamedTuple, Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName, Tag


class TagChange(msgspec.Struct, frozen=True):
    """One entry of a tag's history: from `at` on it pointed at `digest`, or at nothing when that is None."""

    at: int
    actor: str
    digest: Digest | None
    previous: Digest | None
    number: int = 0
    """The catalog's own; what happened later has a higher one."""
    held: bool = False
    """Whether the repository still holds that digest, so that the tag may point at it again."""
    tag: str = ""
    """Which tag it is of, where changes of several are told."""
    detail: str = ""
    """Why it changed, where it was no push: the promotion that did it, or its rollback and the reason."""


class TagSetting(NamedTuple):
    """That a tag was set, as the audit log has it: the repository is the name that it had."""

    repository: str
    tag: str
    at: int


class TagHistory(Protocol):
    """What tags pointed at, as long as their repository is there."""

    async def history(self, repository: RepositoryName, tag: Tag, limit: int, before: int = 0) -> tuple[TagChange, ...]:
        """The newest `limit` changes of a tag, newest first; also of a tag that is gone. `before`: only those with a
        lower number."""
        ...

    async def everything(self, repository: RepositoryName, limit: int, before: int = 0) -> tuple[TagChange, ...]:
        """The newest changes of all tags of a repository, as `history`; each says which tag it is of."""
        ...

    async def were_set(self, changes: Collection[TagSetting]) -> frozenset[TagSetting]:
        """Those of these changes that belong to the repository that is there now: another one may have had its name."""
        ...

    async def change_at(self, repository: RepositoryName, tag: Tag, at: int) -> TagChange | None:
        """The last change of a tag that had happened at a time; None when none had.

        Clocks of servers differ: of two changes less than a minute apart the later one counts, whatever they say.
        """
        ...
