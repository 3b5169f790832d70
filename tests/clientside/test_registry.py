"""The client against real registries: everything that the port promises."""

import os

import pytest

from orlop.domain.digest import digest_of
from orlop.domain.errors import (
    BlobUnknown,
    ContentCorrupt,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestUnknown,
    NameUnknown,
    SizeInvalid,
    Unsupported,
)
from orlop.domain.names import RepositoryName
from orlop.ports.upstream import Placement
from tests import content
from tests.clientside.clients import client, manifest_of, opener, push, read_all

APP = RepositoryName("team/app")


async def test_what_is_pushed_can_be_found_and_read(peer: str) -> None:
    image = content.image("app", layers=["base", "code"])
    async with client() as registries:
        repository = await registries.repository(peer, APP)
        await push(repository, image, "v1", "stable")
        described = await repository.resolve("v1")
        assert (described.digest, described.media_type, described.size) == (image.digest, image.media_type, image.size)
        assert await repository.fetch("stable") == manifest_of(image.piece)
        assert await repository.fetch(image.digest) == manifest_of(image.piece)
        for piece in image.blobs:
            assert await repository.stat_blob(piece.digest) == piece.size
            assert await read_all(repository, piece.digest, piece.size) == piece.content
        layer = image.blobs[-1]
        assert await read_all(repository, layer.digest, layer.size, 5) == layer.content[5:]
        assert await read_all(repository, layer.digest, layer.size, layer.size) == b""
        assert {"v1", "stable"} <= {tag async for tag in repository.tags()}
        assert APP in [name async for name in (await registries.registry(peer)).repositories()]


async def test_what_is_not_there_is_named(peer: str) -> None:
    absent = digest_of(b"absent")
    async with client() as registries:
        await push(await registries.repository(peer, APP), content.image("app"), "v1")
        repository = await registries.repository(peer, APP)
        with pytest.raises(ManifestUnknown, match="team/app:absent"):
            await repository.resolve("absent")
        with pytest.raises(ManifestUnknown):
            await repository.fetch(absent)
        assert await repository.stat_blob(absent) is None
        with pytest.raises(BlobUnknown):
            await read_all(repository, absent, 6)
        with pytest.raises(NameUnknown):
            [tag async for tag in (await registries.repository(peer, RepositoryName("no/such"))).tags()]
        with pytest.raises(ManifestUnknown):
            await repository.delete_manifest(absent)


async def test_a_large_blob_is_streamed_and_mounted(peer: str) -> None:
    layer = os.urandom(3 * 1024 * 1024 + 17)
    digest = digest_of(layer)
    async with client() as registries:
        first = await registries.repository(peer, RepositoryName("large/one"))
        second = await registries.repository(peer, RepositoryName("large/two"))
        assert await first.push_blob(digest, len(layer), opener(layer)) is Placement.PUSHED
        assert await read_all(first, digest, len(layer)) == layer

        placed = await second.push_blob(digest, len(layer), opener(layer), RepositoryName("large/one"))
        assert placed is Placement.MOUNTED
        assert await second.stat_blob(digest) == len(layer)

        third = await registries.repository(peer, RepositoryName("large/three"))
        other = os.urandom(1_000_000)
        refused = await third.push_blob(digest_of(other), len(other), opener(other), RepositoryName("large/one"))
        assert refused is Placement.PUSHED
        assert await read_all(third, digest_of(other), len(other)) == other


@pytest.mark.parametrize("size", [0, 1, 600_000])
async def test_blobs_of_any_size_go_there_and_back(peer: str, size: int) -> None:
    blob = os.urandom(size)
    async with client() as registries:
        repository = await registries.repository(peer, APP)
        await repository.push_blob(digest_of(blob), size, opener(blob))
        assert await read_all(repository, digest_of(blob), size) == blob


@pytest.mark.parametrize("size", [10, 700_000])
async def test_wrong_bytes_are_never_stored(peer: str, size: int) -> None:
    right, wrong = os.urandom(size), os.urandom(size)
    async with client() as registries:
        repository = await registries.repository(peer, APP)
        with pytest.raises(DigestInvalid):
            await repository.push_blob(digest_of(right), size, opener(wrong))
        with pytest.raises(SizeInvalid):
            await repository.push_blob(digest_of(right), size, opener(right[:-1]))
        with pytest.raises(SizeInvalid):
            await repository.push_blob(digest_of(right), size, opener(right + b"x"))
        assert await repository.stat_blob(digest_of(right)) is None


async def test_an_error_of_the_source_comes_out_as_itself(peer: str) -> None:
    async def broken(offset: int):  # type: ignore[no-untyped-def]
        yield b"x" * 300_000
        raise ContentCorrupt("the source is rotten")

    async with client() as registries:
        repository = await registries.repository(peer, APP)
        for size in (400_000, 700_000):
            with pytest.raises(ContentCorrupt, match="rotten"):
                await repository.push_blob(digest_of(b"x" * size), size, broken)


async def test_a_blob_of_another_size_or_digest_is_refused(peer: str) -> None:
    blob = os.urandom(1000)
    async with client() as registries:
        repository = await registries.repository(peer, APP)
        await repository.push_blob(digest_of(blob), 1000, opener(blob))
        for size in (999, 1001):
            with pytest.raises(ContentCorrupt):
                await read_all(repository, digest_of(blob), size)


async def test_a_manifest_needs_what_it_names(peer: str) -> None:
    async with client() as registries:
        repository = await registries.repository(peer, RepositoryName("needs/content"))
        with pytest.raises(ManifestBlobUnknown):
            await repository.put_manifest(manifest_of(content.image("lonely", layers=["nowhere"]).piece), ("v1",))


async def test_referrers_are_found_whether_or_not_the_registry_has_the_api(peer: str) -> None:
    image = content.image("app")
    sbom = content.artifact("sbom", subject=image)
    signature = content.artifact("signature", subject=image, artifact_type="application/vnd.example.signature")
    async with client() as registries:
        repository = await registries.repository(peer, RepositoryName("with/referrers"))
        await push(repository, image, "v1")
        assert [entry async for entry in repository.referrers(image.digest)] == []
        for referrer in (sbom, signature, sbom):
            await push(repository, referrer)
        found = {entry.digest: entry.artifact_type async for entry in repository.referrers(image.digest)}
        assert found == {
            sbom.digest: "application/vnd.example.sbom",
            signature.digest: "application/vnd.example.signature",
        }
        wanted = "application/vnd.example.signature"
        assert [e.digest async for e in repository.referrers(image.digest, wanted)] == [signature.digest]
        await repository.delete_manifest(signature.digest)
        assert [entry.digest async for entry in repository.referrers(image.digest)] == [sbom.digest]


async def test_a_manifest_is_deleted_with_its_tags(peer: str) -> None:
    image = content.image("doomed")
    async with client() as registries:
        repository = await registries.repository(peer, RepositoryName("to/delete"))
        await push(repository, image, "v1")
        await repository.delete_manifest(image.digest)
        for reference in ("v1", image.digest):
            with pytest.raises(ManifestUnknown):
                await repository.resolve(reference)


async def test_a_tag_is_removed_and_its_manifest_stays(peer: str, request: pytest.FixtureRequest) -> None:
    image = content.image("kept")
    peer_name = request.node.name
    async with client() as registries:
        repository = await registries.repository(peer, RepositoryName("to/untag"))
        await push(repository, image, "v1", "v2")
        if "distribution" in peer_name:
            with pytest.raises(Unsupported, match="removes no tags"):
                await repository.untag("v1")
            return
        await repository.untag("v1")
        with pytest.raises(ManifestUnknown):
            await repository.resolve("v1")
        assert (await repository.resolve("v2")).digest == image.digest
