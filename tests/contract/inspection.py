"""What every catalog keeps to about verification (ports.catalog.Inspection). Damage is for the drivers' own tests."""

from orlop.domain.blob import Blob, BlobKey, BlobState
from orlop.domain.pages import PAGE_BYTES
from orlop.ports.catalog import BlobRecord, Catalog, ManifestRecord, Overdue, UploadCommit
from orlop.ports.clock import HOUR
from tests.content import artifact, blob, image, index
from tests.contract.scene import APP, LIB, V1, V2, Scene, copy_of

ONE = image("one", ["base", "code"], foreign=["licensed"])
SBOM = artifact("sbom", subject=ONE)
BASE = blob("base")


class RecordsKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_manifest_comes_with_what_was_derived_from_it(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.push(LIB, SBOM)
        await scene.push(APP, index("both", [ONE]))
        records = await catalog.inspection.manifests(0, 10)
        assert [(record.repository, record.digest) for record in records] == [
            (APP, ONE.digest),
            (LIB, SBOM.digest),
            (APP, index("both", [ONE]).digest),
        ]
        assert records[1] == ManifestRecord(
            id=records[1].id,
            repository=LIB,
            digest=SBOM.digest,
            media_type=SBOM.media_type,
            artifact_type=SBOM.manifest.artifact_type,
            subject=ONE.digest,
            annotations={},
            size=SBOM.size,
            content=SBOM.content,
            edges=(
                ("config", SBOM.blobs[0].digest, SBOM.blobs[0].size),
                ("layer", SBOM.blobs[1].digest, SBOM.blobs[1].size),
            ),
        )
        assert [kind for kind, _, _ in records[0].edges] == ["config", "layer", "layer", "layer"]
        assert records[2].edges == (("manifest", ONE.digest, ONE.size),)
        assert records[2].annotations == {"org.opencontainers.image.title": "both"}

    async def test_manifests_and_blobs_come_in_pages(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE)
        await scene.push(APP, SBOM)
        await scene.push(LIB, ONE)
        manifests = await catalog.inspection.manifests(0, 10)
        assert len(manifests) == 3
        assert await catalog.inspection.manifests(0, 2) == manifests[:2]
        assert await catalog.inspection.manifests(manifests[1].id, 2) == manifests[2:]
        blobs = await catalog.inspection.blobs(0, 100)
        assert await catalog.inspection.blobs(0, 2) == blobs[:2]
        assert await catalog.inspection.blobs(blobs[1].id, 100) == blobs[2:]
        assert await catalog.inspection.blobs(blobs[-1].id, 100) == ()

    async def test_no_more_is_read_than_a_page_may_hold(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        large = [artifact(f"large {n}", annotations={"k": "x" * 900_000}) for n in range(3)]
        for what in large:
            await scene.push(APP, what)
        last, seen = 0, []
        while found := await catalog.inspection.manifests(last, 10):
            assert sum(len(record.content) for record in found) <= PAGE_BYTES
            last = found[-1].id
            seen += [record.digest for record in found]
        assert seen == [what.digest for what in large]

    async def test_blobs_come_with_their_state(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        held = [await scene.hold(APP, blob(name)) for name in ("live", "condemned", "tombstoned")]
        await catalog.links.unlink(APP, blob("tombstoned").digest, scene.by())
        await catalog.collection.tombstone(scene.at + 1, 10, scene.by())
        await catalog.links.unlink(APP, blob("condemned").digest, scene.by())
        records = await catalog.inspection.blobs(0, 10)
        assert records == tuple(
            BlobRecord(record.id, one, BlobState(one_name))
            for record, one, one_name in zip(records, held, ("live", "condemned", "tombstoned"), strict=True)
        )


class KnowledgeKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_copies_with_a_row_are_known_until_they_are_gone(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        held = await scene.hold(APP, BASE)
        assert await catalog.inspection.knows_copy(held.key)
        assert not await catalog.inspection.knows_copy(BlobKey(blob("other").digest, held.key.copy))
        assert not await catalog.inspection.knows_copy(BlobKey(BASE.digest, "0" * 32))
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        assert await catalog.inspection.knows_copy(held.key)
        await catalog.collection.tombstone(scene.at + 1, 10, scene.by())
        assert await catalog.inspection.knows_copy(held.key)
        await catalog.collection.gone([row for row, _ in await catalog.collection.tombstones(0, 10)], scene.by())
        assert not await catalog.inspection.knows_copy(held.key)

    async def test_a_copy_that_an_upload_may_become_is_known(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        upload = await scene.claimed(APP, BASE.digest)
        copy = copy_of(upload, BASE)
        assert await catalog.inspection.knows_copy(copy.key)
        await catalog.expiry.cancel(APP, upload.id, scene.at)
        assert await catalog.inspection.knows_copy(copy.key)
        await catalog.expiry.forget(upload.id, scene.at)
        assert not await catalog.inspection.knows_copy(copy.key)

    async def test_sessions_with_a_row_are_known(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        upload = await scene.claimed(APP, BASE.digest)
        assert await catalog.inspection.knows_upload(upload.id)
        assert not await catalog.inspection.knows_upload(scene.upload().id)
        copy = Blob(copy_of(upload, BASE).key, BASE.size)
        await catalog.uploads.commit(UploadCommit(upload, copy, promoted=True), scene.by())
        assert not await catalog.inspection.knows_upload(upload.id)


class FindingsKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_healthy_catalog_has_none(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        assert await scene.findings() == []
        await scene.push(APP, ONE, V1)
        await scene.push(LIB, SBOM, V2)
        await scene.put(LIB, index("sparse", [ONE]), V1, sparse=True)
        await scene.hold(LIB, blob("loose"))
        await scene.claimed(LIB, BASE.digest)
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        assert await scene.findings() == []

    async def test_a_session_is_overdue_after_its_limit(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        upload = scene.upload(expire=HOUR)
        await catalog.uploads.start(upload)
        limits = Overdue(uploads_before=upload.expires_at, tombstones_before=0)
        assert await scene.findings(limits) == []
        (finding,) = await scene.findings(Overdue(uploads_before=upload.expires_at + 1, tombstones_before=0))
        assert (finding.invariant, finding.where) == (7, upload.id)

    async def test_a_session_that_is_written_to_is_not_overdue(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        claimed = await scene.claimed()
        await catalog.uploads.advance(
            claimed, offset=1, digest=None, place="", lease_until=scene.at + 9 * HOUR, expires_at=scene.at + 1
        )
        assert await scene.findings(Overdue(uploads_before=scene.at + 2, tombstones_before=0)) == []

    async def test_a_session_that_was_just_cancelled_is_not_overdue(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        claimed = await scene.claimed()
        await catalog.expiry.cancel(APP, claimed.id, scene.at)
        assert await scene.findings() == []
        (finding,) = await scene.findings(Overdue(uploads_before=scene.at + 1, tombstones_before=0))
        assert (finding.invariant, finding.where) == (7, claimed.id)

    async def test_a_tombstone_is_overdue_after_its_limit(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        held = await scene.hold(APP, BASE)
        await catalog.links.unlink(APP, BASE.digest, scene.by())
        scene.at += 5
        await catalog.collection.tombstone(scene.at, 10, scene.by())
        assert await scene.findings(Overdue(uploads_before=0, tombstones_before=scene.at)) == []
        (finding,) = await scene.findings(Overdue(uploads_before=0, tombstones_before=scene.at + 1))
        assert (finding.invariant, finding.where) == (7, f"{held.key.digest}/{held.key.copy}")
