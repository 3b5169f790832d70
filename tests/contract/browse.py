"""What every catalog keeps to about lists and tag history (ports.catalog.Browse, TagHistory)."""

import pytest

from orlop.domain.access.spans import NameSpan
from orlop.domain.descriptor import Descriptor
from orlop.domain.durations import HOUR, MINUTE
from orlop.domain.errors import NameUnknown
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import Page, PageRequest
from orlop.ports.catalog import Catalog
from orlop.ports.tag_history import TagSetting
from tests.content import artifact, blob, image, index
from tests.contract.scene import APP, LIB, V1, V2, WEB, Scene

ONE, TWO = image("one"), image("two")

#: In byte order, which is neither that of the alphabet nor that of path components.
NAMES = ("a", "a-b", "a.b", "a/b", "a0", "a_b", "ab", "b/a")
TAGS = ("1", "10", "9", "A", "B.1", "_", "a", "a-1", "a.1", "a1", "b")

#: Spans of names, and which of them lie within.
WITHIN: list[tuple[list[tuple[str, str]], tuple[str, ...]]] = [
    ([], ()),
    ([("", "~")], NAMES),
    ([("a", "a!")], ("a",)),
    ([("a/", "a0")], ("a/b",)),
    ([("a.b", "a/b")], ("a.b",)),
    ([("", "a-b"), ("a0", "a_b"), ("b", "b!"), ("b/", "~")], ("a", "a0", "b/a")),
    ([("c", "d"), ("x", "~")], ()),
]


class BrowseKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_an_empty_catalog_has_no_repositories(self, catalog: Catalog) -> None:
        assert await catalog.browse.repositories(PageRequest()) == Page(())

    async def test_repositories_come_in_byte_order(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        for name in sorted(NAMES, key=len):
            await scene.hold(RepositoryName(name), blob("base"))
        assert await catalog.browse.repositories(PageRequest()) == Page(NAMES)

    @pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 9])
    async def test_pages_of_repositories_join_without_gap_or_overlap(self, catalog: Catalog, size: int) -> None:
        scene = Scene(catalog)
        for name in NAMES:
            await scene.hold(RepositoryName(name), blob("base"))
        seen: list[str] = []
        for _ in NAMES:
            page = await catalog.browse.repositories(PageRequest(size, seen[-1] if seen else ""))
            seen += page.items
            assert len(page.items) <= size
            assert page.more is (len(seen) < len(NAMES))
            if not page.more:
                break
        assert tuple(seen) == NAMES

    async def test_only_the_names_within_spans(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        for name in NAMES:
            await scene.hold(RepositoryName(name), blob("base"))
        for within, names in WITHIN:
            spans = [NameSpan(*span) for span in within]
            for size in (1, 2, 3, 100):
                seen: list[str] = []
                for _ in range(len(names) + 1):
                    page = await catalog.browse.repositories(PageRequest(size, seen[-1] if seen else ""), spans)
                    seen += page.items
                    assert page.more is (len(seen) < len(names))
                    if not page.more:
                        break
                assert tuple(seen) == names
            assert await catalog.browse.repositories(PageRequest(0), spans) == Page((), more=bool(names))

    async def test_tags_come_in_byte_order_and_pages(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, *(Tag(tag) for tag in sorted(TAGS, key=len)))
        assert await catalog.browse.tags(APP, PageRequest()) == Page(TAGS)
        assert await catalog.browse.tags(APP, PageRequest(3, "A")) == Page(("B.1", "_", "a"), more=True)
        assert await catalog.browse.tags(APP, PageRequest(2, "a.1")) == Page(("a1", "b"))

    async def test_a_page_goes_on_after_any_text(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, Tag("b"), Tag("d"))
        assert await catalog.browse.tags(APP, PageRequest(10, "c")) == Page(("d",))
        assert await catalog.browse.tags(APP, PageRequest(10, "zzz")) == Page(())
        assert await catalog.browse.tags(APP, PageRequest(10, "c'; --\x7f")) == Page(("d",))
        assert await catalog.browse.tags(APP, PageRequest(10, "\N{GREEK SMALL LETTER ALPHA}")) == Page(())

    async def test_pages_have_a_bound_in_bytes_and_one_entry_at_least(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        tags = ("a" * 100, "b" * 100, "c", "d" * 100)
        await scene.push(APP, ONE, *map(Tag, tags))
        await scene.push(LIB, ONE)
        for most, first in ((1, tags[:1]), (110, tags[:1]), (210, tags[:3]), (1_000, tags)):
            page = await catalog.browse.tags(APP, PageRequest(10, bytes=most))
            assert (page.items, page.more) == (first, len(first) < len(tags))
        for within in (None, [NameSpan("", "~")]):
            page = await catalog.browse.repositories(PageRequest(10, bytes=1), within)
            assert page == Page((APP,), more=True)
            assert await catalog.browse.repositories(PageRequest(10, APP, bytes=1), within) == Page((LIB,))

    async def test_a_page_of_no_entries_has_none(self, catalog: Catalog) -> None:
        await Scene(catalog).push(APP, ONE, V1)
        assert (await catalog.browse.tags(APP, PageRequest(0))).items == ()
        assert (await catalog.browse.repositories(PageRequest(0))).items == ()

    async def test_the_tags_of_an_unknown_repository_are_an_error(self, catalog: Catalog) -> None:
        with pytest.raises(NameUnknown):
            await catalog.browse.tags(APP, PageRequest())

    async def test_a_repository_may_have_no_tags(self, catalog: Catalog) -> None:
        await Scene(catalog).push(APP, ONE)
        assert await catalog.browse.tags(APP, PageRequest()) == Page(())

    async def test_a_repository_does_not_list_the_tags_of_another(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.push(LIB, ONE, V2)
        assert await catalog.browse.tags(LIB, PageRequest()) == Page((V2,))


class ReferrersKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_nothing_refers_to_what_is_unknown(self, catalog: Catalog) -> None:
        assert await catalog.browse.referrers(APP, ONE.digest, None, PageRequest()) == Page(())
        await Scene(catalog).push(APP, ONE)
        assert await catalog.browse.referrers(APP, ONE.digest, None, PageRequest()) == Page(())
        assert await catalog.browse.referrers(APP, TWO.digest, None, PageRequest()) == Page(())

    async def test_a_referrer_is_described_in_full(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        sbom = artifact("sbom", subject=ONE, artifact_type="application/spdx", annotations={"k": "v", "ü": "\u2028"})
        await scene.push(APP, sbom)
        expected = Descriptor(
            media_type=sbom.media_type,
            digest=sbom.digest,
            size=sbom.size,
            artifact_type="application/spdx",
            annotations={"k": "v", "ü": "\u2028"},
        )
        assert await catalog.browse.referrers(APP, ONE.digest, None, PageRequest()) == Page((expected,))

    async def test_images_and_indexes_refer_too(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        debug, many = image("debug", subject=ONE), index("many", [], subject=ONE)
        await scene.push(APP, debug)
        await scene.push(APP, many)
        page = await catalog.browse.referrers(APP, ONE.digest, None, PageRequest())
        types = {entry.digest: entry.artifact_type for entry in page.items}
        assert types == {debug.digest: debug.blobs[0].media_type, many.digest: ""}

    async def test_referrers_come_by_digest_in_pages_of_one_type_if_asked(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        kinds = ["application/a", "application/b"]
        referring = [artifact(f"r{n}", subject=ONE, artifact_type=kinds[n % 2]) for n in range(7)]
        for one in referring:
            await scene.push(APP, one)
        await scene.push(APP, artifact("other", subject=TWO))
        expected = sorted(one.digest for one in referring)
        page = await catalog.browse.referrers(APP, ONE.digest, None, PageRequest(4))
        assert ([entry.digest for entry in page.items], page.more) == (expected[:4], True)
        page = await catalog.browse.referrers(APP, ONE.digest, None, PageRequest(4, expected[3]))
        assert ([entry.digest for entry in page.items], page.more) == (expected[4:], False)
        some = sorted(one.digest for one in referring[0::2])
        page = await catalog.browse.referrers(APP, ONE.digest, kinds[0], PageRequest(3))
        assert ([entry.digest for entry in page.items], page.more) == (some[:3], True)
        page = await catalog.browse.referrers(APP, ONE.digest, kinds[0], PageRequest(3, some[2]))
        assert ([entry.digest for entry in page.items], page.more) == (some[3:], False)
        assert await catalog.browse.referrers(APP, ONE.digest, "application/c", PageRequest()) == Page(())

    @pytest.mark.parametrize("kind", [None, "application/a"])
    async def test_pages_have_a_bound_in_bytes_whatever_was_pushed(self, catalog: Catalog, kind: str | None) -> None:
        """Annotations have up to 4 MiB: a page stops before it holds too much, and holds one entry at least."""
        scene = Scene(catalog)
        sizes = [10, 30_000, 200_000, 500, 40_000, 0]
        referring = [
            artifact(f"r{n}", subject=ONE, artifact_type="application/a", annotations={"k": "ü" * (size // 2)})
            for n, size in enumerate(sizes)
        ]
        for one in referring:
            await scene.push(APP, one)
        held = {str(one.digest): size + 600 for one, size in zip(referring, sizes, strict=True)}
        for most in (1, 50_000, 100_000, 1_000_000):
            seen: list[str] = []
            for _ in referring:
                request = PageRequest(10, seen[-1] if seen else "", bytes=most)
                page = await catalog.browse.referrers(APP, ONE.digest, kind, request)
                assert len(page.items) == 1 or sum(held[entry.digest] for entry in page.items) <= most + 6 * 600
                assert {len(entry.annotations["k"].encode()) + 600 for entry in page.items} == {
                    held[entry.digest] for entry in page.items
                }
                seen += [entry.digest for entry in page.items]
                assert page.more is (len(seen) < len(referring))
                if not page.more:
                    break
            assert seen == sorted(held), f"in pages of {most} bytes"

    async def test_a_deleted_referrer_is_gone_and_a_deleted_subject_keeps_its_own(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        sbom, signature = artifact("sbom", subject=ONE), artifact("signature", subject=ONE)
        for one in (ONE, sbom, signature):
            await scene.push(APP, one)
        await catalog.manifests.delete(APP, sbom.digest, scene.by())
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        page = await catalog.browse.referrers(APP, ONE.digest, None, PageRequest())
        assert [entry.digest for entry in page.items] == [signature.digest]

    async def test_referrers_in_another_repository_do_not_count(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(LIB, artifact("sbom", subject=ONE))
        await scene.push(APP, ONE)
        assert await catalog.browse.referrers(APP, ONE.digest, None, PageRequest()) == Page(())


class HistoryKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_what_was_set_belongs_to_the_repository_that_is_there(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        first, other = TagSetting(APP, V1, scene.at), TagSetting(LIB, V1, scene.at)
        assert await catalog.history.were_set([]) == frozenset()
        assert await catalog.history.were_set([first, other, TagSetting(APP, V2, scene.at)]) == {first}
        await catalog.repositories.remove(APP, scene.by())
        assert await catalog.history.were_set([first]) == frozenset()
        scene.at += 1
        await scene.push(APP, TWO, V1)
        assert await catalog.history.were_set([first, first._replace(at=scene.at)]) == {first._replace(at=scene.at)}

    async def test_every_change_of_a_tag_is_kept_newest_first(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        start = scene.at
        await scene.push(APP, ONE, V1)
        scene.at += 1
        await scene.push(APP, TWO, V1)
        scene.at += 1
        await catalog.manifests.untag(APP, V1, scene.by())
        scene.at += 1
        await scene.put(APP, ONE, V1)
        scene.at += 1
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        found = await catalog.history.history(APP, V1, 10)
        assert [(change.at, change.actor, change.digest, change.previous, change.held) for change in found] == [
            (start + 4, "alice", None, ONE.digest, False),
            (start + 3, "alice", ONE.digest, None, False),
            (start + 2, "alice", None, TWO.digest, False),
            (start + 1, "alice", TWO.digest, ONE.digest, True),
            (start, "alice", ONE.digest, None, False),
        ]
        assert await catalog.history.history(APP, V1, 2) == found[:2]
        assert await catalog.history.history(APP, V1, 2, found[1].number) == found[2:4]
        assert await catalog.history.history(APP, V1, 2, found[4].number) == ()

    async def test_the_changes_of_all_tags_of_a_repository_newest_first(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.push(LIB, ONE, V1)
        await scene.push(APP, TWO, V1, V2)
        await catalog.manifests.untag(APP, V1, scene.by())
        found = await catalog.history.everything(APP, 10)
        assert [(change.tag, change.digest, change.previous, change.held) for change in found] == [
            (V1, None, TWO.digest, False),
            (V2, TWO.digest, None, True),
            (V1, TWO.digest, ONE.digest, True),
            (V1, ONE.digest, None, True),
        ]
        assert await catalog.history.everything(APP, 2) == found[:2]
        assert await catalog.history.everything(APP, 2, found[1].number) == found[2:]
        assert await catalog.history.everything(WEB, 2) == ()

    async def test_what_a_tag_pointed_at_at_a_time(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        start = scene.at
        await scene.push(APP, ONE, V1)
        scene.at += 5 * MINUTE
        await scene.push(APP, TWO, V1)
        scene.at += 5 * MINUTE
        await catalog.manifests.untag(APP, V1, scene.by())
        await scene.put(APP, TWO, V2)

        async def at(minute: int) -> object:
            change = await catalog.history.change_at(APP, V1, start + minute * MINUTE)
            return change and (change.digest, (change.at - start) // MINUTE)

        assert [await at(minute) for minute in (-1, 0, 4, 5, 9, 10, 99)] == [
            None,
            *[(ONE.digest, 0)] * 2,
            *[(TWO.digest, 5)] * 2,
            *[(None, 10)] * 2,
        ]
        assert await catalog.history.change_at(LIB, V1, start) is None

    async def test_of_two_servers_whose_clocks_differ_the_later_change_counts(self, catalog: Catalog) -> None:
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        scene.at -= MINUTE // 2  # by the clock of the other server
        await scene.push(APP, TWO, V1)
        change = await catalog.history.change_at(APP, V1, scene.at + HOUR)
        assert change is not None
        assert change.digest == TWO.digest

    async def test_what_never_was_has_no_history(self, catalog: Catalog) -> None:
        assert await catalog.history.history(WEB, V1, 10) == ()
        scene = Scene(catalog)
        await scene.push(APP, ONE, V1)
        await scene.push(LIB, ONE, V2)
        assert await catalog.history.history(APP, V2, 10) == ()
