"""Namespaces and repositories as a whole: who may pull without a grant, what there is, and the end of it."""

from functools import partial

from orlop.domain.access import Action, Caller, Effect, Place, PlaceKind, Visibility
from orlop.domain.access.reach import REGISTRY
from orlop.domain.errors import NameUnknown, NotFound, Stale
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.domain.settings import checked_path
from orlop.ports.catalog import Repositories, by
from orlop.ports.identity import AccessFacts, Grants, Namespace, Namespaces
from orlop.services.management.giving import Giving
from orlop.services.management.groups import check_description
from orlop.services.management.operations import Gate, Operation
from orlop.services.management.pages import every, seen
from orlop.services.settings.kept import KeptSettings
from orlop.services.tags.terms import WriteTerms


class NamespaceTree:
    """See ports.identity.Namespaces. The root is ``; what a caller may not see is not there for them (NotFound)."""

    def __init__(
        self,
        gate: Gate,
        giving: Giving,
        namespaces: Namespaces,
        grants: Grants,
        facts: AccessFacts,
        repositories: Repositories,
        terms: WriteTerms,
        settings: KeptSettings,
    ) -> None:
        self._gate = gate
        self._giving = giving
        self._namespaces = namespaces
        self._grants = grants
        self._facts = facts
        self._repositories = repositories
        self._terms = terms
        self._settings = settings

    async def page(self, caller: Caller, page: PageRequest, below: str = "") -> Page[Namespace]:
        """Those below a node, at any depth, by path, that the caller administers."""
        seeing = await self._gate.administers(caller)
        if not seeing.anywhere(Action.ADMIN):
            return Page(())
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
        """Make it, with those above it, or change it. Raises Conflict, Stale; Denied, also where that opens to others
        what the caller may not read themselves."""
        stays, there = await self._checked(caller, namespace)
        if stays and expected is None:  # it gives nothing because of what is there, so that is what it replaces
            expected = there.version if there is not None else 0
        return await self._namespaces.put(namespace, by(caller, self._gate.now()), expected=expected)

    async def check(self, caller: Caller, namespace: Namespace) -> None:
        """Raises what `put` would be refused with, and writes nothing."""
        await self._checked(caller, namespace)

    async def _checked(self, caller: Caller, namespace: Namespace) -> tuple[bool, Namespace | None]:
        """Whether it stays as open as it is, and what is there."""
        if namespace.path:
            checked_path(namespace.path)
        check_description(namespace.description)
        await self._gate.check(caller, Operation.NAMESPACE_CHANGE, namespace=namespace.path)
        there = await self._namespaces.get(namespace.path)
        before = there.visibility if there is not None else None
        return await self._stays_open(caller, namespace.path, before, namespace.visibility), there

    async def remove(self, caller: Caller, path: str, expected: int | None) -> None:
        """With the grants and settings on it. Raises NotFound; Conflict while something lies below it; Denied where
        that lifts what a grant denies there, opens to others what the caller may not read themselves, or removes a
        setting that they may not."""
        await self._gate.check(caller, Operation.NAMESPACE_REMOVE, namespace=path)
        there = await self.get(caller, path)
        if expected is not None and there.version != expected:
            raise Stale(f"the namespace {path} was changed meanwhile; look at it again", {"version": there.version})
        await self._stays_open(caller, path, there.visibility, None)
        place = Place(PlaceKind.NAMESPACE, path)
        async for record in every(partial(self._grants.page, place=place), lambda record: str(record.grant.id)):
            if record.grant.effect is Effect.DENY:
                await self._giving.withdrawal(caller, record.grant)
        await self._settings.check_end(caller, path)
        await self._namespaces.remove(path, by(caller, self._gate.now()), await self._terms.kept(path))

    async def _stays_open(self, caller: Caller, path: str, before: Visibility | None, after: Visibility | None) -> bool:
        """Raises Denied where another visibility lets others read what the caller may not; else whether others may read
        there only because they may already. None: what the nearest above says."""
        above = (await self._facts.place(path)).visible.visibility if path else Visibility.PRIVATE
        was, becomes = before or above, after or above
        if not becomes.opens_more_than(was):
            return becomes is not Visibility.PRIVATE
        place = Place(PlaceKind.NAMESPACE, path) if path else REGISTRY
        await self._giving.opening(caller, place, f"to let others read {place} ({becomes})")
        return False

    async def remove_repository(self, caller: Caller, name: RepositoryName) -> None:
        """With every tag, manifest and link. Raises NameUnknown; Denied, also for a tag that the caller may not
        remove."""
        if not await self._gate.may(caller, Operation.REPOSITORY_REMOVE, repository=name) and not (
            await self._gate.may(caller, Operation.REPOSITORY_READ, repository=name)
            and (await self._facts.place(name)).exists
        ):
            raise NameUnknown(f"there is no repository {name}, or not for you to see")
        await self._gate.check(caller, Operation.REPOSITORY_REMOVE, repository=name)
        who = by(caller, self._gate.now())
        await self._terms.keep(
            lambda: self._terms.removal(caller, name), lambda terms: self._repositories.remove(name, who, terms)
        )
