"""What searches read: each thing that is looked for is found in two ways, of which one costs little.

Of what is rare every one is told, wherever it is. What is common is looked for in one span of names after another, in
the order of repositories.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from orlop.domain.access.spans import NameSpan
from orlop.domain.content_kinds import ContentKind
from orlop.domain.names import RepositoryName


class Sought(msgspec.Struct, frozen=True):
    """One thing to look for in repositories: of `what` (tag, manifest, blob, label, annotation) all that begin with
    `text`, or are it where `exact` says so; of labels and annotations `key` is the key, and `text` the whole value."""

    what: str
    text: str
    exact: bool = False
    key: str = ""


class SoughtRow(msgspec.Struct, frozen=True):
    """What was found: `name` is the tag, if it was found by one; an empty `digest` is the repository itself."""

    repository: RepositoryName
    name: str
    digest: str
    kind: ContentKind | None = None
    media_type: str = ""
    artifact_type: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """Where a list goes on within a repository."""
        return self.repository, self.name or self.digest


class SearchRows(Protocol):
    """Rows of searches. Whoever asks says which of them somebody may see."""

    async def window(self, start: str, names: int) -> str:
        """The last of so many names of repositories, from one on; empty: there are fewer."""
        ...

    async def names(self, words: Sequence[str], within: Sequence[NameSpan], limit: int) -> tuple[RepositoryName, ...]:
        """The first repositories in spans that are in order and do not touch whose names contain all of these words."""
        ...

    async def rare(self, sought: Sought, most: int) -> tuple[SoughtRow, ...]:
        """Up to so many, wherever they are, in no order that lists go by."""
        ...

    async def within(
        self, sought: Sought, within: Sequence[NameSpan], after: tuple[str, str], limit: int
    ) -> tuple[SoughtRow, ...]:
        """The first in spans of names, by repository and then by tag or digest, after a place."""
        ...
