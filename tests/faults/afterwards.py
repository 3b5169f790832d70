"""What has to hold in a registry's folder after a fault, by the steps of working.py that were acknowledged before."""

import asyncio
from pathlib import Path

from orlop.domain.digest import Digest, digest_of
from orlop.domain.errors import BlobUnknown, ManifestUnknown
from orlop.domain.names import Tag
from orlop.domain.pages import PageRequest
from orlop.domain.retention.plans import PlanState
from orlop.ports.blobs import BlobContent
from orlop.ports.clock import SECOND
from orlop.services.collection.garbage import Collected
from tests.faults.working import GRACE, HELD, STEPS, Key, later, opened
from tests.registry import ALICE, EXPIRE, HandClock, Registry


def check(folder: Path, done: int, *, begun: bool) -> None:
    """`done` steps were acknowledged; with `begun` the next one may have happened, whole or not at all."""
    asyncio.run(_check(folder, done, begun=begun))


async def _check(folder: Path, done: int, *, begun: bool) -> None:
    clock = HandClock()
    clock.at = later(done)
    registry, stores = opened(folder, clock)
    registry.ids.given = 1_000_000  # nobody's yet
    try:
        sure, perhaps = _expected(done, begun=begun)
        for key, digest in sure.items():
            assert await _behind(registry, key) in ({digest} | perhaps.get(key, set())), key
        tags = [await _behind(registry, (HELD, "manifest", Tag(tag))) for tag in ("h1", "h2")]
        assert tags[0] == tags[1], "what is let out gets all of its tags, or none"
        await _go_on(registry)
        await _clean(registry)
    finally:
        await stores.close()


def _expected(done: int, *, begun: bool) -> tuple[dict[Key, str | None], dict[Key, set[str | None]]]:
    sure: dict[Key, str | None] = {}
    for step in STEPS[:done]:
        sure |= step.leaves
    perhaps: dict[Key, set[str | None]] = {}
    if begun and done < len(STEPS):
        perhaps = {key: {digest} for key, digest in STEPS[done].leaves.items()}
        sure |= {key: None for key in STEPS[done].leaves if key not in sure}
    return sure, perhaps


async def _behind(registry: Registry, key: Key) -> str | None:
    """The digest behind a key, from the bytes that a client would get; None when there is nothing."""
    repository, kind, reference = key
    try:
        if kind == "manifest":
            found = await registry.manifests.resolve(repository, reference)
            return digest_of(found.content, found.digest.algorithm)
        assert isinstance(reference, Digest)
        blob, _ = await registry.blobs.find(repository, reference, ALICE)
        return await _read(await registry.blobs.open(blob))
    except (ManifestUnknown, BlobUnknown):
        return None


async def _read(content: BlobContent) -> str:
    try:
        return digest_of(await content.read())
    finally:
        content.close()


async def _go_on(registry: Registry) -> None:
    """The registry ends what was begun, and takes a push of everything there is, over whatever was left."""
    for plan in (await registry.plans.page(PageRequest(10), None)).items:
        if plan.state is PlanState.APPLYING:
            assert (await registry.applier.apply(plan)).state is PlanState.APPLIED
            pages = await registry.plans.pages(plan.id, ("", -1), 10, deletes=True)
            for item in (item for page in pages for item in page.items if item.goes):
                assert item.outcome in ({"deleted"} if item.tag else {"deleted", "it is gone"}), item
    for step in STEPS[:12]:
        await step.run(registry)
        for key, digest in step.leaves.items():
            assert await _behind(registry, key) == digest, key


async def _clean(registry: Registry) -> None:
    """After everything that was left behind had its time, nothing of it is left, and nothing is wrong."""
    for _ in range(4):
        registry.clock.at += EXPIRE + GRACE + SECOND
        await registry.collection.run(GRACE)
    assert await registry.collection.run(GRACE) == Collected()
    await registry.sweep.run()
    report = await registry.verification().run()
    assert report.is_clean, report.findings
    assert report.manifests > 0
    assert report.blobs > 0
