"""Namespaces and repositories as a whole: who may pull without a grant, what there is, and the end of it."""

from functools import partial

from orlop.domain.access import Caller, Effect, Place, PlaceKind
from orlop.domain.errors import NameUnknown, NotFound, RegistryError, RequestInvalid, Stale
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.ports.catalog import by
from orlop.ports.identity import Grants, Namespace, Namespaces
from orlop.services.management.giving import Giving
from orlop.services.management.groups import check_description
from orlop.services.management.operations import Gate, Operation
from orlop.services.management.pages import every, seen


class NamespaceTree:
    """See ports.identity.Namespaces. The root is ``; what a caller may not see is not there for them (NotFound)."""

    def __init__(self, gate: Gate, giving: Giving, namespaces: Namespaces, grants: Grants) -> None:
        self._gate = gate
        self._giving = giving
        self._namespaces = namespaces
        self._grants = grants

    async def page(self, caller: Caller, page: PageRequest, below: str = "") -> Page[Namespace]:
        """Those below a node, at any depth, by path, that the caller administers."""
        seeing = await self._gate.administers(caller)
        return await seen(
            lambda part: self._namespaces.page(below, part),
            page,
            lambda namespace: namespace.path,
            lambda namespace: seeing.namespace(namespace.path),
        )

    async def get(self, caller: Caller, path: str) -> Namespace:
        """Raises NotFound."""
        if await self._gate.may(caller, Operation.NAMESPACE_READ, namespace=path):
            found = await self._namespaces.get(path)
            if found is not None:
                return found
        raise NotFound(f"there is no namespace {path}, or not for you to see")

    async def put(self, caller: Caller, namespace: Namespace, expected: int | None) -> Namespace:
        """Make it, with those above it, or change it. Raises Denied, Conflict, Stale."""
        if namespace.path:
            checked_path(namespace.path)
        check_description(namespace.description)
        await self._gate.check(caller, Operation.NAMESPACE_CHANGE, namespace=namespace.path)
        return await self._namespaces.put(namespace, by(caller, self._gate.now()), expected=expected)

    async def remove(self, caller: Caller, path: str, expected: int | None) -> None:
        """With the grants on it. Raises NotFound; Conflict while something lies below it; Denied where that lifts what
        a grant denies there."""
        await self._gate.check(caller, Operation.NAMESPACE_REMOVE, namespace=path)
        there = await self.get(caller, path)
        if expected is not None and there.version != expected:
            raise Stale(f"the namespace {path} was changed meanwhile; look at it again", {"version": there.version})
        place = Place(PlaceKind.NAMESPACE, path)
        async for record in every(partial(self._grants.page, place=place), lambda record: str(record.grant.id)):
            if record.grant.effect is Effect.DENY:
                await self._giving.withdrawal(caller, record.grant)
        await self._namespaces.remove(path, by(caller, self._gate.now()))

    async def remove_repository(self, caller: Caller, name: RepositoryName) -> None:
        """With every tag, manifest and link. Raises NameUnknown, Denied."""
        if not await self._gate.may(caller, Operation.REPOSITORY_REMOVE, repository=name) and not await self._gate.may(
            caller, Operation.REPOSITORY_READ, repository=name
        ):
            raise NameUnknown(f"there is no repository {name}, or not for you to see")
        await self._gate.check(caller, Operation.REPOSITORY_REMOVE, repository=name)
        await self._namespaces.remove_repository(name, by(caller, self._gate.now()))


def checked_path(path: str) -> str:
    """A namespace's path, which has the grammar of a repository's name. Raises RequestInvalid."""
    try:
        return str(RepositoryName(path))
    except RegistryError as error:
        raise RequestInvalid(f"{path[:160]!r} is no namespace: {error.message}", {"path": path[:160]}) from error
