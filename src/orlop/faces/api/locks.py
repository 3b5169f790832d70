"""End points about locks on manifests."""

from typing import Annotated

import msgspec
from litestar import Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter

from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName
from orlop.faces.api import values
from orlop.faces.api.exchange import PAGE, ApiRequest, Last, Size, caller_of, listed, page_of
from orlop.ports.locks import Lock
from orlop.services.content.locks import ManifestLocks
from orlop.services.management.operations import Operation

Repository = Annotated[str, QueryParameter(name="repository", max_length=255, description="The repository.")]


class LockValue(msgspec.Struct, frozen=True):
    """A lock: while it is there, nothing deletes the manifest. `actor` is empty for those who may not read the audit
    log of the repository, unless it was them."""

    digest: str
    reason: str
    at: values.Time
    actor: str

    @classmethod
    def of(cls, lock: Lock) -> "LockValue":
        return cls(str(lock.digest), lock.reason, values.time(lock.at), lock.actor)


class NewLock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A manifest to lock, and why."""

    repository: values.Name
    digest: values.Name
    reason: values.Text


def locks(service: ManifestLocks) -> list[HTTPRouteHandler]:
    """`/locks`."""

    @get("/locks", operation_id="listLocks", tags=["locks"], operation=Operation.LOCK_READ)
    async def list_locks(
        request: ApiRequest, repository: Repository, n: Size = PAGE, last: Last = ""
    ) -> Response[list[LockValue]]:
        """The locks of a repository, by digest."""
        page = await service.page(caller_of(request), RepositoryName(repository), page_of(n, last))
        return listed(request, page, LockValue.of, lambda lock: str(lock.digest), n)

    @post("/locks", operation_id="addLock", tags=["locks"], status_code=204, operation=Operation.LOCK_ADD)
    async def add_lock(request: ApiRequest, data: JSONBody[NewLock]) -> None:
        """Lock a manifest: nothing deletes it until the lock is lifted."""
        await service.add(caller_of(request), RepositoryName(data.repository), Digest(data.digest), data.reason)

    @delete("/locks", operation_id="liftLock", tags=["locks"], operation=Operation.LOCK_LIFT)
    async def lift_lock(
        request: ApiRequest,
        repository: Repository,
        digest: Annotated[str, QueryParameter(name="digest", max_length=255, description="The manifest.")],
        reason: Annotated[str, QueryParameter(name="reason", max_length=512, description="Why, for the audit log.")],
    ) -> None:
        """Lift a lock."""
        await service.lift(caller_of(request), RepositoryName(repository), Digest(digest), reason)

    return [list_locks, add_lock, lift_lock]
