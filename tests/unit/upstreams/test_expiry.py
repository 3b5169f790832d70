"""Caches of upstreams within their bounds: what goes, what stays, and what is said of it."""

from typing import Any

import msgspec
import pytest

from orlop.adapters.sql.memory import open_memory
from orlop.domain.blob import BlobState
from orlop.domain.durations import DAY, HOUR, MINUTE
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.upstreams.upstream import UPSTREAMS
from orlop.ports.catalog import By
from orlop.ports.settings import Document
from orlop.ports.upstreams import RemoteTag
from orlop.services.settings.placed import PlacedSettings
from orlop.services.upstreams.expiry import CacheExpiry
from tests.content import Piece, Pushable, blob, image, index
from tests.contract.scene import START, V1, V2, Scene
from tests.registry import HandClock

TITLE = "org.opencontainers.image.title"
NGINX, DEBIAN, NESTED = RepositoryName("hub/nginx"), RepositoryName("hub/debian"), RepositoryName("hub/quay/app")


def large(name: str, size: int = 1000) -> Pushable:
    """An image of its own, of little more than so many bytes."""
    return titled(name, [blob(name, size)])


def titled(name: str, layers: list[Piece], subject: Pushable | None = None) -> Pushable:
    """An image whose manifest tells its name."""
    return image(name, layers, subject=subject, annotations={TITLE: name})


class Cast:
    """Upstreams whose content tests push, and the job that bounds it."""

    def __init__(self) -> None:
        self.opened = open_memory()
        self.catalog = self.opened.catalog
        self.clock = HandClock()
        self.scene = Scene(self.catalog, cache="hub")
        self.evicted: list[tuple[str, int]] = []
        self.expiry = CacheExpiry(
            PlacedSettings(UPSTREAMS, self.opened.identity.documents, self.opened.settings_changes),
            self.catalog.caches,
            self.catalog.usages,
            self.catalog.manifests,
            self.catalog.remote_tags,
            self.opened.queue.jobs,
            self.clock,
            lambda *told: self.evicted.append(told),
        )

    async def put(self, path: str = "hub", **fields: Any) -> None:
        """The upstream of a place."""
        body = msgspec.json.encode({"url": "https://registry-1.docker.io", **fields})
        documents = self.opened.identity.documents
        known = await documents.get(UPSTREAMS.kind, "hub", path)
        await documents.put(Document(UPSTREAMS.kind, "hub", body, path=path, version=known.version if known else 0), BY)

    def at(self, age: int) -> None:
        """It is so many microseconds before now, for what is pushed or pulled."""
        self.scene.at = self.clock.at - age

    async def fill(self, what: Pushable, *tags: Tag, age: int, into: RepositoryName = NGINX) -> None:
        """Something came so long ago."""
        self.at(age)
        await self.scene.push(into, what, *tags, sparse=True)

    async def bytes(self, path: str = "hub") -> int:
        """How many are cached."""
        found = await self.catalog.usages.of([path], 0)
        return found[path][0].cached_bytes if path in found else 0

    async def left(self) -> set[str]:
        """The titles of the manifests that are there; all is as it is to be."""
        assert await self.scene.findings() == []
        there = await self.catalog.inspection.manifests(0, 1000)
        return {each.annotations[TITLE] for each in there}


BY = By("admin", START)


@pytest.fixture
def caches() -> Cast:
    return Cast()


async def test_what_nobody_pulled_for_long_goes_and_what_somebody_did_stays(caches: Cast) -> None:
    await caches.put(unused="30d")
    await caches.fill(large("old"), V1, age=40 * DAY)
    await caches.fill(large("pulled"), V2, age=50 * DAY)
    await caches.fill(large("new"), age=DAY, into=DEBIAN)
    caches.at(DAY)
    await caches.scene.count_pulls(NGINX, V2)
    said = await caches.expiry.expire()
    assert said.startswith("1 manifest and 1 tag of hub/ are removed, 1.")
    assert said.endswith(" KiB less are cached")
    assert await caches.left() == {"pulled", "new"}
    assert await caches.expiry.expire() == "everything that is cached is within its bounds"
    events = await caches.catalog.outbox.events(0, 1000)
    assert {each.actor for each in events if each.kind.value.endswith(("deleted", "unlinked"))} == {"upstream:hub"}


async def test_beyond_the_bound_the_longest_unused_goes_until_a_tenth_of_it_is_free(caches: Cast) -> None:
    await caches.put(cache_bytes="10000")
    for number in range(12):
        await caches.fill(large(f"i{number:02}"), Tag(f"t{number:02}"), age=(20 - number) * DAY)
    caches.at(HOUR * 2)
    await caches.scene.count_pulls(NGINX, Tag("t00"))
    one = await caches.bytes() // 12
    assert await caches.expiry.look()
    jobs = (await caches.opened.queue.jobs.page(PageRequest(9))).items
    assert [job.kind for job in jobs] == ["cache-expiry"]
    assert await caches.expiry.look(), "as long as it is"
    assert len((await caches.opened.queue.jobs.page(PageRequest(9))).items) == 1
    await caches.expiry.expire()
    stay = 9_000 // one
    assert await caches.bytes() <= 9_000 < await caches.bytes() + one
    assert await caches.left() == {"i00", *(f"i{number:02}" for number in range(12 - stay + 1, 12))}
    assert not await caches.expiry.look()
    assert sum(size for upstream, size in caches.evicted if upstream == "hub/hub") == one * (12 - stay)


async def test_what_came_or_was_pulled_a_moment_ago_is_not_evicted_for_a_bound(caches: Cast) -> None:
    await caches.put(cache_bytes="100")
    await caches.fill(large("now"), V1, age=10 * MINUTE)
    await caches.fill(large("pulled"), V2, age=DAY)
    caches.at(0)
    await caches.scene.count_pulls(NGINX, V2)
    assert await caches.expiry.expire() == "everything that is cached is within its bounds"
    caches.clock.at += 2 * HOUR
    await caches.expiry.expire()
    assert await caches.left() == set()


async def test_a_child_that_was_pulled_keeps_its_index_and_what_refers_to_it(caches: Cast) -> None:
    await caches.put(unused="30d")
    amd, arm = large("amd"), large("arm")
    both = index("both", [amd, arm])
    await caches.fill(both, V1, age=40 * DAY)
    await caches.fill(titled("signature", [], both), age=40 * DAY)
    pull = await caches.scene.pull(NGINX, arm.digest)
    await caches.catalog.pulls.record([(pull, 1, caches.clock.at - DAY)])
    await caches.expiry.expire()
    assert await caches.left() == {"both", "amd", "arm", "signature"}
    caches.clock.at += 60 * DAY
    assert (await caches.expiry.expire()).startswith("4 manifests and 1 tag of hub/")
    assert await caches.left() == set()


async def test_a_blob_of_two_images_goes_when_both_are_gone(caches: Cast) -> None:
    await caches.put(unused="30d")
    base = blob("base", 5_000)
    await caches.fill(titled("one", [base]), V1, age=40 * DAY)
    await caches.fill(titled("two", [base]), V1, age=10 * DAY, into=DEBIAN)
    await caches.expiry.expire()
    assert await caches.catalog.links.find(NGINX, base.digest) is None
    assert await caches.catalog.links.find(DEBIAN, base.digest) is not None
    assert await _state(caches, base) == "live"
    caches.clock.at += 60 * DAY
    await caches.expiry.expire()
    assert await _state(caches, base) == "condemned"
    assert await caches.bytes() == 0


async def test_each_upstream_has_a_bound_of_its_own_and_what_is_its_own_stays(caches: Cast) -> None:
    await caches.put(cache_bytes="3000")
    await caches.put("hub/quay", cache_bytes="1MiB")
    await Scene(caches.catalog, first=1000, cache="hub/quay", at=START - DAY).push(NESTED, large("nested", 9_000))
    await Scene(caches.catalog, first=2000, at=START - DAY).push(RepositoryName("hub/own"), large("own", 9_000))
    await caches.fill(large("cached"), age=DAY)
    assert not await caches.expiry.look()
    await caches.expiry.expire()
    assert await caches.left() == {"nested", "own", "cached"}
    await caches.fill(large("more", 3_000), age=2 * DAY)
    await caches.expiry.expire()
    assert await caches.left() == {"nested", "own", "cached"}


async def test_tags_that_are_gone_upstream_go_when_they_are_kept_no_longer(caches: Cast) -> None:
    await caches.put(keep_vanished="7d")
    await caches.fill(large("image"), V1, V2, Tag("v3"), age=DAY)
    for tag, gone in ((V1, 8 * DAY), (V2, 6 * DAY), (Tag("v3"), 0), (Tag("nowhere"), 9 * DAY)):
        since = caches.clock.at - gone if gone else 0
        await caches.catalog.remote_tags.keep(
            RemoteTag(
                repository=NGINX,
                tag=tag,
                digest=large("image").digest,
                checked_at=caches.clock.at,
                moved_at=START - DAY,
                gone_since=since,
            )
        )
    assert await caches.expiry.expire() == "1 tag removed that their upstreams have no more"
    assert (await caches.catalog.browse.tags(NGINX, PageRequest(9))).items == (V2, Tag("v3"))
    assert await caches.catalog.remote_tags.get(NGINX, Tag("nowhere")) is None
    await caches.put(keep_vanished="")
    await caches.expiry.expire()
    assert (await caches.catalog.browse.tags(NGINX, PageRequest(9))).items == (Tag("v3"),)


async def test_a_cache_is_cleared_but_for_what_is_locked_also_without_its_upstream(caches: Cast) -> None:
    for number in range(60):
        await caches.fill(large(f"i{number}", 10), Tag(f"t{number}"), age=0)
    locked = large("locked", 10)
    await caches.fill(index("all", [locked]), V1, age=0)
    await caches.catalog.locks.add(NGINX, locked.digest, "a release", caches.scene.by())
    assert (await caches.expiry.clear("hub", "hub")).startswith("60 manifests and 60 tags of hub/ are removed, ")
    assert await caches.left() == {"locked", "all"}


async def _state(caches: Cast, piece: Piece) -> str:
    (state,) = [
        each.state.value
        for each in await caches.catalog.inspection.blobs(0, 1000)
        if each.blob.key.digest == piece.digest and each.state is not BlobState.TOMBSTONED
    ]
    return state
