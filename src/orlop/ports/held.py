"""What was pushed and waits in quarantine, as rows."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Protocol

import msgspec

from orlop.domain.access.spans import NameSpan
from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.by import By
from orlop.ports.terms import Terms


class HeldState(IntEnum):
    """What became of it."""

    WAITING = 0
    RELEASED = 1
    REFUSED = 2


class HeldPush(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest that was pushed into quarantine; times in microseconds since 1970.

    `expected`: the tags that it gets when it is let out, and what each pointed at when that was pushed, None: it was
    not there. `pushed_id`: the account, which nobody has after it; 0: nobody's. `decided_by`: an account, or the
    registry; empty while it waits.
    """

    id: int
    repository: RepositoryName
    digest: Digest
    expected: Mapping[Tag, Digest | None]
    pushed_by: str
    pushed_at: int
    pushed_id: int = 0
    state: HeldState = HeldState.WAITING
    decided_by: str = ""
    decided_at: int = 0
    reason: str = ""

    @property
    def tags(self) -> tuple[Tag, ...]:
        """Those that it gets."""
        return tuple(self.expected)

    @property
    def first(self) -> str:
        """The first of them; empty: it has none."""
        return next(iter(self.expected), "")


class HeldPushes(Protocol):
    """See the module. They become rows in the transaction that stores the manifest (`ManifestPush.held`).

    Manifests that a held index names share its fate, unless something else was decided of them.
    """

    async def of(self, repository: RepositoryName, digest: Digest) -> HeldPush | None:
        """What hides a manifest of a repository: the last push of it, unless that was let out. None: nothing does."""
        ...

    async def released(self, repository: RepositoryName, digest: Digest) -> HeldPush | None:
        """The push of a manifest of a repository that was let out; None where it is hidden, or never was."""
        ...

    async def get(self, number: int) -> HeldPush | None:
        """The one of this number."""
        ...

    async def page(self, spans: Sequence[NameSpan], state: HeldState, before: int, limit: int) -> tuple[HeldPush, ...]:
        """Those of repositories within `spans`, the last first, behind number `before` (0: from the last one on);
        nothing of manifests that an index names that is held."""
        ...

    async def depth(self) -> tuple[int, int]:
        """How many wait, and since when the first of them does, in microseconds since 1970; 0: none waits."""
        ...

    async def release(self, held: HeldPush, terms: Terms, by: By, reason: str = "") -> None:
        """Let it out, and set its tags, all or nothing. Raises Conflict where that was decided before, or its tags are
        others by now or point at something else than when they were pushed, or an index names something that waits for
        tags of its own; ManifestUnknown where it is gone; and what one of its tags is refused with."""

    async def refuse(self, held: HeldPush, terms: Terms, by: By, reason: str) -> None:
        """Delete it, on the terms of a removal. Raises Conflict where that was decided before; Denied while it is
        locked, or an index names it that is not held; SettingsMoved where the terms are those of older settings."""
