"""Upstreams, as those who show them see them: their repositories, and what is remembered of their tags."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.upstreams.breaker import Breaker
from orlop.domain.upstreams.budget import Need
from orlop.domain.upstreams.showing import Showing
from orlop.domain.upstreams.state import UpstreamState
from orlop.ports.by import By
from orlop.ports.upstream import ContentSource, TagLister, UpstreamError


class RemoteContent(ContentSource, TagLister, Protocol):
    """A repository of an upstream. What is read from it is verified; see ports.upstream for the errors."""


class RemoteObserver(Protocol):
    """Watches over requests to upstreams, and says by which account each of them goes."""

    def account(self, showing: Showing, need: Need) -> int:
        """The number of the account that what is asked next goes by: see Upstream.accounts. Raises TooManyRequests
        where none may be used."""
        ...

    def observed(self, showing: Showing, account: int, status: int, headers: Mapping[str, str]) -> None:
        """The upstream answered; the names of headers are in lower case. What it redirects to is not told."""
        ...

    def failed(self, showing: Showing, account: int, error: UpstreamError) -> None:
        """The upstream, or the server that it has tokens from, was not reached, broke off or talked nonsense."""
        ...


class Remotes(Protocol):
    """Opens repositories of upstreams: connections, sign-in, proxies and checked addresses are its business."""

    async def repository(self, showing: Showing, name: RepositoryName, need: Need = Need.FIRST) -> RemoteContent:
        """The repository that the upstream calls `name`, to be asked for this need. Raises UpstreamError where its
        setting cannot be used."""
        ...

    async def close(self) -> None:
        """Let go of all connections."""


class RemoteTag(msgspec.Struct, frozen=True, kw_only=True):
    """What an upstream last said of a tag. Times are in microseconds since 1970, UTC."""

    repository: RepositoryName
    """As it is called here."""
    tag: Tag
    digest: Digest
    """What it led to when it last was there."""
    checked_at: int
    """When the upstream last said so, or that it is gone."""
    moved_at: int
    """Since when, as far as is known here, it leads there."""
    gone_since: int = 0
    """Since when it is not there any more; 0: it is."""


class RemoteTags(Protocol):
    """What upstreams last said of their tags."""

    async def get(self, repository: RepositoryName, tag: Tag) -> RemoteTag | None:
        """Of one tag."""
        ...

    async def leading_to(self, repository: RepositoryName, digest: Digest) -> tuple[Tag, ...]:
        """The tags that led to a digest when they were last asked for, by name; at most 100."""
        ...

    async def keep(self, tag: RemoteTag) -> None:
        """Write down what was said; an older answer takes no newer one's place."""

    async def forget(self, repository: RepositoryName, tag: Tag) -> None:
        """Remember nothing of a tag."""


class CachedContent(Protocol):
    """What is cached, for those who are asked for it."""

    async def is_cache(self, repository: str) -> bool | None:
        """Whether a repository caches what an upstream has; None where there is none of that name."""
        ...

    async def expected_size(self, repository: RepositoryName, digest: Digest) -> int | None:
        """How large a blob is by the manifests of the repository that name it; None where none does."""
        ...

    async def holder(self, digest: Digest, path: str) -> RepositoryName | None:
        """Some repository that holds a blob, and caches what the upstream of a node has; None where none does."""
        ...


class UpstreamStates(Protocol):
    """How upstreams fare, by the identities of their settings (ports.settings.Document)."""

    async def get(self, upstream: str) -> UpstreamState | None:
        """What is known of one; None where nothing is."""
        ...

    async def all(self) -> tuple[tuple[str, UpstreamState], ...]:
        """Of all of them, by identity."""
        ...

    async def report(self, showing: Showing, found: UpstreamState, by: By) -> UpstreamState | None:
        """Add what a process found since it last told (UpstreamState.merged), and what is known then; None where the
        setting is no more.

        Writes `upstream.away` and `upstream.back`, once for each change, whoever reports it. Need not outlive a power
        cut where the breaker did not move.
        """
        ...

    async def probe(self, upstream: str, before: Breaker, probing: Breaker) -> bool:
        """Whether it is this process that probes: its breaker is as it was read, and is `probing` from now on."""
        ...
