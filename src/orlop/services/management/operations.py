"""Every operation of management, and who may do it: the one table, and the gate that reads it.

What is given away by an operation (no more than whoever gives may do) is the business of `giving`.
"""

from enum import StrEnum

import msgspec

from orlop.domain.access import Action, Caller, Effect, Place, Question, Rights, SubjectKind, VisibilityAt, decide
from orlop.domain.access.actions import OF_REPOSITORIES, REGISTRY_WIDE
from orlop.domain.access.reach import administers
from orlop.domain.access.rights import DEFAULT_VISIBILITY
from orlop.domain.errors import Denied, Unauthorized
from orlop.ports.clock import Clock
from orlop.ports.identity import PlaceFacts
from orlop.services.access.decisions import Access


class Operation(StrEnum):
    """One thing that can be done to who there is and who may do what."""

    ME_READ = "me.read"
    ATTENTION_READ = "attention.read"
    CONFIGURATION_READ = "configuration.read"
    HEALTH_READ = "health.read"
    READ_ONLY_READ = "read-only.read"
    PASSWORD_CHANGE = "password.change"  # noqa: S105 - the name of an operation
    PASSWORD_SET = "password.set"  # noqa: S105
    USER_READ = "user.read"
    USER_ADD = "user.add"
    USER_CHANGE = "user.change"
    USER_REMOVE = "user.remove"
    ROBOT_READ = "robot.read"
    ROBOT_ADD = "robot.add"
    ROBOT_CHANGE = "robot.change"
    ROBOT_REMOVE = "robot.remove"
    ROBOT_SECRET_READ = "robot.secret.read"  # noqa: S105
    ROBOT_SECRET_ISSUE = "robot.secret.issue"  # noqa: S105
    ROBOT_SECRET_REVOKE = "robot.secret.revoke"  # noqa: S105
    TOKEN_READ = "token.read"  # noqa: S105
    TOKEN_ISSUE = "token.issue"  # noqa: S105
    TOKEN_REVOKE = "token.revoke"  # noqa: S105
    GROUP_READ = "group.read"
    GROUP_ADD = "group.add"
    GROUP_REMOVE = "group.remove"
    MEMBER_READ = "member.read"
    MEMBER_CHANGE = "member.change"
    GRANT_READ = "grant.read"
    GRANT_ADD = "grant.add"
    GRANT_REMOVE = "grant.remove"
    NAMESPACE_READ = "namespace.read"
    NAMESPACE_CHANGE = "namespace.change"
    NAMESPACE_REMOVE = "namespace.remove"
    REPOSITORY_READ = "repository.read"
    REPOSITORY_REMOVE = "repository.remove"
    IMAGE_READ = "image.read"
    IMAGE_SCAN = "image.scan"
    TAG_READ = "tag.read"
    TAG_ROLL_BACK = "tag.roll-back"
    TAG_REMOVE = "tag.remove"
    LOCK_READ = "lock.read"
    LOCK_ADD = "lock.add"
    LOCK_LIFT = "lock.lift"
    TRASH_READ = "trash.read"
    TRASH_RESTORE = "trash.restore"
    TRASH_PURGE = "trash.purge"
    LABEL_READ = "label.read"
    LABEL_CHANGE = "label.change"
    REPOSITORY_LABEL_CHANGE = "repository.label.change"
    HOUSE_RULES_READ = "house-rules.read"
    SETTING_READ = "setting.read"
    SETTING_CHANGE = "setting.change"
    PROVIDER_ADOPT = "provider.adopt"
    PROVIDER_TEST = "provider.test"
    SESSION_READ = "session.read"
    SESSION_END = "session.end"
    KEY_READ = "key.read"
    KEY_ROTATE = "key.rotate"
    SIGNING_READ = "signing.read"
    SIGNING_STATUS = "signing.status"
    SIGNING_CHANGE = "signing.change"
    EXPLAIN = "access.explain"
    WHO = "access.who"
    AUDIT_READ = "audit.read"
    FOLLOWER_READ = "follower.read"
    FOLLOWER_SKIP = "follower.skip"
    DELIVERY_READ = "delivery.read"
    DELIVERY_SEND = "delivery.send"
    USAGE_READ = "usage.read"
    SCRUB_READ = "scrub.read"
    UPSTREAM_READ = "upstream.read"
    UPSTREAM_PREFETCH = "upstream.prefetch"
    JOB_READ = "job.read"
    JOB_RUN = "job.run"
    JOB_CANCEL = "job.cancel"
    GATE_TRY = "gate.try"
    PROMOTION_READ = "promotion.read"
    PROMOTION_ASK = "promotion.ask"
    PROMOTION_DECIDE = "promotion.decide"
    PROMOTION_ROLL_BACK = "promotion.roll-back"
    BUNDLE_READ = "bundle.read"
    BUNDLE_MAKE = "bundle.make"
    BUNDLE_REMOVE = "bundle.remove"
    QUARANTINE_READ = "quarantine.read"
    QUARANTINE_DECIDE = "quarantine.decide"
    RETENTION_READ = "retention.read"
    RETENTION_PLAN = "retention.plan"
    RETENTION_APPLY = "retention.apply"
    IN_USE_READ = "in-use.read"
    IN_USE_SET = "in-use.set"
    SCANNER_READ = "scanner.read"
    SCANNER_CHECK = "scanner.check"
    ADVISORY_READ = "advisory.read"
    ADVISORY_STATUS = "advisory.status"
    ADVISORY_IMPORT = "advisory.import"
    BACKUP_READ = "backup.read"
    BACKUP_RUN = "backup.run"


class Rule(msgspec.Struct, frozen=True):
    """Who may do something: whoever may do any one of `actions` on the registry, or `place` where it is done, or
    whom it concerns (`own`)."""

    actions: tuple[Action, ...] = ()
    place: Action | None = None
    own: bool = False
    reads: bool = False
    """It changes nothing: a credential that is limited will do for what is one's own."""


_SEE = (Action.SYSTEM, Action.AUDIT_READ)
_RULE = (Action.SYSTEM,)

#: The one table. What is not in it cannot be asked for.
RULES: dict[Operation, Rule] = {
    Operation.ME_READ: Rule(own=True, reads=True),
    # Each thing that is told of is seen by those who may see it where it is.
    Operation.ATTENTION_READ: Rule(own=True, reads=True),
    # Whoever is refused is told why, too.
    Operation.READ_ONLY_READ: Rule(own=True, reads=True),
    Operation.CONFIGURATION_READ: Rule(_SEE),
    Operation.HEALTH_READ: Rule(_SEE),
    Operation.PASSWORD_CHANGE: Rule(own=True),
    Operation.PASSWORD_SET: Rule(_RULE),
    Operation.USER_READ: Rule(_SEE, own=True, reads=True),
    Operation.USER_ADD: Rule(_RULE),
    Operation.USER_CHANGE: Rule(_RULE),
    Operation.USER_REMOVE: Rule(_RULE),
    Operation.ROBOT_READ: Rule(_SEE, Action.ADMIN, own=True, reads=True),
    Operation.ROBOT_ADD: Rule(_RULE, Action.ADMIN),
    Operation.ROBOT_CHANGE: Rule(_RULE, Action.ADMIN),
    Operation.ROBOT_REMOVE: Rule(_RULE, Action.ADMIN),
    Operation.ROBOT_SECRET_READ: Rule(_SEE, Action.ADMIN),
    Operation.ROBOT_SECRET_ISSUE: Rule(_RULE, Action.ADMIN),
    Operation.ROBOT_SECRET_REVOKE: Rule(_RULE, Action.ADMIN),
    Operation.TOKEN_READ: Rule(own=True),
    Operation.TOKEN_ISSUE: Rule(own=True),
    Operation.TOKEN_REVOKE: Rule(own=True),
    Operation.GROUP_READ: Rule(_SEE, own=True, reads=True),
    Operation.GROUP_ADD: Rule(_RULE),
    Operation.GROUP_REMOVE: Rule(_RULE),
    Operation.MEMBER_READ: Rule(_SEE),
    Operation.MEMBER_CHANGE: Rule(_RULE),
    Operation.GRANT_READ: Rule(_SEE, Action.ADMIN, own=True, reads=True),
    Operation.GRANT_ADD: Rule(place=Action.ADMIN),
    Operation.GRANT_REMOVE: Rule(_RULE, Action.ADMIN),
    Operation.NAMESPACE_READ: Rule(_SEE, Action.ADMIN),
    Operation.NAMESPACE_CHANGE: Rule(place=Action.ADMIN),
    Operation.NAMESPACE_REMOVE: Rule(place=Action.ADMIN),
    Operation.REPOSITORY_READ: Rule(place=Action.LIST),
    Operation.REPOSITORY_REMOVE: Rule(place=Action.DELETE),
    # Also without being signed in, where anybody may pull.
    Operation.IMAGE_READ: Rule(place=Action.PULL),
    Operation.IMAGE_SCAN: Rule(place=Action.PUSH_NEW),
    Operation.TAG_READ: Rule(place=Action.PULL),
    # Of any tag at all: whether it may be this one is up to the terms of the write.
    Operation.TAG_ROLL_BACK: Rule(place=Action.OVERWRITE),
    Operation.TAG_REMOVE: Rule(place=Action.UNTAG),
    Operation.LOCK_READ: Rule(place=Action.PULL),
    Operation.LOCK_ADD: Rule(place=Action.POLICY_EDIT),
    Operation.LOCK_LIFT: Rule(place=Action.ADMIN),
    Operation.TRASH_READ: Rule(_SEE, Action.PULL),
    # What it comes to is up to the terms of the write.
    Operation.TRASH_RESTORE: Rule(place=Action.PUSH_NEW),
    Operation.TRASH_PURGE: Rule(_RULE, Action.ADMIN),
    Operation.LABEL_READ: Rule(place=Action.PULL),
    # Those of a manifest are content, which whoever pushes says; those of a repository are rules of it.
    Operation.LABEL_CHANGE: Rule(place=Action.PUSH_NEW),
    Operation.REPOSITORY_LABEL_CHANGE: Rule(place=Action.POLICY_EDIT),
    # A caller who may pull is told by a refusal, too, which rule is in the way, wherever that is.
    Operation.HOUSE_RULES_READ: Rule(_SEE, Action.PULL),
    # What these need at their place, their kind declares: see domain.settings.
    Operation.SETTING_READ: Rule(_SEE),
    Operation.SETTING_CHANGE: Rule(_RULE),
    Operation.PROVIDER_ADOPT: Rule(_RULE),
    Operation.PROVIDER_TEST: Rule(_RULE),
    Operation.SESSION_READ: Rule(_RULE, own=True),
    Operation.SESSION_END: Rule(_RULE, own=True),
    Operation.KEY_READ: Rule(_SEE),
    Operation.KEY_ROTATE: Rule(_RULE),
    Operation.SIGNING_READ: Rule(own=True, reads=True),
    Operation.SIGNING_STATUS: Rule(_SEE),
    Operation.SIGNING_CHANGE: Rule(_RULE),
    Operation.EXPLAIN: Rule(_SEE, Action.ADMIN, own=True, reads=True),
    Operation.WHO: Rule(_SEE, Action.ADMIN),
    Operation.AUDIT_READ: Rule((Action.AUDIT_READ,), Action.ADMIN, reads=True),
    Operation.FOLLOWER_READ: Rule(_SEE),
    Operation.FOLLOWER_SKIP: Rule(_RULE),
    # What these need at the place of their webhook, its kind declares, as for settings.
    Operation.DELIVERY_READ: Rule(_SEE),
    Operation.DELIVERY_SEND: Rule(_RULE),
    Operation.USAGE_READ: Rule(_SEE, Action.POLICY_EDIT),
    Operation.SCRUB_READ: Rule(_SEE),
    # What seeing one needs at its place, its kind declares, as for settings.
    Operation.UPSTREAM_READ: Rule(_SEE),
    Operation.UPSTREAM_PREFETCH: Rule(_RULE, Action.ADMIN),
    Operation.JOB_READ: Rule(_SEE),
    Operation.JOB_RUN: Rule(_RULE),
    Operation.JOB_CANCEL: Rule(_RULE),
    Operation.RETENTION_READ: Rule(_SEE, Action.POLICY_EDIT),
    Operation.GATE_TRY: Rule(place=Action.POLICY_EDIT),
    # Each is seen by those who may pull from all of its targets, and by its author.
    Operation.PROMOTION_READ: Rule(own=True, reads=True),
    # Of the source; whether the target takes it is up to the terms of the write.
    Operation.PROMOTION_ASK: Rule(place=Action.PULL),
    # Of each target, and as its pipeline says.
    Operation.PROMOTION_DECIDE: Rule(place=Action.PUSH_NEW),
    # Of any tag at all: whether it may be these is up to the terms of the write.
    Operation.PROMOTION_ROLL_BACK: Rule(place=Action.PUSH_NEW),
    # Each is seen by those who may pull from all of its repositories, and by its author.
    Operation.BUNDLE_READ: Rule(own=True, reads=True),
    # Of each of its repositories: a bundle changes nothing there.
    Operation.BUNDLE_MAKE: Rule(place=Action.PULL),
    Operation.BUNDLE_REMOVE: Rule(place=Action.POLICY_EDIT, own=True),
    # What somebody pushed is theirs to see, whatever they may do where it is.
    Operation.QUARANTINE_READ: Rule(own=True, reads=True),
    Operation.QUARANTINE_DECIDE: Rule(place=Action.POLICY_EDIT),
    Operation.RETENTION_PLAN: Rule(place=Action.POLICY_EDIT),
    # With the right to make plans there.
    Operation.RETENTION_APPLY: Rule(place=Action.DELETE),
    Operation.IN_USE_READ: Rule(_SEE, Action.PULL),
    # A caller who runs what is there may say so; to replace what others said takes the right to make plans there.
    Operation.IN_USE_SET: Rule(place=Action.PULL),
    # What these need at the place of their scanner, its kind declares, as for settings.
    Operation.SCANNER_READ: Rule(_SEE),
    Operation.SCANNER_CHECK: Rule(_RULE),
    # What advisories say is no secret: whoever is signed in may read them.
    Operation.ADVISORY_READ: Rule(own=True, reads=True),
    Operation.ADVISORY_STATUS: Rule(_SEE),
    Operation.ADVISORY_IMPORT: Rule(_RULE),
    Operation.BACKUP_READ: Rule(_SEE),
    Operation.BACKUP_RUN: Rule(_RULE),
}


class Gate:
    """Asks `Access` by the table."""

    def __init__(self, access: Access, clock: Clock) -> None:
        self._access = access
        self._clock = clock

    def now(self) -> int:
        """Microseconds since 1970."""
        return self._clock.now()

    async def rights(self, caller: Caller) -> Rights:
        """What the caller may do. Raises Unauthorized where nobody is signed in, or not with what is good any more.

        Raises Denied in an open registry: there anybody may do anything, and whoever passes by would make themselves
        at home for the time after.
        """
        if caller.subject.kind is SubjectKind.ANONYMOUS:
            raise Unauthorized("nobody is signed in, and this needs somebody; sign in")
        rights = await self._access.rights(caller.subject)
        if rights.open:
            raise Denied("the registry is open, and who may do what is not managed meanwhile; start it without --open")
        return rights

    async def may(
        self,
        caller: Caller,
        operation: Operation,
        *,
        own: bool = False,
        namespace: str | None = None,
        repository: str | None = None,
    ) -> bool:
        """Whether the caller may do it there; `own`: it concerns nobody but themselves. Raises Unauthorized."""
        rule = RULES[operation]
        rights = await self.rights(caller)
        if own and rule.own and (rule.reads or unlimited(rights)):
            return True
        for action in rule.actions:
            if await self._allowed(caller, action):
                return True
        if rule.place is None or (namespace is None and repository is None):
            return False
        return await self._allowed(caller, rule.place, namespace, repository)

    async def check(
        self,
        caller: Caller,
        operation: Operation,
        *,
        own: bool = False,
        namespace: str | None = None,
        repository: str | None = None,
    ) -> None:
        """Raises Unauthorized or Denied unless the caller may do it there."""
        if await self.may(caller, operation, own=own, namespace=namespace, repository=repository):
            return
        rule = RULES[operation]
        if own and rule.own:
            raise Denied(
                f"{caller.subject.credential or 'what you signed in with'} is limited, and cannot be used for what "
                "concerns its owner; sign in with your password",
                {"operation": operation.value},
            )
        if rule.place is not None and (namespace is not None or repository is not None):
            await self._access.check(caller, rule.place, namespace=namespace, repository=repository)
        for action in rule.actions or (Action.SYSTEM,):
            await self._access.check(caller, action)
        raise Denied(f"{caller.subject.name} may not do this ({operation})", {"operation": operation.value})

    async def check_setting(self, caller: Caller, action: Action | None, path: str, *, seeing: bool = False) -> None:
        """Raises Unauthorized or Denied unless the caller may do that at a node of the tree; `seeing`: those who rule
        or audit the registry may in any case. None: whoever is signed in may."""
        await self.rights(caller)
        if action is None:
            return
        if seeing and any([await self._allowed(caller, action) for action in _SEE]):
            return
        await self._access.check(caller, action, namespace=path if action not in REGISTRY_WIDE else None)

    async def may_set(self, caller: Caller, action: Action | None, path: str) -> bool:
        """Whether `check_setting` lets the caller do that. Raises Unauthorized."""
        await self.rights(caller)
        return action is None or await self._allowed(caller, action, path if action not in REGISTRY_WIDE else None)

    async def administers(self, caller: Caller) -> "Administered":
        """Where the caller has a say, to be asked about many places without a question to the catalog for each."""
        rights = await self.rights(caller)
        everything = any([await self._allowed(caller, action) for action in _SEE])
        return Administered(rights, caller, self._clock.now(), everything=everything)

    async def _allowed(
        self, caller: Caller, action: Action, namespace: str | None = None, repository: str | None = None
    ) -> bool:
        try:
            return (await self._access.decide(caller, action, namespace=namespace, repository=repository)).allowed
        except Unauthorized as refusal:
            if refusal.reason != "insufficient_scope":
                raise
            return False


class Administered:
    """Where somebody may administer, by the rights that they had a moment ago. `everything`: they see all there is."""

    def __init__(self, rights: Rights, caller: Caller, now: int, *, everything: bool) -> None:
        self.everything = everything
        self._rights = rights
        self._caller = caller
        self._now = now

    def anywhere(self, action: Action | None) -> bool:
        """Whether there may be a place where they see what takes this action: without one there is nothing to read."""
        return (
            self.everything
            or action is None
            or any(
                grant.effect is Effect.ALLOW and (action in grant.actions or grant.concerns(action))
                for grant in self._rights.grants
            )
        )

    def namespace(self, path: str) -> bool:
        """Whether they may see what belongs to a namespace."""
        return self.everything or self._may(Question(Action.ADMIN, None, path, "", self._now, self._caller.address))

    def repository(self, name: str) -> bool:
        """Whether they administer a repository."""
        return self.everything or self._may(Question(Action.ADMIN, name, None, "", self._now, self._caller.address))

    def reads(self, repository: str) -> bool:
        """Whether a grant lets them pull from a repository."""
        question = Question(Action.PULL, repository, None, "", self._now, self._caller.address)
        return self.everything or self._may(question)

    def setting(self, action: Action | None, path: str) -> bool:
        """Whether they may see a setting of a node, which takes this action there."""
        if self.everything or action is None:
            return True
        where = None if action in REGISTRY_WIDE else path
        return self._may(Question(action, None, where, "", self._now, self._caller.address))

    def place(self, place: Place) -> bool:
        """Whether they administer the whole of a place."""
        return self.everything or administers(self._rights, place, self._now, self._caller.address)

    def knows(self, repository: str, place: PlaceFacts) -> bool:
        """Whether they may know what there is at the place of a repository: may do something there by a grant, or see
        the repository that is there. What is private is to them as what is not there."""
        visible = place.visible if place.exists else DEFAULT_VISIBILITY
        return self.everything or any(
            self._may(Question(action, repository, None, "", self._now, self._caller.address), visible)
            for action in OF_REPOSITORIES
        )

    def _may(self, question: Question, visible: VisibilityAt = DEFAULT_VISIBILITY) -> bool:
        limits = self._rights.subject.limits
        return decide(self._rights, question, visible).allowed and (
            limits is None
            or any(limit.includes(question.action, question.repository, question.namespace) for limit in limits)
        )


def unlimited(rights: Rights) -> bool:
    """Whether what somebody came with may be used for everything that they may do."""
    return rights.limits is None and rights.subject.limits is None
