"""What accounts may do as of now that did something before: those that pushed documents whose word may count."""

from collections.abc import Iterable

from orlop.domain.access import Action, Subject, SubjectKind
from orlop.domain.access.decisions import Question, decide
from orlop.domain.access.rights import Rights
from orlop.domain.access.roles import ROLES
from orlop.domain.access.subjects import is_robot_name
from orlop.domain.names import RepositoryName
from orlop.ports.clock import Clock
from orlop.ports.identity import AccessFacts, Accounts


class AccountStanding:
    """See the module. An account that is not there, not in use or expired may nothing."""

    def __init__(self, accounts: Accounts, facts: AccessFacts, clock: Clock) -> None:
        self._accounts = accounts
        self._facts = facts
        self._clock = clock

    async def may_edit(self, name: str, repository: RepositoryName) -> bool:
        """Whether it may edit the rules of a repository."""
        return await self._may(name, (Action.POLICY_EDIT,), repository)

    async def roles(self, name: str, wanted: Iterable[str], repository: RepositoryName) -> frozenset[str]:
        """Those of these built-in roles of which it may do everything in a repository."""
        return frozenset([role for role in wanted if await self._may(name, sorted(ROLES[role].actions), repository)])

    async def _may(self, name: str, actions: Iterable[Action], repository: RepositoryName) -> bool:
        now = self._clock.now()
        account = await self._accounts.get(name) if name else None
        if account is None or account.disabled or 0 < account.expires_at <= now:
            return False
        facts = await self._facts.of(account.id, 0)
        if facts is None:
            return False
        kind = SubjectKind.ROBOT if is_robot_name(account.name) else SubjectKind.USER
        rights = Rights(Subject(account.name, kind, account.id), facts.version, facts.grants, None)
        return all(decide(rights, Question(action, repository, at=now)).allowed for action in actions)
