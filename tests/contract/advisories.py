"""What every catalog keeps to about advisories and what they hit (ports.advisories). All records are invented."""

import asyncio
import json
from typing import Any

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.durations import HOUR, MINUTE
from orlop.domain.events import EventKind
from orlop.domain.inside.assembly import assemble
from orlop.domain.inside.layers import Found, LayerFacts
from orlop.domain.inside.matching import MATCHER_VERSION
from orlop.domain.inside.package import Distribution, Package
from orlop.domain.inside.rows import Exploited, ExploitScore, Refusal, row_of
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.ports.advisories import AdvisorySource, ReadBatch
from orlop.ports.catalog import Catalog
from orlop.ports.counting import PartImage
from orlop.ports.finding_days import FindingDay, FindingNumbers
from orlop.ports.hits import HitBy
from orlop.ports.holding import HoldingPlace, PlaceNames
from orlop.ports.insides import InsideState
from orlop.services.advisories.affected import Affected
from orlop.services.advisories.matching import Matching
from tests.content import blob, image, index
from tests.contract.scene import APP, Scene

BASE = blob("base")
ONE, TWO = image("one", ["base"]), image("two", ["base"])
DEBIAN = Distribution(id="debian", version="12")
SSL = Package(type="deb", name="libssl9", version="3.0.1-1", source="openssl9")
ZLIB = Package(type="deb", name="zlib9", version="1.2")


def advisory(name: str, package: str, fixed: str, **more: Any) -> bytes:
    """An invented record for Debian 12."""
    events = [{"introduced": "0"}, *([{"fixed": fixed}] if fixed else [])]
    about = {
        "package": {"ecosystem": "Debian:12", "name": package},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    return json.dumps({"id": name, "modified": "2026-01-02T00:00:00Z", "affected": [about], **more}).encode()


def batch(*records: bytes) -> ReadBatch:
    """What a reader makes of records."""
    return ReadBatch(rows=tuple(map(row_of, records)))


def matcher(catalog: Catalog, scene: Scene) -> Matching:
    """What matches on a catalog."""
    store = catalog.advisories
    return Matching(store.matches, Affected(store.vulnerable, catalog.retention.in_use), scene.by)


async def hold(catalog: Catalog, scene: Scene, pushed: Any, *packages: Package) -> Digest:
    """Push an image that holds these packages, and have it read."""
    await scene.hold(APP, BASE)
    await scene.push(APP, pushed)
    digest: Digest = pushed.digest
    images = catalog.insides.images
    await images.again(digest, scene.at)
    [claimed] = await images.claim(scene.at, scene.at + 1_000, 1)
    found = Found(path="var/lib/dpkg/status", reader="dpkg", packages=packages)
    release = Found(path="etc/os-release", reader="os-release", distribution=DEBIAN)
    assert await images.read(claimed, assemble([LayerFacts(found=(found, release))]), 1, scene.at)
    return digest


class AdvisoriesKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_record_is_kept_found_by_its_names_and_replaced_by_another(self, catalog: Catalog) -> None:
        advisories = catalog.advisories.advisories
        first = advisory("TEST-1", "openssl9", "3.0.2-1", aliases=["CVE-2026-1"], summary="first")
        assert (await advisories.store("hand", batch(first))).new == 1
        assert (await advisories.store("hand", batch(first))).same == 1
        other = advisory("TEST-1", "openssl9", "3.0.3-1", aliases=["CVE-2026-1"], summary="second")
        assert (await advisories.store("hand", batch(other))).changed == 1
        [found] = await advisories.named("CVE-2026-1")
        assert (found.name, found.summary, found.aliases) == ("TEST-1", "second", ("CVE-2026-1",))
        assert json.loads(found.body)["summary"] == "second"
        older = advisory("TEST-1", "openssl9", "9", modified="2020-01-01T00:00:00Z")
        assert (await advisories.store("hand", batch(older))).older == 1
        assert [one.name for one in (await advisories.page(PageRequest(10))).items] == ["TEST-1"]
        assert (await advisories.page(PageRequest(10), "other")).items == ()

    async def test_records_of_one_name_stand_side_by_side(self, catalog: Catalog) -> None:
        advisories = catalog.advisories.advisories
        both = [advisory("TEST-2", "a", "1"), advisory("TEST-2", "b", "1")]
        assert (await advisories.store("hand", batch(*both))).new == 2
        assert (await advisories.store("hand", batch(*both))).same == 2
        assert (await advisories.store("hand", batch(both[0]))).changed == 1
        assert len(await advisories.named("TEST-2")) == 1

    async def test_a_record_with_a_nul_is_kept_without(self, catalog: Catalog) -> None:
        scene, store = Scene(catalog), catalog.advisories
        digest = await hold(catalog, scene, ONE, SSL)
        record = advisory(
            "NUL-1", "openssl\x009", "3.0.2\x00-1", aliases=["CVE\x00-1"], summary="\x00a", details="\x00"
        )
        assert (await store.advisories.store("hand", batch(record))).new == 1
        await matcher(catalog, scene).advisories()
        [found] = await store.vulnerable.findings(digest, 10)
        assert (found.fixed, found.summary) == ("3.0.2-1", "a")

    async def test_how_an_import_went_is_kept_and_told(self, catalog: Catalog) -> None:
        scene, sources = Scene(catalog), catalog.advisories.sources
        source = AdvisorySource(name="hand", imported_at=5, records=3, changed=2, refusals=(Refusal("line 1", "no"),))
        await sources.tell(source, scene.by())
        assert await sources.all() == (source,)
        assert [kind for kind, *_ in await scene.news()] == [EventKind.ADVISORIES_IMPORTED]

    async def test_parts_of_an_import_are_told_as_one_whoever_writes_at_once(self, catalog: Catalog) -> None:
        scene, sources = Scene(catalog), catalog.advisories.sources
        parts = [
            AdvisorySource(name="hand", records=number, changed=1, refused=1, refusals=(Refusal(f"{number}", "no"),))
            for number in range(1, 9)
        ]
        await asyncio.gather(*(sources.tell(part, scene.by(), continues=True) for part in parts))
        [told] = await sources.all()
        assert (told.records, told.changed, told.refused) == (36, 8, 8)
        assert {each.where for each in told.refusals} == {str(number) for number in range(1, 9)}
        await sources.tell(parts[0], scene.by())
        assert await sources.all() == (parts[0],)

    async def test_an_advisory_finds_packages_that_are_there(self, catalog: Catalog) -> None:
        scene, store = Scene(catalog), catalog.advisories
        digest = await hold(catalog, scene, ONE, SSL, ZLIB)
        assert (await matcher(catalog, scene).packages()).packages == 2
        await scene.news()
        await store.advisories.store("hand", batch(advisory("TEST-1", "openssl9", "3.0.2-1")))
        assert (await store.advisories.counts()).waiting == 1
        done = await matcher(catalog, scene).advisories()
        assert (done.advisories, done.new) == (1, 1)
        [found] = await store.vulnerable.findings(digest, 10)
        assert (found.name, found.version, found.fixed, found.id) == ("libssl9", "3.0.1-1", "3.0.2-1", "TEST-1")
        assert await scene.news() == []
        assert (await matcher(catalog, scene).advisories()).advisories == 0
        assert await store.vulnerable.counts([digest]) == {digest: {"unknown": 1}}

    async def test_a_package_finds_advisories_that_are_there(self, catalog: Catalog) -> None:
        scene, store = Scene(catalog), catalog.advisories
        await store.advisories.store("hand", batch(advisory("TEST-1", "openssl9", "3.0.2-1")))
        await matcher(catalog, scene).advisories()
        digest = await hold(catalog, scene, ONE, SSL)
        packages = await store.vulnerable.packages(digest)
        assert await store.matches.waiting_packages(MATCHER_VERSION, 10) == packages
        assert (await matcher(catalog, scene).packages(packages)).packages == 1
        assert [one.id for one in await store.vulnerable.findings(digest, 10)] == ["TEST-1"]
        assert await store.matches.waiting_packages(MATCHER_VERSION, 10) == ()
        # An image that holds the same package knows it at once.
        other = await hold(catalog, scene, TWO, SSL)
        assert [one.id for one in await store.vulnerable.findings(other, 10)] == ["TEST-1"]
        known = {each.ecosystem: (each.packages, each.is_known) for each in await store.vulnerable.ecosystems(other)}
        assert known["Debian:12"] == (1, True)
        assert await scene.findings() == []

    async def test_what_is_withdrawn_or_mended_is_found_no_more(self, catalog: Catalog) -> None:
        scene, store = Scene(catalog), catalog.advisories
        digest = await hold(catalog, scene, ONE, SSL)
        for record in (
            advisory("TEST-1", "openssl9", "3.0.2-1", withdrawn="2026-02-01T00:00:00Z"),
            advisory("TEST-1", "openssl9", "2.0"),
        ):
            await store.advisories.store("hand", batch(advisory("TEST-1", "openssl9", "3.0.2-1")))
            await matcher(catalog, scene).advisories()
            assert len(await store.vulnerable.findings(digest, 10)) == 1
            await store.advisories.store("hand", batch(record))
            await matcher(catalog, scene).advisories()
            assert await store.vulnerable.findings(digest, 10) == ()

    async def test_what_was_matched_beside_a_change_is_not_written(self, catalog: Catalog) -> None:
        store = catalog.advisories
        await store.advisories.store("hand", batch(advisory("TEST-1", "openssl9", "1")))
        version = await store.matches.version()
        [number] = await store.matches.waiting_advisories(1, 10)
        await store.advisories.store("hand", batch(advisory("TEST-1", "openssl9", "2")))
        assert await store.matches.found_of_advisories([number], (), MATCHER_VERSION, version) is None
        assert await store.matches.found_of_packages([], (), MATCHER_VERSION, version) is False
        assert await store.matches.waiting_advisories(1, 10) == (number,)

    async def test_exploits_are_known_by_cve(self, catalog: Catalog) -> None:
        store = catalog.advisories
        exploited, score = (
            Exploited("CVE-2026-1", "2026-01-01", "2026-02-01", True),
            ExploitScore("CVE-2026-1", 0.5, 0.9),
        )
        both = ReadBatch(exploited=(exploited,), scores=(score,))
        assert [(await store.advisories.store("kev", both)).others for _ in range(3)] == [2, 0, 0]
        other = ReadBatch(scores=(ExploitScore("CVE-2026-1", 0.6, 0.9), ExploitScore("CVE-2026-3", 0.1, 0.2)))
        assert (await store.advisories.store("epss", other)).others == 2
        assert (await store.advisories.store("epss", both)).others == 1
        assert await store.vulnerable.exploited(["CVE-2026-1", "CVE-2026-2"]) == {"CVE-2026-1": exploited}
        assert await store.vulnerable.scores(["CVE-2026-1", "CVE-2026-2"]) == {"CVE-2026-1": score}

    async def test_names_of_a_source_are_listed_and_forgotten(self, catalog: Catalog) -> None:
        scene, store = Scene(catalog), catalog.advisories
        advisories = store.advisories
        digest = await hold(catalog, scene, ONE, SSL)
        first = [advisory("TEST-1", "openssl9", "3.0.2-1"), advisory("TEST-1", "zlib9", "2")]
        await advisories.store("osv", batch(*first, advisory("TEST-2", "a", "1"), advisory("TEST-3", "b", "1")))
        await advisories.store("other", batch(advisory("OTHER-1", "openssl9", "3.0.2-1")))
        await matcher(catalog, scene).advisories()
        assert {one.id for one in await store.vulnerable.findings(digest, 10)} == {"TEST-1", "OTHER-1"}
        assert await advisories.names("osv", "", 2) == ("TEST-1", "TEST-2")
        assert await advisories.names("osv", "TEST-2", 2) == ("TEST-3",)
        assert await advisories.names("osv", "TEST-3", 2) == ()
        version = await store.matches.version()
        assert await advisories.forget("osv", ["NONE-1", "OTHER-1"]) == 0
        assert await store.matches.version() == version
        assert await advisories.forget("osv", ["TEST-1", "TEST-3"]) == 3, "TEST-1 has two rows"
        assert await store.matches.version() == version + 1, "what is matched meanwhile is not written"
        assert await advisories.names("osv", "", 10) == ("TEST-2",)
        assert {one.id for one in await store.vulnerable.findings(digest, 10)} == {"OTHER-1"}

    async def test_a_newer_matcher_looks_at_everything_again(self, catalog: Catalog) -> None:
        """Packages and advisories both: nothing of an image is read for it."""
        scene, store = Scene(catalog), catalog.advisories
        digest = await hold(catalog, scene, ONE, SSL)
        await store.advisories.store("osv", batch(advisory("TEST-1", "openssl9", "3.0.2-1")))
        await matcher(catalog, scene).advisories()
        await matcher(catalog, scene).packages()
        newer = MATCHER_VERSION + 1
        assert await store.matches.waiting_advisories(MATCHER_VERSION, 10) == ()
        assert await store.matches.waiting_packages(MATCHER_VERSION, 10) == ()
        [number], packages = (
            await store.matches.waiting_advisories(newer, 10),
            await store.matches.waiting_packages(newer, 10),
        )
        assert packages == await store.vulnerable.packages(digest)
        # A newer one that finds nothing takes back what the older one found.
        version = await store.matches.version()
        assert await store.matches.found_of_advisories([number], (), newer, version) == ()
        assert await store.matches.found_of_packages(packages, (), newer, version)
        assert await store.vulnerable.findings(digest, 10) == ()
        assert await store.matches.waiting_advisories(newer, 10) == ()
        assert await store.matches.waiting_packages(newer, 10) == ()

    async def test_what_an_older_matcher_looked_at_waits(self, catalog: Catalog) -> None:
        store = catalog.advisories
        await store.advisories.store("osv", batch(advisory("TEST-1", "openssl9", "3.0.2-1")))
        [number] = await store.matches.waiting_advisories(MATCHER_VERSION, 10)
        for older, waiting in ((MATCHER_VERSION - 1, 1), (MATCHER_VERSION, 0)):
            version = await store.matches.version()
            await store.matches.found_of_advisories([number], (), older, version)
            assert (await store.advisories.counts()).waiting == waiting

    async def test_packages_that_are_hit_lead_to_images(self, catalog: Catalog) -> None:
        scene, store = Scene(catalog), catalog.advisories
        digest = await hold(catalog, scene, ONE, SSL)
        record = advisory("TEST-1", "openssl9", "3.0.2-1", upstream=["CVE-2026-1"])
        await store.advisories.store("hand", batch(record))
        await matcher(catalog, scene).advisories()
        meant = await store.vulnerable.meaning(["CVE-2026-1"], 10)
        by, place = HitBy(advisories=tuple(meant)), HoldingPlace(APP, digest)
        assert await store.hits.rare(by, 1) == (place,)
        assert [row.place for row in await store.hits.along(by, [APP], ("", ""), 9) if row.holds] == [place]
        [(image, package)] = await store.hits.held(by, [digest], 9)
        [row] = await store.hits.told(by, [package], 9)
        assert (image, row.id, row.version, row.fixed) == (digest, "TEST-1", "3.0.1-1", "3.0.2-1")
        holding = await store.vulnerable.holding([package], 10)
        assert [(one.repository, one.digest) for one in holding] == [(APP, digest)]

    async def test_what_advisories_brought_is_found_by_when_it_came(self, catalog: Catalog) -> None:
        scene, store = Scene(catalog), catalog.advisories
        one = await hold(catalog, scene, ONE, SSL, ZLIB)
        await store.advisories.store("hand", batch(advisory("TEST-1", "openssl9", "9")))
        scene.at, first = 5_000_000, 5_000_000
        await matcher(catalog, scene).advisories()
        # What a package brought that comes later is nothing new.
        two = await hold(catalog, scene, TWO, msgspec.structs.replace(SSL, version="3.0.0-1"), ZLIB)
        await matcher(catalog, scene).packages()
        await store.advisories.store("hand", batch(advisory("TEST-2", "zlib9", "9"), advisory("TEST-3", "none9", "9")))
        scene.at = later = first + 1_000
        await matcher(catalog, scene).advisories()
        places = {digest: HoldingPlace(APP, digest) for digest in (one, two)}

        async def since(at: int) -> list[tuple[str, str]]:
            held = await store.hits.held(HitBy(since=at), [one, two], 9)
            rows = await store.hits.told(HitBy(since=at), sorted({package for _, package in held}), 9)
            return sorted((row.id, image) for image, package in held for row in rows if row.package == package)

        zlibs = sorted(("TEST-2", str(digest)) for digest in (one, two))
        assert await since(first) == [("TEST-1", one), *zlibs]
        assert await since(first + 1) == await since(later) == zlibs
        assert await since(later + 1) == []
        assert len(await store.hits.held(HitBy(since=first), [one, two], 2)) == 2
        assert set(await store.hits.rare(HitBy(since=later), 2) or ()) == set(places.values())
        assert await store.hits.rare(HitBy(since=later), 1) is None
        assert await store.hits.rare(HitBy(since=later + 1), 1) == ()
        looked = await store.hits.along(HitBy(since=later), [APP], ("", ""), 9)
        assert [row.place for row in looked if row.holds] == sorted(places.values())
        assert not any(row.holds for row in await store.hits.along(HitBy(since=later + 1), [APP], ("", ""), 9))
        # A newer word about what is known already brings nothing.
        await store.advisories.store("hand", batch(advisory("TEST-2", "zlib9", "8", modified="2026-03-01T00:00:00Z")))
        scene.at = later + 2_000
        await matcher(catalog, scene).advisories()
        assert await since(later + 1) == []
        [(_, package)] = await store.hits.held(HitBy(since=later), [one], 9)
        assert [row.fixed for row in await store.hits.told(HitBy(since=later), [package], 9)] == ["8"]
        assert await store.hits.told(HitBy(since=later), [package], 0) == ()

    async def test_of_an_image_the_worst_that_hits_it_is_told_and_how_much_there_is(self, catalog: Catalog) -> None:
        scene, store = Scene(catalog), catalog.advisories
        one, clean = await hold(catalog, scene, ONE, SSL, ZLIB), await hold(catalog, scene, TWO)
        rated = {"TEST-1": "LOW", "TEST-2": "", "TEST-3": "CRITICAL", "TEST-4": "MODERATE", "TEST-5": "HIGH"}
        for name, word in rated.items():
            package = "zlib9" if name == "TEST-3" else "openssl9"
            said = {"database_specific": {"severity": word}} if word else {}
            await store.advisories.store("hand", batch(advisory(name, package, "9", **said)))
        scene.at = 5_000_000
        await matcher(catalog, scene).advisories()
        meant = await store.vulnerable.meaning(sorted(rated), 10)
        for by in (HitBy(since=scene.at), HitBy(advisories=tuple(meant))):
            for limit, names in ((9, "12345"), (5, "12345"), (4, "1345"), (3, "345"), (2, "35"), (1, "3")):
                rows, every = await store.hits.worst(by, one, limit)
                assert (sorted(row.id for row in rows), every) == ([f"TEST-{number}" for number in names], 5), limit
            told = await store.hits.told(by, sorted({row.package for row in rows}), 9)
            assert set(rows) <= set(told)
            assert await store.hits.worst(by, clean, 9) == ((), 0)
        alone = HitBy(advisories=tuple(number for number, name in meant.items() if name == "TEST-4"))
        rows, every = await store.hits.worst(alone, one, 9)
        assert ([row.id for row in rows], every) == (["TEST-4"], 1)
        assert await store.hits.worst(HitBy(since=scene.at + 1), one, 9) == ((), 0)

    async def test_what_was_known_of_repositories_is_summed_up_by_days(self, catalog: Catalog) -> None:
        scene, days = Scene(catalog), catalog.advisories.days
        other = RepositoryName("team/days-other")
        await hold(catalog, scene, ONE, SSL)
        await scene.hold(other, BASE)
        await scene.push(other, TWO)
        await days.record(100, {APP: FindingNumbers(critical=5), other: FindingNumbers(high=2)})
        gone = RepositoryName("gone/app")
        await days.record(100, {APP: FindingNumbers(critical=1, fixable=1), gone: FindingNumbers()})
        await days.record(101, {APP: FindingNumbers(low=3, others=1, accepted=2)})
        both = await days.of([APP, other, gone], 0)
        assert both == (
            FindingDay(100, FindingNumbers(critical=1, high=2, fixable=1)),
            FindingDay(101, FindingNumbers(low=3, others=1, accepted=2)),
        )
        assert await days.of([other], 0) == (FindingDay(100, FindingNumbers(high=2)),)
        assert await days.of([APP], 101) == both[1:]
        await days.drop(101)
        assert await days.of([APP, other], 0) == both[1:]

    async def test_an_image_is_told_of_once_for_all_that_an_import_brought(self, catalog: Catalog) -> None:
        scene, store = Scene(catalog), catalog.advisories
        one = await hold(catalog, scene, ONE, SSL, ZLIB)
        two = await hold(catalog, scene, TWO, ZLIB)
        matching = matcher(catalog, scene)
        await matching.packages()
        await scene.news()
        for name, package in {"TEST-1": "openssl9", "TEST-2": "zlib9"}.items():
            await store.advisories.store("hand", batch(advisory(name, package, "9")))
            await matching.advisories()
        at = (await store.vulnerable.untold_ages() or (0, 0))[1]
        affected = Affected(store.vulnerable, catalog.retention.in_use)
        assert await affected.tell(scene.by()) == 0, "more may come"
        await catalog.retention.in_use.put("", "prod", [two], at + HOUR, scene.by())
        await scene.news()
        scene.at = at + 2 * MINUTE
        assert await affected.tell(scene.by()) == 2
        told = await scene.news()
        assert told == [(EventKind.IMAGE_AFFECTED, APP, two, ""), (EventKind.IMAGE_AFFECTED, APP, one, "")]
        assert await store.vulnerable.untold_ages() is None
        assert await affected.tell(scene.by()) == 0, "each is told of once"

    async def test_images_are_found_by_what_they_hold(self, catalog: Catalog) -> None:
        scene, holding = Scene(catalog), catalog.advisories.holding
        one = await hold(catalog, scene, ONE, SSL, ZLIB)
        two = await hold(catalog, scene, TWO, ZLIB)
        await scene.push(APP, ONE, Tag("1.4"))
        [ssl], [zlib] = [await holding.asked(name, "deb", 9) for name in ("libssl9", "zlib9")]
        assert (await holding.asked("zlib9", "", 9), await holding.asked("zlib9", "npm", 9)) == ((zlib,), ())
        assert await holding.numbered([ssl.id]) == (ssl,)
        places = {digest: HoldingPlace(APP, digest) for digest in (one, two)}
        assert set(await holding.rare([zlib.id], 2) or ()) == set(places.values())
        assert await holding.rare([zlib.id], 1) is None
        assert await holding.rare([ssl.id], 1) == (places[one],)
        looked = await holding.along([ssl.id], [APP], ("", ""), 9)
        assert [(row.place, row.holds) for row in looked] == [(places[each], each == one) for each in sorted(places)]
        first = looked[0].place
        assert await holding.along([ssl.id], [APP], (first.repository, first.digest), 9) == looked[1:]
        assert await holding.held([one, two], [ssl.id, zlib.id]) == {
            one: tuple(sorted((ssl.id, zlib.id))),
            two: (zlib.id,),
        }
        assert (await holding.names([places[one]]))[places[one]] == PlaceNames(("1.4",), "")

    async def test_many_images_are_counted_at_once(self, catalog: Catalog) -> None:
        scene, store = Scene(catalog), catalog.advisories
        one = await hold(catalog, scene, ONE, SSL, ZLIB)
        two = await hold(catalog, scene, TWO, ZLIB)
        await scene.push(APP, ONE, Tag("1.4"))
        await store.advisories.store("hand", batch(advisory("TEST-1", "openssl9", "9")))
        matching = matcher(catalog, scene)
        await matching.advisories()
        await matching.packages()
        [ssl] = await store.holding.asked("libssl9", "", 9)
        parts = await store.counting.parts(APP, [one, two])
        assert parts == {digest: (PartImage(digest, InsideState.READ),) for digest in (one, two)}
        hit = await store.counting.hit([one, two])
        assert (hit[one], hit[two]) == (frozenset({ssl.id}), frozenset())
        [told] = await store.counting.findings([ssl.id])
        assert (told.package, told.id, told.fixed, told.name) == (ssl.id, "TEST-1", "9", "libssl9")
        newest = (await store.counting.newest([APP]))[APP]
        assert (newest.tag, newest.digest) == ("1.4", one)

    async def test_an_index_is_the_images_that_it_lists(self, catalog: Catalog) -> None:
        scene, store = Scene(catalog), catalog.advisories
        one = await hold(catalog, scene, ONE, SSL)
        await scene.push(APP, TWO)
        both = index("both", [ONE, TWO])
        await scene.push(APP, both, Tag("multi"))
        parts = (await store.counting.parts(APP, [both.digest]))[both.digest]
        assert set(parts) == {PartImage(one, InsideState.READ), PartImage(TWO.digest, None)}
        place = HoldingPlace(APP, one)
        assert (await store.holding.names([place]))[place] == PlaceNames(("multi",), "", both.digest)
        assert (await store.counting.newest([APP]))[APP].digest == both.digest

    async def test_the_newest_image_is_no_signature(self, catalog: Catalog) -> None:
        scene, store = Scene(catalog), catalog.advisories
        await hold(catalog, scene, ONE, SSL)
        signature = image("signature")
        await scene.push(APP, signature, Tag("sha256-0a.sig"))
        assert (await store.counting.newest([APP]))[APP].tag == "sha256-0a.sig"
        await scene.push(APP, ONE, Tag("1.4"))
        scene.at += HOUR
        await scene.push(APP, signature, Tag("sha256-0a.att"))
        newest = (await store.counting.newest([APP]))[APP]
        assert (newest.tag, newest.digest) == ("1.4", ONE.digest)
