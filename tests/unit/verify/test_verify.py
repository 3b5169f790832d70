"""Verification finds every kind of damage, says where it is, and finds nothing else."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from orlop.adapters.sql.inspection import SqlInspection
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import digest_of
from orlop.domain.errors import Unavailable
from orlop.ports.blobs import BlobContent, BlobReader
from orlop.ports.catalog import BlobRecord, By, Finding, ManifestRecord
from orlop.services.stores.verify import Ages, Report, Verification
from tests.catalogs import rows
from tests.content import artifact, blob, image, index
from tests.contract.cast import Cast
from tests.contract.scene import APP, LATEST, LIB, V1, WEB, Scene
from tests.registry import ALICE, EXPIRE, GRACE, Damageable, HandClock, Registry, body, in_memory

ONE = image("one", ["base", "code"], foreign=["licensed"])
SBOM = artifact("sbom", subject=ONE, annotations={"kind": "sbom"})
BOTH = index("both", [ONE, image("two", ["base"])])
BASE, LOOSE, OLD, GONE = blob("base"), blob("loose"), blob("old"), blob("gone")


class Store(NamedTuple):
    """A store that has seen everything, and is sound."""

    inside: Damageable
    registry: Registry


async def lived_in() -> Store:
    """Tags, an index, a referrer, a mount, a loose and a condemned blob, a tombstone, open and cancelled uploads."""
    clock = HandClock()
    inside = in_memory(clock)
    registry = Registry(inside.stores, clock)
    await registry.push(APP, BOTH, V1)
    await registry.push(APP, SBOM)
    await registry.push(LIB, ONE, LATEST)
    await registry.blobs.mount(BASE.digest, APP, LIB, ALICE)
    for piece in (LOOSE, OLD, GONE):
        await registry.push_blob(LIB, piece)
    await registry.blobs.delete(LIB, GONE.digest, ALICE)
    clock.at += 1
    await inside.stores.catalog.collection.tombstone(clock.at, 10, By("alice", clock.at))
    await registry.blobs.delete(LIB, OLD.digest, ALICE)
    upload = await registry.uploads.start(APP, ALICE)
    await registry.uploads.append(APP, upload.id, body(b"so far"), ALICE)
    cancelled = await registry.uploads.start(APP, ALICE)
    await registry.uploads.cancel(APP, cancelled.id, ALICE)
    clock.at += 1
    await _people(Cast(inside.rows.catalog, inside.rows.identity, at=clock.at))
    return Store(inside, registry)


async def _people(cast: Cast) -> None:
    await cast.user("ann")
    await cast.group("devs", "ann")
    await cast.document("role", "puller", b'{"actions":["pull"]}')
    await cast.grant("ann")
    await cast.grant("group:devs", "puller")
    await cast.secret("ann", "lookup")
    await cast.session("ann", "session")
    await Scene(cast.catalog, at=cast.at).put(WEB, index("empty", []), V1)
    await cast.catalog.repositories.remove(WEB, cast.by())


@pytest.mark.parametrize("quick", [False, True])
async def test_a_healthy_store_gives_no_finding_and_everything_is_counted(quick: bool) -> None:
    store = await lived_in()
    pieces = {*BOTH.children[0].blobs, *BOTH.children[1].blobs, *SBOM.blobs, LOOSE, OLD}
    seen: list[int] = []
    report = await store.registry.verification().run(quick=quick, progress=lambda report: seen.append(report.blobs))
    assert report.findings == []
    assert report.is_clean
    assert (report.manifests, report.blobs, report.copies, report.stages) == (5, len(pieces), len(pieces) + 1, 1)
    assert report.read == (0 if quick else sum(piece.size for piece in pieces))
    assert seen == sorted(seen)
    assert seen[-1] == len(pieces)


class Damage(NamedTuple):
    """What to break, and what to be told of it. `deep`: only whoever reads the bytes can know."""

    name: str
    do: Callable[[Damageable], None]
    findings: set[Finding]
    deep: bool = False


def _copy(inside: Damageable, piece_digest: str) -> BlobKey:
    return next(key for key in inside.blobs.held if key.digest == piece_digest)


def _flip(inside: Damageable) -> None:
    inside.blobs.held[_copy(inside, BASE.digest)].content[3] ^= 1


def _truncate(inside: Damageable) -> None:
    del inside.blobs.held[_copy(inside, BASE.digest)].content[-1:]


def _lose(inside: Damageable) -> None:
    del inside.blobs.held[_copy(inside, OLD.digest)]


def _add_copy(inside: Damageable) -> None:
    inside.blobs.held[BlobKey(BASE.digest, "f" * 32)] = inside.blobs.held[_copy(inside, BASE.digest)]


def _sql(inside: Damageable, *statements: str) -> None:
    """Change rows. Names stand for what is in the store: `$app` for the number of its row, `$sbom` for a digest."""
    names = {"$app": f"(SELECT id FROM repositories WHERE name = '{APP}')"}
    names |= {"$lib": f"(SELECT id FROM repositories WHERE name = '{LIB}')"}
    digests = {"$one": ONE, "$sbom": SBOM, "$layer": SBOM.blobs[1], "$base": BASE, "$loose": LOOSE, "$old": OLD}
    names |= {name: f"'{piece.digest}'" for name, piece in digests.items()}
    for statement in statements:
        for name, value in names.items():
            statement = statement.replace(name, value)
        rows(inside.rows, statement)


def _rows(*statements: str) -> Callable[[Damageable], None]:
    return lambda inside: _sql(inside, *statements)


def _lose_session(inside: Damageable) -> None:
    (upload,) = inside.blobs.staged
    rows(inside.rows, "DELETE FROM uploads WHERE id = ?", upload)


def _change_manifest(inside: Damageable) -> None:
    changed = ONE.content.replace(b"amd64", b"arm64").replace(b"layers", b"Layers")
    repository = "(SELECT id FROM repositories WHERE name = ?)"
    change = f"UPDATE manifests SET content = ? WHERE digest = ? AND repository_id = {repository}"
    rows(inside.rows, change, changed, ONE.digest, LIB)


def _unreadable_manifest(inside: Damageable) -> None:
    content = b"{" * SBOM.size
    change = "UPDATE manifests SET content = ?, digest = ? WHERE digest = ?"
    rows(inside.rows, change, content, digest_of(content), SBOM.digest)


def _wrong_size(inside: Damageable) -> None:
    """A row, its copy, its counters: all one byte longer than the manifests say."""
    inside.blobs.held[_copy(inside, SBOM.blobs[1].digest)].content += b"!"
    _sql(
        inside,
        "UPDATE blobs SET size = size + 1 WHERE digest = $layer",
        "UPDATE totals SET blob_bytes = blob_bytes + 1",
        "UPDATE repositories SET blob_bytes = blob_bytes + 1 WHERE id = $app",
    )


_drop_link = _rows(
    "DELETE FROM blob_links WHERE repository_id = $app AND digest = $layer",
    "UPDATE repositories SET blob_count = blob_count - 1,"
    " blob_bytes = blob_bytes - (SELECT size FROM blobs WHERE digest = $layer) WHERE id = $app",
    "UPDATE blobs SET state = 'condemned' WHERE digest = $layer",
)
_drop_child = _rows(
    "UPDATE repositories SET manifest_count = manifest_count - 1, manifest_bytes = manifest_bytes - "
    "(SELECT size FROM manifests WHERE repository_id = $app AND digest = $one) WHERE id = $app",
    "UPDATE totals SET manifests = manifests - 1",
    "DELETE FROM edges WHERE manifest_id = (SELECT id FROM manifests WHERE repository_id = $app AND digest = $one)",
    "DELETE FROM manifests WHERE repository_id = $app AND digest = $one",
    "UPDATE blob_links SET loose_since = 1 WHERE repository_id = $app"
    " AND digest NOT IN (SELECT child_digest FROM edges WHERE repository_id = $app)",
)
_tombstoned_but_linked = _rows(
    "UPDATE blobs SET state = 'tombstoned', state_at = (SELECT max(at) FROM outbox) WHERE digest = $loose",
    "UPDATE totals SET blobs = blobs - 1, blob_bytes = blob_bytes - (SELECT size FROM blobs WHERE digest = $loose)",
)
_moved_tag = _rows(
    "UPDATE tags SET manifest_id = (SELECT id FROM manifests WHERE digest = $sbom) WHERE repository_id = $app"
)
_counter = _rows("UPDATE repositories SET blob_bytes = blob_bytes + 1 WHERE id = $app")


#: A node is wrong with what lies below it, up to the root.
ABOVE = {Finding(5, path, "the counters of the namespace") for path in ("/", "team/")}

DAMAGES = [
    Damage(
        "one bit flipped",
        _flip,
        {Finding(1, f"{BASE.digest}/", "the bytes of the copy have the digest")},
        deep=True,
    ),
    Damage("a copy cut short", _truncate, {Finding(1, f"{BASE.digest}/", "the copy cannot be read")}),
    Damage("the copy of a condemned blob lost", _lose, {Finding(1, f"{OLD.digest}/", "the copy cannot be read")}),
    Damage("a copy too many", _add_copy, {Finding(7, f"{BASE.digest}/{'f' * 32}", "no row names this copy")}),
    Damage("a stage without a session", _lose_session, {Finding(7, "", "the staged bytes belong to no upload")}),
    Damage(
        "a manifest changed", _change_manifest, {Finding(1, f"{LIB}@{ONE.digest}", "the bytes of the manifest have")}
    ),
    Damage("a manifest that is none", _unreadable_manifest, {Finding(1, f"{APP}@", "the manifest cannot be read")}),
    Damage(
        "an artifact type changed",
        _rows("UPDATE manifests SET artifact_type = 'application/other' WHERE digest = $sbom"),
        {Finding(6, f"{APP}@{SBOM.digest}", "the artifact type in the row")},
    ),
    Damage(
        "a subject lost",
        _rows("UPDATE manifests SET subject_digest = NULL WHERE digest = $sbom"),
        {Finding(6, f"{APP}@{SBOM.digest}", "the subject in the row")},
    ),
    Damage(
        "an annotation changed",
        _rows("""UPDATE manifests SET annotations = '{"kind":"other"}' WHERE digest = $sbom"""),
        {Finding(6, f"{APP}@{SBOM.digest}", "the annotations in the row")},
    ),
    Damage(
        "the size of a manifest changed",
        _rows("UPDATE manifests SET size = size + 1 WHERE digest = $sbom"),
        {Finding(1, f"{APP}@{SBOM.digest}", "the row says"), Finding(5, APP, "the counters of the repository")},
    ),
    Damage(
        "an edge lost",
        _rows(
            "DELETE FROM edges WHERE child_digest = $layer",
            "UPDATE blob_links SET loose_since = 1 WHERE repository_id = $app AND digest = $layer",
        ),
        {Finding(1, f"{APP}@{SBOM.digest}", "the rows of what the manifest names")},
    ),
    Damage(
        "a link lost",
        _drop_link,
        {
            Finding(1, f"{APP}@{SBOM.digest}", "layer"),
            Finding(5, SBOM.blobs[1].digest, "0 repositories below team/ hold the blob"),
            *ABOVE,
        },
    ),
    Damage(
        "a child of an index lost",
        _drop_child,
        {Finding(1, f"{APP}@{BOTH.digest}", f"manifest {ONE.digest}"), *ABOVE},
    ),
    Damage(
        "a tag that leads nowhere",
        _rows("UPDATE tags SET manifest_id = 1000 WHERE repository_id = $app"),
        {Finding(1, f"{APP}:{V1}", "the tag points at no manifest")},
    ),
    Damage("a tag moved unrecorded", _moved_tag, {Finding(4, f"{APP}:{V1}", "the newest entry of the history")}),
    Damage("a tombstone with a link", _tombstoned_but_linked, {Finding(1, f"{LIB}@{LOOSE.digest}", "the link leads")}),
    Damage(
        "a named blob loose",
        _rows("UPDATE blob_links SET loose_since = 1 WHERE repository_id = $app AND digest = $base"),
        {Finding(8, f"{APP}@{BASE.digest}", "a manifest names the blob")},
    ),
    Damage(
        "a loose blob held",
        _rows("UPDATE blob_links SET loose_since = NULL WHERE repository_id = $lib AND digest = $loose"),
        {Finding(8, f"{LIB}@{LOOSE.digest}", "a manifest names the blob")},
    ),
    Damage(
        "a live blob without links",
        _rows("UPDATE blobs SET state = 'live' WHERE digest = $old"),
        {Finding(8, OLD.digest, "the blob is live")},
    ),
    Damage(
        "a content longer than manifests say",
        _wrong_size,
        {
            Finding(1, f"{APP}@{SBOM.digest}", f"layer {SBOM.blobs[1].digest} has another size"),
            Finding(1, f"{SBOM.blobs[1].digest}/", "the bytes of the copy have the digest"),
            *ABOVE,
        },
        deep=True,
    ),
    Damage("a counter off by one", _counter, {Finding(5, APP, "the counters of the repository"), *ABOVE}),
    Damage(
        "a counter of a node off by one",
        _rows("UPDATE node_usage SET stored_bytes = stored_bytes + 1"),
        ABOVE,
    ),
    Damage(
        "a total off by one",
        _rows("UPDATE totals SET manifests = manifests - 1"),
        {Finding(5, "totals", "the totals")},
    ),
    Damage(
        "an upload that never went",
        _rows("UPDATE uploads SET started_at = 1, expires_at = 2, lease_until = 2 WHERE expires_at > 0"),
        {Finding(7, "", "the upload should have expired")},
    ),
    Damage(
        "a tombstone that never went",
        _rows("UPDATE blobs SET state_at = 1 WHERE state = 'tombstoned'"),
        {Finding(7, f"{GONE.digest}/", "the tombstoned copy")},
    ),
    Damage(
        "an account lost",
        _rows("DELETE FROM accounts WHERE name = 'ann'"),
        {
            Finding(9, "grant ", "the grant is for nobody"),
            Finding(9, "ann", "the account, or a group"),
            Finding(9, "secret ", "the secret belongs to no account"),
            Finding(9, "a session", "the session belongs to no account"),
        },
    ),
    Damage(
        "a group lost",
        _rows("DELETE FROM groups"),
        {Finding(9, "grant ", "the grant is for nobody"), Finding(9, "ann", "the account, or a group")},
    ),
    Damage("a role lost", _rows("DELETE FROM documents"), {Finding(9, "grant ", "the grant names the role puller")}),
    Damage(
        "the version of access lost",
        _rows("UPDATE access_state SET version = 1"),
        {Finding(9, WEB, "the version of who may do what is older")},
    ),
]


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
async def test_a_damage_is_found_and_nothing_else(damage: Damage, quick: bool) -> None:
    store = await lived_in()
    damage.do(store.inside)
    report = await store.registry.verification().run(quick=quick)
    expected = {f for f in damage.findings if not (quick and damage.deep and "have the digest" in f.what)}
    assert len(report.findings) == len(expected)
    for finding in expected:
        assert any(
            found.invariant == finding.invariant
            and found.where.startswith(finding.where)
            and found.what.startswith(finding.what)
            for found in report.findings
        ), (finding, report.findings)


async def test_every_damage_at_once_is_found() -> None:
    """Findings do not hide each other."""
    store = await lived_in()
    for do in (_flip, _lose, _add_copy, _lose_session, _change_manifest, _moved_tag, _counter):
        do(store.inside)
    report = await store.registry.verification().run()
    assert sorted(finding.invariant for finding in report.findings) == [1, 1, 1, 4, 5, 5, 5, 7, 7]


async def test_what_is_young_is_not_left_behind() -> None:
    store = await lived_in()
    _add_copy(store.inside)
    _lose_session(store.inside)
    for copy in store.inside.blobs.held.values():
        copy.modified_at = store.registry.clock.at
    assert (await store.registry.verification(Ages(EXPIRE, GRACE, 1)).run()).is_clean
    store.registry.clock.at += 2
    assert len((await store.registry.verification(Ages(EXPIRE, GRACE, 1)).run()).findings) == 2


class Meanwhile:
    """A reader beside which something happens whenever a copy is opened."""

    def __init__(self, reader: BlobReader, happening: Callable[[Blob], None]) -> None:
        self._reader = reader
        self._happening = happening

    async def open(self, blob: Blob) -> BlobContent:
        """See ports.blobs.BlobReader."""
        self._happening(blob)
        return await self._reader.open(blob)


async def verified(store: Store, happening: Callable[[Blob], None]) -> Report:
    """Verify a store in which something happens meanwhile."""
    stores = store.inside.stores
    reader = Meanwhile(stores.reader, happening)
    ages = Ages(EXPIRE, GRACE, 0)
    return await Verification(
        stores.catalog.inspection,
        reader,
        stores.inventory,
        store.registry.clock,
        orphans=stores.catalog.orphans,
        ages=ages,
    ).run()


async def test_a_blob_that_is_collected_while_it_is_verified_is_no_finding() -> None:
    store = await lived_in()
    collected: list[Blob] = []

    def collect(blob: Blob) -> None:
        if blob.key.digest == OLD.digest and not collected:
            collected.append(blob)
            rows(store.inside.rows, "DELETE FROM blobs WHERE digest = ?", OLD.digest)
            rows(store.inside.rows, "UPDATE totals SET blobs = blobs - 1, blob_bytes = blob_bytes - ?", OLD.size)
            del store.inside.blobs.held[blob.key]

    report = await verified(store, collect)
    assert len(collected) == 1
    assert report.findings == []


async def test_a_manifest_that_is_deleted_while_it_is_verified_is_no_finding() -> None:
    store = await lived_in()
    _change_manifest(store.inside)
    catalog = store.inside.stores.catalog

    class Deleting(SqlInspection):
        """Shows a manifest, and deletes it."""

        async def manifests(self, after: int, limit: int) -> tuple[ManifestRecord, ...]:
            shown = await super().manifests(after, limit)
            if await catalog.manifests.resolve(LIB, ONE.digest) is not None:
                await catalog.manifests.delete(LIB, ONE.digest, By("alice", store.registry.clock.at))
            return shown

    stores, ages = store.inside.stores, Ages(EXPIRE, GRACE, 0)
    inspection = Deleting(store.inside.rows.engine)
    report = await Verification(
        inspection, stores.reader, stores.inventory, store.registry.clock, orphans=stores.catalog.orphans, ages=ages
    ).run()
    assert await catalog.manifests.resolve(LIB, ONE.digest) is None
    assert report.findings == []


async def test_each_blob_is_read_once() -> None:
    store = await lived_in()
    opened: list[str] = []
    report = await verified(store, lambda blob: opened.append(blob.key.digest))
    assert len(opened) == len(set(opened)) == report.blobs


async def test_a_store_that_fails_is_no_finding_but_an_error() -> None:
    store = await lived_in()

    class Failing(SqlInspection):
        """Fails in the middle."""

        async def blobs(self, after: int, limit: int) -> tuple[BlobRecord, ...]:
            if after:
                raise Unavailable("the catalog is gone")
            return await super().blobs(after, 2)

    stores = store.inside.stores
    failing = Failing(store.inside.rows.engine)
    with pytest.raises(Unavailable):
        await Verification(
            failing, stores.reader, stores.inventory, store.registry.clock, orphans=stores.catalog.orphans
        ).run()


async def test_verification_changes_nothing() -> None:
    store = await lived_in()
    held = {key: bytes(copy.content) for key, copy in store.inside.blobs.held.items()}
    async with Scene(store.inside.stores.catalog).unchanged():
        await store.registry.verification().run()
    assert {key: bytes(copy.content) for key, copy in store.inside.blobs.held.items()} == held
