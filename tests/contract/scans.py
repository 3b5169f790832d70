"""What every catalog keeps to about scans and how scanners fare (ports.scans)."""

import asyncio

import msgspec

from orlop.domain.durations import HOUR, MINUTE, SECOND
from orlop.domain.events import EventKind
from orlop.domain.scanning.protocol import Capability, ScannerMetadata, ScannerName
from orlop.domain.scanning.report import ScannerFinding, ScanVerdict
from orlop.ports.catalog import Catalog
from orlop.ports.scans import ClaimedScan, KeptReports, Scan, ScanLane, ScannerState, ScanState, WantedScan
from orlop.ports.settings import Document
from tests.content import artifact, image
from tests.contract.scene import APP, LIB, WEB, Scene

ONE, TWO = image("one"), image("two")


def identity(name: str, path: str = "team") -> str:
    """What a scanner's setting is known by."""
    return Document("scanner", name, b"{}", path=path).identity


NOTHING = KeptReports()
ADA, BOB = identity("ada"), identity("bob")


def verdict(*severities: str, left_out: int = 0) -> ScanVerdict:
    """One with a finding of each severity."""
    found = tuple(
        ScannerFinding(id=f"CVE-{number}", package="p", version="1", fixed="", severity=word)
        for number, word in enumerate(severities)
    )
    counts = {word: severities.count(word) for word in severities}
    return ScanVerdict(by=ScannerName("Strict", "Tests", "1"), counts=counts, findings=found, left_out=left_out)


async def claim(catalog: Catalog, now: int) -> tuple[ClaimedScan, ...]:
    """All that wait."""
    scans = catalog.scanning.scans
    lanes = await scans.lanes(now)
    return tuple([one for lane in lanes for one in await scans.claim(lane.scanner, now, now + MINUTE, 10)])


async def of(catalog: Catalog, scanner: str = ADA) -> Scan:
    """That of the first image."""
    [found] = [each for each in await catalog.scanning.scans.of(ONE.digest) if each.scanner == scanner]
    return found


class ScansKit:
    """Needs the fixture `catalog`: an empty one, for each test."""

    async def test_an_image_waits_is_scanned_and_judged_and_stays_so_while_it_is_judged_anew(
        self, catalog: Catalog
    ) -> None:
        scene, scans = Scene(catalog), catalog.scanning.scans
        await scene.push(APP, ONE)
        wanted = WantedScan(ADA, ONE.digest, APP)
        await scans.missed([wanted, WantedScan(BOB, ONE.digest, APP)], scene.at)
        await scans.missed([wanted], scene.at)
        assert await scans.lanes(scene.at) == tuple(ScanLane(each, scene.at, False) for each in (ADA, BOB))
        claimed, other = await claim(catalog, scene.at)
        assert (claimed.wanted, claimed.state, claimed.tries) == (wanted, ScanState.WAITING, 0)
        assert other.wanted.scanner == BOB
        assert await claim(catalog, scene.at) == ()
        assert await scans.offer(claimed, "hash", scene.at + HOUR)
        await scans.accepted(claimed, "request 1", "a/b", scene.at, scene.at + SECOND)
        assert await claim(catalog, scene.at) == ()
        scene.at += SECOND
        [claimed] = await claim(catalog, scene.at)
        assert (claimed.state, claimed.request, claimed.report_type) == (ScanState.SCANNING, "request 1", "a/b")
        assert await scans.of_secret("hash", scene.at) == (claimed.row, wanted)
        assert await scans.of_secret("hash", scene.at + HOUR) is None
        assert await scans.of_secret("", scene.at) is None
        assert await scans.judged(
            claimed,
            verdict("high", "low", "low", left_out=3),
            KeptReports("sha256:kept", "sha256:sbom", "it is late"),
            scene.by(),
        )
        assert await scans.of_secret("hash", scene.at) is None
        found = await of(catalog)
        assert (found.state, found.judged_at, found.counts) == (ScanState.JUDGED, scene.at, {"high": 1, "low": 2})
        assert (found.left_out, found.kept, found.error) == (3, KeptReports("sha256:kept", "sha256:sbom"), "it is late")
        assert found.judged_by == ScannerName("Strict", "Tests", "1")
        assert [each.id for each in await scans.findings(ONE.digest, ADA)] == ["CVE-0", "CVE-1", "CVE-2"]
        assert await scans.findings(ONE.digest, BOB) == ()
        event = (await catalog.outbox.events(0, 100))[-1]
        assert (event.kind, event.digest, event.subject) == (EventKind.SCAN_FINISHED, ONE.digest, "scanner ada")
        assert event.detail == "1 high, 2 low"

        await scans.ask(wanted, scene.at)
        found = await of(catalog)
        assert (found.state, found.counts, found.error) == (ScanState.WAITING, {"high": 1, "low": 2}, "")
        assert len(await scans.findings(ONE.digest, ADA)) == 3
        [claimed] = await claim(catalog, scene.at)
        assert claimed.kept == KeptReports("sha256:kept", "sha256:sbom")
        await scans.over(claimed, ScanState.FAILED, "it is odd", scene.by(), scene.at + MINUTE)
        assert await claim(catalog, scene.at) == ()
        [claimed] = [each for each in await claim(catalog, scene.at + MINUTE) if each.wanted == wanted]
        assert claimed.tries == 1
        await scans.over(claimed, ScanState.FAILED, "it is odd", scene.by())
        found = await of(catalog)
        assert (found.state, found.error, found.counts) == (ScanState.FAILED, "it is odd", {"high": 1, "low": 2})
        assert len(await scans.findings(ONE.digest, ADA)) == 3
        assert (await catalog.outbox.events(0, 100))[-1].kind is EventKind.SCAN_FAILED

    async def test_a_process_that_lost_a_scan_changes_nothing_of_it(self, catalog: Catalog) -> None:
        scene, scans = Scene(catalog), catalog.scanning.scans
        await scene.push(APP, ONE)
        await scans.missed([WantedScan(ADA, ONE.digest, APP)], scene.at)
        [slow] = await claim(catalog, scene.at)
        [fast] = await claim(catalog, scene.at + MINUTE)
        assert not await scans.offer(slow, "of the slow one", scene.at + HOUR)
        assert await scans.judged(fast, verdict("high"), NOTHING, scene.by())
        assert not await scans.judged(slow, verdict("low", "low"), NOTHING, scene.by())
        await scans.over(slow, ScanState.FAILED, "late", scene.by())
        found = await of(catalog)
        assert (found.state, found.error, found.counts) == (ScanState.JUDGED, "", {"high": 1})
        assert [each.severity for each in await scans.findings(ONE.digest, ADA)] == ["high"]

    async def test_each_scan_is_the_work_of_one_process(self, catalog: Catalog) -> None:
        scene, scans = Scene(catalog), catalog.scanning.scans
        await scene.push(APP, ONE)
        await scene.push(APP, TWO)
        wanted = [WantedScan(scanner, each.digest, APP) for scanner in (ADA, BOB) for each in (ONE, TWO)]
        await scans.missed(wanted, scene.at)
        taken = await asyncio.gather(*(claim(catalog, scene.at) for _ in range(4)))
        rows = [each.row for some in taken for each in some]
        assert (len(rows), len(set(rows))) == (4, 4)

    async def test_what_it_pulls_with_is_over_when_the_scanner_does_not_take_the_scan(self, catalog: Catalog) -> None:
        scene, scans = Scene(catalog), catalog.scanning.scans
        await scene.push(APP, ONE)
        await scans.missed([WantedScan(ADA, ONE.digest, APP)], scene.at)
        [claimed] = await claim(catalog, scene.at)
        assert await scans.offer(claimed, "hash", scene.at + HOUR)
        await scans.later(claimed, scene.at)
        assert await scans.of_secret("hash", scene.at) is None
        [claimed] = await claim(catalog, scene.at)
        assert await scans.offer(claimed, "another", scene.at + HOUR)
        await scans.accepted(claimed, "1", "a/b", scene.at, scene.at)
        [claimed] = await claim(catalog, scene.at)
        await scans.later(claimed, scene.at)
        assert await scans.of_secret("another", scene.at) is not None

    async def test_a_scanner_that_is_away_rests_and_comes_back_and_both_are_told_once(self, catalog: Catalog) -> None:
        scene, scans, states = Scene(catalog), catalog.scanning.scans, catalog.scanning.states
        await scene.push(APP, ONE)
        await scans.missed([WantedScan(each, ONE.digest, APP) for each in (ADA, BOB)], scene.at)
        assert await states.get(ADA) is None
        await states.failed(ADA, "nobody listens", 15 * SECOND, scene.by())
        assert [each.wanted.scanner for each in await claim(catalog, scene.at)] == [BOB]
        first = scene.at
        scene.at += 15 * SECOND
        await states.failed(ADA, "still", 15 * SECOND, scene.by())
        assert [lane.scanner for lane in await scans.lanes(scene.at)] == [BOB]
        known = await states.get(ADA)
        assert known is not None
        assert (known.failing_since, known.failures, known.error) == (first, 2, "still")
        assert known.rests_until == scene.at + 30 * SECOND
        scene.at += 30 * SECOND
        assert [(lane.scanner, lane.is_failing) for lane in await scans.lanes(scene.at)] == [(ADA, True), (BOB, False)]
        assert [each.wanted.scanner for each in await claim(catalog, scene.at)] == [ADA]
        can = ScannerMetadata(ScannerName("Strict"), (Capability(("a/b",), ("c/d",)),))
        await states.answered(ADA, scene.by(), can)
        await states.answered(ADA, scene.by())
        assert await states.all() == ((ADA, ScannerState(answered_at=scene.at, metadata=can)),)
        events = [each for each in await catalog.outbox.events(0, 100) if each.subject == "scanner ada"]
        assert [(each.kind, each.repository, each.detail) for each in events] == [
            (EventKind.SCANNER_UNHEALTHY, "team", "nobody listens"),
            (EventKind.SCANNER_BACK, "team", ""),
        ]

    async def test_an_image_that_moved_is_pulled_from_where_it_is_now(self, catalog: Catalog) -> None:
        scene, scans = Scene(catalog), catalog.scanning.scans
        await scene.push(APP, ONE)
        await scene.push(WEB, ONE)
        await scans.missed([WantedScan(ADA, ONE.digest, APP)], scene.at)
        await catalog.manifests.delete(APP, ONE.digest, scene.by())
        [claimed] = await claim(catalog, scene.at)
        assert not await scans.elsewhere(claimed, scene.at), "what lies outside of its place is none of it"
        await scene.push(LIB, ONE)
        assert await scans.elsewhere(claimed, scene.at)
        [claimed] = await claim(catalog, scene.at)
        assert claimed.wanted == WantedScan(ADA, ONE.digest, LIB)

    async def test_what_was_judged_long_ago_is_judged_anew(self, catalog: Catalog) -> None:
        scene, scans = Scene(catalog), catalog.scanning.scans
        for each in (ONE, TWO):
            await scene.push(APP, each)
            await scans.missed([WantedScan(ADA, each.digest, APP)], scene.at)
            [claimed] = await claim(catalog, scene.at)
            assert await scans.judged(claimed, verdict("low"), NOTHING, scene.by())
            scene.at += HOUR
        assert await scans.again(BOB, scene.at, scene.at, 10) == 0
        assert await scans.again(ADA, scene.at - 2 * HOUR, scene.at, 10) == 1
        assert await scans.again(ADA, scene.at - 2 * HOUR, scene.at, 10) == 0
        assert [each.wanted.digest for each in await claim(catalog, scene.at)] == [ONE.digest]

    async def test_one_that_makes_sboms_alone_gives_no_verdict_and_its_turn_comes_again(self, catalog: Catalog) -> None:
        scene, scans = Scene(catalog), catalog.scanning.scans
        await scene.push(APP, ONE)
        wanted = WantedScan(ADA, ONE.digest, APP)
        await scans.missed([wanted], scene.at)
        [claimed] = await claim(catalog, scene.at)
        assert await scans.described(claimed, "sha256:sbom", scene.by())
        assert not await scans.described(msgspec.structs.replace(claimed, fence=9), "sha256:late", scene.by())
        found = await of(catalog)
        assert (found.state, found.judged_at, found.told_at) == (ScanState.DESCRIBED, 0, scene.at)
        assert found.kept == KeptReports("", "sha256:sbom")
        event = (await catalog.outbox.events(0, 100))[-1]
        assert (event.kind, event.subject, event.detail) == (EventKind.SCAN_FINISHED, "scanner ada", "an SBOM")
        assert await scans.again(ADA, scene.at - 1, scene.at, 10) == 0
        assert await scans.again(ADA, scene.at, scene.at, 10) == 1

    async def test_what_is_under_way_is_held_and_what_is_left_is_taken_over(self, catalog: Catalog) -> None:
        scene, scans = Scene(catalog), catalog.scanning.scans
        await scene.push(APP, ONE)
        await scans.missed([WantedScan(ADA, ONE.digest, APP)], scene.at)
        [slow] = await claim(catalog, scene.at)
        await scans.hold([slow], scene.at + 2 * MINUTE)
        assert await claim(catalog, scene.at + MINUTE) == ()
        [fast] = await claim(catalog, scene.at + 2 * MINUTE)
        await scans.hold([slow], scene.at + HOUR)  # it is somebody else's by now
        await scans.later(fast, scene.at)
        await scans.hold([fast], scene.at + HOUR)  # and this one is not under way any more
        assert len(await claim(catalog, scene.at + 2 * MINUTE)) == 1

    async def test_images_are_found_that_no_follower_saw_and_what_is_gone_is_forgotten(self, catalog: Catalog) -> None:
        scene, scans = Scene(catalog), catalog.scanning.scans
        await scene.push(APP, ONE)
        await scene.push(APP, artifact("no image"))
        await scene.push(WEB, TWO)
        found, after = [], 0
        while (following := await scans.images(after, 2)) is not None:
            after, images = following
            found += images
        assert found == [(ONE.digest, APP), (TWO.digest, WEB)]
        await scans.missed([WantedScan(each, ONE.digest, APP) for each in (ADA, BOB)], scene.at)
        await scans.missed([WantedScan(ADA, TWO.digest, WEB)], scene.at)
        assert await scans.forget(frozenset({ADA})) == 1
        assert [each.scanner for each in await scans.of(ONE.digest)] == [ADA]
