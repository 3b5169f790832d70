"""What somebody may pass on: no more than they may do themselves, nowhere else, no longer, no freer.

Whether they may decide about a place at all is another question (the action `admin`), asked before.
"""

from collections.abc import Iterable

import msgspec

from orlop.domain.access.actions import OF_TAGS, REGISTRY_WIDE, Action, all_denied
from orlop.domain.access.decisions import Question, applies
from orlop.domain.access.grants import Conditions, Effect, Grant, Limit, Place, PlaceKind
from orlop.domain.access.rights import Rights

#: The registry as a whole.
REGISTRY = Place(PlaceKind.REGISTRY)


class Gift(msgspec.Struct, frozen=True):
    """What is to be passed on: these actions in that place, to tags of a pattern, under conditions, until a time."""

    actions: frozenset[Action]
    place: Place
    tags: str = ""
    conditions: Conditions = Conditions()
    expires_at: int = 0

    @classmethod
    def of(cls, grant: Grant) -> "Gift":
        """What a grant gives, or what is given back where one that denies goes."""
        actions = grant.actions if grant.effect is Effect.ALLOW else all_denied(grant.actions)
        return cls(actions, grant.place, grant.tags, grant.conditions, grant.expires_at)


def beyond(rights: Rights, gift: Gift, at: int, *, denied: bool = True) -> frozenset[Action]:
    """The actions of a gift that somebody may not pass on at a time; none: the gift is theirs to give.

    An action is theirs if a grant of theirs allows it everywhere in the place, for every tag and under every condition
    and time of the gift; if no grant denies it to them anywhere there (left out of account with `denied` false); and
    if the credential that they came with may be used for it.
    """
    if rights.open:
        return frozenset()
    return frozenset(action for action in gift.actions if not _passes(rights, gift, action, at, denied=denied))


def administers(rights: Rights, place: Place, at: int, address: str) -> bool:
    """Whether somebody administers the whole of a place now, from that address."""
    question = Question(Action.ADMIN, at=at, address=address)
    held = tuple(
        msgspec.structs.replace(grant, conditions=Conditions(), expires_at=0)
        for grant in rights.grants
        if grant.effect is Effect.DENY or applies(grant, question)
    )
    return not beyond(msgspec.structs.replace(rights, grants=held), Gift(frozenset({Action.ADMIN}), place), at)


def _passes(rights: Rights, gift: Gift, action: Action, at: int, *, denied: bool) -> bool:
    place = REGISTRY if action in REGISTRY_WIDE else gift.place
    held = [grant for grant in rights.grants if grant.concerns(action) and not 0 < grant.expires_at <= at]
    if denied and any(grant.effect is Effect.DENY and _takes(grant, action, place) for grant in held):
        return False
    return (
        any(grant.effect is Effect.ALLOW and _holds(grant, gift, action, place) for grant in held)
        and _usable(rights.limits, action, place)
        and _usable(rights.subject.limits, action, place)
    )


def _holds(grant: Grant, gift: Gift, action: Action, place: Place) -> bool:
    """Whether a grant alone gives the action as widely as the gift would."""
    return (
        grant.place.includes(place)
        and (not grant.tags or action not in OF_TAGS or grant.tags == gift.tags)
        and (not grant.conditions.any or grant.conditions == gift.conditions)
        and (not grant.expires_at or 0 < gift.expires_at <= grant.expires_at)
    )


def _takes(grant: Grant, action: Action, place: Place) -> bool:
    """Whether a grant that denies may take an action away anywhere in a place."""
    if action in REGISTRY_WIDE:
        return grant.place.kind is PlaceKind.REGISTRY
    return grant.place.meets(place)


def _usable(limits: Iterable[Limit] | None, action: Action, place: Place) -> bool:
    return limits is None or any(action in limit.actions and limit.place.includes(place) for limit in limits)
