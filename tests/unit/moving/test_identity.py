"""A move takes along who may do what: nobody has to be told a new password, and no token is good for longer."""

from pathlib import Path

from orlop.domain.access import Visibility
from tests.content import index
from tests.contract.cast import REGISTRY, Cast
from tests.contract.scene import APP, V1, Scene
from tests.unit.moving.places import move_between, place


async def test_accounts_and_what_they_may_do_arrive_as_they_are(tmp_path: Path) -> None:
    here, there = place(tmp_path / "here", 0), place(tmp_path / "there", 100_000)
    cast = Cast(here.moving.catalog, here.moving.identity)
    ann = await cast.user("ann", email="ann@example.org")
    await cast.robot("robot+ci", "team")
    await cast.user("bob", source="ldap", external="uuid")
    await cast.group("devs", "ann")
    await cast.namespace("", Visibility.INTERNAL, "ours")
    await cast.namespace("team", Visibility.PUBLIC)
    await cast.document("role", "puller", b'{"actions":["pull"]}')
    await cast.grant("ann", "admin", REGISTRY)
    await cast.grant("group:devs", "puller")
    await cast.secret("robot+ci", "lookup", "robot", limits=())
    await cast.session("ann", "session")
    await cast.identity.passwords.set_factors("ann", b"factors", ["totp"], cast.by())
    await cast.identity.passwords.set("bob", "$argon2id$", must_change=True, by=cast.by())
    await cast.identity.keys.add(cast.key("one"), cast.by(), unless_newer_than=0)
    await cast.identity.attempts.failed(["eve"], cast.at, forget_before=0)
    scene = Scene(cast.catalog, at=cast.at)
    await scene.put(APP, index("none", []), V1)
    await cast.identity.namespaces.remove_repository(APP, cast.by())
    gone = await cast.user("gone")
    await cast.identity.accounts.remove("gone", cast.by())
    facts, place_facts = await cast.identity.facts.of(ann.id), await cast.identity.facts.place(APP)
    before = await cast.kept()

    move = move_between(here, there)
    await move.copy()
    await move.cut_over()
    assert move.report.moved

    arrived = Cast(there.moving.catalog, there.moving.identity)
    assert await arrived.kept() == before
    assert await arrived.identity.facts.of(ann.id) == facts
    assert await arrived.identity.facts.place(APP) == place_facts
    for name in ("ann", "bob", "robot+ci"):
        assert await arrived.identity.passwords.get(name) == await cast.identity.passwords.get(name)
    assert await arrived.identity.attempts.get(["eve"]) == await cast.identity.attempts.get(["eve"])
    assert await Scene(arrived.catalog).findings() == []
    assert (await arrived.user("new")).id > gone.id
    await here.close()
    await there.close()
