"""The tags of a place as retention sees them, for whoever compares rules."""

from collections.abc import AsyncIterator

import msgspec

from orlop.domain.access import Caller
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.domain.settings import checked_path
from orlop.ports.catalog import Browse
from orlop.ports.retention import Inventories, Wanted
from orlop.services.management.operations import Gate, Operation
from orlop.services.retention.planning import place_spans


class InventoryTag(msgspec.Struct, frozen=True):
    """A tag. `pushed_at` and `pulled_at` are those of the image, or of what it lists; `listed`: an index lists it."""

    repository: str
    tag: str
    digest: str
    set_at: int
    pushed_at: int
    pulled_at: int
    listed: bool

    @property
    def key(self) -> str:
        """Where a list goes on."""
        return f"{self.repository}:{self.tag}"


class InventoryPages:
    """See ports.retention.Inventories."""

    def __init__(self, gate: Gate, browse: Browse, inventories: Inventories) -> None:
        self._gate = gate
        self._browse = browse
        self._inventories = inventories

    async def page(self, caller: Caller, path: str, page: PageRequest) -> Page[InventoryTag]:
        """By repository and tag. Each repository is read as a whole. Raises Denied."""
        path = checked_path(path)
        await self._gate.check(caller, Operation.RETENTION_READ, namespace=path)
        found: list[InventoryTag] = []
        async for tag in self._tags(path, page.after):
            if len(found) == page.size:
                return Page(tuple(found), more=True)
            found.append(tag)
        return Page(tuple(found))

    async def _tags(self, path: str, after: str) -> AsyncIterator[InventoryTag]:
        repository, _, last = after.partition(":")
        if repository:
            async for tag in self._of(RepositoryName(repository)):
                if tag.tag > last:
                    yield tag
        while True:
            names = await self._browse.repositories(PageRequest(100, repository), place_spans(path))
            for name in names.items:
                async for tag in self._of(name):
                    yield tag
            if not names.more:
                return
            repository = names.items[-1]

    async def _of(self, name: RepositoryName) -> AsyncIterator[InventoryTag]:
        held = await self._inventories.of(name, Wanted(), lists=True)
        if held is None:
            return
        listed = {child for below in held.children.values() for child in below}
        for tag in held.tags:
            members = [held.manifests[each] for each in held.family(tag.digest) if each in held.manifests]
            pulled = max(member.pulled_at for member in members)
            pushed = held.manifests[tag.digest].pushed_at
            yield InventoryTag(name, tag.name, tag.digest, tag.set_at, pushed, pulled, tag.digest in listed)
