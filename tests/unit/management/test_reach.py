"""What somebody may pass on, held against what they may do: a gift holds nothing that the giver does not have."""

from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.access import (
    Action,
    Conditions,
    Effect,
    Grant,
    Limit,
    Place,
    PlaceKind,
    Question,
    Rights,
    Subject,
    decide,
)
from orlop.domain.access.explanation import explain
from orlop.domain.access.reach import REGISTRY, Gift, beyond

NOW = 1_000_000
PATHS = ("team", "team/prod", "team-b", "t")
PATTERNS = ("**", "team/**", "team/*", "team/prod/*", "team*", "*/app", "team/app", "team-b/*")
REPOSITORIES = ("team/app", "team/prod/app", "team-b/app", "team/prod-x", "app", "t/app", "team/prod/x/y")

places = st.one_of(
    st.just(REGISTRY),
    st.sampled_from(PATHS).map(lambda path: Place(PlaceKind.NAMESPACE, path)),
    st.sampled_from(PATTERNS).map(lambda path: Place(PlaceKind.REPOSITORIES, path)),
)
conditions = st.sampled_from((Conditions(), Conditions(only_by_digest=True), Conditions(networks=("10.0.0.0/8",))))
actions = st.frozensets(st.sampled_from((Action.PULL, Action.TAG, Action.DELETE, Action.ADMIN)), min_size=1)
grants = st.builds(
    Grant,
    id=st.integers(1, 99),
    effect=st.sampled_from((Effect.ALLOW, Effect.ALLOW, Effect.DENY)),
    principal=st.just("ann"),
    role=st.just("some"),
    actions=actions,
    place=places,
    tags=st.sampled_from(("", "", "v*")),
    conditions=conditions,
    expires_at=st.sampled_from((0, 0, NOW - 1, NOW + 50)),
)
limits = st.one_of(st.none(), st.lists(st.builds(Limit, actions, places), max_size=2).map(tuple))
gifts = st.builds(
    Gift,
    actions=actions,
    place=places,
    tags=st.sampled_from(("", "v*")),
    conditions=conditions,
    expires_at=st.sampled_from((0, NOW + 10, NOW + 50, NOW + 90)),
)
questions = st.builds(
    Question,
    action=st.sampled_from((Action.PULL, Action.TAG, Action.DELETE, Action.ADMIN)),
    repository=st.sampled_from(REPOSITORIES),
    tag=st.sampled_from(("v1", "latest", "")),
    at=st.sampled_from((NOW, NOW + 20, NOW + 60)),
    address=st.sampled_from(("10.1.2.3", "192.0.2.1")),
)


@given(held=st.lists(grants, max_size=5).map(tuple), narrowed=limits, gift=gifts, question=questions)
def test_nobody_gets_what_the_giver_does_not_have(
    held: tuple[Grant, ...], narrowed: tuple[Limit, ...] | None, gift: Gift, question: Question
) -> None:
    giver = Rights(Subject("ann"), 0, held, narrowed)
    actions_given = gift.actions - beyond(giver, gift, NOW)
    given_grant = Grant(
        100, Effect.ALLOW, "bob", "some", actions_given, gift.place, gift.tags, gift.conditions, gift.expires_at
    )
    taker = Rights(Subject("bob"), 0, (given_grant,))
    if question.action is not Action.TAG or question.tag:  # "any tag at all" is less exact on purpose
        assert not decide(taker, question).allowed or decide(giver, question).allowed


@given(held=st.lists(grants, max_size=5).map(tuple), narrowed=limits, question=questions)
def test_an_explanation_is_the_decision(
    held: tuple[Grant, ...], narrowed: tuple[Limit, ...] | None, question: Question
) -> None:
    rights = Rights(Subject("ann"), 0, held, narrowed)
    found, decision = explain(rights, question), decide(rights, question)
    assert found.decision == decision
    applying = [one.grant for one in found.grants if one.applies]
    denied = any(grant.effect is Effect.DENY for grant in applying)
    assert decision.allowed == (bool(applying) and not denied and found.within)
    assert bool(found.changes) is not decision.allowed
    assert all(one.reason for one in found.grants)


@given(one=places, other=places)
def test_a_place_includes_what_it_says(one: Place, other: Place) -> None:
    covered = {name for name in REPOSITORIES if other.covers(name)}
    if one.includes(other):
        assert all(one.covers(name) for name in covered)
    if any(one.covers(name) for name in covered):
        assert one.meets(other)
        assert other.meets(one)
