"""Which repositories a name below a virtual stands for, for somebody: what they may not see is not there for them."""

from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec

from orlop.domain.access import Action, Caller, Limit, Place, PlaceKind
from orlop.domain.access.scopes import scope_for
from orlop.domain.errors import Denied, Refused, RegistryError, Unauthorized
from orlop.domain.names import RepositoryName
from orlop.domain.settings import place_words
from orlop.domain.virtuals import VIRTUALS, MemberOrder, VirtualAt
from orlop.ports.identity import AccessFacts
from orlop.services.access.decisions import Access
from orlop.services.settings.placed import PlacedSettings
from orlop.services.upstreams.shown import Upstreams


class Member(NamedTuple):
    """A repository that a name stands for, and whoever asks, as they come there: what they came with is good for it as
    far as it is for the name."""

    repository: RepositoryName
    caller: Caller


class Candidates:
    """The repositories that a name stands for, in the order in which they are asked."""

    def __init__(self, virtuals: "Virtuals", at: VirtualAt, name: RepositoryName, caller: Caller) -> None:
        self._virtuals = virtuals
        self._at = at
        self._name = name
        self._caller = caller
        self._unauthorized: Unauthorized | None = None

    async def members(self, action: Action) -> AsyncIterator[Member]:
        """Those that the caller may do this in.

        A name that one of the registry's own has is never asked for at one behind it that shows another registry,
        whoever asks, and whatever for: nobody there can put something in its place.
        """
        before: list[RepositoryName] = []
        for repository, is_upstream in await self._virtuals.ordered(self._at, self._name):
            if is_upstream:
                if await self._virtuals.is_any(before):
                    continue
                before.clear()
            else:
                before.append(repository)
            caller = arriving(self._caller, self._name, repository)
            refusal = await self._virtuals.refusal(caller, action, repository)
            if refusal is None:
                yield Member(repository, caller)
            elif isinstance(refusal, Unauthorized):
                self._unauthorized = refusal

    def unauthorized(self) -> Unauthorized | None:
        """What to answer where none that was asked has it: that there may be more for who signs in, or signs in anew.
        None: there is not."""
        refusal = self._unauthorized
        return refusal and Unauthorized(
            "what you come with does not show all that there may be; sign in",
            scope=scope_for(Action.PULL, self._name),
            reason=refusal.reason,
            kind=refusal.kind,
        )


class Virtuals:
    """`settings`: the virtuals there are; `shown`: which repositories another registry shows."""

    def __init__(self, settings: PlacedSettings, shown: Upstreams, access: Access, facts: AccessFacts) -> None:
        self._settings = settings
        self.may_be = settings.may_concern
        """Whether a target of the distribution API may name a repository below a virtual: see PlacedSettings."""
        self._shown = shown
        self._access = access
        self._facts = facts

    async def of(self, name: RepositoryName) -> VirtualAt | None:
        """The virtual that a name is at or below. Raises Unavailable."""
        found = await self._settings.nearest(name)
        return VirtualAt(found.path, found.body) if found is not None else None

    def candidates(self, at: VirtualAt, name: RepositoryName, caller: Caller) -> Candidates:
        """The repositories that a name stands for."""
        return Candidates(self, at, name, caller)

    async def target(self, at: VirtualAt, name: RepositoryName, caller: Caller) -> Member:
        """The repository that a push to a name goes to, as if the caller had named it. Raises Denied where there is
        none, to those who may pull from the name; what refuses them that otherwise."""
        repository = at.target(name)
        if repository is not None and await self.of(repository) is None:
            return Member(repository, arriving(caller, name, repository))
        await self._access.check(caller, Action.PULL, repository=name)
        raise await self._no_pushes(at, name, caller)

    async def written(self, name: RepositoryName) -> RepositoryName | None:
        """The repository that a push to any name goes to: itself, but below a virtual. None: it takes none."""
        at = await self.of(name)
        return at.target(name) if at is not None else name

    async def shows(self, name: RepositoryName, caller: Caller) -> bool:
        """Whether the caller may pull from a name, as far as the name goes: what of its members, is asked there."""
        return await self._access.allows(caller, Action.PULL, repository=name)

    async def ordered(self, at: VirtualAt, name: RepositoryName) -> list[tuple[RepositoryName, bool]]:
        """The repositories in the order in which they are asked, each with whether it is another registry's."""
        found = [
            (repository, await self._shown.of(repository) is not None)
            for repository in at.members(name)
            if await self.of(repository) is None  # none is shown by way of another virtual
        ]
        if at.virtual.order is MemberOrder.LOCAL_FIRST:
            found.sort(key=lambda each: each[1])
        return found

    async def is_any(self, repositories: list[RepositoryName]) -> bool:
        """Whether any of these is there, whoever may know of it."""
        for repository in repositories:
            if (await self._facts.place(repository)).exists:
                return True
        return False

    async def refusal(self, caller: Caller, action: Action, repository: RepositoryName) -> RegistryError | None:
        """What the caller is refused an action in a member with."""
        return await self._access.refusal(caller, action, repository=repository)

    async def _no_pushes(self, at: VirtualAt, name: RepositoryName, caller: Caller) -> Denied:
        where = ""
        for repository, is_upstream in await self.ordered(at, name):
            there = arriving(caller, name, repository)
            if not is_upstream and await self.refusal(there, Action.LIST, repository) is None:
                where = f"; push to {repository}"
                break
        rule = f"the virtual of {place_words(at.path)} takes no pushes"
        denied = Denied(f"{rule}{where}", {"action": Action.PUSH_NEW.value, "path": at.path}, kind=VIRTUALS.kind)
        denied.refused = Refused(Action.PUSH_NEW.value, name, rule)
        return denied


def arriving(caller: Caller, name: RepositoryName, repository: RepositoryName) -> Caller:
    """A caller as they come to a member by a virtual's name: a token that is for the name is good for as much in what
    the name stands for."""
    limits = caller.subject.limits
    if limits is None:
        return caller
    place = Place(PlaceKind.REPOSITORIES, repository)
    wider = (*limits, *(Limit(limit.actions, place) for limit in limits if limit.place.covers(name)))
    return msgspec.structs.replace(caller, subject=msgspec.structs.replace(caller.subject, limits=wider))
