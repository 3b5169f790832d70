"""Blobs of repositories that show an upstream: taken from what is here already, or fetched, once for everybody."""

import asyncio

import msgspec

from orlop.domain.access import Caller
from orlop.domain.blob import Blob
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, Denied, NameUnknown, RegistryError, Unsupported
from orlop.domain.names import RepositoryName
from orlop.domain.upstreams.budget import Need
from orlop.domain.upstreams.showing import Showing
from orlop.ports.blobs import BlobContent
from orlop.ports.catalog import By
from orlop.ports.upstreams import CachedContent
from orlop.services.content.blobs import Blobs
from orlop.services.upstreams.answers import for_clients
from orlop.services.upstreams.misses import Misses
from orlop.services.upstreams.shown import Upstreams
from orlop.services.upstreams.transfer import Stores, Transfer, Wanted, actor


class Arriving(msgspec.Struct, frozen=True):
    """A blob that an upstream has: its size, and its content where that was wanted."""

    digest: Digest
    size: int
    content: BlobContent | None = None


class ShownBlobs:
    """What is asked for when a repository does not hold a blob."""

    def __init__(self, shown: Upstreams, cached: CachedContent, blobs: Blobs, stores: Stores) -> None:
        self._shown = shown
        self._cached = cached
        self._blobs = blobs
        self._stores = stores
        self._transfers: dict[tuple[RepositoryName, Digest], Transfer] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._missing = Misses(stores.clock)

    async def find(
        self, repository: RepositoryName, digest: Digest, caller: Caller, *, head: bool
    ) -> Blob | Arriving | None:
        """The blob, if it is held elsewhere and may be taken from there; what the upstream has; None where no upstream
        shows the repository. Raises BlobUnknown, TooManyRequests, Unavailable, ContentCorrupt.
        """
        showing = await self._shown.of(repository)
        remote = showing.remote(repository) if showing is not None else None
        if showing is None or remote is None:
            return None
        self._missing.refuse(repository, digest)
        try:
            return await self._found(showing, remote, repository, digest, caller, head=head)
        except BlobUnknown as failure:
            raise self._missing.remember(repository, digest, failure) from failure

    async def _found(
        self,
        showing: Showing,
        remote: RepositoryName,
        repository: RepositoryName,
        digest: Digest,
        caller: Caller,
        *,
        head: bool,
    ) -> Blob | Arriving:
        size = await self._size(showing, remote, repository, digest)
        if head:
            return Arriving(digest, size)
        held = await self._held(showing, repository, digest, caller)
        if held is not None:
            return held
        transfer = self._transfer(Wanted(showing, remote, repository, digest, size))
        joined = transfer.join()
        try:
            await transfer.begun()
        except BaseException:
            joined.close()
            raise
        return Arriving(digest, size, joined)

    async def kept(self, repository: RepositoryName, digest: Digest, caller: Caller) -> Blob | None:
        """The blob when all of it is here: in the repository, or where the caller may pull it from; None where no
        upstream shows the repository. Raises as `find`."""
        found = await self.find(repository, digest, caller, head=False)
        if not isinstance(found, Arriving):
            return found
        if found.content is not None:
            found.content.close()
        transfer = self._transfers.get((repository, digest))
        if transfer is not None:
            return await transfer.kept()
        return (await self._blobs.find(repository, digest, caller)).blob

    async def fill(self, repository: RepositoryName, digest: Digest, size: int) -> int:
        """Have a blob that a manifest of the repository names, though nobody asked for it; how many bytes came for
        that. Raises BlobUnknown, TooManyRequests, Unavailable, ContentCorrupt."""
        showing = await self._shown.of(repository)
        remote = showing.remote(repository) if showing is not None else None
        if showing is None or remote is None or await self._stores.links.find(repository, digest) is not None:
            return 0
        if await self._held(showing, repository, digest, None) is not None:
            return 0
        comes_already = (repository, digest) in self._transfers
        await self._transfer(Wanted(showing, remote, repository, digest, size, Need.AHEAD)).kept()
        return 0 if comes_already else size

    async def close(self) -> None:
        """Break off what is under way; what came of it is gone on with by whoever asks next."""
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _size(self, showing: Showing, remote: RepositoryName, repository: RepositoryName, digest: Digest) -> int:
        """As a manifest of the repository says, or else the upstream."""
        size = await self._cached.expected_size(repository, digest)
        if size is None:
            content = await self._stores.remotes.repository(showing, remote)
            try:
                size = await content.stat_blob(digest)
            except (NameUnknown, Unsupported):
                size = None
            except RegistryError as failure:
                raise for_clients(failure, BlobUnknown) from failure
        if size is None:
            raise BlobUnknown(f"{showing.upstream.host} holds no blob {digest} in {remote}", {"digest": digest})
        return size

    async def _held(
        self, showing: Showing, repository: RepositoryName, digest: Digest, caller: Caller | None
    ) -> Blob | None:
        """A blob that is here already. What another repository of the same upstream holds becomes this one's, too. What
        the caller, if there is one, may pull elsewhere they get from there, and it stays there: that a manifest of an
        upstream names it is no reason to show it to everybody who may pull here."""
        source = await self._cached.holder(digest, showing.path)
        if source is None:
            elsewhere = await self._blobs.holder(digest, repository, caller) if caller is not None else None
            found = await self._stores.links.find(elsewhere, digest) if elsewhere is not None else None
            return await self._whole(found.blob if found is not None else None)
        who = By(actor(showing), self._stores.clock.now())
        try:
            mounted = await self._stores.terms.keep(
                lambda: self._stores.terms.cached(showing.path, repository),
                lambda terms: self._stores.links.mount(digest, source, repository, who, terms),
            )
        except Denied:  # there is no room for a link: it is served from where it is
            linked = await self._stores.links.find(source, digest)
            mounted = linked.blob if linked is not None else None
        return await self._whole(mounted)

    async def _whole(self, blob: Blob | None) -> Blob | None:
        """The blob, if its copy is there."""
        return blob if blob is not None and await self._stores.copies.is_there(blob) else None

    def _transfer(self, wanted: Wanted) -> Transfer:
        """The one that is under way, or a new one."""
        key = wanted.repository, wanted.digest
        found = self._transfers.get(key)
        if found is None:
            found = self._transfers[key] = Transfer(wanted, self._stores)
            task = asyncio.create_task(found.run())
            self._running.add(task)

            def ended(done: asyncio.Task[None]) -> None:
                self._running.discard(done)
                del self._transfers[key]

            task.add_done_callback(ended)
        return found
