"""Which repository of an upstream a repository here stands for."""

import msgspec

from orlop.domain.access.patterns import pattern
from orlop.domain.durations import span
from orlop.domain.names import REPOSITORY_MAX, RepositoryName, Tag
from orlop.domain.upstreams.upstream import Upstream

#: Where Docker Hub keeps what has no namespace: `debian` is `library/debian`.
_LIBRARY = "library"


class Showing(msgspec.Struct, frozen=True):
    """An upstream at the node of the tree that shows it."""

    path: str
    """The node: `` for the registry as a whole."""
    name: str
    identity: str
    """See ports.settings.Document: made anew, it is another."""
    upstream: Upstream

    def remote(self, repository: RepositoryName) -> RepositoryName | None:
        """What a repository at or below the node is called at the upstream; None for what it does not show."""
        below = repository[len(self.path) + 1 :] if self.path else str(repository)
        if self.upstream.is_docker_hub and not self.upstream.beginning and below and "/" not in below:
            below = f"{_LIBRARY}/{below}"
        name = "/".join(part for part in (self.upstream.beginning, below) if part)
        if not name or len(name) > REPOSITORY_MAX or not self._allows(below):
            return None
        return RepositoryName.stored(name)

    def local(self, remote: str) -> RepositoryName:
        """What a repository of the upstream, without what all of them begin with, is called here. Raises
        NameInvalid."""
        return RepositoryName(f"{self.path}/{remote}" if self.path else remote)

    def holds(self, tag: Tag) -> int:
        """For how many microseconds it holds what the upstream said of a tag."""
        for tags, holds in self.upstream.held:
            if pattern(tags).matches(tag):
                return span(holds)
        return span(self.upstream.fresh)

    def _allows(self, below: str) -> bool:
        """Whether `allow` and `deny` let it be shown; they are about names as the upstream has them."""
        return any(pattern(text, "/").matches(below) for text in self.upstream.allow) and not any(
            pattern(text, "/").matches(below) for text in self.upstream.deny
        )
