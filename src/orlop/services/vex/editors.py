"""Who of those that pushed documents may edit the rules of a repository, as of now."""

from orlop.domain.access import Action, Subject, SubjectKind
from orlop.domain.access.decisions import Question, decide
from orlop.domain.access.rights import Rights
from orlop.domain.access.subjects import is_robot_name
from orlop.domain.names import RepositoryName
from orlop.ports.clock import Clock
from orlop.ports.identity import AccessFacts, Accounts


class Editors:
    """See the module."""

    def __init__(self, accounts: Accounts, facts: AccessFacts, clock: Clock) -> None:
        self._accounts = accounts
        self._facts = facts
        self._clock = clock

    async def may_edit(self, name: str, repository: RepositoryName) -> bool:
        """Whether there is an account of this name that is in use and may."""
        now = self._clock.now()
        account = await self._accounts.get(name) if name else None
        if account is None or account.disabled or 0 < account.expires_at <= now:
            return False
        facts = await self._facts.of(account.id, 0)
        if facts is None:
            return False
        kind = SubjectKind.ROBOT if is_robot_name(account.name) else SubjectKind.USER
        rights = Rights(Subject(account.name, kind, account.id), facts.version, facts.grants, None)
        return decide(rights, Question(Action.POLICY_EDIT, repository, at=now)).allowed
