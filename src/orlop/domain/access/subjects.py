"""Those who ask, and a request of theirs."""

import re
from enum import StrEnum

import msgspec

from orlop.domain.access.grants import Limit


class SubjectKind(StrEnum):
    """What a subject is."""

    ANONYMOUS = "anonymous"
    USER = "user"
    ROBOT = "robot"
    SYSTEM = "system"
    """The registry itself: background work, and commands run beside its stores."""


class Subject(msgspec.Struct, frozen=True):
    """Somebody who asks, and what they proved it with. `id` is the row of the account, 0 without one."""

    name: str
    kind: SubjectKind = SubjectKind.USER
    id: int = 0
    credential: str = ""
    """What it was proved with, for people and the audit log: `password`, `token 12 (laptop)`; never a secret."""
    credential_id: int = 0
    """The row of the secret that it was proved with; 0 for a password or a signed-in browser."""
    epoch: int = 0
    """Of the account when they signed in: with a password, in a browser, or by the word of somebody else; which is
    over in the next one. 0: they came with a secret, which ends by itself."""
    limits: tuple[Limit, ...] | None = None
    """What the signed token that they came with may be used for; None without one."""
    minted: int = 0
    """The version of who may do what at which that token was made; it is not about a repository deleted since."""


ANONYMOUS = Subject("anonymous", SubjectKind.ANONYMOUS)
SYSTEM = Subject("orlop", SubjectKind.SYSTEM)


class Caller(msgspec.Struct, frozen=True):
    """A subject in one request: who asks, from which address, and under which request id."""

    subject: Subject
    address: str = ""
    request: str = ""


#: A robot's name begins with this, which no user's can; the principal of a grant to a group with the other.
ROBOT_PREFIX, GROUP_PREFIX = "robot+", "group:"

_USER = re.compile(r"[a-z0-9](?:[a-z0-9._@-]{0,126}[a-z0-9])?", re.ASCII)
_GROUP = re.compile(r"[a-z0-9](?:[a-z0-9._@-]{0,126}[a-z0-9])?", re.ASCII)
_ROBOT = re.compile(r"robot\+[a-z0-9](?:[a-z0-9._-]{0,118}[a-z0-9])?", re.ASCII)
#: Names that stand for something else wherever a subject is named.
_RESERVED = frozenset({ANONYMOUS.name, SYSTEM.name, "robot", "oidc"})


def is_user_name(text: str) -> bool:
    """Whether a user may be called that: 1 to 128 lower-case letters, digits and `. _ @ -`, none of these at an end."""
    return _USER.fullmatch(text) is not None and text not in _RESERVED


def is_group_name(text: str) -> bool:
    """Whether a group may be called that: as users are, though nothing is reserved. It is one part of an address."""
    return _GROUP.fullmatch(text) is not None


def group_principal(name: str) -> str:
    """How the principal of a grant names a group."""
    return f"{GROUP_PREFIX}{name}"


def is_robot_name(text: str) -> bool:
    """Whether a robot may be called that: `robot+` and a name without an `@`. Safe in a shell and in Basic auth."""
    return _ROBOT.fullmatch(text) is not None
