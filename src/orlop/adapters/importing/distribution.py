"""The storage of distribution (`registry:2`, `registry:3`), and of what is built on it, read without the registry.

    docker/registry/v2/
      repositories/<name>/_manifests/tags/<tag>/current/link        the digest of a manifest
      repositories/<name>/_manifests/revisions/<algorithm>/<hex>/link
      blobs/<algorithm>/<first two of hex>/<hex>/data               blobs and manifests of all repositories

(distribution, registry/storage/paths.go.)
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orlop.adapters.importing.stored import StoredRepository, parse_link
from orlop.domain.digest import Digest
from orlop.domain.errors import DigestInvalid, NameUnknown
from orlop.ports.importing import FoundRepository, StorageTree
from orlop.ports.upstream import UpstreamError

_ROOT = "docker/registry/v2"
#: Bytes of a link: the longest digest, and an end of line.
_LINK = 256
#: Components of a name: none that could be pushed has more in 255 characters.
_DEPTH = 128


class DistributionStorage:
    """See ports.importing.ImportSource."""

    def __init__(self, tree: StorageTree) -> None:
        self._tree = tree
        self._root: str | None = None

    async def repositories(self) -> AsyncIterator[FoundRepository]:
        """See ImportSource."""
        async for name in self._below(f"{await self._base()}repositories", "", 0):
            tags = await self._tree.names(f"{await self._base()}repositories/{name}/_manifests/tags")
            yield FoundRepository(name, len(tags))

    @asynccontextmanager
    async def repository(self, name: str) -> AsyncIterator[StoredRepository]:
        """See ImportSource."""
        base = await self._base()
        if "_manifests" not in await self._tree.names(f"{base}repositories/{name}"):
            raise NameUnknown(f"there is no repository {name} in {self._tree.where}")
        yield StoredRepository(self._tree, name, _Shelf(self._tree, base, name))

    async def _base(self) -> str:
        """The folder above `repositories`, within the tree: people name the root of the storage, or that folder."""
        if self._root is None:
            for base in (f"{_ROOT}/", ""):
                if "repositories" in await self._tree.names(base):
                    self._root = base
                    break
            else:
                raise UpstreamError(
                    f"{self._tree.where} is no storage of distribution: there is no {_ROOT}/repositories in it"
                )
        return self._root

    async def _below(self, folder: str, name: str, depth: int) -> AsyncIterator[str]:
        names = await self._tree.names(folder)
        if "_manifests" in names:
            yield name
        for child in names:
            if not child.startswith("_") and depth < _DEPTH:
                async for found in self._below(f"{folder}/{child}", f"{name}/{child}".lstrip("/"), depth + 1):
                    yield found


class _Shelf:
    """See adapters.importing.stored.Shelf."""

    def __init__(self, tree: StorageTree, base: str, name: str) -> None:
        self._tree = tree
        self._base = base
        self._manifests = f"{base}repositories/{name}/_manifests"

    async def tags(self) -> list[str]:
        return await self._tree.names(f"{self._manifests}/tags")

    async def digest_of(self, tag: str) -> Digest | None:
        path = f"{self._manifests}/tags/{tag}/current/link"
        content = await self._tree.small(path, _LINK)
        return None if content is None else parse_link(content, f"{self._tree.where}/{path}")

    async def manifests(self) -> AsyncIterator[Digest]:
        for algorithm in await self._tree.names(f"{self._manifests}/revisions"):
            for encoded in await self._tree.names(f"{self._manifests}/revisions/{algorithm}"):
                try:
                    digest = Digest(f"{algorithm}:{encoded}")
                except DigestInvalid:
                    continue
                # A revision that was deleted leaves its folder, and no link in it.
                if await self._tree.size(f"{self._manifests}/revisions/{algorithm}/{encoded}/link") is not None:
                    yield digest

    async def blob(self, digest: Digest) -> str:
        return f"{self._base}blobs/{digest.algorithm}/{digest.hex[:2]}/{digest.hex}/data"
