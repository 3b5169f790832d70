"""Copying between image layouts: what is copied, in which order, what is skipped, and what ends a copy."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from orlop.adapters.layout.repository import LayoutRepository, open_folder
from orlop.domain.descriptor import Platform
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, ManifestInvalid, ManifestUnknown, RequestInvalid
from orlop.domain.manifest import Edge
from orlop.domain.names import RepositoryName
from orlop.domain.platforms import parse_platform
from orlop.ports.upstream import BlobOpener, ManifestContent, Placement
from orlop.services.content.copy import CopyRequest, Outcome, copy
from tests import content
from tests.clientside.clients import push


class Watched(LayoutRepository):
    """A layout that notes what is written to it, and how many blobs are under way at once."""

    log: list[str]
    most: int = 0
    _under_way: int = 0

    async def push_blob(
        self, digest: Digest, size: int, content: BlobOpener, mount_from: RepositoryName | None = None
    ) -> Placement:
        """Note."""
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        try:
            await asyncio.sleep(0)
            placed = await super().push_blob(digest, size, content, mount_from)
        finally:
            self._under_way -= 1
        self.log.append(digest)
        return placed

    async def put_manifest(self, manifest: ManifestContent, tags: tuple[str, ...] = ()) -> None:
        """Note."""
        await super().put_manifest(manifest, tags)
        self.log += [manifest.digest, *tags]


@asynccontextmanager
async def layouts(folder: Path) -> AsyncIterator[tuple[LayoutRepository, Watched]]:
    """A source and a target."""
    async with (
        open_folder(folder / "source", writing=True) as source,
        open_folder(folder / "target", writing=True) as target,
    ):
        watched = Watched(target._files)
        watched.log = []
        yield source, watched


async def test_children_come_before_parents_and_the_tag_last(tmp_path: Path) -> None:
    one, two = content.image("one", layers=["base", "one"]), content.image("two", layers=["base", "two"])
    inner = content.index("inner", [two])
    cache = content.blob("cache")
    outer = content.index("outer", [one, inner, cache])
    async with layouts(tmp_path) as (source, target):
        await push(source, outer, "v1")
        report = await copy(source, target, CopyRequest(reference="v1", tags=("a", "b")))
        manifests = [one.digest, two.digest, inner.digest, outer.digest]
        assert target.log[-6:] == [*manifests, "a", "b"]
        assert len(target.log) == len(set(target.log)), "nothing is sent twice"
        assert report.digest == outer.digest
        assert list(report.manifests) == manifests
        blobs = {piece.digest: piece.size for image in (one, two) for piece in image.blobs} | {cache.digest: cache.size}
        assert report.blobs == dict.fromkeys(report.blobs, Outcome.COPIED)
        assert set(report.blobs) == set(blobs)
        assert report.copied_bytes == sum(blobs.values())


async def test_what_is_there_is_skipped(tmp_path: Path) -> None:
    image = content.image("app", layers=["base", "code"])
    index = content.index("all", [image])
    async with layouts(tmp_path) as (source, target):
        await push(source, index, "v1")
        await push(target, content.image("other", layers=["base"]), "other")
        target.log.clear()
        first = await copy(source, target, CopyRequest(reference="v1", tags=("v1",)))
        assert first.blobs[content.blob("base").digest] is Outcome.PRESENT
        assert first.blobs[content.blob("code").digest] is Outcome.COPIED
        target.log.clear()
        second = await copy(source, target, CopyRequest(reference="v1", tags=("v2",)))
        assert target.log == [index.digest, "v2"]
        assert set(second.manifests.values()) | set(second.blobs.values()) == {Outcome.PRESENT}


async def test_a_blob_that_an_image_at_the_target_lost_is_sent(tmp_path: Path) -> None:
    image = content.image("app", layers=["base", "code"])
    index = content.index("all", [image])
    lost = content.blob("code").digest
    async with layouts(tmp_path) as (source, target):
        await push(source, index, "v1")
        await push(target, index, "v1")
        (tmp_path / "target" / "blobs" / "sha256" / lost.hex).unlink()
        target.log.clear()
        report = await copy(source, target, CopyRequest(reference="v1", tags=("v1",)))
        assert target.log == [lost, index.digest, "v1"]
        assert {digest for digest, outcome in report.blobs.items() if outcome is Outcome.COPIED} == {lost}
        assert set(report.manifests.values()) == {Outcome.PRESENT}
        assert await target.stat_blob(lost) == content.blob("code").size


async def test_a_copy_that_broke_off_goes_on(tmp_path: Path) -> None:
    image = content.image("app", layers=[content.blob(f"layer{n}", 100_000) for n in range(6)])
    missing = tmp_path / "source" / "blobs" / "sha256" / image.blobs[-1].digest.hex
    async with layouts(tmp_path) as (source, target):
        await push(source, image, "v1")
        body = missing.read_bytes()
        missing.unlink()
        with pytest.raises(BlobUnknown):
            await copy(source, target, CopyRequest(reference="v1", tags=("v1",), jobs=1))
        with pytest.raises(ManifestUnknown):
            await target.fetch("v1")
        missing.write_bytes(body)
        before = len(target.log)
        report = await copy(source, target, CopyRequest(reference="v1", tags=("v1",)))
        outcomes = list(report.blobs.values())
        assert outcomes.count(Outcome.PRESENT) == before
        assert outcomes.count(Outcome.COPIED) == len(outcomes) - before
        assert (await target.fetch("v1")).digest == image.digest


@pytest.mark.parametrize("jobs", [1, 3, 64])
async def test_no_more_blobs_than_asked_are_under_way(tmp_path: Path, jobs: int) -> None:
    image = content.image("app", layers=[f"layer{n}" for n in range(12)])
    async with layouts(tmp_path) as (source, target):
        await push(source, image, "v1")
        await copy(source, target, CopyRequest(reference="v1", jobs=jobs))
        assert target.most == min(jobs, 13)


async def test_foreign_layers_are_left_out(tmp_path: Path) -> None:
    image = content.image("app", layers=["base"], foreign=["windows"])
    async with layouts(tmp_path) as (source, target):
        await push(source, image, "v1")
        report = await copy(source, target, CopyRequest(reference="v1", tags=("v1",)))
        assert report.blobs[content.blob("windows").digest] is Outcome.FOREIGN
        assert await target.stat_blob(content.blob("windows").digest) is None


async def test_referrers_come_along_and_theirs_too(tmp_path: Path) -> None:
    image = content.image("app")
    index = content.index("all", [image])
    sbom = content.artifact("sbom", subject=image)
    signature = content.artifact("signature", subject=sbom, artifact_type="application/vnd.example.signature")
    of_index = content.artifact("of-index", subject=index)
    stranger = content.artifact("stranger", subject=content.image("another"))
    async with layouts(tmp_path) as (source, target):
        await push(source, index, "v1")
        for referrer in (sbom, signature, of_index, stranger):
            await push(source, referrer)
        plain = await copy(source, target, CopyRequest(reference="v1", tags=("v1",)))
        assert set(plain.manifests) == {image.digest, index.digest}
        full = await copy(source, target, CopyRequest(reference="v1", tags=("v1",), referrers=True))
        assert set(full.manifests) == {image.digest, index.digest, sbom.digest, signature.digest, of_index.digest}
        assert list(full.manifests)[-1] == index.digest, "who sees the tag sees its signatures"
        assert [entry.digest async for entry in target.referrers(sbom.digest)] == [signature.digest]


async def test_referrers_are_followed_to_a_bounded_depth(tmp_path: Path) -> None:
    chain = [content.image("app")]
    for number in range(8):
        chain.append(content.artifact(f"a{number}", subject=chain[-1]))
    async with layouts(tmp_path) as (source, target):
        await push(source, chain[0], "v1")
        for referrer in chain[1:]:
            await push(source, referrer)
        report = await copy(source, target, CopyRequest(reference="v1", referrers=True))
        assert len(report.manifests) == 5


def described(image: content.Pushable, **platform: str) -> dict[str, Any]:
    """An entry of an index."""
    return image.piece.descriptor() | {"platform": platform}


def index_of(*entries: dict[str, Any]) -> content.Piece:
    """An index of exactly these."""
    document = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}
    return content.Piece("index", "application/vnd.oci.image.index.v1+json", json.dumps(document).encode())


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("linux/amd64", "amd64"),
        ("linux/x86_64", "amd64"),
        ("linux/arm64", "arm64"),
        ("linux/arm64/v8", "arm64"),
        ("linux/arm/v7", "armv7"),
        ("linux/arm", "armv7"),
        ("linux/arm/v6", "armv6"),
        ("linux/arm/v8", "armv7"),
        ("linux/amd64/v3", "amd64"),
        ("windows/amd64", None),
        ("linux/arm/v5", None),
    ],
)
async def test_one_platform_is_chosen(tmp_path: Path, wanted: str, expected: str | None) -> None:
    images = {name: content.image(name) for name in ("amd64", "arm64", "armv6", "armv7")}
    nested = index_of(
        described(images["armv6"], os="linux", architecture="arm", variant="v6"),
        described(images["armv7"], os="linux", architecture="arm", variant="v7"),
        described(images["arm64"], os="linux", architecture="arm64", variant="v8"),
        described(images["amd64"], os="linux", architecture="amd64"),
        described(content.image("attestation"), os="unknown", architecture="unknown"),
    )
    async with layouts(tmp_path) as (source, target):
        for image in images.values():
            await push(source, image)
        await push(source, content.Pushable(nested), "v1")
        request = CopyRequest(reference="v1", tags=("v1",), platform=parse_platform(wanted))
        if expected is None:
            with pytest.raises(RequestInvalid, match="linux/amd64"):
                await copy(source, target, request)
            return
        report = await copy(source, target, request)
        assert list(report.manifests) == [images[expected].digest]
        assert (await target.fetch("v1")).digest == images[expected].digest


async def test_an_index_without_a_platform_is_looked_into(tmp_path: Path) -> None:
    """And so is an image that says only in its config what it is for; artifacts are neither."""
    app, arm, plain = content.image("app"), content.image("arm64"), content.image("plain")
    inner = content.Pushable(index_of(described(arm, os="linux", architecture="arm64")))
    middle = content.index("middle", [inner])
    sbom = content.artifact("sbom")
    outer = content.index("outer", [sbom, middle, plain])
    named = content.Pushable(
        index_of(
            described(middle, os="windows", architecture="amd64"), described(app, os="linux", architecture="s390x")
        )
    )
    async with layouts(tmp_path) as (source, target):
        for image in (app, arm, inner, outer):
            await push(source, image)
        await push(source, named, "named")
        await push(source, outer, "v1")
        for wanted, expected in (("linux/arm64", arm), ("linux/amd64", plain)):
            request = CopyRequest(reference="v1", tags=("v1",), platform=parse_platform(wanted))
            assert list((await copy(source, target, request)).manifests) == [expected.digest]
        with pytest.raises(RequestInvalid, match="platforms: linux/amd64, linux/arm64"):
            await copy(source, target, CopyRequest(reference="v1", platform=parse_platform("linux/s390x")))
        with pytest.raises(RequestInvalid, match="linux/s390x, windows/amd64"):
            await copy(source, target, CopyRequest(reference="named", platform=parse_platform("linux/arm64")))


async def test_an_image_of_another_platform_is_refused(tmp_path: Path) -> None:
    async with layouts(tmp_path) as (source, target):
        await push(source, content.image("app"), "v1")
        with pytest.raises(RequestInvalid, match="for linux/amd64, not for linux/s390x"):
            await copy(source, target, CopyRequest(reference="v1", platform=Platform(os="linux", architecture="s390x")))
        await copy(source, target, CopyRequest(reference="v1", platform=Platform(os="linux", architecture="amd64")))


async def test_a_missing_child_ends_the_copy_before_anything_is_named(tmp_path: Path) -> None:
    index = content.index("all", [content.image("here"), content.image("gone")])
    async with layouts(tmp_path) as (source, target):
        await push(source, index.children[0])
        await push(source, content.Pushable(index.piece), "v1")
        with pytest.raises(ManifestUnknown):
            await copy(source, target, CopyRequest(reference="v1", tags=("v1",)))
        assert target.log == []


async def test_indexes_nested_too_deeply_are_refused(tmp_path: Path) -> None:
    deep = content.image("app")
    for number in range(12):
        deep = content.index(f"level{number}", [deep])
    async with layouts(tmp_path) as (source, target):
        await push(source, deep, "v1")
        with pytest.raises(ManifestInvalid, match="levels"):
            await copy(source, target, CopyRequest(reference="v1"))


class Recorded:
    """Progress, written down."""

    def __init__(self) -> None:
        self.plan: dict[Digest, int] = {}
        self.positions: dict[Digest, int] = {}
        self.outcomes: dict[Digest, Outcome] = {}

    def planned(self, blobs: Iterable[Edge]) -> None:
        """Note."""
        self.plan = {edge.digest: edge.size for edge in blobs}

    def moved(self, digest: Digest, position: int) -> None:
        """Note."""
        self.positions[digest] = position

    def settled(self, digest: Digest, outcome: Outcome) -> None:
        """Note."""
        self.outcomes[digest] = outcome


async def test_progress_is_told(tmp_path: Path) -> None:
    image = content.image("app", layers=["base", "code"])
    async with layouts(tmp_path) as (source, target):
        await push(source, image, "v1")
        seen = Recorded()
        report = await copy(source, target, CopyRequest(reference="v1"), seen)
        sizes = {piece.digest: piece.size for piece in image.blobs}
        assert seen.plan == seen.positions == sizes
        assert seen.outcomes == {**report.blobs, **report.manifests}


async def test_a_failure_stops_the_blobs_beside_it(tmp_path: Path) -> None:
    image = content.image("app", layers=["a", "b", "c"])
    started: list[Digest] = []
    ended: list[Digest] = []

    class Failing(LayoutRepository):
        async def read_blob(self, digest: Digest, size: int, offset: int = 0) -> AsyncGenerator[bytes, None]:
            """One fails, the others never end by themselves."""
            started.append(digest)
            try:
                if digest == content.blob("b").digest:
                    await asyncio.sleep(0.05)
                    raise BlobUnknown("gone")
                await asyncio.Event().wait()
                yield b""
            finally:
                ended.append(digest)

    async with layouts(tmp_path) as (source, target):
        await push(source, image, "v1")
        with pytest.raises(BlobUnknown):
            await copy(Failing(source._files), target, CopyRequest(reference="v1"))
    assert sorted(started) == sorted(ended)
    assert len(started) == 4
    assert not list((tmp_path / "target" / "blobs" / "sha256").iterdir()), "not even parts"
