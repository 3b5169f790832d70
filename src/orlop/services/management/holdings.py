"""What a repository holds, for whoever makes room in it: how much, and what of it no tag leads to any more."""

from orlop.domain.access import Caller
from orlop.domain.errors import NameUnknown
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.ports.catalog import Holding, Holdings, UntaggedManifest
from orlop.services.management.operations import Gate, Operation


class RepositoryHoldings:
    """See ports.catalog.Holdings. A repository that the caller may not list is not there for them."""

    def __init__(self, gate: Gate, holdings: Holdings) -> None:
        self._gate = gate
        self._holdings = holdings

    async def of(self, caller: Caller, name: RepositoryName) -> Holding:
        """Raises NameUnknown."""
        await self._check(caller, name)
        found = await self._holdings.of(name)
        if found is None:
            raise _unknown(name)
        return found

    async def untagged(self, caller: Caller, name: RepositoryName, page: PageRequest) -> Page[UntaggedManifest]:
        """By digest. Raises NameUnknown."""
        await self._check(caller, name)
        return await self._holdings.untagged(name, page)

    async def _check(self, caller: Caller, name: RepositoryName) -> None:
        if not await self._gate.may(caller, Operation.REPOSITORY_READ, repository=name):
            raise _unknown(name)


def _unknown(name: RepositoryName) -> NameUnknown:
    return NameUnknown(f"there is no repository {name}, or not for you to see", {"name": name})
