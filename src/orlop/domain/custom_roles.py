"""Roles of a registry's own, as settings: sets of actions that grants name, beside those that are built in."""

from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action, all_denied
from orlop.domain.access.roles import ROLES
from orlop.domain.settings import SettingKind, SpeaksFor

_DESCRIPTION_MAX = 512


class RoleBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a role is; its name is not part of it."""

    actions: Annotated[tuple[Action, ...], Meta(description="What it allows, or denies where it is denied.")]
    description: Annotated[str, Meta(description="What it is for.")] = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "actions", tuple(action for action in Action if action in self.actions))


def _check(name: str, body: RoleBody) -> None:
    if not body.actions or Action.PING in body.actions:
        raise ValueError("a role has actions, and `ping` is none that anybody has to be given")
    if len(body.description) > _DESCRIPTION_MAX or not body.description.isprintable():
        raise ValueError(f"a description is at most {_DESCRIPTION_MAX} printable characters on one line")


def _changed(name: str, before: RoleBody | None, after: RoleBody) -> SpeaksFor:
    """What it means changes for everybody who was granted it, or denied; nobody was granted one that is new."""
    if before is None:
        return SpeaksFor()
    return SpeaksFor(actions=all_denied(frozenset(before.actions) ^ frozenset(after.actions)))


#: Custom roles as settings. To change one changes what everybody may do who was granted it.
CUSTOM_ROLES = SettingKind(
    kind="role",
    plural="roles",
    text="Roles: sets of actions that grants name.",
    body=RoleBody,
    speaks_for=_changed,
    placed=False,
    read=None,
    change=Action.SYSTEM,
    rights=True,
    check=_check,
    built_in={role.name: RoleBody(tuple(role.actions), role.description) for role in ROLES.values()},
    flat=True,
    behind="actions",
)
