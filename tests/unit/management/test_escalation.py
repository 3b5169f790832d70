"""Whoever tries to get more than they have, by whichever way, is refused; each case is one such attempt."""

from collections.abc import Awaitable, Callable

import pytest

from orlop.domain.access import ANONYMOUS, Action, Caller, Conditions, Effect, Limit, Place
from orlop.domain.errors import Conflict, Denied, NotFound, RegistryError, RequestInvalid, Unauthorized
from orlop.domain.pages import PageRequest
from orlop.ports.identity import Account, AccountChange, Namespace, NewGrant
from orlop.ports.settings import Document
from tests.catalogs import rows
from tests.unit.management.scene import BY, NOW, REGISTRY, Scene, namespace, repositories, scene

HOUR = 3_600_000_000
Attempt = Callable[[Scene], Awaitable[object]]


def grants(who: str, principal: str, role: str, place: Place, **more: object) -> Attempt:
    """`who` gives a role to somebody."""

    async def attempt(scene: Scene) -> object:
        new = NewGrant(principal=principal, role=role, place=place, **more)  # type: ignore[arg-type]
        return await scene.management.grants.add(await scene.caller(who), new)

    return attempt


def given(*steps: Attempt, then: Attempt) -> Attempt:
    """An attempt in a registry where something was done before."""

    async def attempt(scene: Scene) -> object:
        for step in steps:
            await step(scene)
        scene.marked()
        return await then(scene)

    return attempt


def holds(principal: str, role: str, place: Place, effect: Effect = Effect.ALLOW) -> Attempt:
    """Somebody has a role, whoever gave it."""
    return lambda scene: scene.grant(principal, role, place, effect)


def role(name: str, *actions: Action) -> Attempt:
    """There is a custom role, made by `root`."""

    async def step(scene: Scene) -> object:
        return await scene.management.settings.put(
            await scene.caller("root"), "role", name, {"actions": list(actions)}, 0
        )

    return step


def helpdesk() -> Attempt:
    """`help` may change the registry's users, and has no other action."""

    async def step(scene: Scene) -> None:
        await role("helpdesk", Action.SYSTEM)(scene)
        await scene.user("help", ("helpdesk", REGISTRY))

    return step


def robot(name: str, path: str, *held: tuple[str, Place]) -> Attempt:
    return lambda scene: scene.robot(name, path, *held)


def group(name: str, members: tuple[str, ...] = (), *held: tuple[str, Place]) -> Attempt:
    return lambda scene: scene.group(name, members, *held)


def does(who: str, what: Callable[[Scene, object], Awaitable[object]]) -> Attempt:
    """`who`, signed in with a password, does something."""

    async def attempt(scene: Scene) -> object:
        return await what(scene, await scene.caller(who))

    return attempt


def with_token(who: str, limits: tuple[Limit, ...] | None, what: Callable[..., Awaitable[object]]) -> Attempt:
    """`who`, signed in with a token of these limits, does something."""

    async def attempt(scene: Scene) -> object:
        caller = await scene.with_token(who, limits, expires_at=NOW + HOUR)
        scene.marked()
        return await what(scene, caller)

    return attempt


def removes_last_grant(who: str) -> Attempt:
    """`who` takes away the grant that was made last."""

    async def attempt(scene: Scene) -> object:
        [(last,)] = rows(scene.catalog, "SELECT max(id) FROM grants")
        return await scene.management.grants.remove(await scene.caller(who), last)

    return attempt


TEAM, TEAM_B = namespace("team"), namespace("team-b")
PULL = Limit(frozenset({Action.PULL}), TEAM)
ADMIN = Limit(frozenset({Action.ADMIN}), TEAM)
EVERYTHING = Limit(frozenset(Action), REGISTRY)

ATTEMPTS: dict[str, tuple[Attempt, type[RegistryError]]] = {
    # to oneself
    "nobody's self-grant": (grants("eve", "eve", "reader", TEAM), Denied),
    "nobody's self-grant of everything": (grants("eve", "eve", "admin", REGISTRY), Denied),
    "owner's self-grant of the registry": (grants("ann", "ann", "admin", REGISTRY), Denied),
    "owner's self-grant of a reader of the registry": (grants("ann", "ann", "reader", REGISTRY), Denied),
    "auditor's self-grant": (grants("aud", "aud", "reader", TEAM), Denied),
    "auditor's self-grant of the registry": (grants("aud", "aud", "admin", REGISTRY), Denied),
    # elsewhere: names that look alike
    "team over team-b": (grants("ann", "ann", "reader", TEAM_B), Denied),
    "team-b over team": (grants("bob", "bob", "reader", TEAM), Denied),
    "team-b over below team": (grants("bob", "bob", "owner", namespace("team/prod")), Denied),
    "a pattern that begins like the namespace": (grants("ann", "eve", "reader", repositories("team*/x")), Denied),
    "a pattern of namespaces that begin alike": (grants("ann", "eve", "reader", repositories("team**")), Denied),
    "a pattern of everything": (grants("ann", "eve", "reader", repositories("**")), Denied),
    "a pattern that begins with a wildcard": (grants("ann", "eve", "reader", repositories("*/app")), Denied),
    "a pattern that names the namespace itself": (grants("ann", "eve", "reader", repositories("team")), Denied),
    "a pattern in the other's namespace": (grants("ann", "eve", "reader", repositories("team-b/app")), Denied),
    "a path with dots": (grants("ann", "eve", "reader", namespace("team/../team-b")), RequestInvalid),
    "a pattern with dots": (grants("ann", "eve", "reader", repositories("../team-b/*")), Denied),
    "an empty path": (grants("ann", "eve", "reader", namespace("")), RequestInvalid),
    "a path that ends with a slash": (grants("ann", "eve", "reader", namespace("team/")), RequestInvalid),
    "a path in capitals": (grants("ann", "eve", "reader", namespace("TEAM")), RequestInvalid),
    "a registry with a path": (grants("ann", "eve", "reader", Place(REGISTRY.kind, "team")), RequestInvalid),
    # more than one has
    "admin within a namespace": (grants("ann", "eve", "admin", TEAM), RequestInvalid),
    "auditor within a namespace": (grants("ann", "eve", "auditor", TEAM), RequestInvalid),
    "a maintainer gives": (given(holds("eve", "maintainer", TEAM), then=grants("eve", "eve", "owner", TEAM)), Denied),
    "a publisher gives what they have": (
        given(holds("eve", "publisher", TEAM), then=grants("eve", "bob", "publisher", TEAM)),
        Denied,
    ),
    "to administer is not to read": (
        given(
            role("gatekeeper", Action.ADMIN),
            holds("eve", "gatekeeper", TEAM),
            then=grants("eve", "eve", "reader", TEAM),
        ),
        Denied,
    ),
    "to administer is not to own": (
        given(
            role("gatekeeper", Action.ADMIN),
            holds("eve", "gatekeeper", TEAM),
            then=grants("eve", "bob", "owner", TEAM),
        ),
        Denied,
    ),
    "to administer below is not to administer": (
        given(holds("eve", "owner", namespace("team/prod")), then=grants("eve", "eve", "reader", TEAM)),
        Denied,
    ),
    "what is denied below is not given below": (
        given(
            holds("ann", "publisher", namespace("team/prod"), Effect.DENY),
            then=grants("ann", "eve", "publisher", namespace("team/prod")),
        ),
        Denied,
    ),
    "what is denied below is not given above": (
        given(
            holds("ann", "publisher", namespace("team/prod"), Effect.DENY),
            then=grants("ann", "eve", "publisher", TEAM),
        ),
        Denied,
    ),
    "what is denied by a pattern is not given around it": (
        given(
            holds("ann", "publisher", repositories("team/*-prod"), Effect.DENY),
            then=grants("ann", "eve", "publisher", TEAM),
        ),
        Denied,
    ),
    "what is denied to one's group is not given": (
        given(
            group("staff", ("ann",)),
            holds("group:staff", "publisher", TEAM, Effect.DENY),
            then=grants("ann", "eve", "publisher", TEAM),
        ),
        Denied,
    ),
    "to a group that one is in": (
        given(group("staff", ("eve",)), then=grants("eve", "group:staff", "reader", TEAM)),
        Denied,
    ),
    "a grant that has expired already": (
        grants("ann", "eve", "reader", TEAM, expires_at=NOW - 1),
        RequestInvalid,
    ),
    "a network that is none": (
        grants("ann", "eve", "reader", TEAM, conditions=Conditions(networks=("everywhere",))),
        RequestInvalid,
    ),
    # lifting what is denied
    "lift one's own denial": (
        given(holds("ann", "publisher", namespace("team/prod"), Effect.DENY), then=removes_last_grant("ann")),
        Denied,
    ),
    "lift one's group's denial": (
        given(
            group("staff", ("ann",)),
            holds("group:staff", "publisher", namespace("team/prod"), Effect.DENY),
            then=removes_last_grant("ann"),
        ),
        Denied,
    ),
    "remove the namespace on which one is denied": (
        given(
            lambda scene: scene.identity.namespaces.put(Namespace(path="team/prod"), BY),
            holds("ann", "publisher", namespace("team/prod"), Effect.DENY),
            then=does("ann", lambda s, c: s.management.namespaces.remove(c, "team/prod", None)),
        ),
        Denied,
    ),
    "deny the ruler, as far as they have no say": (
        grants("eve", "root", "reader", TEAM, effect=Effect.DENY),
        Denied,
    ),
    "take away a grant elsewhere": (
        given(holds("bob", "reader", namespace("other")), then=removes_last_grant("ann")),
        NotFound,
    ),
    "take away the last ruler": (does("root", lambda s, c: s.management.grants.remove(c, _first(s))), Conflict),
    # other accounts
    "make a user": (does("ann", lambda s, c: s.management.users.add(c, Account(name="new"), None)), Denied),
    "set the ruler's password": (
        does("ann", lambda s, c: s.management.users.set_password(c, "root", "password1", must_change=False)),
        Denied,
    ),
    "the helpdesk sets the ruler's password": (
        given(
            helpdesk(),
            then=does("help", lambda s, c: s.management.users.set_password(c, "root", "password1", must_change=False)),
        ),
        Denied,
    ),
    "the helpdesk sets the password of an owner": (
        given(
            helpdesk(),
            then=does("help", lambda s, c: s.management.users.set_password(c, "ann", "password1", must_change=False)),
        ),
        Denied,
    ),
    "the helpdesk sets the password of one in a group of rulers": (
        given(
            helpdesk(),
            group("rulers", ("eve",), ("admin", REGISTRY)),
            then=does("help", lambda s, c: s.management.users.set_password(c, "eve", "password1", must_change=False)),
        ),
        Denied,
    ),
    "the helpdesk shuts out the ruler": (
        given(
            helpdesk(),
            then=does("help", lambda s, c: s.management.users.change(c, "root", AccountChange(disabled="away"), None)),
        ),
        Denied,
    ),
    "the helpdesk removes the ruler": (
        given(helpdesk(), then=does("help", lambda s, c: s.management.users.remove(c, "root", None))),
        Denied,
    ),
    "the helpdesk joins the rulers": (
        given(
            helpdesk(),
            group("rulers", (), ("admin", REGISTRY)),
            then=does("help", lambda s, c: s.management.groups.join(c, "rulers", "help")),
        ),
        Denied,
    ),
    "the helpdesk leaves a group that denies": (
        given(
            helpdesk(),
            group("shut", ("help",)),
            holds("group:shut", "reader", TEAM, Effect.DENY),
            then=does("help", lambda s, c: s.management.groups.leave(c, "shut", "help")),
        ),
        Denied,
    ),
    "the helpdesk removes a group that denies": (
        given(
            helpdesk(),
            group("shut", ("help",)),
            holds("group:shut", "reader", TEAM, Effect.DENY),
            then=does("help", lambda s, c: s.management.groups.remove(c, "shut", None)),
        ),
        Denied,
    ),
    "the helpdesk widens its own role": (
        given(
            helpdesk(),
            then=does(
                "help",
                lambda s, c: s.management.settings.put(
                    c, "role", "helpdesk", {"actions": [Action.SYSTEM, Action.PULL]}, None
                ),
            ),
        ),
        Denied,
    ),
    "the helpdesk gives itself the registry": (
        given(helpdesk(), then=grants("help", "help", "admin", REGISTRY)),
        Denied,
    ),
    "join a group": (
        given(group("staff"), then=does("ann", lambda s, c: s.management.groups.join(c, "staff", "ann"))),
        Denied,
    ),
    "make a group": (does("ann", lambda s, c: s.management.groups.add(c, "mine", "")), Denied),
    # roles
    "change a built-in role": (
        does("root", lambda s, c: s.management.settings.put(c, "role", "reader", {"actions": list(Action)}, None)),
        Conflict,
    ),
    "remove a built-in role": (
        does("root", lambda s, c: s.management.settings.remove(c, "role", "reader", None)),
        Conflict,
    ),
    "the helpdesk takes the place of a role that a newer release wrote": (
        given(
            helpdesk(),
            lambda scene: scene.identity.documents.put(Document("role", "later", b'{"actions":["pull","fly"]}'), BY),
            then=does("help", lambda s, c: s.management.settings.put(c, "role", "later", {"actions": ["list"]}, None)),
        ),
        Denied,
    ),
    "an owner makes a role": (
        does("ann", lambda s, c: s.management.settings.put(c, "role", "mine", {"actions": [Action.PULL]}, 0)),
        Denied,
    ),
    "a role whose name is another's in capitals": (
        does("root", lambda s, c: s.management.settings.put(c, "role", "Reader", {"actions": [Action.PULL]}, 0)),
        RequestInvalid,
    ),
    "remove a role that is granted": (
        given(
            role("puller", Action.PULL),
            holds("eve", "puller", TEAM),
            then=does("root", lambda s, c: s.management.settings.remove(c, "role", "puller", None)),
        ),
        Conflict,
    ),
    # robots
    "a robot of the registry": (
        does("ann", lambda s, c: s.management.robots.add(c, _robot("robot+mine", ""))),
        Denied,
    ),
    "a robot in another namespace": (
        does("ann", lambda s, c: s.management.robots.add(c, _robot("robot+mine", "team-b"))),
        Denied,
    ),
    "a robot in the namespace above": (
        given(
            holds("eve", "owner", namespace("team/prod")),
            then=does("eve", lambda s, c: s.management.robots.add(c, _robot("robot+mine", "team"))),
        ),
        Denied,
    ),
    "a robot that is called like a user": (
        does("ann", lambda s, c: s.management.robots.add(c, _robot("root", "team"))),
        RequestInvalid,
    ),
    "a user who is called like a robot": (
        does("root", lambda s, c: s.management.users.add(c, Account(name="robot+ci"), None)),
        RequestInvalid,
    ),
    "a user who is called like the registry itself": (
        does("root", lambda s, c: s.management.users.add(c, Account(name="orlop"), None)),
        RequestInvalid,
    ),
    "a secret of a robot that may do more": (
        given(
            robot("robot+ci", "team", ("admin", REGISTRY)),
            then=does("ann", lambda s, c: s.management.robots.issue(c, "robot+ci", "", None, 0)),
        ),
        Denied,
    ),
    "a secret of it, limited to everything": (
        given(
            robot("robot+ci", "team", ("admin", REGISTRY)),
            then=does("ann", lambda s, c: s.management.robots.issue(c, "robot+ci", "", (EVERYTHING,), 0)),
        ),
        Denied,
    ),
    "enable a robot that may do more": (
        given(
            robot("robot+ci", "team", ("reader", TEAM_B)),
            then=does("ann", lambda s, c: s.management.robots.change(c, "robot+ci", AccountChange(disabled=""), None)),
        ),
        Denied,
    ),
    "a secret of another's robot": (
        given(
            robot("robot+ci", "team-b"),
            then=does("ann", lambda s, c: s.management.robots.issue(c, "robot+ci", "", None, 0)),
        ),
        NotFound,
    ),
    "a robot issues its own secret": (
        given(
            robot("robot+ci", "team", ("reader", TEAM)),
            then=does("robot+ci", lambda s, c: s.management.robots.issue(c, "robot+ci", "", None, 0)),
        ),
        Denied,
    ),
    "a robot makes a robot": (
        given(
            robot("robot+ci", "team", ("publisher", TEAM)),
            then=does("robot+ci", lambda s, c: s.management.robots.add(c, _robot("robot+more", "team"))),
        ),
        Denied,
    ),
    "a robot that administers makes a wider one": (
        given(
            robot("robot+ci", "team", ("owner", namespace("team/prod"))),
            robot("robot+more", "team/prod"),
            then=grants("robot+ci", "robot+more", "reader", TEAM),
        ),
        Denied,
    ),
    "a robot makes a token": (
        given(
            robot("robot+ci", "team", ("owner", TEAM)),
            then=does("robot+ci", lambda s, c: s.management.tokens.issue(c, "", None, 0)),
        ),
        Denied,
    ),
    "a robot changes a password": (
        given(
            robot("robot+ci", "team", ("owner", TEAM)),
            then=does("robot+ci", lambda s, c: s.management.users.change_password(c, "password2")),
        ),
        Conflict,
    ),
    # tokens
    "a limited token makes a token": (
        with_token("ann", (PULL,), lambda s, c: s.management.tokens.issue(c, "", None, 0)),
        Denied,
    ),
    "a limited token makes one like itself": (
        with_token("ann", (PULL,), lambda s, c: s.management.tokens.issue(c, "", (PULL,), NOW + HOUR)),
        Denied,
    ),
    "a token limited to everything makes a token": (
        with_token("ann", (EVERYTHING,), lambda s, c: s.management.tokens.issue(c, "", None, NOW + HOUR)),
        Denied,
    ),
    "a token outlives the one that made it": (
        with_token("ann", None, lambda s, c: s.management.tokens.issue(c, "", None, 0)),
        Denied,
    ),
    "a token lives longer than the one that made it": (
        with_token("ann", None, lambda s, c: s.management.tokens.issue(c, "", None, NOW + HOUR + 1)),
        Denied,
    ),
    "a limited token revokes tokens": (
        with_token("ann", (PULL,), lambda s, c: s.management.tokens.revoke(c, c.subject.credential_id)),
        Denied,
    ),
    "a limited token changes the password": (
        with_token("ann", (PULL,), lambda s, c: s.management.users.change_password(c, "password2")),
        Denied,
    ),
    "a limited token ends sessions": (
        with_token("ann", (PULL,), lambda s, c: s.management.sessions.end_all(c, "ann")),
        Denied,
    ),
    "a limited token grants": (
        with_token("ann", (PULL,), lambda s, c: s.management.grants.add(c, _grant("eve", "reader", TEAM))),
        Denied,
    ),
    "a token limited to administering gives what it is not for": (
        with_token("ann", (ADMIN,), lambda s, c: s.management.grants.add(c, _grant("eve", "reader", TEAM))),
        Denied,
    ),
    "the ruler's token limited to a namespace grants elsewhere": (
        with_token(
            "root",
            (Limit(frozenset(Action), TEAM),),
            lambda s, c: s.management.grants.add(c, _grant("eve", "reader", TEAM_B)),
        ),
        Denied,
    ),
    "the ruler's token limited to a namespace makes a user": (
        with_token(
            "root",
            (Limit(frozenset(Action), TEAM),),
            lambda s, c: s.management.users.add(c, Account(name="new"), None),
        ),
        Denied,
    ),
    "another's token": (
        does("eve", lambda s, c: s.management.tokens.revoke(c, 1)),
        NotFound,
    ),
    # places
    "open another's namespace": (
        does("ann", lambda s, c: s.management.namespaces.put(c, Namespace(path="team-b"), None)),
        Denied,
    ),
    "open the root": (does("ann", lambda s, c: s.management.namespaces.put(c, Namespace(path=""), None)), Denied),
    "make a namespace at the root": (
        does("ann", lambda s, c: s.management.namespaces.put(c, Namespace(path="mine"), 0)),
        Denied,
    ),
    "rotate the keys": (does("ann", lambda s, c: s.management.keys.rotate(c)), Denied),
    "end the ruler's sessions": (does("ann", lambda s, c: s.management.sessions.end_all(c, "root")), Denied),
    "see the ruler": (does("ann", lambda s, c: s.management.users.get(c, "root")), NotFound),
    "see who is in a group": (
        given(
            group("staff", ("ann",)),
            then=does("ann", lambda s, c: s.management.groups.members(c, "staff", PageRequest())),
        ),
        Denied,
    ),
}


def _first(scene: Scene) -> int:
    [(first,)] = rows(scene.catalog, "SELECT min(id) FROM grants")
    return int(first)


def _robot(name: str, path: str) -> Account:
    return Account(name=name, namespace=path)


def _grant(principal: str, role: str, place: Place) -> NewGrant:
    return NewGrant(principal=principal, role=role, place=place)


@pytest.mark.parametrize("name", ATTEMPTS)
async def test_an_attempt_to_get_more_is_refused_and_changes_nothing(name: str) -> None:
    attempt, error = ATTEMPTS[name]
    made = await scene()
    made.marked()
    with pytest.raises(error) as refused:
        await attempt(made)
    assert type(refused.value) is error
    assert 8 < len(refused.value.message) < 400
    assert made.is_as_marked(), "nothing is changed, and nothing is told to have been"


def test_there_are_enough_attempts() -> None:
    assert len(ATTEMPTS) >= 60


async def test_nobody_is_nobody() -> None:
    made = await scene()
    with pytest.raises(Unauthorized):
        await made.management.users.page(Caller(ANONYMOUS), PageRequest())
