"""Roles: named sets of actions. These are built in; others are kept in the catalog under names of their own."""

from functools import lru_cache

import msgspec

from orlop.domain.access.actions import Action


class Role(msgspec.Struct, frozen=True):
    """A set of actions under a name that grants use."""

    name: str
    actions: frozenset[Action]
    description: str = ""


_READER = frozenset({Action.LIST, Action.PULL, Action.SCAN_READ})
_PUBLISHER = _READER | {Action.CREATE, Action.PUSH_NEW, Action.TAG, Action.OVERWRITE}
_MAINTAINER = _PUBLISHER | {Action.UNTAG, Action.DELETE, Action.POLICY_EDIT}
_OWNER = _MAINTAINER | {Action.ADMIN, Action.PULL_HELD}

#: The built-in roles by name, each after those that it contains.
ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        Role("guest", frozenset({Action.PULL}), "pulls what they know the name of"),
        Role("reader", _READER, "lists and pulls, and asks which images hold a package or are hit by a vulnerability"),
        Role("publisher", _PUBLISHER, "pushes, sets and moves tags, and makes repositories by pushing"),
        Role("maintainer", _MAINTAINER, "deletes and untags, too, and edits rules"),
        Role("owner", _OWNER, "decides who else may do what there, and pulls what a gate holds back, too"),
        Role(
            "auditor",
            frozenset({Action.LIST, Action.SCAN_READ, Action.AUDIT_READ}),
            "reads the audit log and everybody's rights, but no content; granted on the registry",
        ),
        Role("admin", frozenset(Action) - {Action.PING}, "may do everything; granted on the registry"),
    )
}


class _Stored(msgspec.Struct, frozen=True):
    actions: tuple[str, ...]


_stored = msgspec.json.Decoder(_Stored)
_KNOWN = {action.value: action for action in Action}


@lru_cache(maxsize=1024)
def stored_actions(body: bytes) -> frozenset[Action]:
    """The actions of a custom role as the catalog keeps it: a JSON object whose `actions` lists them.

    What a newer release calls an action is none here; what cannot be read allows nothing.
    """
    try:
        return frozenset(_KNOWN[name] for name in _stored.decode(body).actions if name in _KNOWN)
    except msgspec.MsgspecError:
        return frozenset()


def least_role(action: Action) -> str:
    """The built-in role that allows the least and still this action, for advice."""
    return min((role for role in ROLES.values() if action in role.actions), key=lambda role: len(role.actions)).name
