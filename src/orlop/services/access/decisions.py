"""The one place that asks whether a subject may do something, and remembers answers for as long as they hold."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeVar

from orlop.domain.access import Action, Caller, Decision, Question, Rights, RuleKind, Subject, SubjectKind, decide
from orlop.domain.access.actions import OF_REPOSITORIES, READS
from orlop.domain.access.grants import GrantsByPlace
from orlop.domain.access.membership import Membership
from orlop.domain.access.rights import nobody
from orlop.domain.access.scopes import scope_for
from orlop.domain.errors import Denied, NameUnknown, Refused, RegistryError, SettingsMoved, Unauthorized
from orlop.domain.names import Tag
from orlop.ports.catalog import FREELY, Terms
from orlop.ports.clock import Clock
from orlop.ports.events import Changes
from orlop.ports.identity import AccessFacts, AccountFacts, PlaceFacts
from orlop.ports.identity_words import must_change, refuse_over
from orlop.services.access.naming import Naming

K = TypeVar("K")
V = TypeVar("V")
Written = TypeVar("Written")

#: How often a write is tried while settings change.
TRIES = 4

#: Later than anything, in microseconds since 1970.
NEVER = 1 << 62

#: How many subjects and places a process remembers.
REMEMBERED = 10_000

#: How many decisions about one subject a process remembers: a push asks the same few questions for each of its blobs.
DECIDED = 1_000

#: Stands for all tags where none is treated otherwise than another.
_SOME = Tag("latest")

#: Those whose rights hang on no account.
_WITHOUT_ACCOUNT = frozenset({SubjectKind.ANONYMOUS, SubjectKind.SYSTEM})

#: Rules that say the same wherever the place is and whoever may see it.
_BY_GRANTS = frozenset({RuleKind.GRANTED, RuleKind.DENIED, RuleKind.LIMIT})


class _Known(NamedTuple):
    """What is remembered of a subject, for as long as nobody's rights change: facts, and what follows from them."""

    facts: AccountFacts
    by_place: GrantsByPlace
    decided: dict[tuple[Action, str | None, str | None, str], Decision]

    def remember(self, question: Question, decision: Decision) -> None:
        """Keep a decision that holds at any time and from any address, up to when a grant expires."""
        if not decision.lasting:
            return
        if len(self.decided) >= DECIDED:
            self.decided.clear()
        self.decided[question.action, question.repository, question.namespace, question.tag] = decision

    def recall(
        self, action: Action, repository: str | None, namespace: str | None, tag: str, now: int
    ) -> Decision | None:
        """A decision that still holds."""
        decision = self.decided.get((action, repository, namespace, tag))
        return decision if decision is not None and (not decision.until or now < decision.until) else None


class Access:
    """Decides by what the catalog says. `changes` counts changes of who may do what, and of nothing else.

    `everyone`: anybody may do everything (`--open`); then nothing is looked up. `naming`: what rules say of
    the names of new repositories; without it, nothing.
    """

    def __init__(
        self, facts: AccessFacts, changes: Changes, clock: Clock, *, everyone: bool, naming: Naming | None = None
    ) -> None:
        self._facts = facts
        self._naming = naming
        self._changes = changes
        self._clock = clock
        self.everyone = everyone
        self._count: int | None = None
        self._accounts: OrderedDict[tuple[int, int], _Known | None] = OrderedDict()
        self._places: OrderedDict[str, PlaceFacts] = OrderedDict()

    async def rights(self, subject: Subject, repository: str | None = None) -> Rights:
        """What a subject may do now; for a `repository`, with no more grants than may be about it.

        Raises Unauthorized when what they signed in with is no good any more.
        """
        if self.everyone:
            return Rights(subject, open=True)
        if subject.kind is SubjectKind.ANONYMOUS:
            return nobody()
        if subject.kind is SubjectKind.SYSTEM and subject.limits is None:
            return Rights(subject, open=True)
        return _rights(subject, await self._fit(subject), repository)

    async def membership(self, caller: Caller, repository: str) -> Membership:
        """Whom rules that name people may mean by the caller there. Raises as `rights`."""
        if self.everyone or caller.subject.kind in _WITHOUT_ACCOUNT:
            return Membership()
        known = await self._fit(caller.subject)
        question = Question(Action.TAG, repository, at=self._clock.now(), address=caller.address)
        return Membership(caller.subject.name, known.facts.groups, known.by_place.about(repository), question)

    async def ends(self, subject: Subject) -> int:
        """When the account or the secret that somebody came with expires. Raises as `rights`."""
        if self.everyone or subject.kind in _WITHOUT_ACCOUNT:
            return NEVER
        facts = (await self._fit(subject)).facts
        secret = facts.secret.expires_at if facts.secret is not None else 0
        return min(facts.account.expires_at or NEVER, secret or NEVER)

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
        subject, now = caller.subject, self._clock.now()
        known: _Known | None = None
        try:
            if self.everyone or subject.kind is SubjectKind.ANONYMOUS:
                rights = await self.rights(subject)
            elif subject.kind is SubjectKind.SYSTEM:
                rights = Rights(subject, open=True)  # and no more than its limits, as of whoever has any
            else:
                known = await self._fit(subject)
                recalled = known.recall(action, repository, namespace, tag, now) if subject.limits is None else None
                if recalled is not None:
                    return recalled
                rights = _rights(subject, known, repository)
        except Unauthorized as unfit:
            unfit.refused = Refused(action.value, repository or namespace or "", unfit.message, tag)
            raise
        limits = subject.limits
        if action is Action.PING and limits is not None:
            return Decision(True, "the token is one of this registry", kind=RuleKind.SIGNED_IN)
        question = Question(action, repository, namespace, tag, now, caller.address)
        decision, deleted = decide(rights, question), 0
        # What grants say holds whatever the place is, so that most who have some need no look at it.
        if known is not None and limits is None and decision.kind in _BY_GRANTS:
            known.remember(question, decision)
        if repository is not None and not rights.open and (limits is not None or decision.kind not in _BY_GRANTS):
            place = await self._place(repository)
            decision, deleted = decide(rights, question, place.visible), place.deleted_at_version
        if limits is None or not decision.allowed:
            return decision
        if deleted > subject.minted:
            raise _narrow(action, repository, "the token is for a repository that was deleted since")
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
        decision = await self.decide(caller, action, repository=repository, namespace=namespace, tag=tag)
        if decision.allowed:
            return decision
        known = caller.subject.kind is not SubjectKind.ANONYMOUS
        if known and action in READS and repository is not None and not await self.may_know(caller, repository):
            unknown = NameUnknown(f"there is no repository {repository}", {"name": repository})
            unknown.refused = Refused(action.value, repository, decision.rule, tag)
            raise unknown
        raise _refusal(caller, action, repository, tag, decision, namespace or "")

    async def enter(
        self,
        caller: Caller,
        actions: Sequence[Action],
        *,
        repository: str | None,
        tag: str = "",
        ahead: Action | None = None,
    ) -> Decision:
        """Let in whoever may do at least one of these; what else it takes is asked where it shows. Raises as `check`,
        about the first of them.

        A challenge names the scope for what lies `ahead` of the client instead, if anything does: the token that it
        then gets holds what its owner may of that.
        """
        for action in actions[1:]:
            if await self.allows(caller, action, repository=repository, tag=tag):
                return await self.check(caller, action, repository=repository, tag=tag)
        try:
            return await self.check(caller, actions[0], repository=repository, tag=tag)
        except Unauthorized as challenged:
            if ahead is not None and challenged.scope:
                challenged.scope = scope_for(ahead, repository)
            raise

    async def allows(self, caller: Caller, action: Action, *, repository: str | None, tag: str = "") -> bool:
        """Whether the caller may do it with what they came with."""
        try:
            return (await self.decide(caller, action, repository=repository, tag=tag)).allowed
        except Unauthorized:
            return False

    async def refusal(self, caller: Caller, action: Action, *, repository: str, tag: str = "") -> RegistryError | None:
        """What the caller is to be told when it comes to doing this; None when they may."""
        try:
            decision = await self.decide(caller, action, repository=repository, tag=tag)
        except Unauthorized as narrow:
            return narrow
        return None if decision.allowed else _refusal(caller, action, repository, tag, decision)

    async def push_terms(self, caller: Caller, repository: str, tags: Sequence[Tag] = ()) -> Terms:
        """What a push is to be refused with, for whatever its transaction finds."""
        if self.everyone:
            return FREELY
        of_tags: dict[Action, dict[Tag, RegistryError]] = {Action.TAG: {}, Action.OVERWRITE: {}}
        for action, refused in of_tags.items():
            for tag in tags:
                refusal = await self.refusal(caller, action, repository=repository, tag=tag)
                if refusal is not None:
                    refused[tag] = refusal
        create = await self.refusal(caller, Action.CREATE, repository=repository)
        version = 0
        # Rules for names say nothing of what is there, so that pushes into it wait for no change of a setting.
        if create is None and self._naming is not None and not (await self._place(repository)).exists:
            version, create = await self._naming.versioned(repository)
        return Terms(
            create,
            await self.refusal(caller, Action.PUSH_NEW, repository=repository),
            tag=of_tags[Action.TAG],
            overwrite=of_tags[Action.OVERWRITE],
            settings=version,
        )

    async def on_push_terms(
        self, caller: Caller, repository: str, write: Callable[[Terms], Awaitable[Written]]
    ) -> Written:
        """Write on the terms of a push that sets no tag, and on new ones where a setting that they were made from
        changes before that takes effect. Raises SettingsMoved where settings change again and again."""
        for _ in range(TRIES - 1):
            try:
                return await write(await self.push_terms(caller, repository))
            except SettingsMoved:
                if self._naming is not None:
                    self._naming.forget()
        return await write(await self.push_terms(caller, repository))

    async def removal_terms(self, caller: Caller, repository: str) -> Terms:
        """What the removal of each tag is refused with, for a transaction that finds out which go.

        Raises Unauthorized when the caller has to sign in anew.
        """
        if self.everyone:
            return FREELY
        rights, limits = await self.rights(caller.subject, repository), caller.subject.limits
        now = self._clock.now()
        included = limits is None or any(limit.includes(Action.UNTAG, repository, None) for limit in limits)

        def refusal(tag: Tag) -> RegistryError | None:
            decision = decide(rights, Question(Action.UNTAG, repository, None, tag, now, caller.address))
            if not decision.allowed:
                return _refusal(caller, Action.UNTAG, repository, tag, decision)
            return None if included else _narrow(Action.UNTAG, repository, f"the token does not include {Action.UNTAG}")

        by_tag = any(grant.tags for grant in rights.grants if grant.concerns(Action.UNTAG))
        return Terms(untag=refusal) if by_tag or refusal(_SOME) is not None else FREELY

    async def check_new(self, caller: Caller, repository: str) -> None:
        """Raises what making a repository is refused with, if there is none of that name: before a client sends what
        could not be kept. The transaction that would make it asks again."""
        if self.everyone:
            return
        refusal = await self._no_new(caller, repository)
        # That one is there may have been remembered; that none is, not for long.
        if refusal is None or (await self._place(repository)).exists:
            return
        if not (await self._facts.place(repository)).exists:
            raise refusal

    async def _no_new(self, caller: Caller, repository: str) -> RegistryError | None:
        """What making a repository is refused with, if there is none of that name."""
        refusal = await self.refusal(caller, Action.CREATE, repository=repository)
        if refusal is not None or self._naming is None:
            return refusal
        return await self._naming.refusal(repository)

    def check_listing(self, caller: Caller) -> None:
        """Raises Unauthorized for who has not signed in, even as nobody, and for a token that is not for the list of
        repositories: a client then fetches one, and gets to see what is behind its sign-in."""
        limits = caller.subject.limits
        if self.everyone:
            return
        if limits is None and caller.subject.kind is SubjectKind.ANONYMOUS:
            scope = scope_for(Action.LIST, None)
            raise Unauthorized("nobody is signed in; sign in", scope=scope, kind=RuleKind.ANONYMOUS.value)
        if limits is not None and not any(limit.includes(Action.LIST, None, None) for limit in limits):
            raise _narrow(Action.LIST, None, "the token does not include the list of repositories")

    async def may_know(self, caller: Caller, repository: str) -> bool:
        """Whether the subject may know that a repository is there: may do anything at all to it."""
        rights = await self.rights(caller.subject, repository)
        visible = (await self._place(repository)).visible
        now = self._clock.now()
        return any(
            decide(rights, Question(action, repository, at=now, address=caller.address), visible).allowed
            for action in OF_REPOSITORIES
        )

    async def _fit(self, subject: Subject) -> _Known:
        found = await self._account(subject)
        if found is None:
            raise Unauthorized(f"the account {subject.name} is gone")
        refuse_unfit(found.facts, subject, self._clock.now())
        return found

    async def _account(self, subject: Subject) -> _Known | None:
        key = (subject.id, subject.credential_id)
        self._renew()
        if key in self._accounts:
            self._accounts.move_to_end(key)
            return self._accounts[key]
        count = self._changes.current()
        facts = await self._facts.of(*key)
        known = _Known(facts, GrantsByPlace(facts.grants), {}) if facts is not None else None
        if count is not None and count == self._changes.current() == self._count:
            _remember(self._accounts, key, known)
        return known

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


def _rights(subject: Subject, known: _Known, repository: str | None) -> Rights:
    facts = known.facts
    grants = facts.grants if repository is None else known.by_place.about(repository)
    return Rights(subject, facts.version, grants, facts.secret.limits if facts.secret else None)


def refuse_unfit(facts: AccountFacts, subject: Subject, now: int) -> None:
    """Raises Unauthorized when an account, or the secret that it came with, may not be used now."""
    account, secret = facts.account, facts.secret
    if account.disabled:
        raise Unauthorized(f"the account {account.name} is disabled: {account.disabled}")
    if account.expires_at and account.expires_at <= now:
        raise Unauthorized(f"the account {account.name} has expired")
    refuse_over(account, subject.epoch)
    if account.must_change and not subject.epoch:
        # The password of now lets its owner choose another; a caller with any other proof has to wait for that.
        raise must_change(account)
    if subject.credential_id and secret is None:
        raise Unauthorized("what this was signed in with was revoked")
    if secret is not None and secret.expires_at and secret.expires_at <= now:
        raise Unauthorized("what this was signed in with has expired")


def _narrow(action: Action, repository: str | None, message: str) -> Unauthorized:
    scope = scope_for(action, repository)
    return Unauthorized(message, scope=scope, reason="insufficient_scope", kind=RuleKind.TOKEN.value)


def _refusal(
    caller: Caller, action: Action, repository: str | None, tag: str, decision: Decision, namespace: str = ""
) -> Denied | Unauthorized:
    message, kind = f"{decision.rule}; {decision.remedy}", decision.kind.value
    if caller.subject.kind is SubjectKind.ANONYMOUS:
        return Unauthorized(message, scope=scope_for(action, repository), kind=kind)
    detail = {"action": action.value, "rule": decision.rule} | ({"tag": tag} if tag else {})
    denied = Denied(message, detail, kind=kind)
    denied.refused = Refused(action.value, repository or namespace, decision.rule, tag)
    return denied


def _remember(kept: OrderedDict[K, V], key: K, value: V) -> None:
    kept[key] = value
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)
