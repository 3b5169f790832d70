"""What people may do by their roles, and what comes of it."""

import pytest

from orlop.domain.access import Action, Effect, Limit, Visibility
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.errors import Conflict, Denied, NotFound, Stale
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.upload import Upload
from orlop.ports.catalog import ManifestPush, UploadCommit
from orlop.ports.identity import Account, AccountChange, Namespace, NewGrant
from orlop.services.management.explain import ExplainQuery
from tests.catalogs import make_repositories
from tests.content import image
from tests.unit.management.scene import BY, NOW, REGISTRY, namespace, repositories, scene

TEAM = namespace("team")


async def test_an_owner_gives_what_they_have_within_their_namespace() -> None:
    made = await scene()
    ann = await made.caller("ann")
    for role, place in (
        ("owner", TEAM),
        ("reader", namespace("team/prod")),
        ("publisher", repositories("team/*-dev")),
        ("guest", repositories("team/app")),
    ):
        record = await made.management.grants.add(ann, NewGrant(principal="eve", role=role, place=place))
        assert record.created_by == "ann"
        await made.management.grants.remove(ann, record.grant.id)


async def test_who_has_a_right_for_a_while_gives_it_for_no_longer() -> None:
    made = await scene()
    eve = await made.caller("eve")
    new = NewGrant(principal="eve", role="owner", place=TEAM, expires_at=NOW + 100)
    await made.identity.grants.add(new, BY)
    for expires_at in (0, NOW + 101):
        with pytest.raises(Denied):
            await made.management.grants.add(
                eve, NewGrant(principal="bob", role="reader", place=TEAM, expires_at=expires_at)
            )
    await made.management.grants.add(eve, NewGrant(principal="bob", role="reader", place=TEAM, expires_at=NOW + 100))


async def test_a_ruler_lifts_a_denial_of_their_own() -> None:
    made = await scene()
    root = await made.caller("root")
    number = await made.grant("root", "owner", TEAM, Effect.DENY)
    with pytest.raises(Denied):
        await made.management.grants.add(root, NewGrant(principal="eve", role="reader", place=TEAM))
    await made.management.grants.remove(root, number)
    await made.management.grants.add(root, NewGrant(principal="eve", role="reader", place=TEAM))


async def test_robots_are_their_namespaces_own() -> None:
    made = await scene()
    ann, robots = await made.caller("ann"), made.management.robots
    robot = await robots.add(ann, Account(name="robot+ci", namespace="team"))
    await made.management.grants.add(ann, NewGrant(principal=robot.name, role="publisher", place=TEAM))
    first = await robots.issue(ann, robot.name, "ci", (Limit(frozenset({Action.PULL}), TEAM),), NOW + 1000)
    assert first.text not in repr(first)
    second = await robots.rotate(ann, robot.name, None)
    assert second.secret.limits == first.secret.limits
    assert second.secret.expires_at == NOW + 1000
    third = await robots.rotate(ann, robot.name, 0)
    assert [kept.id for kept in await robots.secrets(ann, robot.name)] == [second.secret.id, third.secret.id]
    with pytest.raises(Conflict):
        await robots.issue(ann, robot.name, "more", None, 0)
    with pytest.raises(NotFound):
        await robots.get(await made.caller("bob"), robot.name)
    with pytest.raises(Stale):
        await robots.change(ann, robot.name, AccountChange(display="x"), 99)
    await robots.change(ann, robot.name, AccountChange(disabled="paused"), robot.version)
    await robots.remove(ann, robot.name, None)


async def test_a_token_with_no_limits_makes_one_that_lives_no_longer() -> None:
    made = await scene()
    with_token = await made.with_token("ann", None, expires_at=NOW + 100)
    issued = await made.management.tokens.issue(with_token, "short", None, NOW + 100)
    assert issued.secret.expires_at == NOW + 100
    assert issued.text.startswith("orlop_pat_")
    await made.management.tokens.revoke(with_token, issued.secret.id)


async def test_a_role_changes_for_everybody_who_has_it() -> None:
    made = await scene()
    root = await made.caller("root")
    await made.management.settings.put(root, "role", "mover", {"actions": [Action.TAG]}, 0)
    await made.grant("eve", "mover", TEAM)
    asked = ExplainQuery(subject="eve", action=Action.OVERWRITE, repository=RepositoryName("team/app"), tag=Tag("v1"))
    assert not (await made.management.explaining.explain(root, asked)).considerations.decision.allowed
    await made.management.settings.put(root, "role", "mover", {"actions": [Action.TAG, Action.OVERWRITE]}, 1)
    assert (await made.management.explaining.explain(root, asked)).considerations.decision.allowed


async def test_who_lists_groups_accounts_and_what_denies() -> None:
    made = await scene()
    await made.group("staff", ("eve", "bob"), ("publisher", TEAM))
    denial = await made.grant("bob", "publisher", repositories("team/app"), Effect.DENY)
    await made.identity.namespaces.put(Namespace(path="team", visibility=Visibility.INTERNAL), BY)
    who = await made.management.explaining.who(await made.caller("root"), RepositoryName("team/app"))
    able = {one.principal: one for one in who.able}
    assert {"group:staff", "ann", "bob", "eve", "root"} <= set(able)
    assert Action.PUSH_NEW in able["eve"].actions
    assert able["bob"].actions == frozenset()
    assert denial in {grant.id for grant in able["bob"].grants}
    assert Action.ADMIN in able["ann"].actions
    assert (who.visible.visibility, who.visible.namespace, who.complete) == (Visibility.INTERNAL, "team", True)


async def test_explanations_are_for_oneself_and_for_who_administers() -> None:
    made = await scene()
    asked = ExplainQuery(subject="eve", action=Action.PULL, repository=RepositoryName("team/app"))
    for who in ("eve", "ann", "aud", "root"):
        assert not (
            await made.management.explaining.explain(await made.caller(who), asked)
        ).considerations.decision.allowed
    with pytest.raises(Denied):
        await made.management.explaining.explain(await made.caller("bob"), asked)
    with pytest.raises(NotFound):
        await made.management.explaining.explain(
            await made.caller("root"), ExplainQuery(subject="nobody", action=Action.PULL)
        )


async def test_a_repository_is_deleted_by_who_may_and_unknown_to_who_may_not_see_it() -> None:
    made = await scene()
    make_repositories(made.catalog, ["team/app"], BY)
    namespaces = made.management.namespaces
    with pytest.raises(Exception, match="there is no repository") as refused:
        await namespaces.remove_repository(await made.caller("bob"), RepositoryName("team/app"))
    assert refused.value.code == "NAME_UNKNOWN"  # type: ignore[attr-defined]
    await made.grant("eve", "reader", TEAM)
    with pytest.raises(Denied):
        await namespaces.remove_repository(await made.caller("eve"), RepositoryName("team/app"))
    await namespaces.remove_repository(await made.caller("ann"), RepositoryName("team/app"))


async def test_a_repository_goes_only_with_tags_that_may_go() -> None:
    made = await scene()
    app, what = RepositoryName("team/app"), image("app", [])
    for piece in what.blobs:
        upload = Upload(
            id=piece.digest, repository=app, created_by="ann", algorithm="sha256", started_at=0, expires_at=NOW
        )
        await made.catalog.catalog.uploads.start(upload)
        copy = Blob(BlobKey(piece.digest, "copy"), piece.size)
        await made.catalog.catalog.uploads.commit(UploadCommit(upload, copy, promoted=True), BY)
    push = ManifestPush(app, what.digest, what.content, what.manifest, (Tag("v1"), Tag("edge")))
    await made.catalog.catalog.manifests.put(push, BY)
    denial = NewGrant(effect=Effect.DENY, principal="ann", role="publisher", place=TEAM, tags="v*")
    record = await made.identity.grants.add(denial, BY)
    with pytest.raises(Denied) as refused:
        await made.management.namespaces.remove_repository(await made.caller("ann"), app)
    assert refused.value.detail["tag"] == "v1"
    await made.identity.grants.remove(record.grant.id, BY)
    await made.management.namespaces.remove_repository(await made.caller("ann"), app)


async def test_lists_go_on_where_pages_end() -> None:
    made = await scene()
    for number in range(7):
        await made.robot(f"robot+r{number}", "team" if number % 2 else "team-b")
    ann, names, after = await made.caller("ann"), [], ""
    while True:
        page = await made.management.robots.page(ann, PageRequest(2, after))
        names += [robot.name for robot in page.items]
        if not page.more:
            break
        after = page.items[-1].name
    assert names == ["robot+r1", "robot+r3", "robot+r5"]
    assert (await made.management.users.page(ann, PageRequest())).items[0].name == "ann"
    assert (await made.management.grants.page(ann, PageRequest(), place=REGISTRY)).items == ()
