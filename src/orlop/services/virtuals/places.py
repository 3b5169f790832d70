"""What a name below a virtual stands for, as far as somebody may see it: for pages, which show one as a place."""

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.names import RepositoryName
from orlop.services.virtuals.virtuals import Virtuals


class ShownMember(msgspec.Struct, frozen=True):
    """A repository or namespace that a virtual shows. `elsewhere`: it is another registry's."""

    name: RepositoryName
    elsewhere: bool


class ShownVirtual(msgspec.Struct, frozen=True):
    """The members of a place, in the order in which they are asked. `path`: the node that the virtual is of; `target`:
    where a push goes, None: nowhere."""

    path: str
    members: tuple[ShownMember, ...]
    target: RepositoryName | None


class VirtualPlaces:
    """See the module."""

    def __init__(self, virtuals: Virtuals) -> None:
        self._virtuals = virtuals

    async def of(self, caller: Caller, name: RepositoryName) -> ShownVirtual | None:
        """None: the name is at no virtual, or the caller may see none of what it stands for. Raises Unavailable.

        Members of the virtual itself are told to whoever may pull from it, as its setting is; of a name below it those
        repositories that are there and that the caller may pull from.
        """
        at = await self._virtuals.of(name)
        if at is None or not await self._virtuals.shows(name, caller):
            return None
        elsewhere = dict(await self._virtuals.ordered(at, name))
        if at.path == name:
            found = list(elsewhere)
        else:
            candidates = self._virtuals.candidates(at, name, caller)
            found = [
                member.repository
                async for member in candidates.members(Action.PULL)
                if elsewhere[member.repository] or await self._virtuals.is_any([member.repository])
            ]
        members = tuple(ShownMember(each, elsewhere[each]) for each in found)
        return ShownVirtual(at.path, members, at.target(name)) if members else None
