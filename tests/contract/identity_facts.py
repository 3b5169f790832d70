"""What every driver keeps to about what decisions are made from (ports.identity.AccessFacts), and its counter."""

from collections.abc import Awaitable, Callable

from orlop.domain.access import Place, PlaceKind, Visibility, VisibilityAt
from orlop.domain.access.rights import DEFAULT_VISIBILITY
from orlop.ports.events import Changes
from orlop.ports.identity import AccountChange, AccountFacts, PlaceFacts
from tests.content import blob, image
from tests.contract.cast import PAGE, REGISTRY, Cast
from tests.contract.changes import settled
from tests.contract.scene import APP, V1, V2, Scene


class FactsKit:
    """Needs the fixture `cast`: on an empty catalog."""

    async def test_an_account_comes_with_its_groups_and_all_its_grants(self, cast: Cast) -> None:
        ann = await cast.user("ann")
        await cast.user("bob")
        await cast.group("ops", "ann")
        await cast.group("devs", "ann", "bob")
        await cast.group("others", "bob")
        grants = [
            await cast.grant("group:devs", "publisher"),
            await cast.grant("ann", "reader", REGISTRY),
            await cast.grant("ann", "owner", Place(PlaceKind.REPOSITORIES, "x/*")),
            await cast.grant("group:devs", "reader"),
        ]
        await cast.grant("bob")
        await cast.grant("group:others")
        secret, other = await cast.secret("ann", "hers"), await cast.secret("bob", "his")
        version = await cast.identity.facts.version()
        facts = await cast.identity.facts.of(ann.id, secret.id)
        assert facts == AccountFacts(ann, secret, tuple(grants), ("devs", "ops"), version)
        for number in (0, other.id, secret.id + 999):
            assert await cast.identity.facts.of(ann.id, number) == AccountFacts(
                ann, None, tuple(grants), ("devs", "ops"), version
            )
        assert await cast.identity.facts.of(ann.id + 999) is None

    async def test_an_account_that_may_do_nothing_has_facts_too(self, cast: Cast) -> None:
        ann = await cast.robot("robot+ci", "team")
        facts = await cast.identity.facts.of(ann.id)
        assert facts == AccountFacts(ann, None, (), (), await cast.identity.facts.version())

    async def test_the_nearest_namespace_that_says_something_counts(self, cast: Cast) -> None:
        facts = cast.identity.facts
        assert await facts.place("a/b/app") == PlaceFacts(DEFAULT_VISIBILITY, False, 0, await facts.version())
        await cast.namespace("a/b/app", Visibility.INTERNAL)
        await cast.namespace("a-b", Visibility.INTERNAL)
        assert (await facts.place("a/b/app")).visible == DEFAULT_VISIBILITY
        await cast.namespace("", Visibility.INTERNAL)
        assert (await facts.place("a/b/app")).visible == VisibilityAt(Visibility.INTERNAL, "")
        await cast.namespace("a", Visibility.PUBLIC)
        assert (await facts.place("a/b/app")).visible == VisibilityAt(Visibility.PUBLIC, "a")
        await cast.namespace("a/b", Visibility.PRIVATE)
        assert (await facts.place("a/b/app")).visible == VisibilityAt(Visibility.PRIVATE, "a/b")
        assert (await facts.place("a")).visible == VisibilityAt(Visibility.INTERNAL, "")
        await cast.namespace("a/b", None)
        place = await facts.place("a/b/app")
        assert place == PlaceFacts(VisibilityAt(Visibility.PUBLIC, "a"), False, 0, await facts.version())

    async def test_a_repository_is_there_from_its_first_push_on(self, cast: Cast) -> None:
        await Scene(cast.catalog).hold(APP, blob("one"))
        assert (await cast.identity.facts.place(APP)).exists
        assert not (await cast.identity.facts.place("team")).exists

    async def test_namespaces_come_in_the_order_of_the_repositories_below(self, cast: Cast) -> None:
        said = {
            "": Visibility.PRIVATE,
            "a": Visibility.PUBLIC,
            "a-b": Visibility.INTERNAL,
            "a.b": Visibility.PUBLIC,
            "a/c": Visibility.PRIVATE,
            "a0": Visibility.PUBLIC,
        }
        for path, visibility in said.items():
            await cast.namespace(path, visibility)
        await cast.namespace("a/x", None)
        ordered = [(path, said[path]) for path in ("", "a-b", "a.b", "a", "a/c", "a0")]
        facts = cast.identity.facts
        assert await facts.open_namespaces("", 99) == tuple(ordered)
        assert await facts.open_namespaces("", 2) == tuple(ordered[:2])
        for place, (path, _) in enumerate(ordered):
            assert await facts.open_namespaces(f"{path}/", 99) == tuple(ordered[place + 1 :])
        assert sorted(f"{path}/app".removeprefix("/") for path, _ in ordered[1:]) == [
            f"{path}/app" for path, _ in ordered[1:]
        ]


class AccessChangesKit:
    """Needs the fixtures `cast`, on an empty catalog, and both counters, `changes` and `access_changes`."""

    async def test_every_change_of_who_may_do_what_moves_its_count_alone(
        self, cast: Cast, changes: Changes, access_changes: Changes
    ) -> None:
        identity = cast.identity
        await cast.user("ann", source="ldap", external="1")
        await cast.group("devs")
        secret = await cast.secret("ann", "one")
        grant = await cast.grant("ann")
        await cast.session("ann", "two")
        content = changes.current(changes.place("team/app"))
        steps: list[Callable[[], Awaitable[object]]] = [
            lambda: cast.user("bob"),
            lambda: identity.accounts.change("ann", AccountChange(disabled="x"), cast.by()),
            lambda: identity.passwords.set("bob", "hash", must_change=False, by=cast.by()),
            lambda: identity.passwords.set_factors("bob", b"", ["totp"], cast.by()),
            lambda: identity.secrets.revoke("ann", secret.id, cast.by()),
            lambda: identity.members.set("devs", add=["ann"], by=cast.by()),
            lambda: cast.grant("group:devs"),
            lambda: identity.grants.remove(grant.id, cast.by()),
            lambda: identity.external.synchronise("ldap", "", {"staff": ["ann"]}, [], cast.by()),
            lambda: identity.external.of_account("ldap", "ann", [], cast.by()),
            lambda: identity.groups.remove("devs", cast.by()),
            lambda: cast.namespace("team", Visibility.PUBLIC),
            lambda: identity.namespaces.remove("team", cast.by()),
            lambda: cast.document("role", "puller", b'{"actions":[]}'),
            lambda: identity.documents.remove("role", "puller", cast.by()),
            lambda: identity.keys.add(cast.key("one"), cast.by(), unless_newer_than=0),
            lambda: identity.keys.forget(cast.key("one").expires_at + 1, cast.by()),
            lambda: identity.sessions.end(account="ann", by=cast.by()),
            lambda: identity.sessions.end_logins("ann", cast.by()),
            lambda: identity.accounts.remove("ann", cast.by()),
        ]
        seen = [access_changes.current()]
        for step in steps:
            await step()
            seen.append(access_changes.current())
        assert None not in seen
        assert len(set(seen)) == len(seen)
        assert changes.current(changes.place("team/app")) == content

    async def test_the_end_of_a_repository_moves_both(
        self, cast: Cast, changes: Changes, access_changes: Changes
    ) -> None:
        await Scene(cast.catalog).push(APP, image("one"), V1)
        before = changes.current(changes.place("team/app")), access_changes.current()
        await cast.catalog.repositories.remove(APP, cast.by())
        after = changes.current(changes.place("team/app")), access_changes.current()
        assert None not in after
        assert before[0] != after[0]
        assert before[1] != after[1]

    async def test_the_count_stays_while_nobody_changes_who_may_do_what(
        self, cast: Cast, changes: Changes, access_changes: Changes
    ) -> None:
        ann = await cast.user("ann", source="ldap", external="1")
        await settled(changes)
        count = await settled(access_changes)
        scene = Scene(cast.catalog)
        await scene.push(APP, image("one"), V1)
        await scene.put(APP, image("one"), V2)
        secret = await cast.secret("ann", "one", expires_at=cast.at + 9)
        await cast.session("ann", "two")
        await cast.identity.secrets.expiring(cast.at + 10, cast.at, 9)
        await cast.identity.uses.record({secret.id: (1, "::1")}, {ann.id: (1, "::1")})
        await cast.identity.attempts.failed(["ann"], 1, forget_before=0)
        await cast.identity.attempts.clear(["ann"])
        await cast.identity.sessions.forget(cast.at + 2**40)
        await cast.identity.external.of_account("ldap", "ann", [], cast.by())
        await cast.identity.external.synchronise("ldap", "", {}, [], cast.by())
        await cast.identity.keys.forget(cast.at, cast.by())
        await cast.identity.facts.of(ann.id, secret.id)
        await cast.identity.accounts.page(ann.kind, PAGE)
        await cast.identity.facts.place(APP)
        assert await settled(access_changes) == count
