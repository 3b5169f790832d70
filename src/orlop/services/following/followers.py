"""Followers as administrators see them: how far behind, what one fails at; and past what it fails at by their word."""

from collections.abc import Sequence

from orlop.domain.access import Caller
from orlop.domain.errors import Conflict, NotFound
from orlop.ports.catalog import by
from orlop.ports.following import Cursors, Follower, FollowerState
from orlop.services.management.operations import Gate, Operation


class Followers:
    """Those that this server has."""

    def __init__(self, gate: Gate, cursors: Cursors, followers: Sequence[Follower]) -> None:
        self._gate = gate
        self._cursors = cursors
        self._followers = followers

    async def all(self, caller: Caller) -> tuple[FollowerState, ...]:
        """Where all of them stand."""
        await self._gate.check(caller, Operation.FOLLOWER_READ)
        return await states(self._cursors, self._followers)

    async def skip(self, caller: Caller, name: str, position: int) -> FollowerState:
        """Leave out the event or entry at a position, which a follower fails at. Raises NotFound, Conflict."""
        await self._gate.check(caller, Operation.FOLLOWER_SKIP)
        follower = next((each for each in self._followers if each.name == name), None)
        if follower is None:
            known = ", ".join(each.name for each in self._followers)
            raise NotFound(f"there is no follower {name[:64]}; there are {known}", {"name": name[:64]})
        if not follower.skips:
            raise Conflict(f"{name} leaves nothing out; mend what it fails at")
        await self._cursors.skip(follower, position, by(caller, self._gate.now()))
        return await self._cursors.state(follower)


async def states(cursors: Cursors, followers: Sequence[Follower]) -> tuple[FollowerState, ...]:
    """Where followers stand, without asking who wants to know: for metrics."""
    return tuple([await cursors.state(follower) for follower in followers])
