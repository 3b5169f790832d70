"""What the catalog in SQLite finds wrong between its own rows, when somebody changed them behind its back."""

from pathlib import Path
from typing import NamedTuple

import apsw
import pytest

from orlop.adapters.sql.catalog import DATABASE, open_sqlite
from orlop.adapters.sql.migrations.sqlite import migrate
from orlop.ports.catalog import Terms
from orlop.ports.clock import HOUR
from tests.content import artifact, blob, image, index
from tests.contract.advisories import ONE as IN
from tests.contract.advisories import SSL, advisory, batch, hold, matcher
from tests.contract.cast import Cast
from tests.contract.scene import APP, LIB, START, V1, WEB, Scene

ONE = image("one", ["base", "code"], foreign=["licensed"])
SBOM = artifact("sbom", subject=ONE)
BOTH = index("both", [ONE])
LOOSE, OLD, GONE = blob("loose"), blob("old"), blob("gone")


class Damage(NamedTuple):
    """What to do to the rows, and the findings: number, where, how the sentence begins or ends."""

    name: str
    sql: str
    findings: set[tuple[int, str, str]]


def _sql(text: str) -> str:
    names = {"$app": APP, "$lib": LIB, "$one": ONE.digest, "$sbom": SBOM.digest, "$both": BOTH.digest}
    names |= {"$loose": LOOSE.digest, "$old": OLD.digest, "$layer": SBOM.blobs[1].digest, "$start": str(START)}
    for name, value in names.items():
        text = text.replace(name, value)
    return text


_LAYER = f"layer {SBOM.blobs[1].digest}"
#: A node is wrong with what lies below it, up to the root.
ROOT = (5, "/", "the counters of the namespace differ from a recount")
ABOVE = {(5, path, "the counters of the namespace differ from a recount") for path in ("/", "team/")}

DAMAGES = [
    Damage(
        "a link lost",
        "DELETE FROM blob_links WHERE digest = '$layer'; UPDATE blobs SET state = 'condemned' WHERE digest = '$layer';"
        "UPDATE repositories SET blob_count = blob_count - 1, "
        "blob_bytes = blob_bytes - (SELECT size FROM blobs WHERE digest = '$layer') WHERE name = '$app'",
        {
            (1, f"{APP}@{SBOM.digest}", f"{_LAYER} is not in the repository"),
            (5, SBOM.blobs[1].digest, "0 repositories below team/ hold the blob, and another number is kept"),
            *ABOVE,
        },
    ),
    Damage(
        "a damaged layer",
        "UPDATE blobs SET rotten_at = 1, rot = 'it is missing' WHERE digest = '$layer'",
        {(1, f"{APP}@{SBOM.digest}", f"{_LAYER} is in quarantine: it is missing")},
    ),
    Damage(
        "a foreign layer that has to be there",
        "UPDATE edges SET optional = 0",
        {(1, f"{APP}@{ONE.digest}", f"layer {blob('licensed').digest} is not in the repository")},
    ),
    Damage(
        "a child of an index lost",
        "UPDATE edges SET child_digest = 'sha256:' || hex(zeroblob(32)) WHERE child_digest = '$one'",
        {(1, f"{APP}@{BOTH.digest}", f"manifest sha256:{'0' * 64} is not in the repository")},
    ),
    Damage(
        "an edge of another size",
        "UPDATE edges SET child_size = child_size + 1 WHERE child_digest IN ('$one', '$layer')",
        {
            (1, f"{APP}@{SBOM.digest}", f"{_LAYER} has another size"),
            (1, f"{APP}@{BOTH.digest}", f"manifest {ONE.digest} has another size"),
        },
    ),
    Damage(
        "a tag in another repository",
        "UPDATE tags SET repository_id = (SELECT id FROM repositories WHERE name = '$lib');"
        "UPDATE tag_history SET repository_id = (SELECT id FROM repositories WHERE name = '$lib');"
        "UPDATE repositories SET tag_count = 1 - tag_count",
        {(1, f"{LIB}:{V1}", "the tag points at no manifest of its repository")},
    ),
    Damage(
        "a tag moved unrecorded",
        "UPDATE tags SET manifest_id = (SELECT id FROM manifests WHERE digest = '$sbom')",
        {(4, f"{APP}:{V1}", "the newest entry of the history is not what the tag points at")},
    ),
    Damage(
        "a lock on what is gone",
        "INSERT INTO locks SELECT id, 'sha256:00', 'audit', 0, 'alice' FROM repositories WHERE name = '$lib'",
        {(2, f"{LIB}@sha256:00", "the manifest was locked, and is gone")},
    ),
    Damage(
        "a label on what is gone",
        "INSERT INTO labels SELECT id, 'sha256:00', 'stage', 'prod' FROM repositories WHERE name = '$lib';"
        "INSERT INTO labels VALUES (99, '', 'team', 'a')",
        {
            (2, f"{LIB}@sha256:00", "what the label stage is on is gone"),
            (2, "a repository that is gone", "what the label team is on is gone"),
        },
    ),
    Damage(
        "a condemned blob linked",
        "UPDATE blobs SET state = 'condemned' WHERE digest = '$loose'",
        {(1, f"{LIB}@{LOOSE.digest}", "the link leads to no live blob of that digest")},
    ),
    Damage(
        "a named blob loose",
        "UPDATE blob_links SET loose_since = 1 WHERE digest = '$layer'",
        {
            (
                8,
                f"{APP}@{SBOM.blobs[1].digest}",
                "a manifest names the blob, but its link counts as loose, or the reverse",
            )
        },
    ),
    Damage(
        "a loose blob held",
        "UPDATE blob_links SET loose_since = NULL WHERE digest = '$loose'",
        {(8, f"{LIB}@{LOOSE.digest}", "a manifest names the blob, but its link counts as loose, or the reverse")},
    ),
    Damage(
        "a live blob without links",
        "UPDATE blobs SET state = 'live' WHERE digest = '$old'",
        {(8, OLD.digest, "the blob is live, but no repository holds it")},
    ),
    *(
        Damage(
            f"{column} off by one",
            f"UPDATE repositories SET {column} = {column} + 1 WHERE name = '$app'",
            {(5, APP, "the counters of the repository differ from a recount")} | above,
        )
        for column, above in (
            *((column, ABOVE) for column in ("manifest_count", "manifest_bytes", "tag_count", "blob_bytes")),
            ("blob_count", set()),
        )
    ),
    *(
        Damage(f"{column} of a node off by one", f"UPDATE node_usage SET {column} = {column} + 1", ABOVE)
        for column in ("stored_bytes", "logical_bytes", "tags", "manifests", "repositories", "cached_bytes")
    ),
    Damage(
        "holders of a blob off by one",
        "UPDATE node_blobs SET holders = 7 WHERE blob_id = (SELECT id FROM blobs WHERE digest = '$loose')",
        {(5, LOOSE.digest, "1 repositories below team/ hold the blob, and another number is kept")},
    ),
    *(
        Damage(
            f"the total of {column} off by one",
            f"UPDATE totals SET {column} = {column} - 1",
            {(5, "totals", "the totals differ from a recount")},
        )
        for column in ("repositories", "manifests", "tags", "blobs", "blob_bytes")
    ),
    Damage(
        "an upload that never went",
        "UPDATE uploads SET started_at = 1, expires_at = 2, lease_until = 0, id = 'late'",
        {(7, "late", "the upload should have expired long ago")},
    ),
    Damage(
        "a tombstone that never went",
        "UPDATE blobs SET state_at = 1, copy = 'late' WHERE state = 'tombstoned'",
        {(7, f"{GONE.digest}/late", "the tombstoned copy should be gone long ago")},
    ),
    Damage(
        "an account lost",
        "DELETE FROM accounts",
        {
            (9, "grant 1", "the grant is for nobody that is there"),
            (9, "ann", "the account, or a group that it is in, is not there"),
            (9, "secret 1", "the secret belongs to no account"),
            (9, "a session", "the session belongs to no account"),
        },
    ),
    Damage(
        "a group lost",
        "DELETE FROM groups",
        {
            (9, "grant 2", "the grant is for nobody that is there"),
            (9, "ann", "the account, or a group that it is in, is not there"),
        },
    ),
    Damage(
        "a role lost",
        "DELETE FROM documents",
        {(9, "grant 2", "the grant names the role puller, which is not there")},
    ),
    Damage(
        "the version of who may do what lost",
        "DELETE FROM access_state",
        {(9, WEB, "the version of who may do what is older than the last deletion of the repository")},
    ),
]


async def _people(cast: Cast) -> None:
    await cast.user("ann")
    await cast.group("devs", "ann")
    await cast.document("role", "puller", b'{"actions":["pull"]}')
    await cast.grant("ann")
    await cast.grant("group:devs", "puller")
    await cast.secret("ann", "lookup")
    await cast.session("ann", "session")
    await cast.catalog.repositories.remove(WEB, cast.by())


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
async def test_a_damage_is_found_and_nothing_else(tmp_path: Path, damage: Damage) -> None:
    migrate(tmp_path / DATABASE, lambda: START)
    opened = open_sqlite(tmp_path)
    scene = Scene(opened.catalog)
    await scene.push(APP, BOTH, V1)
    await scene.push(APP, SBOM)
    await scene.hold(LIB, LOOSE, OLD, GONE)
    await opened.catalog.links.unlink(LIB, GONE.digest, scene.by())
    await opened.catalog.collection.tombstone(scene.at + 1, 10, scene.by())
    await opened.catalog.links.unlink(LIB, OLD.digest, scene.by())
    await scene.claimed(LIB)
    await scene.put(WEB, index("empty", []))
    await _people(Cast(opened.catalog, opened.identity))
    assert await scene.findings() == []
    connection = apsw.Connection(str(tmp_path / DATABASE))
    connection.execute(_sql(damage.sql)).fetchall()
    connection.close()
    scene.at += HOUR
    found = {(finding.invariant, finding.where, finding.what) for finding in await scene.findings()}
    await opened.engine.close()
    assert found == damage.findings


IN_TRASH = [
    Damage(
        "its manifest lost",
        "DELETE FROM edges WHERE repository_id = $hidden; DELETE FROM manifests WHERE repository_id = $hidden;"
        "DELETE FROM blob_links WHERE repository_id = $hidden;"
        "UPDATE repositories SET manifest_count = 0, manifest_bytes = 0, blob_count = 0, blob_bytes = 0"
        " WHERE id = $hidden",
        {
            (2, f"{APP} in the trash (1)", "what was deleted is not held"),
            (5, "/", "the counters of the namespace differ from a recount"),
        },
    ),
    Damage(
        "its repository forgotten",
        "UPDATE trash SET holder = NULL",
        {
            (2, f"{APP} in the trash (1)", "what was deleted is not held"),
            (8, f"~1/{APP}", "nothing in the trash is held by the repository"),
        },
    ),
    Damage(
        "a link lost",
        "DELETE FROM blob_links WHERE repository_id = $hidden AND digest = '$layer';"
        "UPDATE repositories SET blob_count = blob_count - 1, blob_bytes = blob_bytes"
        " - (SELECT size FROM blobs WHERE digest = '$layer') WHERE id = $hidden",
        {
            (1, f"~1/{APP}@{SBOM.digest}", f"{_LAYER} is not in the repository"),
            (5, "/", "the counters of the namespace differ from a recount"),
        },
    ),
]


@pytest.mark.parametrize("damage", IN_TRASH, ids=lambda damage: str(damage.name))
async def test_a_damage_in_the_trash_is_found_and_nothing_else(tmp_path: Path, damage: Damage) -> None:
    migrate(tmp_path / DATABASE, lambda: START)
    opened = open_sqlite(tmp_path)
    scene = Scene(opened.catalog)
    await scene.push(APP, SBOM)
    await opened.catalog.manifests.delete(APP, SBOM.digest, scene.by(), Terms(trash=HOUR))
    assert await scene.findings() == []
    connection = apsw.Connection(str(tmp_path / DATABASE))
    hidden = "(SELECT id FROM repositories WHERE name >= '~')"
    connection.execute(_sql(damage.sql).replace("$hidden", hidden)).fetchall()
    connection.close()
    found = {(finding.invariant, finding.where, finding.what) for finding in await scene.findings()}
    await opened.engine.close()
    assert found == damage.findings


_SSL = "pkg:deb/debian/libssl9@3.0.1-1?distro=debian-12&upstream=openssl9"
#: Of an image with a package, and of advisories: TEST-1 hits it, TEST-2 does not.
INSIDE = [
    Damage(
        "a part lost",
        "DELETE FROM units",
        {
            (11, IN.digest, "what is known of the image leads to a part that is not there, or not all of it"),
            (11, "part 1 of images", "it holds a package that is not there"),
        },
    ),
    Damage(
        "a part that is not all there",
        "UPDATE units SET complete = 0",
        {(11, IN.digest, "what is known of the image leads to a part that is not there, or not all of it")},
    ),
    Damage(
        "a package lost",
        "DELETE FROM packages",
        {
            (11, "part 1 of images", "it holds a package that is not there"),
            (11, "package 1", "it is gone, and advisories would find it as openssl9"),
            (11, "TEST-1 in package 1", "the advisory or the package is not there"),
        },
    ),
    Damage(
        "a licence lost",
        "INSERT INTO package_licences SELECT 9, id FROM packages",
        {(11, "package 1", "it is gone, or a licence by which it would be found")},
    ),
    Damage(
        "an advisory lost",
        "DELETE FROM advisories WHERE id = 1",
        {
            (11, "advisory 1", "it is gone, and would be found by the package openssl9"),
            (11, "advisory 1", "it is gone, and would be found by its other name CVE-2026-1"),
            (11, f"advisory 1 in {_SSL}", "the advisory or the package is not there"),
        },
    ),
    Damage(
        "numbers of advisories set back",
        "UPDATE advisory_changes SET last = 1",
        {(11, "TEST-2", "its number may be given to another one")},
    ),
    Damage(
        "a finding made up",
        "UPDATE findings SET advisory_id = 2",
        {(11, f"TEST-2 in {_SSL}", "the advisory is about no such package")},
    ),
    Damage(
        "a finding of what was withdrawn",
        "UPDATE advisories SET withdrawn = 1",
        {(11, f"TEST-1 in {_SSL}", "the advisory was withdrawn")},
    ),
    Damage("an advisory that was not matched again yet", "UPDATE advisories SET withdrawn = 1, matched = 0", set()),
    Damage(
        "a record in the place of another",
        "UPDATE advisories SET body = (SELECT b.body FROM advisories b WHERE b.id = 2) WHERE id = 1",
        {(11, "TEST-1", "the record is not what was taken in")},
    ),
    Damage(
        "a record that rotted",
        "UPDATE advisories SET body = zeroblob(20) WHERE id = 2",
        {(11, "TEST-2", "the record is not what was taken in")},
    ),
]


@pytest.mark.parametrize("damage", INSIDE, ids=lambda damage: str(damage.name))
async def test_a_damage_of_what_is_known_of_images_is_found_and_nothing_else(tmp_path: Path, damage: Damage) -> None:
    migrate(tmp_path / DATABASE, lambda: START)
    opened = open_sqlite(tmp_path)
    scene, catalog = Scene(opened.catalog), opened.catalog
    await hold(catalog, scene, IN, SSL)
    await catalog.advisories.advisories.store(
        "hand", batch(advisory("TEST-1", "openssl9", "3.0.2-1", aliases=["CVE-2026-1"]), advisory("TEST-2", "a", "1"))
    )
    await matcher(catalog, scene).step()
    assert await scene.findings() == []
    connection = apsw.Connection(str(tmp_path / DATABASE))
    connection.execute(damage.sql).fetchall()
    connection.close()
    found = {(finding.invariant, finding.where, finding.what) for finding in await scene.findings()}
    await opened.engine.close()
    assert found == damage.findings
