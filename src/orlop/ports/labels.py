"""Labels of repositories and of the manifests that they hold."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from orlop.domain.access.spans import NameSpan
from orlop.domain.digest import Digest
from orlop.domain.labels import LabelChange, Term
from orlop.domain.names import RepositoryName
from orlop.ports.by import By


class Labelled(msgspec.Struct, frozen=True):
    """A repository (`digest` is None) or a manifest of it that has labels."""

    repository: RepositoryName
    digest: Digest | None


class LabelledRepository(msgspec.Struct, frozen=True):
    """A repository with its own labels, in the order of their keys."""

    name: RepositoryName
    labels: dict[str, str]


class LabelStore(Protocol):
    """What is labelled: it has its labels as long as it is there."""

    async def of(self, repository: RepositoryName, digest: Digest | None) -> dict[str, str]:
        """Those of a repository, or of a manifest of it. Raises NameUnknown, ManifestUnknown."""
        ...

    async def change(
        self, repository: RepositoryName, digest: Digest | None, change: LabelChange, by: By
    ) -> dict[str, str]:
        """Those that it has then. Raises NameUnknown, ManifestUnknown, and as domain.labels.changed."""
        ...

    async def having(
        self, terms: Sequence[Term], within: NameSpan, after: tuple[str, str], limit: int
    ) -> tuple[Labelled, ...]:
        """The next of what has all of the labels, one at least: by names of repositories that lie within a span, then
        by digests, a repository before its manifests. `after`: a name and a digest, empty for the repository itself."""
        ...

    async def repositories(self, within: NameSpan, limit: int) -> tuple[LabelledRepository, ...]:
        """The first repositories of a span that have labels of their own, by name."""
        ...
