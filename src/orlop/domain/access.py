"""Who may do what. A refusal is a Decision that says which rule refused and what to do about it."""

from enum import StrEnum

import msgspec

from orlop.domain.names import RepositoryName


class Action(StrEnum):
    """What a route does; the route table names one for every route."""

    PING = "ping"
    LIST_REPOSITORIES = "list-repositories"
    PULL = "pull"
    PUSH = "push"
    DELETE = "delete"


class Subject(msgspec.Struct, frozen=True):
    """Somebody who asks."""

    name: str


ANONYMOUS = Subject("anonymous")


class Decision(msgspec.Struct, frozen=True):
    """An answer with its reason: the rule that decided, and for a refusal what would change it."""

    allowed: bool
    rule: str
    remedy: str = ""


class AccessRules(msgspec.Struct, frozen=True):
    """Everything that decides. Without accounts that is one switch: open to everybody, or to nobody."""

    open_to_all: bool = False


OPEN = Decision(True, "the registry is open: anyone may push and pull")
CLOSED = Decision(
    False,
    "the registry has no accounts and was not opened",
    "start it with --open to let anyone on this machine push and pull",
)


def allowed(rules: AccessRules, subject: Subject, action: Action, repository: RepositoryName | None) -> Decision:
    """May `subject` do `action` in `repository` (None: on the registry as a whole)?"""
    return OPEN if rules.open_to_all else CLOSED
