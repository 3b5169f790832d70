"""What every catalog keeps to about what people look through (ports.browse and ports.search)."""

from collections.abc import Sequence

import pytest

from orlop.domain.access.spans import EVERYTHING, NameSpan, after
from orlop.domain.content_kinds import BUILD_CACHE, ContentKind
from orlop.domain.durations import MINUTE
from orlop.domain.errors import NameUnknown, PageInvalid
from orlop.domain.labels import LabelChange
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.platforms import parse_platform
from orlop.domain.tag_lists import Releases, TagFilter, TagOrder, place
from orlop.ports.browse import RepositoryOrder
from orlop.ports.catalog import Catalog, Terms
from orlop.ports.search import Sought
from tests.content import artifact, blob, image, index, platform_index
from tests.contract.scene import APP, LIB, WEB, Scene

ONE, TWO = image("one"), image("two", layers=["base", "code"])
SMALL, LARGE = image("small", [blob("s", 10)]), image("large", [blob("l", 5_000)])
CACHE = index("cache", [blob("layer"), blob("cacheconfig", media_type=BUILD_CACHE)])
CHART = artifact("chart", artifact_type="application/vnd.cncf.helm.config.v1+json")
BOTH = platform_index("both", attested=True)

#: In the order of Semantic Versioning, the highest first; then what is no version, backwards.
VERSIONS = ("v2.0.0", "1.10.0", "1.9.0", "1.9.0-rc.2", "1.9.0-rc.1", "latest", "build-9")


async def listed(
    catalog: Catalog,
    order: TagOrder,
    wanted: TagFilter | None = None,
    size: int = 100,
    repository: RepositoryName = APP,
) -> list[str]:
    """The names of all pages."""
    found: list[str] = []
    after, more = "", True
    while more:
        page = await catalog.tag_lists.page(repository, order, wanted or TagFilter(), PageRequest(size, after))
        found += [tag.name for tag in page.items]
        assert len(page.items) <= size
        more = page.more
        if page.items:
            after = place(order, page.items[-1].name, page.items[-1].number(order))
    return found


class TagListsKit:
    """Needs the fixture `catalog`: an empty one."""

    @pytest.mark.parametrize("size", [1, 2, 3, 100])
    async def test_tags_are_sorted_by_whatever_is_asked_over_all_pages(self, catalog: Catalog, size: int) -> None:
        scene = Scene(catalog)
        for what, name in ((LARGE, "a"), (SMALL, "c"), (ONE, "b"), (TWO, "d")):
            scene.at += MINUTE
            await scene.push(APP, what, Tag(name))
        for name in ("c", "a"):
            scene.at += MINUTE
            await scene.count_pulls(APP, Tag(name))
        assert await listed(catalog, TagOrder.NAME, size=size) == ["a", "b", "c", "d"]
        assert await listed(catalog, TagOrder.NEWEST, size=size) == ["d", "b", "c", "a"]
        assert await listed(catalog, TagOrder.PULLED, size=size) == ["a", "c", "d", "b"]
        sizes = {"a": LARGE, "b": ONE, "c": SMALL, "d": TWO}
        by_size = sorted(sizes, key=lambda name: -(sizes[name].size + sizes[name].manifest.content_size))
        assert await listed(catalog, TagOrder.LARGEST, size=size) == by_size

    @pytest.mark.parametrize("size", [1, 3, 100])
    async def test_versions_are_sorted_as_versions(self, catalog: Catalog, size: int) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, *map(Tag, sorted(VERSIONS)))
        assert await listed(catalog, TagOrder.VERSION, size=size) == list(VERSIONS)
        releases = await listed(catalog, TagOrder.VERSION, TagFilter(releases=Releases.ONLY), size)
        assert releases == ["v2.0.0", "1.10.0", "1.9.0"]
        others = await listed(catalog, TagOrder.NAME, TagFilter(releases=Releases.NONE), size)
        assert others == ["1.9.0-rc.1", "1.9.0-rc.2", "build-9", "latest"]

    @pytest.mark.parametrize("order", TagOrder)
    async def test_what_is_alike_is_told_once_on_one_page(self, catalog: Catalog, order: TagOrder) -> None:
        scene = Scene(catalog)
        names = [f"t{number}" for number in range(7)]
        await scene.push(APP, ONE, *map(Tag, names))
        found = await listed(catalog, order, size=2)
        assert found == (names if order is TagOrder.NAME else names[::-1])

    @pytest.mark.parametrize("order", TagOrder)
    async def test_filters_look_at_all_tags(self, catalog: Catalog, order: TagOrder) -> None:
        scene = Scene(catalog)
        await scene.push(APP, BOTH, Tag("1.0"), Tag("1.1"), Tag("2.0"))
        await scene.push(APP, CHART, Tag("1.0-chart"))
        await scene.push(APP, CACHE, Tag("cache"), sparse=True)
        wanted = {
            TagFilter(name="1.*"): {"1.0", "1.1", "1.0-chart"},
            TagFilter(name="*0"): {"1.0", "2.0"},
            TagFilter(name="nothing*"): set(),
            TagFilter(kind="index"): {"1.0", "1.1", "2.0"},
            TagFilter(kind="chart"): {"1.0-chart"},
            TagFilter(kind=CHART.manifest.artifact_type): {"1.0-chart"},
            TagFilter(kind=CHART.media_type): {"1.0-chart"},
            TagFilter(kind="cache", name="c*"): {"cache"},
            TagFilter(kind="cache", name="1*"): set(),
            TagFilter(platform=parse_platform("linux/amd64")): {"1.0", "1.1", "2.0"},
            TagFilter(platform=parse_platform("linux/s390x")): set(),
        }
        for each, names in wanted.items():
            assert set(await listed(catalog, order, each, 2)) == names, each

    async def test_a_tag_tells_what_it_points_at(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, BOTH, Tag("v1"))
        pushed, scene.at = scene.at, scene.at + MINUTE
        await scene.count_pulls(APP, Tag("v1"))
        await catalog.locks.add(APP, BOTH.digest, "audit", scene.by())
        [tag] = (await catalog.tag_lists.page(APP, TagOrder.NAME, TagFilter(), PageRequest())).items
        assert (tag.name, tag.digest, tag.kind) == ("v1", BOTH.digest, ContentKind.INDEX)
        assert [str(platform) for platform in tag.platforms] == ["linux/amd64", "linux/arm64"]
        assert tag.size == BOTH.size + sum(one.size + one.manifest.content_size for one in BOTH.children)
        assert (tag.pushed_at, tag.created_at, tag.pushed_by) == (pushed, pushed, "alice")
        assert (tag.pulled_at, tag.pulls, tag.locked) == (scene.at, 3, "audit")

    async def test_the_platform_of_a_single_image_is_told_once_its_config_was_read(self, catalog: Catalog) -> None:
        scene, images = Scene(catalog), catalog.insides.images
        await scene.push(APP, ONE, Tag("one"))
        await scene.push(APP, TWO, Tag("two"))
        await images.again(ONE.digest, scene.at)
        [claimed] = await images.claim(scene.at, scene.at + MINUTE, 1)
        await images.runs_on(claimed, parse_platform("linux/arm64/v8"))
        await images.unread(claimed, "its layer is damaged", 1, scene.at)
        page = await catalog.tag_lists.page(APP, TagOrder.NAME, TagFilter(), PageRequest())
        assert [[str(platform) for platform in tag.platforms] for tag in page.items] == [["linux/arm64/v8"], []]
        for order in TagOrder:
            assert await listed(catalog, order, TagFilter(platform=parse_platform("linux/arm64"))) == ["one"], order
            assert await listed(catalog, order, TagFilter(platform=parse_platform("linux/amd64"))) == [], order
        await images.runs_on(claimed, parse_platform("linux/s390x"))  # whose it is no more
        page = await catalog.tag_lists.page(APP, TagOrder.NAME, TagFilter(), PageRequest())
        assert str(page.items[0].platforms[0]) == "linux/arm64/v8"

    async def test_nothing_is_told_of_what_is_not_there(self, catalog: Catalog) -> None:
        with pytest.raises(NameUnknown):
            await listed(catalog, TagOrder.NAME)
        await Scene(catalog).push(APP, ONE, Tag("v1"))
        with pytest.raises(PageInvalid):
            await catalog.tag_lists.page(APP, TagOrder.NEWEST, TagFilter(), PageRequest(1, "no number"))


class ChildrenKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_namespaces_directly_below_come_in_the_order_of_their_repositories(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        for name in ("a/b/c", "a-b/x", "a/d/e/f", "a.b/y", "top"):
            await scene.push(RepositoryName(name), ONE)
        assert await catalog.children.namespaces("", "", 10) == ("a-b", "a.b", "a")
        assert await catalog.children.namespaces("", "a-b/", 1) == ("a.b",)
        assert await catalog.children.namespaces("a", "", 10) == ("a/b", "a/d")
        assert await catalog.children.namespaces("nowhere", "", 10) == ()
        described = await catalog.children.described(["a", "a/d", "nowhere"])
        assert set(described) == {"a", "a/d"}
        assert (described["a"].repositories, described["a/d"].repositories) == (2, 1)
        assert described["a"].visibility is None

    async def test_repositories_directly_below_tell_what_they_hold(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, TWO, Tag("v1"), Tag("v2"))
        await scene.push(LIB, ONE)
        await scene.push(RepositoryName("team/deeper/app"), ONE)
        await scene.push(WEB, ONE)
        found = await catalog.children.repositories("team", EVERYTHING, 10)
        assert [one.name for one in found] == [APP, LIB]
        assert (found[0].tags, found[0].size) == (2, TWO.size + sum(piece.size for piece in TWO.blobs))
        assert (found[0].pushed_at, found[0].pulled_at, found[0].pulls) == (scene.at, 0, 0)
        assert [one.name for one in await catalog.children.repositories("team", NameSpan(after(APP), "~"), 10)] == [LIB]
        assert [one.name for one in await catalog.children.repositories("team", NameSpan(APP, LIB), 10)] == [APP]
        assert [one.name for one in await catalog.children.repositories("", EVERYTHING, 10)] == [WEB]
        assert [one.name for one in await catalog.children.counted([WEB, APP, RepositoryName("no")])] == [APP, WEB]

    @pytest.mark.parametrize("size", [1, 2, 100])
    async def test_repositories_by_push_and_by_size(self, catalog: Catalog, size: int) -> None:
        scene = Scene(catalog)
        alike = [RepositoryName(f"team/{name}") for name in ("b", "a", "c")]
        await scene.push(APP, TWO, Tag("v1"))
        scene.at += MINUTE
        for name in alike:
            await scene.push(name, SMALL)
        scene.at += MINUTE
        await scene.push(RepositoryName("team/deeper/app"), ONE)
        await scene.push(LIB, LARGE)
        await scene.push(RepositoryName("team/gone"), LARGE)
        await catalog.repositories.remove(RepositoryName("team/gone"), scene.by(), Terms(trash=MINUTE))
        orders = {RepositoryOrder.NEWEST: [LIB, *sorted(alike, reverse=True), APP]}
        orders[RepositoryOrder.LARGEST] = [LIB, APP, *sorted(alike, reverse=True)]
        for order, expected in orders.items():
            found: list[RepositoryName] = []
            before: tuple[int, str] | None = None
            while page := await catalog.children.greatest("team", order, before, size):
                assert len(page) <= size
                found += [one.name for one in page]
                before = page[-1].number(order), page[-1].name
            assert found == expected, order

    async def test_what_lies_in_the_trash_lies_nowhere(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(WEB, ONE, Tag("v1"))
        await catalog.repositories.remove(WEB, scene.by(), Terms(trash=MINUTE))
        assert await catalog.children.repositories("", EVERYTHING, 10) == ()


async def within(
    catalog: Catalog, sought: Sought, spans: Sequence[NameSpan] = (EVERYTHING,), size: int = 100
) -> list[tuple[str, str]]:
    """The places of all pages."""
    found: list[tuple[str, str]] = []
    while True:
        rows = await catalog.search.within(sought, spans, found[-1] if found else ("", ""), size)
        found += [row.place for row in rows]
        if len(rows) < size:
            return found


class SearchKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_names_that_contain_all_words(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        for name in ("team/app", "team/app_two", "apps/team", "web"):
            await scene.push(RepositoryName(name), ONE)
        names = catalog.search.names
        assert await names(["app"], [EVERYTHING], 9) == ("apps/team", "team/app", "team/app_two")
        assert await names(["app", "team/"], [EVERYTHING], 9) == ("team/app", "team/app_two")
        assert await names(["p_t"], [EVERYTHING], 9) == ("team/app_two",)
        assert await names(["%"], [EVERYTHING], 9) == ()
        assert await names([], [EVERYTHING], 1) == ("apps/team",)
        assert await names(["app"], [NameSpan("team/", "team0")], 9) == ("team/app", "team/app_two")
        assert await catalog.search.window("", 3) == "team/app_two"
        assert await catalog.search.window("team/app!", 2) == "web"
        assert await catalog.search.window("", 5) == ""

    @pytest.mark.parametrize("size", [1, 2, 100])
    async def test_each_thing_is_found_wherever_and_in_spans(self, catalog: Catalog, size: int) -> None:
        scene = Scene(catalog)
        noted = image("noted", annotations={"org.example.team": "blue", "long": "x" * 300, "nul": "a\0b"})
        await scene.push(APP, ONE, Tag("v1.0"), Tag("v1.1"), Tag("v2"))
        await scene.push(LIB, ONE, Tag("v1.0"))
        await scene.push(LIB, noted, Tag("noted"))
        await catalog.labels.change(APP, None, LabelChange(sets={"team": "blue"}), scene.by())
        await catalog.labels.change(LIB, ONE.digest, LabelChange(sets={"team": "blue"}), scene.by())
        base = ONE.blobs[-1].digest
        wanted = {
            Sought("tag", "v1"): [(APP, "v1.0"), (APP, "v1.1"), (LIB, "v1.0")],
            Sought("tag", "v1.0", exact=True): [(APP, "v1.0"), (LIB, "v1.0")],
            Sought("tag", "v1.", exact=True): [],
            Sought("manifest", ONE.digest[:20]): [(APP, ONE.digest), (LIB, ONE.digest)],
            Sought("blob", base[:20]): [(APP, base), (LIB, base)],
            Sought("label", "blue", key="team"): [(APP, ""), (LIB, ONE.digest)],
            Sought("label", "red", key="team"): [],
            Sought("annotation", "blue", key="org.example.team"): [(LIB, noted.digest)],
            Sought("annotation", "x" * 300, key="long"): [],
        }
        for sought, places in wanted.items():
            assert sorted(row.place for row in await catalog.search.rare(sought, 100)) == places, sought
            assert await within(catalog, sought, size=size) == places, sought
            spans = [NameSpan("a", "b"), NameSpan(LIB, f"{LIB}!")]
            assert await within(catalog, sought, spans, size) == [one for one in places if one[0] == LIB], sought
            assert len(await catalog.search.rare(sought, 1)) == min(len(places), 1)
        [row] = await catalog.search.rare(Sought("tag", "noted"), 9)
        assert (row.name, row.digest, row.kind) == ("noted", noted.digest, ContentKind.IMAGE)

    async def test_annotations_go_with_their_manifest_and_come_back(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        noted = image("noted", annotations={"team": "blue"})
        sought = Sought("annotation", "blue", key="team")
        await scene.push(APP, noted)
        await catalog.manifests.delete(APP, noted.digest, scene.by(), Terms(trash=MINUTE))
        assert await within(catalog, sought) == []
        await scene.push(APP, noted)
        assert await within(catalog, sought) == [(APP, noted.digest)]
        await catalog.manifests.delete(APP, noted.digest, scene.by())
        await scene.push(LIB, noted)
        await catalog.repositories.remove(LIB, scene.by())
        assert await within(catalog, sought) == []
        assert await scene.findings() == []
