"""A catalog that moves to another place: its states as a table, and who may write to it in each. Not how it moves."""

from enum import StrEnum

import msgspec

#: The ticket of the one who moves. Everybody else shows the name of the blob store that they work with.
MOVER = "move"


class MoveState(StrEnum):
    """Where a catalog stands. Of two, never are both open for writes: CLOSED → MOVED comes before FILLING ends."""

    SETTLED = "settled"
    COPYING = "copying"
    """It is served, and its blobs are copied meanwhile."""
    CLOSED = "closed"
    """It is read, but takes no changes, while the rest is copied."""
    MOVED = "moved"
    """It is at the other end now, for good."""
    FILLING = "filling"
    """It is the other end, and nobody's yet."""


#: Everything that is legal. A change that keeps the state only hands the move to another run of the command.
TRANSITIONS = frozenset(
    {
        (MoveState.SETTLED, MoveState.COPYING),
        (MoveState.COPYING, MoveState.COPYING),
        (MoveState.COPYING, MoveState.CLOSED),
        (MoveState.COPYING, MoveState.SETTLED),  # given up
        (MoveState.CLOSED, MoveState.CLOSED),
        (MoveState.CLOSED, MoveState.COPYING),  # what was found in time
        (MoveState.CLOSED, MoveState.MOVED),
        (MoveState.CLOSED, MoveState.SETTLED),  # given up, or only the blobs moved
        (MoveState.SETTLED, MoveState.FILLING),
        (MoveState.FILLING, MoveState.FILLING),
        (MoveState.FILLING, MoveState.SETTLED),
    }
)

_SHUT = frozenset({MoveState.CLOSED, MoveState.MOVED, MoveState.FILLING})


class Move(msgspec.Struct, frozen=True):
    """What a catalog knows of its move. SETTLED it is of none."""

    state: MoveState = MoveState.SETTLED
    id: str = ""
    run: str = ""
    """Which run of the command goes on with it: one that was overtaken can do no more."""
    other: str = ""
    """The place at the other end, for people."""
    peer: str = ""
    """The id of the catalog at the other end."""
    blobs: str = ""
    """The name of the blob store that the blobs were moved to; empty while they never were."""

    @property
    def is_shut(self) -> bool:
        """Whether nobody may write but who moves."""
        return self.state in _SHUT

    @property
    def gate(self) -> str | None:
        """The ticket of those who may write beside the mover; None for everybody."""
        return MOVER if self.is_shut else self.blobs or None


def admits(gate: str | None, ticket: str) -> bool:
    """Whether a gate lets somebody with this ticket write."""
    return gate is None or ticket in (gate, MOVER)
