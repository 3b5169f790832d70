"""The one function that decides. Deny beats allow; what nothing allows is refused; each answer says by which rule."""

from enum import StrEnum

import msgspec

from orlop.domain.access.actions import DENIED_WITH, OF_TAGS, READS, REGISTRY_WIDE, Action
from orlop.domain.access.grants import Effect, Grant, in_networks
from orlop.domain.access.patterns import pattern
from orlop.domain.access.rights import DEFAULT_VISIBILITY, Rights, Visibility, VisibilityAt
from orlop.domain.access.roles import least_role
from orlop.domain.access.subjects import SubjectKind


class Question(msgspec.Struct, frozen=True):
    """May this be done here? Neither a repository nor a namespace: on the registry as a whole."""

    action: Action
    repository: str | None = None
    namespace: str | None = None
    """For what concerns a namespace itself: its grants, its settings, what lies below it as a whole."""
    tag: str = ""
    """The tag that it is about; empty when it is about none, or about all."""
    at: int = 0
    """When: microseconds since 1970, UTC."""
    address: str = ""
    """The address that the request comes from."""


class RuleKind(StrEnum):
    """What kind of rule decided: a few words, for counting."""

    OPEN = "open"
    """Anybody may do anything."""
    SIGNED_IN = "signed-in"
    LIMIT = "limit"
    """The credential is limited to less."""
    TOKEN = "token"  # noqa: S105 - the name of a rule
    """The signed token is for less than what its owner may do."""
    DENIED = "denied"
    """A grant denies it."""
    GRANTED = "granted"
    VISIBILITY = "visibility"
    CONDITIONS = "conditions"
    """There is a grant, but not under these conditions."""
    ANONYMOUS = "anonymous"
    """Nobody is signed in, and it is not open to everybody."""
    NO_GRANT = "no-grant"


class Decision(msgspec.Struct, frozen=True):
    """An answer with its reason: the rule that decided, and for a refusal what would change it."""

    allowed: bool
    rule: str
    remedy: str = ""
    lasting: bool = True
    """Whether it holds for the same question at any time and from any address, while nobody's rights change."""
    until: int = 0
    """When a grant that was looked at expires, so that the answer may be another; 0: none does."""
    kind: RuleKind = RuleKind.NO_GRANT


OPEN = Decision(True, "the registry is open: anyone may push and pull", kind=RuleKind.OPEN)


def decide(rights: Rights, question: Question, visible: VisibilityAt = DEFAULT_VISIBILITY) -> Decision:
    """May the subject with these rights do that, where `visible` is what the namespaces above say of visibility?"""
    if rights.open:
        return OPEN
    subject, action = rights.subject, question.action
    if rights.limits is not None and not _within(rights, question):
        return Decision(
            False,
            f"{subject.credential or 'the credential'} is limited to less than {action} on {_where(question)}",
            "use one whose scope includes it",
            kind=RuleKind.LIMIT,
        )
    if action is Action.PING:
        return _ping(rights)
    also = action in DENIED_WITH
    candidates = [
        grant
        for grant in rights.grants
        if (action in grant.actions or (also and grant.concerns(action))) and _covers(grant, question)
    ]
    lasting = not any(grant.conditions.any for grant in candidates)
    until = min((grant.expires_at for grant in candidates if grant.expires_at > question.at), default=0)
    applying = [grant for grant in candidates if applies(grant, question)]
    for effect in (Effect.DENY, Effect.ALLOW):
        for grant in applying:
            if grant.effect is effect:
                allowed = effect is Effect.ALLOW
                remedy = "" if allowed else "ask whoever administers it to change that grant"
                kind = RuleKind.GRANTED if allowed else RuleKind.DENIED
                return Decision(allowed, str(grant), remedy, lasting, until, kind)
    if action in READS and _open_to(rights, visible.visibility) and question.repository is not None:
        where = f"the namespace {visible.namespace}" if visible.namespace else "the registry"
        return Decision(True, f"{where} is {visible.visibility.value}", "", lasting, until, RuleKind.VISIBILITY)
    kind, rule = _refusal(rights, question, candidates)
    return Decision(False, rule, _remedy(rights, question), lasting, until, kind)


def _ping(rights: Rights) -> Decision:
    if rights.subject.kind is SubjectKind.ANONYMOUS:
        return Decision(False, "nobody is signed in", "sign in", kind=RuleKind.ANONYMOUS)
    return Decision(True, f"{rights.subject.name} is signed in", kind=RuleKind.SIGNED_IN)


def _within(rights: Rights, question: Question) -> bool:
    """Whether the credential may be used for it. A caller who is signed in may always ask who they are."""
    if question.action is Action.PING:
        return True
    return any(
        limit.includes(question.action, question.repository, question.namespace) for limit in rights.limits or ()
    )


def _covers(grant: Grant, question: Question) -> bool:
    """Whether a grant is about the place of a question, and about its tag."""
    if question.repository is not None and question.action not in REGISTRY_WIDE:
        covered = grant.place.covers(question.repository)
    elif question.namespace is not None and question.action not in REGISTRY_WIDE:
        covered = grant.place.covers_namespace(question.namespace)
    else:
        covered = grant.place.covers_namespace("")
    if not covered or not grant.tags or question.action not in OF_TAGS:
        return covered
    if not question.tag:  # whether it may be done to any tag at all: to deny it for some does not deny it for all
        return grant.effect is Effect.ALLOW
    return pattern(grant.tags).matches(question.tag)


def applies(grant: Grant, question: Question) -> bool:
    """Whether a grant that is about the place and the action holds now and here."""
    conditions = grant.conditions
    if grant.expires_at and grant.expires_at <= question.at:
        return False
    if conditions.only_by_digest and question.tag:
        return False
    if conditions.networks and not in_networks(question.address, conditions.networks):
        return False
    return not conditions.windows or any(window.contains(question.at) for window in conditions.windows)


def _open_to(rights: Rights, visibility: Visibility) -> bool:
    if visibility is Visibility.PUBLIC:
        return True
    return visibility is Visibility.INTERNAL and rights.subject.kind is not SubjectKind.ANONYMOUS


def _where(question: Question) -> str:
    return question.repository or question.namespace or "the registry"


def _refusal(rights: Rights, question: Question, candidates: list[Grant]) -> tuple[RuleKind, str]:
    held = next((grant for grant in candidates if grant.effect is Effect.ALLOW), None)
    if held is not None:
        return RuleKind.CONDITIONS, f"{held}, but not under these conditions"
    what = f"{question.action} on {_where(question)}"
    if rights.subject.kind is SubjectKind.ANONYMOUS:
        return RuleKind.ANONYMOUS, f"nobody is signed in, and {what} is not open to everybody"
    return RuleKind.NO_GRANT, f"{rights.subject.name} has no grant for {what}"


def _remedy(rights: Rights, question: Question) -> str:
    if rights.subject.kind is SubjectKind.ANONYMOUS:
        return "sign in"
    return f"ask whoever administers it for the role {least_role(question.action)}"
