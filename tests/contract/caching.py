"""What every catalog keeps to about caches of upstreams (ports.caching, ports.terms.Terms.cache)."""

import pytest

from orlop.domain.errors import Denied
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.quotas import Usage
from orlop.ports.caching import Evicted
from orlop.ports.catalog import Catalog, Terms, UploadCommit
from orlop.ports.clock import HOUR, SECOND
from orlop.ports.trash import Asked
from tests.content import blob, image, index
from tests.contract.scene import APP, START, V1, V2, WEB, Scene, copy_of
from tests.contract.usage import ONE, TWO, bytes_room, stored, usage

#: A cache below a node of a team, another in the root, and the node that shows each.
HUB, NGINX, DEBIAN = "team/hub", RepositoryName("team/hub/nginx"), RepositoryName("team/hub/library/debian")
QUAY = RepositoryName("quay/app")


class CacheUsageKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_what_is_cached_counts_up_to_its_upstream_and_above_that_as_cache_alone(
        self, catalog: Catalog
    ) -> None:
        own, cache = Scene(catalog), Scene(catalog, first=100, cache=HUB)
        await own.push(APP, ONE, V1)
        await cache.push(NGINX, ONE, V1)
        await cache.push(DEBIAN, TWO, V1, V2)
        both = stored(ONE, TWO)
        cached = Usage(both, stored(ONE) + stored(TWO), 3, 2, 2, both)
        assert await usage(catalog, HUB) == cached
        assert await usage(catalog, "team/hub/library") == Usage(stored(TWO), stored(TWO), 2, 1, 1, stored(TWO))
        assert await usage(catalog, NGINX) == Usage(stored(ONE), stored(ONE), 1, 1, 1, stored(ONE))
        assert await usage(catalog, "team") == Usage(stored(ONE), stored(ONE), 1, 1, 1, both), "it holds one of its own"
        everything = await usage(catalog, "")
        assert everything == Usage(both + len(ONE.content), 2 * stored(ONE) + stored(TWO), 4, 3, 3, both)
        assert [
            (each.path, each.usage.cached_bytes) for each in await catalog.usages.below("", 9, 0, by_growth=False)
        ] == [("team/", both)]
        assert await cache.findings() == []
        await catalog.repositories.remove(APP, own.by())
        assert await usage(catalog, "team") == Usage(cached_bytes=both)
        await catalog.usage_keeping.record(7, 0)
        assert [each.usage for each in await catalog.usages.days("team", 0)] == [Usage(cached_bytes=both)]
        assert await cache.findings() == []
        for name in (NGINX, DEBIAN):
            await catalog.repositories.remove(name, own.by())
        assert await usage(catalog, "") == Usage()
        assert await cache.findings() == []

    async def test_only_quotas_of_the_upstream_and_below_it_limit_what_is_cached(self, catalog: Catalog) -> None:
        large = blob("large", 500)
        for path in ("team", HUB, NGINX, ""):
            scene = Scene(catalog, first=1 + 100 * len(path), cache=HUB)
            upload = await scene.claimed(NGINX, large.digest)
            terms = Terms(room=bytes_room(100, path), cache=HUB)
            commit = UploadCommit(upload, copy_of(upload, large), promoted=True, terms=terms)
            if path == "team":
                assert await catalog.uploads.commit(commit, scene.by()) is not None
                assert await usage(catalog, "team") == Usage(cached_bytes=large.size)
                await catalog.repositories.remove(NGINX, scene.by())
            else:
                with pytest.raises(Denied):
                    await catalog.uploads.commit(commit, scene.by())
        assert await usage(catalog, "") == Usage()

    async def test_whoever_pushes_into_a_cache_makes_it_their_own(self, catalog: Catalog) -> None:
        own, cache = Scene(catalog), Scene(catalog, first=100, cache=HUB)
        await cache.push(NGINX, ONE, V1)
        await cache.push(DEBIAN, ONE, V1)
        too_little = Terms(room=bytes_room(stored(ONE), "team"))
        upload = await own.claimed(NGINX)
        commit = UploadCommit(upload, copy_of(upload, blob("more", 9)), promoted=True, terms=too_little)
        with pytest.raises(Denied):
            await catalog.uploads.commit(commit, own.by())
        await own.push(NGINX, TWO, V2)
        both = stored(ONE, TWO)
        assert await usage(catalog, "team") == Usage(both, stored(ONE, TWO), 2, 2, 1, stored(ONE))
        assert await usage(catalog, HUB) == Usage(
            both + len(ONE.content), stored(ONE, TWO) + stored(ONE), 3, 3, 2, stored(ONE)
        )
        found, more = await catalog.caches.unused(HUB, START + HOUR, 10)
        assert len(found) == 1, "what is somebody's own is not evicted"
        assert not more
        await cache.push(NGINX, image("three", ["base"]))
        assert (await usage(catalog, HUB)).cached_bytes == stored(ONE), "it stays so"
        assert await cache.findings() == []

    async def test_a_cache_that_goes_to_the_trash_comes_back_as_content_of_its_own(self, catalog: Catalog) -> None:
        cache = Scene(catalog, cache=HUB)
        await cache.push(NGINX, ONE, V1)
        await cache.push(NGINX, TWO, V2)
        await catalog.manifests.delete(NGINX, TWO.digest, cache.by(), Terms(trash=HOUR))
        await catalog.collection.unlink_loose(cache.at + 1, 100, cache.by())
        assert await cache.findings() == []
        await catalog.repositories.remove(NGINX, cache.by(), Terms(trash=HOUR))
        assert await usage(catalog, "team") == Usage()
        assert await usage(catalog, "") == Usage(stored(ONE, TWO), stored(ONE) + stored(TWO))
        assert await cache.findings() == []
        await catalog.trash.restore(Asked(NGINX), cache.by())
        assert await usage(catalog, "team") == Usage(stored(ONE), stored(ONE), 1, 1, 1)
        assert await cache.findings() == []

    async def test_the_whole_registry_and_a_repository_of_the_node_itself_may_be_a_cache(
        self, catalog: Catalog
    ) -> None:
        await Scene(catalog, cache="").push(WEB, ONE)
        await Scene(catalog, first=100, cache="team/app").push(APP, TWO)
        both = stored(ONE, TWO)
        assert await usage(catalog, "") == Usage(both, stored(ONE) + stored(TWO), 0, 2, 2, both)
        assert await usage(catalog, "team") == Usage(cached_bytes=stored(TWO))
        assert await usage(catalog, APP) == Usage(stored(TWO), stored(TWO), 0, 1, 1, stored(TWO))
        assert await Scene(catalog).findings() == []


class EvictionKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_the_longest_unused_stand_first_and_a_pull_is_seen_at_their_turn(self, catalog: Catalog) -> None:
        scene = Scene(catalog, cache=HUB)
        for at, (name, what) in enumerate([(NGINX, ONE), (DEBIAN, TWO), (NGINX, image("three", ["base"]))]):
            scene.at = START + at * SECOND
            await scene.push(name, what, Tag(what.name))
        scene.at = START + HOUR
        await scene.count_pulls(NGINX, Tag("one"))
        found, more = await catalog.caches.unused(HUB, scene.at, 2)
        assert [(each.queued_at, each.used_at) for each in found] == [(START, START + HOUR), (START + SECOND,) * 2]
        assert more
        assert not any(each.follows or each.locked for each in found)
        await catalog.caches.look_again({found[0].manifest: found[0].used_at})
        found, more = await catalog.caches.unused(HUB, scene.at, 3)
        assert [each.used_at - START for each in found] == [SECOND, 2 * SECOND, HOUR]
        assert not more
        assert await catalog.caches.unused(HUB, START, 3) == ((), False)
        assert await catalog.caches.unused("team", scene.at, 3) == ((), False), "it is of one node"

    async def test_an_image_goes_with_its_tags_and_the_blobs_that_it_alone_has_in_the_repository(
        self, catalog: Catalog
    ) -> None:
        scene = Scene(catalog, cache=HUB)
        await scene.push(NGINX, ONE, V1, V2)
        await scene.push(NGINX, TWO)
        await scene.push(DEBIAN, ONE)
        await scene.news()
        (first, *_), _ = await catalog.caches.unused(HUB, scene.at, 9)
        code = blob("code")
        assert await catalog.caches.evict(first, scene.by()) == Evicted(1, 2, len(ONE.content)), "another has the rest"
        assert {(kind, digest) for kind, _, digest, _ in await scene.news()} == {
            (EventKind.TAG_DELETED, ONE.digest),
            (EventKind.MANIFEST_DELETED, ONE.digest),
            *((EventKind.BLOB_UNLINKED, piece.digest) for piece in ONE.blobs if piece not in TWO.blobs),
        }
        assert await catalog.links.find(NGINX, blob("base").digest) is not None, "the other image has it"
        assert await catalog.links.find(NGINX, code.digest) is None
        assert await catalog.links.find(DEBIAN, code.digest) is not None
        assert await catalog.caches.evict(first, scene.by()) == Evicted(), "it is gone"
        assert await scene.findings() == []
        for each in (await catalog.caches.unused(HUB, scene.at, 9))[0]:
            await catalog.caches.evict(each, scene.by())
        assert (await usage(catalog, HUB)).stored_bytes == 0
        assert await scene.findings() == []

    async def test_an_index_goes_with_what_it_lists_and_what_refers_to_it(self, catalog: Catalog) -> None:
        scene = Scene(catalog, cache=HUB)
        arm, shared = image("arm", ["arm"]), image("shared", ["base"])
        first, second = index("first", [arm, shared]), index("second", [shared])
        await scene.push(NGINX, first, V1)
        await scene.push(NGINX, image("signature", ["signed"], subject=first))
        await scene.push(NGINX, image("report", ["sbom"], subject=arm))
        await scene.push(NGINX, second)
        found, _ = await catalog.caches.unused(HUB, scene.at, 9)
        assert [each.follows for each in found].count(False) == 2
        top = next(each for each in found if not each.follows)
        assert (await catalog.caches.evict(next(each for each in found if each.follows), scene.by())) == Evicted()
        scene.at += SECOND
        await scene.push(NGINX, second)
        assert (await catalog.caches.evict(top, scene.by())).manifests == 4
        left = await catalog.inspection.manifests(0, 100)
        assert {each.digest for each in left} == {shared.digest, second.digest}
        assert await scene.findings() == []

    async def test_what_is_locked_or_was_used_meanwhile_stays(self, catalog: Catalog) -> None:
        scene = Scene(catalog, cache=HUB)
        arm = image("arm", ["arm"])
        await scene.push(NGINX, index("all", [arm]), V1)
        await scene.push(DEBIAN, ONE, V1)
        await catalog.locks.add(NGINX, arm.digest, "a release", scene.by())
        found, _ = await catalog.caches.unused(HUB, scene.at, 9)
        scene.at += HOUR
        await scene.count_pulls(DEBIAN, V1)
        for each in found:
            assert await catalog.caches.evict(each, scene.by()) == Evicted()
        assert (await catalog.caches.unused(HUB, scene.at - 1, 9))[0] == (), "their turn comes again"
        assert len((await catalog.caches.unused(HUB, scene.at, 9))[0]) == 3
        assert len((await catalog.browse.tags(NGINX, PageRequest(9))).items) == 1
        assert await scene.findings() == []

    async def test_more_than_one_transaction_removes_stands_first_from_then_on(self, catalog: Catalog) -> None:
        scene = Scene(catalog, cache=HUB)
        children = [image(f"p{number}", ["base"]) for number in range(205)]
        await scene.push(NGINX, index("many", children), V1)
        scene.at += HOUR
        gone = []
        for _ in range(100):
            found, _ = await catalog.caches.unused(HUB, START, 9)
            gone += [(await catalog.caches.evict(each, scene.by())).manifests for each in found]
        assert (sum(gone), max(gone)) == (206, 200)
        assert await scene.findings() == []
