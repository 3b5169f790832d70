"""Catalogs of the previous release are brought to today's schema with everything in them, and that release goes on."""

import asyncio
import time
from pathlib import Path

import apsw
import asyncpg
import msgspec
import pytest

from orlop.adapters.sql import migrations
from orlop.adapters.sql.catalog import DATABASE, OpenCatalog, open_sqlite
from orlop.adapters.sql.migrations.postgres import migrate as migrate_postgres
from orlop.adapters.sql.migrations.sqlite import APPLICATION_ID, migrate
from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.domain.access import Action
from orlop.domain.access.rights import DEFAULT_VISIBILITY
from orlop.domain.custom_roles import CUSTOM_ROLES, RoleBody
from orlop.domain.durations import DAY, SECOND
from orlop.domain.errors import Conflict
from orlop.domain.events import Event, EventKind
from orlop.domain.job_kinds import USAGE_RECOUNT
from orlop.domain.pages import PageRequest
from orlop.domain.queue import JobState
from orlop.domain.settings import Ends
from tests.contract.cast import Cast
from tests.contract.scene import APP, START, V1, Scene
from tests.postgres import SURROUNDINGS, PostgresServer

#: What the first release wrote, in its words.
ROWS = f"""
INSERT INTO namespaces (id, path, parent_id, created_at, created_by) VALUES (2, 'team', 1, {START}, 'alice');
INSERT INTO repositories (id, name, namespace_id, created_at, created_by, manifest_count, manifest_bytes, tag_count)
VALUES (1, 'team/app', 2, {START}, 'alice', 1, 2, 1);
INSERT INTO manifests (id, repository_id, digest, media_type, artifact_type, size, content_size, pushed_at, pushed_by,
    annotations, content)
VALUES (1, 1, 'sha256:00', 'text/plain', '', 2, 0, {START}, 'alice', '{{}}', CAST('{{}}' AS %s));
INSERT INTO tags VALUES (1, 'v1', 1, {START}, {START}, 'alice');
INSERT INTO tag_history (repository_id, tag, at, actor, digest) VALUES (1, 'v1', {START}, 'alice', 'sha256:00');
UPDATE totals SET repositories = 1, manifests = 1, tags = 1 WHERE id = 1;
"""
EVENT = f"INSERT INTO outbox (id, at, kind, actor, repository, digest, tag) VALUES (%s, {START}, 'tag.set', 'alice', 'team/app', 'sha256:00', 'v1')"  # noqa: E501 - one statement


#: What a release wrote that kept no authority of accounts: a role, which is a setting of today, and somebody who has
#: it; their providers, and one whose provider is gone.
ACCOUNTS = """
INSERT INTO documents VALUES ('provider', 'corp', CAST('{"type":"oidc","issuer":"https://corp"}' AS BLOB), 1, 0, 'x');
INSERT INTO documents VALUES ('provider', 'ldap', CAST('{"type":"ldap","user_base":"dc=corp"}' AS BLOB), 1, 0, 'x');
INSERT INTO documents VALUES ('role', 'puller', CAST('{"actions":["pull"],"description":""}' AS BLOB), 3, 7, 'x');
INSERT INTO documents VALUES
    ('exception', 'old', CAST('{"cves":["CVE-1-1"],"until":"2027-01-31","reason":"why"}' AS BLOB), 1, 0, 'x');
INSERT INTO accounts (kind, name, display, email, source, external, namespace, must_change, factors, disabled,
    expires_at, created_at, created_by)
VALUES ('user', 'ann', '', '', 'corp', 'sub-1', '', 0, '', '', 0, 0, 'x'),
       ('user', 'bob', '', '', 'ldap', 'uuid-1', '', 0, '', '', 0, 0, 'x'),
       ('user', 'eve', '', '', 'gone', 'sub-1', '', 0, '', '', 0, 0, 'x'),
       ('user', 'root', '', '', 'local', '', '', 0, '', '', 0, 0, 'x');
INSERT INTO grants (effect, account_id, role, place_kind, path, tags, conditions, expires_at, created_at, created_by)
SELECT 'allow', id, 'puller', 'registry', '', '', '{}', 0, 0, 'x' FROM accounts WHERE name = 'root';
"""
AUTHORITIES = {"ann": "https://corp", "bob": "dc=corp", "eve": "", "root": ""}


async def _check(opened: OpenCatalog) -> None:
    """What the first release wrote is there, and today's release goes on with it."""
    scene, cast = Scene(opened.catalog), Cast(opened.catalog, opened.identity)
    found = await opened.catalog.manifests.resolve(APP, V1)
    assert found is not None
    assert found.content == b"{}"
    events = await opened.catalog.outbox.events(0, 10)
    assert [(event.kind, event.actor, event.repository, event.tag) for event in events] == [
        (EventKind.TAG_SET, "alice", APP, V1),
        (EventKind.TAG_SET, "alice", APP, V1),
    ]
    assert events[0] == Event(
        id=events[0].id,
        at=START,
        kind=EventKind.TAG_SET,
        actor="alice",
        repository=APP,
        digest="sha256:00",
        tag=V1,
    )
    [job] = (await opened.queue.jobs.page(PageRequest(9))).items
    assert (job.kind, job.state, job.not_before - job.asked_at) == (USAGE_RECOUNT.kind, JobState.WAITING, DAY)
    assert abs(job.asked_at / SECOND - time.time()) < 60
    place = await opened.identity.facts.place(APP)
    assert (place.visible, place.exists, place.version) == (DEFAULT_VISIBILITY, True, 1)
    team = await opened.identity.namespaces.get("team")
    assert team is not None
    assert (team.created_by, team.visibility, team.version) == ("alice", None, 1)
    assert await scene.findings() == []
    await cast.user("ann")
    await cast.catalog.repositories.remove(APP, cast.by())
    assert await scene.findings() == []


async def _check_role(opened: OpenCatalog) -> None:
    [ending] = await opened.catalog.setting_ends.ending("exception", START, 10)
    last = 1_801_440_000 * SECOND  # the end of 2027-01-31
    assert (ending.path, ending.name, ending.ends) == ("", "old", Ends(last - 7 * DAY, last))
    identity, cast = opened.identity, Cast(opened.catalog, opened.identity)
    document = await identity.documents.get("role", "puller")
    assert document is not None
    assert (document.version, document.changed_at, document.changed_by) == (3, 7, "x")
    assert CUSTOM_ROLES.parse("puller", msgspec.json.decode(document.body)) == RoleBody((Action.PULL,))
    [record] = (await identity.grants.page(PageRequest(9), principal="root")).items
    assert record.grant.actions == {Action.PULL}
    with pytest.raises(Conflict, match="puller"):
        await identity.documents.remove("role", "puller", cast.by())


def _first(engine: str) -> str:
    return migrations.known(engine)[0].sql


def test_a_catalog_in_sqlite(tmp_path: Path, runner: asyncio.Runner) -> None:
    old = apsw.Connection(str(tmp_path / DATABASE))
    old.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA journal_mode = WAL").fetchall()
    old.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)")
    old.execute("INSERT INTO migrations VALUES (1, 'initial', 0)")
    old.execute(_first("sqlite") + ROWS % "BLOB" + EVENT % 1).fetchall()
    taken = migrate(tmp_path / DATABASE, lambda: START)
    assert [(step.number, step.name) for step in taken][:1] == [(2, "identity")]
    old.execute(EVENT % 2)
    old.close()

    async def look() -> None:
        opened = open_sqlite(tmp_path)
        await _check(opened)
        await opened.engine.close()

    runner.run(look())


def test_accounts_get_their_authority_and_keep_their_roles_in_sqlite(tmp_path: Path, runner: asyncio.Runner) -> None:
    old = apsw.Connection(str(tmp_path / DATABASE))
    old.execute(f"PRAGMA application_id = {APPLICATION_ID}").fetchall()
    old.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)")
    for step in migrations.known("sqlite")[:5]:
        old.execute(step.sql).fetchall()
        old.execute("INSERT INTO migrations VALUES (?, ?, 0)", (step.number, step.name))
    old.execute(ACCOUNTS.replace("0, '', '', 0, 0", "0, x'', '', 0, 0")).fetchall()
    migrate(tmp_path / DATABASE, lambda: START)
    assert dict(old.execute("SELECT name, authority FROM accounts").fetchall()) == AUTHORITIES
    old.close()

    async def look() -> None:
        opened = open_sqlite(tmp_path)
        await _check_role(opened)
        await opened.engine.close()

    runner.run(look())


@pytest.mark.slow
def test_accounts_get_their_authority_and_keep_their_roles_in_postgresql(
    postgres: PostgresServer, runner: asyncio.Runner
) -> None:
    url = postgres.database()

    async def look() -> None:
        old = await asyncpg.connect(url)
        await old.execute(
            "CREATE TABLE orlop_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL,"
            " expands BOOLEAN NOT NULL); CREATE TABLE orlop_store (id TEXT NOT NULL);"
            "INSERT INTO orlop_store VALUES ('store')"
        )
        for step in migrations.known("postgres")[:5]:
            await old.execute(step.sql)
            await old.execute("INSERT INTO orlop_migrations VALUES ($1, $2, 0, true)", step.number, step.name)
        await old.execute(ACCOUNTS.replace("AS BLOB", "AS BYTEA"))
        await migrate_postgres(Database(url), lambda: START)
        found = await old.fetch("SELECT name, authority FROM accounts")
        assert {row["name"]: row["authority"] for row in found} == AUTHORITIES
        await old.close()
        opened = open_postgres(Database(url), None, [0], 0, SURROUNDINGS)
        await _check_role(opened)
        await opened.engine.close()

    runner.run(look())


@pytest.mark.slow
def test_a_catalog_in_postgresql_while_the_previous_release_runs(
    postgres: PostgresServer, runner: asyncio.Runner
) -> None:
    url = postgres.database()

    async def look() -> None:
        old = await asyncpg.connect(url)
        await old.execute(
            "CREATE TABLE orlop_migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL,"
            " expands BOOLEAN NOT NULL); CREATE TABLE orlop_store (id TEXT NOT NULL);"
            "INSERT INTO orlop_store VALUES ('store'); INSERT INTO orlop_migrations VALUES (1, 'initial', 0, false)"
        )
        await old.execute(_first("postgres"))
        await old.execute(ROWS % "BYTEA")
        write = await old.prepare(EVENT % "$1")
        await write.fetch(1)
        taken = await migrate_postgres(Database(url), lambda: START)
        assert [(step.number, step.name, step.expands) for step in taken][:1] == [(2, "identity", True)]
        await write.fetch(2)
        await old.close()
        opened = open_postgres(Database(url), None, [0], 0, SURROUNDINGS)
        await _check(opened)
        await opened.engine.close()

    runner.run(look())
