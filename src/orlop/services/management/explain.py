"""Why somebody may or may not do something, and who may do what to a repository."""

import msgspec

from orlop.domain.access import (
    ANONYMOUS,
    Action,
    Caller,
    Decision,
    Effect,
    Grant,
    Question,
    Rights,
    Subject,
    SubjectKind,
    VisibilityAt,
    decide,
)
from orlop.domain.access.actions import OF_REPOSITORIES
from orlop.domain.access.explanation import Considerations, explain
from orlop.domain.access.rights import DEFAULT_VISIBILITY, nobody
from orlop.domain.access.subjects import GROUP_PREFIX, is_robot_name
from orlop.domain.errors import NotFound
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.ports.identity import AccessFacts, Accounts, Grants, Members
from orlop.services.management.operations import Gate, Operation
from orlop.services.management.sight import GrantSight, grant_sight

#: How many grants are looked at, and how many members of one group, before an answer says that there is more.
GRANTS_MAX = 5_000
MEMBERS_MAX = 1_000

#: Why an account may not sign in, for those who may not see it.
_UNFIT = "the account may not sign in now"


class ExplainQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be explained. `credential` is the number of a secret of theirs; 0: as if with a password."""

    subject: str
    action: Action
    repository: RepositoryName | None = None
    tag: Tag | None = None
    address: str = ""
    credential: int = 0


class Explained(msgspec.Struct, frozen=True):
    """The answer, and what it would be made from if the subject asked now."""

    considerations: Considerations
    groups: tuple[str, ...]
    unfit: str
    """Why the subject may not sign in at all; empty: they may."""
    exists: bool
    """Whether there is such a repository, and the asker may know."""


class Able(msgspec.Struct, frozen=True):
    """Somebody with what they may do to a repository, and by which grants."""

    principal: str
    actions: frozenset[Action]
    grants: tuple[Grant, ...]
    """Those that allow or deny any of it, of their groups, too."""
    conditional: bool
    """Whether some of it holds only under conditions, for some tags, or for a time."""


class Who(msgspec.Struct, frozen=True):
    """Everybody who may do anything to a repository by a grant; and what its visibility opens to others."""

    able: tuple[Able, ...]
    visible: VisibilityAt
    complete: bool


class Explaining:
    """Answers about oneself to everybody; about others to those who administer the repository, rule or audit.

    Those who rule or audit the registry are told everything. To anybody else a repository that they may not know of is
    as one that is not there; of others they see what `GrantSight` shows, and whether these may do what was asked.
    """

    def __init__(self, gate: Gate, accounts: Accounts, members: Members, grants: Grants, facts: AccessFacts) -> None:
        self._gate = gate
        self._accounts = accounts
        self._members = members
        self._grants = grants
        self._facts = facts

    async def explain(self, caller: Caller, asked: ExplainQuery) -> Explained:
        """Raises NotFound for a subject that there is not, or a secret that is not for the caller to see; Denied."""
        own = asked.subject == caller.subject.name
        await self._gate.check(caller, Operation.EXPLAIN, own=own, repository=asked.repository)
        sight = await grant_sight(self._gate, self._members, caller)
        now = self._gate.now()
        question = Question(asked.action, asked.repository, None, asked.tag or "", now, asked.address)
        visible, exists = DEFAULT_VISIBILITY, False
        if asked.repository is not None:
            place = await self._facts.place(asked.repository)
            if sight.seeing.knows(asked.repository, place):
                visible, exists = place.visible, place.exists
        rights, groups, unfit = await self._rights(caller, asked, sight, now)
        if own or sight.everything:
            return Explained(explain(rights, question, visible, rights.subject.limits), groups, unfit, exists)
        considerations = _as_seen(rights, question, visible, sight)
        return Explained(considerations, tuple(group for group in groups if group in sight.groups), unfit, exists)

    async def _rights(
        self, caller: Caller, asked: ExplainQuery, sight: GrantSight, now: int
    ) -> tuple[Rights, tuple[str, ...], str]:
        if asked.subject == ANONYMOUS.name:
            return nobody(), (), ""
        account = await self._accounts.get(asked.subject)
        facts = await self._facts.of(account.id, asked.credential) if account is not None else None
        if account is None or facts is None:
            raise NotFound(f"there is no account {asked.subject}")
        kind = SubjectKind.ROBOT if is_robot_name(account.name) else SubjectKind.USER
        sees = asked.subject == caller.subject.name or sight.everything
        if kind is SubjectKind.ROBOT:
            sees = sees or sight.seeing.namespace(account.namespace)
        if asked.credential and (facts.secret is None or not sees):
            raise NotFound(f"{asked.subject} has no secret {asked.credential}, or not for you to see")
        own = asked.subject == caller.subject.name and not asked.credential
        subject = caller.subject if own else Subject(account.name, kind, account.id, credential_id=asked.credential)
        limits = facts.secret.limits if facts.secret is not None else None
        if own:
            limits = (await self._gate.rights(caller)).limits
        unfit = ""
        if account.disabled:
            unfit = f"the account is disabled: {account.disabled}"
        elif account.expires_at and account.expires_at <= now:
            unfit = "the account has expired"
        elif facts.secret is not None and 0 < facts.secret.expires_at <= now:
            unfit = "the secret has expired"
        if unfit and not sees:
            unfit = _UNFIT
        return Rights(subject, facts.version, facts.grants, limits), facts.groups, unfit

    async def who(self, caller: Caller, repository: RepositoryName) -> Who:
        """Groups with what they give, and accounts with what they may do by their own and their groups' grants; as far
        as the caller may see these grants, and who is in these groups."""
        able, complete = await self.able(caller, repository=repository)
        return Who(able, (await self._facts.place(repository)).visible, complete)

    async def able(
        self, caller: Caller, *, repository: str | None = None, namespace: str | None = None
    ) -> tuple[tuple[Able, ...], bool]:
        """Those of `who`, or those who may do anything to a namespace as a whole; and whether these are all."""
        await self._gate.check(caller, Operation.WHO, namespace=namespace, repository=repository)
        sight = await grant_sight(self._gate, self._members, caller)
        within = repository if repository is not None else f"{namespace}/*" if namespace else "*"
        records = await self._grants.covering(within, GRANTS_MAX + 1)
        complete = len(records) <= GRANTS_MAX
        grants: dict[str, list[Grant]] = {}
        for record in records[:GRANTS_MAX]:
            place = record.grant.place
            if place.covers(repository) if repository is not None else place.covers_namespace(namespace or ""):
                grants.setdefault(record.grant.principal, []).append(record.grant)
        of_account: dict[str, list[Grant]] = {
            principal: list(own) for principal, own in grants.items() if not principal.startswith(GROUP_PREFIX)
        }
        for principal in [principal for principal in grants if principal.startswith(GROUP_PREFIX)]:
            try:
                page = await self._members.of_group(principal.removeprefix(GROUP_PREFIX), PageRequest(MEMBERS_MAX))
            except NotFound:  # a group that its provider does not know any more
                continue
            complete = complete and not page.more
            for member in page.items:
                of_account.setdefault(member, []).extend(grants[principal])
        groups = {principal: own for principal, own in grants.items() if principal.startswith(GROUP_PREFIX)}
        asked = Question(Action.ADMIN, repository, namespace, at=self._gate.now())
        able = [
            _seen(_able(principal, tuple(sorted(held, key=lambda grant: grant.id)), asked), asked, sight)
            for principal, held in (*sorted(groups.items()), *sorted(of_account.items()))
        ]
        return tuple(one for one in able if one.grants), complete


def _as_seen(rights: Rights, question: Question, visible: VisibilityAt, sight: GrantSight) -> Considerations:
    """What the grants that somebody may see say of another, and whether the answer is that of all of them."""
    decision = explain(rights, question, visible, rights.subject.limits).decision
    seen = tuple(grant for grant in rights.grants if sight.holds(rights.subject.name, grant))
    found = explain(msgspec.structs.replace(rights, grants=seen), question, visible, rights.subject.limits)
    if found.decision.allowed is decision.allowed:
        return found
    verb = "gives" if decision.allowed else "denies"
    rule = f"a grant that is not for you to see {verb} it to {rights.subject.name}"
    changes = () if decision.allowed else ("ask somebody who rules the registry to change that grant",)
    return msgspec.structs.replace(found, decision=Decision(decision.allowed, rule), changes=changes)


def _seen(able: Able, asked: Question, sight: GrantSight) -> Able:
    """As much of it as somebody may see: what the grants that they may see give, as far as no other takes it away."""
    seen = tuple(grant for grant in able.grants if sight.holds(able.principal, grant))
    if len(seen) == len(able.grants):
        return able
    found = _able(able.principal, seen, asked)
    return msgspec.structs.replace(found, actions=found.actions & able.actions)


def _able(principal: str, grants: tuple[Grant, ...], asked: Question) -> Able:
    """What grants that are about a place amount to there and then, conditions taken as met. `asked`: of any action."""
    met = tuple(
        msgspec.structs.replace(grant, conditions=type(grant.conditions)())
        for grant in grants
        if grant.effect is Effect.ALLOW or not grant.conditions.any
    )
    rights = Rights(Subject(principal), 0, met)
    actions = frozenset(
        action for action in OF_REPOSITORIES if decide(rights, msgspec.structs.replace(asked, action=action)).allowed
    )
    alive = tuple(grant for grant in grants if not 0 < grant.expires_at <= asked.at)
    conditional = any(grant.conditions.any or grant.tags or grant.expires_at for grant in alive)
    return Able(principal, actions, alive, conditional)
