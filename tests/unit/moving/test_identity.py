"""A move takes along who may do what: nobody has to be told a new password, and no token is good for longer."""

import asyncio
from pathlib import Path

import pytest

from orlop.adapters.sql.moving import SqlMoves, SqlRows
from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.domain.access import Visibility
from orlop.domain.moving import MOVER, Move, MoveState
from orlop.ports.identity import Account
from orlop.services.moving.report import MoveReport
from orlop.services.moving.rows import compare_rows, copy_rows, settle_rows
from tests.content import index
from tests.contract.cast import REGISTRY, Cast
from tests.contract.scene import APP, V1, Scene
from tests.postgres import SURROUNDINGS, PostgresServer
from tests.unit.moving.places import move_between, place


async def people(cast: Cast) -> Account:
    """Somebody of every kind, with everything that they can have; one of those who stay."""
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
    await cast.catalog.repositories.remove(APP, cast.by())
    return ann


async def same(arrived: Cast, left: Cast, ann: Account) -> None:
    """The one catalog says what the other says."""
    assert await arrived.kept() == await left.kept()
    here, there = left.identity, arrived.identity
    assert await there.facts.of(ann.id) == await here.facts.of(ann.id)
    assert await there.facts.place(APP) == await here.facts.place(APP)
    for name in ("ann", "bob", "robot+ci"):
        assert await there.passwords.get(name) == await here.passwords.get(name)
    assert await there.attempts.get(["eve"]) == await here.attempts.get(["eve"])
    assert await Scene(arrived.catalog).findings() == []


async def test_accounts_and_what_they_may_do_arrive_as_they_are(tmp_path: Path) -> None:
    here, there = place(tmp_path / "here", 0), place(tmp_path / "there", 100_000)
    left = Cast(here.moving.catalog, here.moving.identity)
    ann = await people(left)
    gone = await left.user("gone")
    await left.identity.accounts.remove("gone", left.by())

    move = move_between(here, there)
    await move.copy()
    await move.cut_over()
    assert move.report.moved

    arrived = Cast(there.moving.catalog, there.moving.identity)
    await same(arrived, left, ann)
    assert (await arrived.user("new")).id > gone.id
    await here.close()
    await there.close()


@pytest.mark.slow
async def test_postgresql_gives_back_what_it_is_given(tmp_path: Path, postgres: PostgresServer) -> None:
    url = await asyncio.to_thread(postgres.catalog)
    here, there = place(tmp_path / "here", 0), open_postgres(Database(url), None, [0], 0, SURROUNDINGS, MOVER)
    left, arrived = Cast(here.moving.catalog, here.moving.identity), Cast(there.catalog, there.identity)
    ann = await people(left)
    gone = await left.user("gone")
    await left.identity.accounts.remove("gone", left.by())

    move, rows = Move(MoveState.FILLING, "move", "run"), SqlRows(there.engine)
    await SqlMoves(there.engine).change(Move(), move)
    await arrived.user("left over")
    await rows.clear(move)
    await copy_rows(SqlRows(here.moving.engine), rows, move, MoveReport(), lambda _: None)
    await settle_rows(here.moving.catalog.vitals, rows, move)
    await compare_rows(SqlRows(here.moving.engine), rows)

    await same(arrived, left, ann)
    assert (await arrived.user("new")).id > gone.id
    await here.close()
    await there.engine.close()
