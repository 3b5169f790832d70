"""Why a decision is what it is: every grant that was looked at, and what would change the answer."""

import msgspec

from orlop.domain.access.actions import DENIED_WITH, OF_TAGS, READS, REGISTRY_WIDE
from orlop.domain.access.decisions import Decision, Question, decide
from orlop.domain.access.grants import Conditions, Effect, Grant, Limit, in_networks
from orlop.domain.access.patterns import pattern
from orlop.domain.access.rights import DEFAULT_VISIBILITY, Rights, Visibility, VisibilityAt
from orlop.domain.access.roles import least_role
from orlop.domain.access.subjects import SubjectKind


class Considered(msgspec.Struct, frozen=True):
    """A grant, whether it applies to the question, and why or why not."""

    grant: Grant
    applies: bool
    reason: str


class Considerations(msgspec.Struct, frozen=True):
    """A decision with everything that went into it."""

    decision: Decision
    grants: tuple[Considered, ...]
    visible: VisibilityAt
    opened: bool
    """Whether the visibility alone would allow it."""
    limits: tuple[Limit, ...] | None
    """What the credential may be used for; None: for everything."""
    within: bool
    """Whether the question lies within these limits."""
    changes: tuple[str, ...]
    """What would turn the answer around."""


def explain(
    rights: Rights,
    question: Question,
    visible: VisibilityAt = DEFAULT_VISIBILITY,
    signed: tuple[Limit, ...] | None = None,
) -> Considerations:
    """What `decide` says, and why. `signed`: the limits of a token that the subject came with, if it is one."""
    decision = decide(rights, question, visible)
    considered = tuple(_considered(grant, question) for grant in rights.grants)
    limits = rights.limits if signed is None else signed
    within = limits is None or any(
        limit.includes(question.action, question.repository, question.namespace) for limit in limits
    )
    opened = (
        question.action in READS
        and question.repository is not None
        and (
            visible.visibility is Visibility.PUBLIC
            or (visible.visibility is Visibility.INTERNAL and rights.subject.kind is not SubjectKind.ANONYMOUS)
        )
    )
    if decision.allowed and not within:
        decision = Decision(False, f"the token does not include {question.action}", "use one whose scope includes it")
    changes = () if decision.allowed else _changes(rights, question, considered, within=within)
    return Considerations(decision, considered, visible, opened, limits, within, changes)


def _considered(grant: Grant, question: Question) -> Considered:
    reason = _stands_aside(grant, question)
    if reason:
        return Considered(grant, False, reason)
    verb = "allows" if grant.effect is Effect.ALLOW else "denies"
    if question.action in grant.actions:
        return Considered(grant, True, f"it {verb} {question.action} here")
    with_it = ", ".join(sorted(DENIED_WITH[question.action] & grant.actions))
    return Considered(grant, True, f"it {verb} {with_it} here, and {question.action} with it")


def _stands_aside(grant: Grant, question: Question) -> str:
    """Why a grant has nothing to do with a question; empty: it has."""
    if not grant.concerns(question.action):
        return f"the role {grant.role} does not have {question.action}"
    if question.action in REGISTRY_WIDE or (question.repository is None and question.namespace is None):
        if not grant.place.covers_namespace(""):
            return f"{question.action} is about the registry as a whole, and the grant about {grant.place}"
    elif question.repository is not None:
        if not grant.place.covers(question.repository):
            return f"{question.repository} is not in {grant.place}"
    elif not grant.place.covers_namespace(question.namespace or ""):
        return f"the namespace {question.namespace} as a whole is not in {grant.place}"
    if grant.tags and question.action in OF_TAGS:
        if not question.tag and grant.effect is Effect.DENY:
            return f"it is about the tags {grant.tags} alone"
        if question.tag and not pattern(grant.tags).matches(question.tag):
            return f"the tag {question.tag} does not match {grant.tags}"
    if grant.expires_at and grant.expires_at <= question.at:
        return "it has expired"
    return _unmet(grant.conditions, question)


def _unmet(conditions: Conditions, question: Question) -> str:
    if conditions.only_by_digest and question.tag:
        return "it holds only for what is named by its digest"
    if conditions.networks and not in_networks(question.address, conditions.networks):
        return f"{question.address or 'an unknown address'} is in none of its networks"
    if conditions.windows and not any(window.contains(question.at) for window in conditions.windows):
        return "it does not hold at this time of the week"
    return ""


def _changes(
    rights: Rights, question: Question, considered: tuple[Considered, ...], *, within: bool
) -> tuple[str, ...]:
    """What would have to be done, in the order in which it would have to be."""
    if rights.subject.kind is SubjectKind.ANONYMOUS:
        return ("sign in", *(["make the namespace public"] if question.action in READS else []))
    steps = [] if within else ["use a credential that is not limited, or whose limits include it"]
    denying = [one.grant for one in considered if one.applies and one.grant.effect is Effect.DENY]
    steps += [f"remove grant {grant.id}, which denies it" for grant in denying]
    if any(one.applies and one.grant.effect is Effect.ALLOW for one in considered):
        return tuple(steps)
    close = [one for one in considered if question.action in one.grant.actions and one.grant.effect is Effect.ALLOW]
    steps += [f"meet what grant {one.grant.id} asks for: {one.reason}" for one in close if _conditional(one, question)]
    where = "the registry"
    if question.action not in REGISTRY_WIDE:
        where = question.repository or (f"{question.namespace}/" if question.namespace else where)
    steps.append(f"grant {rights.subject.name} the role {least_role(question.action)} on {where}")
    return tuple(steps)


def _conditional(one: Considered, question: Question) -> bool:
    """Whether a grant is about the place, and only its conditions, tags or end stand in the way."""
    grant = one.grant
    place = (
        grant.place.covers(question.repository)
        if question.repository
        else grant.place.covers_namespace(question.namespace or "")
    )
    return place and (question.action not in REGISTRY_WIDE or grant.place.covers_namespace(""))
