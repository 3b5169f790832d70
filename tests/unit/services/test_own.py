"""This registry's repositories as stores that `copy` reads and writes, like any other."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from orlop.adapters.sql.memory import open_memory
from orlop.domain.access import ANONYMOUS, Caller
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, Denied, ManifestUnknown, NameUnknown
from orlop.domain.manifest import EdgeKind
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.catalog import By
from orlop.ports.settings import Document
from orlop.ports.upstream import Placement
from orlop.services.access.decisions import Access
from orlop.services.content.copy import CopyRequest, Outcome, copy
from orlop.services.content.own import OwnContent, OwnRepository
from tests.content import artifact, image, platform_index
from tests.registry import ALICE, CountedIds, HandClock, Registry, in_memory

DEV, PROD, ELSEWHERE = RepositoryName("dev/app"), RepositoryName("prod/app"), RepositoryName("app")
IMAGE = platform_index("all")
SIGNATURE = artifact("signature", subject=IMAGE)


def own(registry: Registry, name: RepositoryName) -> OwnRepository:
    content = OwnContent(
        registry.access,
        registry.stores.catalog.browse,
        registry.manifests,
        registry.referrers,
        registry.blobs,
        registry.uploads,
    )
    return content.repository(name, ALICE)


async def with_an_image() -> Registry:
    registry = Registry(in_memory(HandClock()).stores, HandClock(), CountedIds())
    await registry.push(DEV, IMAGE, Tag("1"))
    await registry.push(DEV, SIGNATURE)
    return registry


async def test_within_the_registry_no_blob_travels() -> None:
    registry = await with_an_image()
    report = await copy(
        own(registry, DEV), own(registry, PROD), CopyRequest(reference="1", tags=("1", "latest"), referrers=True)
    )
    assert report.copied_bytes == 0
    assert set(report.blobs.values()) == {Outcome.MOUNTED}
    assert SIGNATURE.digest in report.manifests
    assert [tag async for tag in own(registry, PROD).tags()] == ["1", "latest"]
    found = [each.digest async for each in own(registry, PROD).referrers(IMAGE.digest)]
    assert found == [SIGNATURE.digest]
    again = await copy(own(registry, DEV), own(registry, PROD), CopyRequest(reference="1", tags=("1",)))
    assert set(again.blobs.values()) == {Outcome.PRESENT}


async def test_what_comes_from_elsewhere_travels_once() -> None:
    registry = await with_an_image()
    other = Registry(in_memory(HandClock()).stores, HandClock(), CountedIds())
    first = await copy(own(registry, DEV), own(other, ELSEWHERE), CopyRequest(reference="1", tags=("1",)))
    assert first.copied_bytes == sum(
        {piece.digest: piece.size for each in IMAGE.everything() for piece in each.blobs}.values()
    )
    second = await copy(own(registry, DEV), own(other, PROD), CopyRequest(reference="1", tags=("1",)))
    assert second.copied_bytes == 0, "another repository of the registry holds all of it"
    for node in IMAGE.everything():
        fetched = await own(other, PROD).fetch(node.digest)
        assert (fetched.content, fetched.media_type) == (node.content, node.media_type)


async def test_parts_of_a_blob_and_what_is_not_there() -> None:
    registry = await with_an_image()
    dev = own(registry, DEV)
    edge = next(
        edge for each in IMAGE.everything() for edge in each.manifest.edges if edge.kind is not EdgeKind.MANIFEST
    )
    whole = b"".join([piece async for piece in dev.read_blob(edge.digest, edge.size)])
    rest = b"".join([piece async for piece in dev.read_blob(edge.digest, edge.size, 3)])
    assert (len(whole), rest) == (edge.size, whole[3:])
    assert await dev.stat_blob(edge.digest) == edge.size
    unknown = Digest("sha256:" + "0" * 64)
    assert await dev.stat_blob(unknown) is None
    with pytest.raises(BlobUnknown):
        await anext(dev.read_blob(unknown, 1))
    with pytest.raises(ManifestUnknown):
        await dev.resolve("2")
    with pytest.raises(NameUnknown):
        await anext(own(registry, ELSEWHERE).tags())


async def test_tags_and_manifests_go() -> None:
    registry = await with_an_image()
    dev = own(registry, DEV)
    what = image("more")
    await registry.push(DEV, what, Tag("a"), Tag("b"))
    await dev.untag("a")
    assert [tag async for tag in dev.tags()] == ["1", "b"]
    await dev.delete_manifest(what.digest)
    with pytest.raises(ManifestUnknown):
        await dev.fetch(what.digest)
    assert [tag async for tag in dev.tags()] == ["1"]


async def test_a_push_says_whether_it_travelled() -> None:
    registry = await with_an_image()
    piece = image("other").blobs[0]

    async def content(offset: int):  # type: ignore[no-untyped-def]
        yield piece.content[offset:]

    dev, prod = own(registry, DEV), own(registry, PROD)
    assert await dev.push_blob(piece.digest, piece.size, content) is Placement.PUSHED
    assert await prod.push_blob(piece.digest, piece.size, content, DEV) is Placement.MOUNTED


async def test_what_the_caller_may_not_pull_is_not_there() -> None:
    registry, nowhere = await with_an_image(), open_memory()
    closed = Access(nowhere.identity.facts, nowhere.access_changes, registry.clock, everyone=False)
    dev = own(registry, DEV)
    hidden = OwnRepository(msgspec.structs.replace(dev._content, access=closed), DEV, Caller(ANONYMOUS))
    readings: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: hidden.fetch("1"),
        lambda: hidden.resolve("1"),
        lambda: hidden.stat_blob(IMAGE.digest),
        lambda: anext(hidden.tags()),
        lambda: anext(hidden.referrers(IMAGE.digest)),
        lambda: anext(hidden.read_blob(IMAGE.digest, 1)),
    )
    for reading in readings:
        with pytest.raises(NameUnknown):
            await reading()
    assert (await dev.fetch("1")).digest == IMAGE.digest


async def test_quotas_and_rules_for_tags_hold_for_copies() -> None:
    registry = await with_an_image()
    for kind, body in (
        ("quota", {"tags": 1}),
        ("tag-rule", {"tags": ["1"], "immutable": True}),
    ):
        document = Document(kind, "own", msgspec.json.encode(body), path="prod")
        await registry.documents.put(document, By("alice", registry.clock.now()))
    await copy(own(registry, DEV), own(registry, PROD), CopyRequest(reference="1", tags=("1",)))
    with pytest.raises(Denied, match="quota"):
        await copy(own(registry, DEV), own(registry, PROD), CopyRequest(reference="1", tags=("2",)))
    await registry.push(DEV, image("more"), Tag("more"))
    with pytest.raises(Denied):
        await copy(own(registry, DEV), own(registry, PROD), CopyRequest(reference="more", tags=("1",)))
    assert (await own(registry, PROD).resolve("1")).digest == IMAGE.digest
