"""Lists of repositories that show an upstream: the upstream's, and what is cached while it is away."""

from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError
from orlop.domain.inside.sbom_rules import SAID
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import NAME_BYTES, Page, PageRequest, page_of
from orlop.domain.upstreams.budget import Need
from orlop.ports.catalog import Browse
from orlop.ports.upstreams import Remotes
from orlop.services.content.referrers import Referrers
from orlop.services.upstreams.shown import Upstreams

#: How many referrers of a manifest an upstream is asked for.
_REFERRERS = 1_000


class ShownLists:
    """Tags and referrers."""

    def __init__(self, shown: Upstreams, remotes: Remotes, browse: Browse, referrers: Referrers) -> None:
        self._shown = shown
        self._remotes = remotes
        self._browse = browse
        self._referrers = referrers

    async def tags(self, repository: RepositoryName, page: PageRequest) -> Page[Tag]:
        """A page of the tags of a repository. Raises NameUnknown."""
        showing = await self._shown.of(repository)
        remote = showing.remote(repository) if showing is not None else None
        if showing is None or remote is None or not page.size:
            return await self._browse.tags(repository, page)
        try:
            content = await self._remotes.repository(showing, remote, Need.AGAIN)
            found: list[Tag] = []
            async for text in content.tags(page.after):
                found.append(Tag.stored(text))
                if len(found) > page.size:
                    break
            return page_of(found, page, largest=NAME_BYTES)
        except RegistryError:  # also of one that is gone there: what is cached may still be pulled
            return await self._browse.tags(repository, page)

    async def referrers(
        self, repository: RepositoryName, subject: Digest, artifact_type: str | None, page: PageRequest
    ) -> Page[Descriptor]:
        """A page of the referrers of a manifest, of one artifact type if given: those that the upstream has, and what
        Orlop itself attached here."""
        showing = await self._shown.of(repository)
        remote = showing.remote(repository) if showing is not None else None
        if showing is None or remote is None or not page.size:
            return await self._referrers.page(repository, subject, artifact_type, page)
        found: dict[str, Descriptor] = {}
        try:
            content = await self._remotes.repository(showing, remote, Need.AGAIN)
            async for entry in content.referrers(subject, artifact_type or ""):
                found[entry.digest] = entry
                if len(found) >= _REFERRERS:
                    break
        except RegistryError:
            return await self._referrers.page(repository, subject, artifact_type, page)
        here = await self._referrers.page(repository, subject, artifact_type, PageRequest(_REFERRERS))
        found |= {entry.digest: entry for entry in here.items if SAID in (entry.annotations or {})}
        after = sorted(digest for digest in found if digest > page.after)
        return page_of([found[digest] for digest in after[: page.size + 1]], page)
