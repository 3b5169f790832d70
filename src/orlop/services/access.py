"""The one place that asks whether a subject may do something, and remembers answers for as long as they hold."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from orlop.domain.access import Action, Caller, Decision, Question, Rights, Subject, SubjectKind, decide
from orlop.domain.access.actions import READS
from orlop.domain.access.rights import nobody
from orlop.domain.access.scopes import scope_for
from orlop.domain.errors import Denied, NameUnknown, Unauthorized
from orlop.ports.clock import Clock
from orlop.ports.events import Changes
from orlop.ports.identity import AccessFacts, AccountFacts, PlaceFacts

K = TypeVar("K")
V = TypeVar("V")

#: How many subjects and places a process remembers.
REMEMBERED = 10_000


class Access:
    """Decides by what the catalog says. `changes` counts changes of who may do what, and of nothing else.

    `everyone`: anybody may do everything (`--open`); then nothing is looked up. `refused` is told of every refusal by
    `check` of somebody who said who they are: the caller, the action, the repository or namespace, the rule, the tag.
    """

    def __init__(
        self,
        facts: AccessFacts,
        changes: Changes,
        clock: Clock,
        *,
        everyone: bool,
        refused: Callable[[Caller, Action, str, str, str], None] = lambda *_: None,
    ) -> None:
        self._facts = facts
        self._changes = changes
        self._clock = clock
        self._everyone = everyone
        self._refused = refused
        self._count: int | None = None
        self._accounts: OrderedDict[tuple[int, int], AccountFacts | None] = OrderedDict()
        self._places: OrderedDict[str, PlaceFacts] = OrderedDict()

    async def rights(self, subject: Subject) -> Rights:
        """What a subject may do now. Raises Unauthorized when what they signed in with is no good any more."""
        if self._everyone:
            return Rights(subject, open=True)
        if subject.kind is SubjectKind.ANONYMOUS:
            return nobody()
        facts = await self._account(subject)
        if facts is None:
            raise Unauthorized(f"the account {subject.name} is gone")
        refuse_unfit(facts, subject, self._clock.now())
        return Rights(subject, facts.version, facts.grants, facts.secret.limits if facts.secret else None)

    async def decide(
        self,
        caller: Caller,
        action: Action,
        *,
        repository: str | None = None,
        namespace: str | None = None,
        tag: str = "",
    ) -> Decision:
        """The decision, whichever it is. Raises Unauthorized when the caller has to sign in anew.

        For a token that is too narrow for what its owner may do, that is Unauthorized with `insufficient_scope`: a
        client then fetches another.
        """
        rights = await self.rights(caller.subject)
        question = Question(action, repository, namespace, tag, self._clock.now(), caller.address)
        if repository is None or rights.open:
            decision = decide(rights, question)
        else:
            place = await self._place(repository)
            if caller.subject.limits is not None and place.deleted_at_version > caller.subject.minted:
                raise _narrow(action, repository, "the token is for a repository that was deleted since")
            decision = decide(rights, question, place.visible)
        limits = caller.subject.limits
        if limits is None or not decision.allowed or action is Action.PING:
            return decision
        if not any(limit.includes(action, repository, namespace) for limit in limits):
            raise _narrow(action, repository, f"the token does not include {action}")
        return decision

    async def check(
        self,
        caller: Caller,
        action: Action,
        *,
        repository: str | None = None,
        namespace: str | None = None,
        tag: str = "",
    ) -> Decision:
        """The decision, when it is to allow.

        Else raises Unauthorized for those who are not signed in; NameUnknown where something is only to be read that
        the subject may not know of, as if it were not there; Denied with the rule that refused and what to do about it.
        """
        place = repository or namespace or ""
        try:
            decision = await self.decide(caller, action, repository=repository, namespace=namespace, tag=tag)
        except Unauthorized as refusal:
            if not refusal.reason:  # else the client fetches another token, and this was no refusal
                self._refused(caller, action, place, refusal.message, tag)
            raise
        if decision.allowed:
            return decision
        if caller.subject.kind is SubjectKind.ANONYMOUS:
            raise Unauthorized(f"{decision.rule}; {decision.remedy}", scope=scope_for(action, repository))
        self._refused(caller, action, place, decision.rule, tag)
        if action in READS and repository is not None and not await self.may_know(caller, repository):
            raise NameUnknown(f"there is no repository {repository}", {"name": repository})
        raise Denied(f"{decision.rule}; {decision.remedy}", {"action": action.value, "rule": decision.rule})

    async def may_know(self, caller: Caller, repository: str) -> bool:
        """Whether the subject may know that a repository is there: may list it, or do anything else to it."""
        rights = await self.rights(caller.subject)
        visible = (await self._place(repository)).visible
        now = self._clock.now()
        return any(
            decide(rights, Question(action, repository, at=now, address=caller.address), visible).allowed
            for action in (Action.LIST, Action.PULL, Action.PUSH_NEW, Action.DELETE, Action.ADMIN)
        )

    async def _account(self, subject: Subject) -> AccountFacts | None:
        key = (subject.id, subject.credential_id)
        self._renew()
        if key in self._accounts:
            self._accounts.move_to_end(key)
            return self._accounts[key]
        count = self._changes.current()
        facts = await self._facts.of(*key)
        if count is not None and count == self._changes.current() == self._count:
            _remember(self._accounts, key, facts)
        return facts

    async def _place(self, repository: str) -> PlaceFacts:
        self._renew()
        if repository in self._places:
            self._places.move_to_end(repository)
            return self._places[repository]
        count = self._changes.current()
        place = await self._facts.place(repository)
        if count is not None and count == self._changes.current() == self._count:
            _remember(self._places, repository, place)
        return place

    def _renew(self) -> None:
        """Forget everything when anything changed, or may be changing."""
        count = self._changes.current()
        if count is None or count != self._count:
            self._accounts.clear()
            self._places.clear()
            self._count = count


def refuse_unfit(facts: AccountFacts, subject: Subject, now: int) -> None:
    """Raises Unauthorized when an account, or the secret that it came with, may not be used now."""
    account, secret = facts.account, facts.secret
    if account.disabled:
        raise Unauthorized(f"the account {account.name} is disabled: {account.disabled}")
    if account.expires_at and account.expires_at <= now:
        raise Unauthorized(f"the account {account.name} has expired")
    if subject.credential_id and secret is None:
        raise Unauthorized("what this was signed in with was revoked")
    if secret is not None and secret.expires_at and secret.expires_at <= now:
        raise Unauthorized("what this was signed in with has expired")


def _narrow(action: Action, repository: str | None, message: str) -> Unauthorized:
    return Unauthorized(message, scope=scope_for(action, repository), reason="insufficient_scope")


def _remember(kept: OrderedDict[K, V], key: K, value: V) -> None:
    kept[key] = value
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)
