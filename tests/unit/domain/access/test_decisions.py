"""Who may do what: every rule by which it is decided, and what a refusal says."""

import itertools

import pytest

from orlop.domain.access import (
    ANONYMOUS,
    ROLES,
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
    SubjectKind,
    Visibility,
    VisibilityAt,
    Window,
    decide,
)
from orlop.domain.access.actions import REGISTRY_WIDE

ALICE = Subject("alice", id=1)
REGISTRY = Place(PlaceKind.REGISTRY)
TEAM = Place(PlaceKind.NAMESPACE, "team")
MINUTE = 60_000_000
#: A Wednesday, 12:00 UTC.
NOON = 1_795_608_000_000_000


def grant(
    role: str,
    place: Place = TEAM,
    *,
    effect: Effect = Effect.ALLOW,
    tags: str = "",
    conditions: Conditions | None = None,
    expires_at: int = 0,
    number: int = 1,
) -> Grant:
    return Grant(
        number, effect, "alice", role, ROLES[role].actions, place, tags, conditions or Conditions(), expires_at
    )


def allows(
    *grants: Grant,
    action: Action = Action.PULL,
    repository: str | None = "team/app",
    namespace: str | None = None,
    tag: str = "",
    at: int = NOON,
    address: str = "192.0.2.7",
    subject: Subject = ALICE,
    visibility: Visibility = Visibility.PRIVATE,
    limits: tuple[Limit, ...] | None = None,
) -> bool:
    rights = Rights(subject, grants=grants, limits=limits)
    question = Question(action, repository, namespace, tag, at, address)
    return decide(rights, question, VisibilityAt(visibility, "team")).allowed


@pytest.mark.parametrize("action", list(Action))
def test_nothing_is_allowed_to_nobody(action: Action) -> None:
    assert not allows(action=action, subject=ANONYMOUS)


@pytest.mark.parametrize("action", sorted(set(Action) - {Action.PING}))
def test_nothing_is_allowed_without_a_grant(action: Action) -> None:
    assert not allows(action=action)
    assert not allows(action=action, repository=None)
    assert not allows(action=action, repository=None, namespace="team")


@pytest.mark.parametrize("role", [role for role in ROLES if role not in {"admin", "auditor"}])
def test_a_role_allows_its_actions_and_no_other(role: str) -> None:
    for action in set(Action) - {Action.PING}:
        expected = action in ROLES[role].actions and action not in REGISTRY_WIDE
        assert allows(grant(role), action=action) is expected, action


def test_roles_contain_each_other() -> None:
    chain = [ROLES[name].actions for name in ("guest", "reader", "publisher", "maintainer", "owner", "admin")]
    assert all(less < more for less, more in itertools.pairwise(chain))


def test_what_concerns_the_registry_is_granted_on_the_registry_alone() -> None:
    for action in (Action.SYSTEM, Action.AUDIT_READ):
        assert allows(grant("admin", REGISTRY), action=action, repository=None)
        assert not allows(grant("admin", TEAM), action=action, repository=None)
        assert not allows(grant("admin", Place(PlaceKind.REPOSITORIES, "**")), action=action, repository=None)


@pytest.mark.parametrize(
    ("place", "repository", "inside"),
    [
        (REGISTRY, "anything/at/all", True),
        (TEAM, "team/app", True),
        (TEAM, "team/backend/api", True),
        (TEAM, "team-b/app", False),
        (TEAM, "team", False),
        (TEAM, "other/team/app", False),
        (Place(PlaceKind.REPOSITORIES, "team/app"), "team/app", True),
        (Place(PlaceKind.REPOSITORIES, "team/app"), "team/app2", False),
        (Place(PlaceKind.REPOSITORIES, "team/app"), "team/app/more", False),
        (Place(PlaceKind.REPOSITORIES, "team/*"), "team/app", True),
        (Place(PlaceKind.REPOSITORIES, "team/*"), "team/backend/api", False),
        (Place(PlaceKind.REPOSITORIES, "team/**"), "team/backend/api", True),
        (Place(PlaceKind.REPOSITORIES, "*/app"), "team/app", True),
        (Place(PlaceKind.REPOSITORIES, "team.app"), "teamxapp", False),
    ],
)
def test_a_grant_holds_in_its_place(place: Place, repository: str, inside: bool) -> None:
    assert allows(grant("reader", place), repository=repository) is inside


@pytest.mark.parametrize(
    ("place", "namespace", "inside"),
    [
        (REGISTRY, "", True),
        (REGISTRY, "team", True),
        (TEAM, "team", True),
        (TEAM, "team/backend", True),
        (TEAM, "team-b", False),
        (TEAM, "", False),
        (Place(PlaceKind.REPOSITORIES, "**"), "team", False),
    ],
)
def test_a_namespace_is_administered_where_the_whole_of_it_is_granted(
    place: Place, namespace: str, inside: bool
) -> None:
    assert allows(grant("owner", place), action=Action.ADMIN, repository=None, namespace=namespace) is inside


def test_deny_beats_allow_wherever_they_stand() -> None:
    denied = grant("reader", Place(PlaceKind.REPOSITORIES, "team/secret"), effect=Effect.DENY, number=2)
    for grants in ((grant("owner"), denied), (denied, grant("owner", REGISTRY))):
        assert not allows(*grants, repository="team/secret")
        assert allows(*grants, repository="team/secret", action=Action.PUSH_NEW)
        assert allows(*grants, repository="team/open")


def test_deny_beats_what_is_public() -> None:
    assert not allows(grant("guest", effect=Effect.DENY), visibility=Visibility.PUBLIC)


@pytest.mark.parametrize(
    ("visibility", "subject", "readable"),
    [
        (Visibility.PUBLIC, ANONYMOUS, True),
        (Visibility.PUBLIC, ALICE, True),
        (Visibility.INTERNAL, ANONYMOUS, False),
        (Visibility.INTERNAL, ALICE, True),
        (Visibility.INTERNAL, Subject("robot+ci", SubjectKind.ROBOT, 2), True),
        (Visibility.PRIVATE, ANONYMOUS, False),
        (Visibility.PRIVATE, ALICE, False),
    ],
)
def test_visibility_opens_reading_and_nothing_else(visibility: Visibility, subject: Subject, readable: bool) -> None:
    for action in (Action.PULL, Action.LIST, Action.SCAN_READ):
        assert allows(action=action, subject=subject, visibility=visibility) is readable
    for action in (Action.PUSH_NEW, Action.CREATE, Action.TAG, Action.OVERWRITE, Action.DELETE, Action.ADMIN):
        assert not allows(action=action, subject=subject, visibility=visibility)


def test_a_pattern_of_tags_narrows_what_is_done_to_tags() -> None:
    dev = grant("publisher", tags="dev-*")
    for action in (Action.TAG, Action.OVERWRITE):
        assert allows(dev, action=action, tag="dev-1")
        assert not allows(dev, action=action, tag="v1.0")
        assert allows(dev, action=action), "of no tag in particular: there are some to which it may be done"
    assert allows(dev, action=Action.PUSH_NEW)
    denied = grant("publisher", tags="v*", effect=Effect.DENY, number=2)
    assert not allows(grant("publisher"), denied, action=Action.OVERWRITE, tag="v1.0")
    assert allows(grant("publisher"), denied, action=Action.OVERWRITE, tag="latest")
    assert allows(grant("publisher"), denied, action=Action.OVERWRITE), "what is denied of some is not denied of all"


def test_who_may_not_move_a_tag_may_not_remove_it_either() -> None:
    """To remove it and set it again would move it. Not to be allowed to move tags denies nothing."""
    denied = grant("publisher", effect=Effect.DENY, tags="v*")
    assert not allows(grant("maintainer"), denied, action=Action.UNTAG, tag="v1.0")
    assert allows(grant("maintainer"), denied, action=Action.UNTAG, tag="latest")
    assert allows(grant("maintainer"), denied, action=Action.UNTAG), "what is denied of some is not denied of all"
    assert not allows(grant("maintainer"), grant("publisher", effect=Effect.DENY), action=Action.UNTAG)
    cleaner = Grant(2, Effect.ALLOW, "alice", "cleaner", frozenset({Action.UNTAG}), TEAM)
    assert allows(cleaner, action=Action.UNTAG, tag="v1.0")
    assert not allows(grant("publisher"), action=Action.UNTAG, tag="v1.0"), "a grant gives no more than it says"


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("11.1.2.3", False),
        ("2001:db8::5", True),
        ("2001:db9::5", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_a_grant_may_hold_from_some_networks_alone(address: str, inside: bool) -> None:
    office = grant("reader", conditions=Conditions(networks=("10.0.0.0/8", "2001:db8::/32")))
    assert allows(office, address=address) is inside


def test_a_grant_may_hold_for_digests_alone() -> None:
    pinned = grant("reader", conditions=Conditions(only_by_digest=True))
    assert allows(pinned)
    assert not allows(pinned, tag="latest")


@pytest.mark.parametrize(
    ("window", "minutes", "inside"),
    [
        (Window((2,), 9 * 60, 17 * 60), 0, True),
        (Window((2,), 9 * 60, 17 * 60), 5 * 60 - 1, True),
        (Window((2,), 9 * 60, 17 * 60), 5 * 60, False),
        (Window((2,), 9 * 60, 17 * 60), 24 * 60, False),
        (Window((1,), 9 * 60, 17 * 60), 0, False),
        (Window((2,), 22 * 60, 6 * 60), 12 * 60, True),
        (Window((2,), 22 * 60, 6 * 60), 17 * 60, True),
        (Window((2,), 22 * 60, 6 * 60), 18 * 60, False),
        (Window((6,), 22 * 60, 6 * 60), -57 * 60, True),  # Monday, 03:00, of Sunday's window
    ],
)
def test_a_grant_may_hold_at_some_times_alone(window: Window, minutes: int, inside: bool) -> None:
    working = grant("reader", conditions=Conditions(windows=(window,)))
    assert allows(working, at=NOON + minutes * MINUTE) is inside


def test_a_grant_ends() -> None:
    ending = grant("reader", expires_at=NOON)
    assert allows(ending, at=NOON - 1)
    assert not allows(ending, at=NOON)


def test_a_secret_may_be_used_for_less_than_its_owner_may_do() -> None:
    limits = (Limit(frozenset({Action.PULL}), Place(PlaceKind.REPOSITORIES, "team/app")),)
    owner = grant("admin", REGISTRY)
    assert allows(owner, limits=limits)
    assert not allows(owner, limits=limits, action=Action.PUSH_NEW)
    assert not allows(owner, limits=limits, repository="team/other")
    assert not allows(owner, limits=limits, repository=None, action=Action.SYSTEM)
    assert not allows(owner, limits=())
    assert not allows(limits=limits), "and for nothing that its owner may not do"
    assert allows(limits=limits, action=Action.PING)


def test_an_answer_says_how_long_it_holds() -> None:
    def answer(*grants: Grant) -> tuple[bool, int]:
        decision = decide(Rights(ALICE, grants=grants), Question(Action.PULL, "team/app", at=NOON))
        return decision.lasting, decision.until

    assert answer() == (True, 0)
    assert answer(grant("reader")) == (True, 0)
    assert answer(grant("reader", expires_at=NOON + 5)) == (True, NOON + 5)
    assert answer(grant("reader", conditions=Conditions(networks=("10.0.0.0/8",)))) == (False, 0)
    assert answer(grant("reader", Place(PlaceKind.NAMESPACE, "other"), expires_at=NOON + 5)) == (True, 0)


def test_a_refusal_says_which_rule_refused_and_what_to_do() -> None:
    missing = decide(Rights(ALICE), Question(Action.PUSH_NEW, "team/app"))
    assert missing.rule == "alice has no grant for push-new on team/app"
    assert missing.remedy == "ask whoever administers it for the role publisher"
    denied = decide(Rights(ALICE, grants=(grant("reader", effect=Effect.DENY),)), Question(Action.PULL, "team/app"))
    assert denied.rule == "grant 1 denies alice the role reader on team/"
    elsewhere = grant("reader", conditions=Conditions(networks=("10.0.0.0/8",)))
    conditional = decide(Rights(ALICE, grants=(elsewhere,)), Question(Action.PULL, "team/app", address="192.0.2.7"))
    assert conditional.rule == "grant 1 gives alice the role reader on team/, but not under these conditions"
    assert decide(Rights(ANONYMOUS), Question(Action.PULL, "team/app")).remedy == "sign in"


def test_an_open_registry_refuses_nobody() -> None:
    for action in Action:
        assert decide(Rights(ANONYMOUS, open=True), Question(action, "team/app")).allowed
