"""The storage of zot, read without the registry: an image layout for each repository.

<name>/oci-layout
<name>/index.json                    its manifests, with their tags
<name>/blobs/<algorithm>/<hex>       its blobs and manifests; in a bucket empty where another repository has it
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec

from orlop.adapters.importing.stored import StoredRepository
from orlop.domain.digest import Digest
from orlop.domain.errors import ContentCorrupt, DigestInvalid, NameUnknown
from orlop.ports.importing import FoundRepository, StorageTree
from orlop.ports.upstream import UpstreamError

#: "org.opencontainers.image.ref.name" (image-spec, annotations.md).
_REF_NAME = "org.opencontainers.image.ref.name"
#: An index.json is no manifest, and grows with the repository.
_INDEX_BYTES = 256 * 1024 * 1024
_DEPTH = 128
#: The digest of no bytes: the only blob that is empty.
_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class ZotStorage:
    """See ports.importing.ImportSource."""

    def __init__(self, tree: StorageTree) -> None:
        self._tree = tree
        self._names: list[str] | None = None

    async def repositories(self) -> AsyncIterator[FoundRepository]:
        """See ImportSource."""
        for name in await self._all():
            yield FoundRepository(name, len(await _Shelf(self._tree, name, self._all).tags()))

    @asynccontextmanager
    async def repository(self, name: str) -> AsyncIterator[StoredRepository]:
        """See ImportSource."""
        if "index.json" not in await self._tree.names(name):
            raise NameUnknown(f"there is no repository {name} in {self._tree.where}")
        yield StoredRepository(self._tree, name, _Shelf(self._tree, name, self._all))

    async def _all(self) -> list[str]:
        if self._names is None:
            self._names = [name async for name in self._below("", 0)]
            if not self._names:
                raise UpstreamError(f"{self._tree.where} is no storage of zot: there is no oci-layout in it")
        return self._names

    async def _below(self, name: str, depth: int) -> AsyncIterator[str]:
        names = await self._tree.names(name)
        if name and "oci-layout" in names and "index.json" in names:
            yield name
        for child in names:
            # Uploads, and what its extensions keep, lie in folders whose names no repository can have.
            if child[:1] not in ("_", ".") and (child != "blobs" or "oci-layout" not in names) and depth < _DEPTH:
                async for found in self._below(f"{name}/{child}".lstrip("/"), depth + 1):
                    yield found


class _Shelf:
    """See adapters.importing.stored.Shelf."""

    def __init__(self, tree: StorageTree, name: str, all_names: Callable[[], Awaitable[list[str]]]) -> None:
        self._tree = tree
        self._name = name
        self._all = all_names
        self._read: tuple[dict[str, Digest], list[Digest]] | None = None

    async def tags(self) -> list[str]:
        return sorted((await self._index())[0])

    async def digest_of(self, tag: str) -> Digest | None:
        return (await self._index())[0].get(tag)

    async def manifests(self) -> AsyncIterator[Digest]:
        for digest in (await self._index())[1]:
            yield digest

    async def blob(self, digest: Digest) -> str:
        path = f"{self._name}/blobs/{digest.algorithm}/{digest.hex}"
        if await self._tree.size(path) == 0 and digest.hex != _EMPTY:
            for name in await self._all():
                other = f"{name}/blobs/{digest.algorithm}/{digest.hex}"
                if await self._tree.size(other):
                    return other
        return path

    async def _index(self) -> tuple[dict[str, Digest], list[Digest]]:
        if self._read is None:
            self._read = await self._parse()
        return self._read

    async def _parse(self) -> tuple[dict[str, Digest], list[Digest]]:
        path = f"{self._name}/index.json"
        content = await self._tree.small(path, _INDEX_BYTES)
        try:
            entries = msgspec.json.decode(content or b"", type=_Index).manifests
            digests = [(Digest(entry.digest), entry.annotations or {}) for entry in entries]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, DigestInvalid) as cause:
            raise ContentCorrupt(f"{self._tree.where}/{path} cannot be read: {cause}") from cause
        tags = {notes[_REF_NAME]: digest for digest, notes in digests if notes.get(_REF_NAME)}
        return tags, list(dict.fromkeys(digest for digest, _ in digests))


class _Entry(msgspec.Struct):
    digest: str
    annotations: dict[str, str] | None = None


class _Index(msgspec.Struct):
    manifests: list[_Entry] = []
