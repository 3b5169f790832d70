"""What somebody is at a repository, for rules that name people: themselves, their groups, and the roles they have."""

import re

import msgspec

from orlop.domain.access.decisions import Question, applies
from orlop.domain.access.grants import Effect, Grant
from orlop.domain.access.patterns import pattern
from orlop.domain.access.subjects import GROUP_PREFIX, group_principal, is_group_name, is_robot_name, is_user_name

ROLE_PREFIX = "role:"

_ROLE = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?", re.ASCII)


def is_principal(text: str) -> bool:
    """Whether a rule may name that: a user, a robot, or a group as grants do, or `role:` and a role."""
    if text.startswith(GROUP_PREFIX):
        return is_group_name(text.removeprefix(GROUP_PREFIX))
    if text.startswith(ROLE_PREFIX):
        return _ROLE.fullmatch(text.removeprefix(ROLE_PREFIX)) is not None
    return is_robot_name(text) or is_user_name(text)


class Membership(msgspec.Struct, frozen=True):
    """Somebody at a repository, in one request."""

    name: str = ""
    """Empty for those who are not signed in: no rule names them."""
    groups: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    """Of theirs and of their groups, those that may be about the repository."""
    question: Question | None = None
    """The repository, the time and the address, for the conditions of grants."""

    def is_one_of(self, principals: tuple[str, ...], tag: str) -> bool:
        """Whether one of the principals is them. They have the roles that grants in force give them there; one for
        some tags only gives its role for these."""
        if not self.name:
            return False
        if self.name in principals or any(group_principal(group) in principals for group in self.groups):
            return True
        return any(f"{ROLE_PREFIX}{grant.role}" in principals and self._holds(grant, tag) for grant in self.grants)

    def _holds(self, grant: Grant, tag: str) -> bool:
        question = self.question
        return (
            question is not None
            and question.repository is not None
            and grant.effect is Effect.ALLOW
            and grant.place.covers(question.repository)
            and applies(grant, question)
            and (not grant.tags or pattern(grant.tags).matches(tag))
        )
