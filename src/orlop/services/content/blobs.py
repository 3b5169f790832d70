"""Finding, reading, mounting and deleting the blobs of a repository."""

from contextlib import suppress
from typing import NamedTuple

from orlop.domain.access import Action, Caller
from orlop.domain.access.scopes import scope_for
from orlop.domain.blob import Blob
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, ContentCorrupt, Unauthorized
from orlop.domain.names import RepositoryName
from orlop.ports.blobs import BlobAddresses, BlobContent
from orlop.ports.catalog import BlobLinks, Terms, by
from orlop.ports.clock import Clock
from orlop.services.access.decisions import Access
from orlop.services.content.copies import Copies
from orlop.services.content.repositories import Repositories
from orlop.services.tags.terms import WriteTerms

#: In how many repositories that the caller may pull from a blob is looked for to mount it: to upload it again costs the
#: client less than a look into all of them.
_AROUND = 256


class FoundBlob(NamedTuple):
    """A blob; `lasting`: that it is there stays right until the catalog changes."""

    blob: Blob
    lasting: bool


class Blobs:
    """`grace` is how long collection leaves a loose link alone, in microseconds."""

    def __init__(
        self,
        links: BlobLinks,
        copies: Copies,
        access: Access,
        terms: WriteTerms,
        clock: Clock,
        *,
        repositories: Repositories,
        grace: int,
        addresses: BlobAddresses | None = None,
    ) -> None:
        self._links = links
        self._copies = copies
        self._access = access
        self._terms = terms
        self._clock = clock
        self._repositories = repositories
        self._grace = grace
        self._addresses = addresses

    async def find(self, repository: RepositoryName, digest: Digest, caller: Caller) -> FoundBlob:
        """The blob. Raises BlobUnknown.

        A client that is told of a blob may rely on it in a manifest soon after, so an answer about a link whose grace
        is half over starts the grace anew, in a transaction that collection cannot slip past.
        """
        found = await self._links.find(repository, digest)
        if found is None:
            raise unknown_blob(repository, digest)
        if found.loose_since is None:
            return FoundBlob(found.blob, lasting=True)
        now = self._clock.now()
        if now - found.loose_since > self._grace // 2 and not await self._links.keep(
            repository, digest, by(caller, now)
        ):
            raise unknown_blob(repository, digest)
        return FoundBlob(found.blob, lasting=False)

    async def open(self, blob: Blob) -> BlobContent:
        """Open a copy for reading; the caller closes it. Raises BlobUnknown for one that is damaged, Unavailable."""
        return await self._copies.open(blob)

    async def damaged(self, blob: Blob, failure: ContentCorrupt) -> BlobUnknown:
        """What to tell the client of a copy that is not what it was: from now on nobody gets it."""
        return await self._copies.damaged(blob, failure)

    async def address(self, blob: Blob) -> str | None:
        """A URL at the store for a client that may read this blob; None where clients get it from us.

        Raises Unavailable.
        """
        return await self._addresses.address(blob) if self._addresses is not None else None

    async def mount(
        self, digest: Digest, source: RepositoryName | None, target: RepositoryName, caller: Caller
    ) -> Blob | None:
        """Link a blob into `target` that `source` holds, or without one any repository; None when none does that the
        caller may pull from.

        It is looked for only in what the caller may pull from, so that how long it takes does not tell who else has it.
        Raises what refuses the caller a push of it; Unauthorized for a token that is too narrow to pull it from where
        its owner may: a client then fetches one for both repositories.
        """
        if self._access.everyone:
            return await self._link(digest, source, target, caller)
        narrow: Unauthorized | None = None
        holders = (source,) if source is not None else await self._holders(digest, target, caller)
        for holder in holders:
            try:
                decision = await self._access.decide(caller, Action.PULL, repository=holder)
            except Unauthorized as refusal:
                if narrow is None and refusal.scope and await self._links.find(holder, digest) is not None:
                    scope = f"{scope_for(Action.PUSH_NEW, target)} {refusal.scope}"
                    narrow = Unauthorized(refusal.message, scope=scope, reason=refusal.reason, kind=refusal.kind)
                continue
            mounted = await self._link(digest, holder, target, caller) if decision.allowed else None
            if mounted is not None:
                return mounted
        if narrow is not None:
            raise narrow
        return None

    async def holder(self, digest: Digest, target: RepositoryName, caller: Caller) -> RepositoryName | None:
        """A repository that holds a blob and that the caller may pull from; None where none is found."""
        if self._access.everyone:
            return await self._links.holder(digest)
        for holder in await self._holders(digest, target, caller):
            with suppress(Unauthorized):
                if (await self._access.decide(caller, Action.PULL, repository=holder)).allowed:
                    return holder
        return None

    async def _link(
        self, digest: Digest, source: RepositoryName | None, target: RepositoryName, caller: Caller
    ) -> Blob | None:
        async def write(terms: Terms) -> Blob | None:
            return await self._links.mount(digest, source, target, by(caller, self._clock.now()), terms)

        return await self._whole(await self._terms.keep(lambda: self._terms.push(caller, target), write))

    async def _whole(self, mounted: Blob | None) -> Blob | None:
        """The blob, if its copy is there. A link to one that is not shows nothing until somebody pushes the blob."""
        return mounted if mounted is not None and await self._copies.is_there(mounted) else None

    async def _holders(self, digest: Digest, target: RepositoryName, caller: Caller) -> tuple[RepositoryName, ...]:
        return await self._links.holders(digest, await self._repositories.around(caller, target, _AROUND))

    async def delete(self, repository: RepositoryName, digest: Digest, caller: Caller) -> None:
        """Remove a blob from a repository. Raises BlobUnknown, or Denied while a manifest there names it."""
        await self._links.unlink(repository, digest, by(caller, self._clock.now()))


def unknown_blob(repository: RepositoryName, digest: Digest) -> BlobUnknown:
    """What a client is told of a blob that is not there, or that it may not know of."""
    return BlobUnknown(f"{repository} holds no blob {digest}", {"digest": digest})
