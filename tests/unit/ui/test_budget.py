"""What a page costs the catalog: at most two statements more than what it shows, beside what every page costs."""

from collections.abc import Awaitable, Callable
from typing import Any

import apsw
import pytest

from orlop.domain.access import Caller
from orlop.domain.digest import Digest
from orlop.domain.gates.gate import GateAt
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.tag_lists import Releases, TagFilter, TagOrder
from orlop.ports.held import HeldState
from orlop.ports.promotion import AlongPipeline
from orlop.services.desks import Desks
from tests.content import image
from tests.contract.advisories import ONE, SSL, TWO, ZLIB, advisory, batch, hold, matcher
from tests.contract.scene import Scene as Content
from tests.unit.ui.places import person, pushed, put
from tests.unit.ui.scene import Scene

APP, PAGE = RepositoryName("team/app"), PageRequest(50)
DEV, PROD = RepositoryName("team/dev/app"), RepositoryName("team/prod/app")


async def first_tab(desks: Desks, who: Caller) -> None:
    """The requests whose answers the first page of a repository shows: tags, those that are no versions, its size."""
    await _tags(desks, who)
    await desks.browsing.tags.page(who, APP, TagOrder.NEWEST, TagFilter(releases=Releases.NONE), PAGE)
    await desks.holdings.of(who, APP)


#: Page → what the API asks for the same.
SAME: dict[str, Callable[[Desks, Caller], Awaitable[Any]]] = {
    "/people": lambda desks, who: desks.management.users.page(who, PAGE),
    "/groups": lambda desks, who: desks.management.groups.page(who, PAGE),
    "/robots": lambda desks, who: desks.management.robots.page(who, PAGE),
    "/trusts": lambda desks, who: desks.management.settings.page(who, "trust", PAGE),
    "/certificate-rules": lambda desks, who: desks.management.settings.page(who, "certificate-rule", PAGE),
    "/rules/tag-rules": lambda desks, who: desks.management.settings.page(who, "tag-rule", PAGE),
    "/rules/tag-rules/ours?path=team": lambda desks, who: desks.management.settings.get(
        who, "tag-rule", "ours", "team"
    ),
    "/plans": lambda desks, who: desks.retention.page(who, PAGE),
    "/locks?repository=team/app": lambda desks, who: desks.locks.page(who, APP, PAGE),
    "/labels?repository=team/app": lambda desks, who: desks.labels.of(who, APP, None),
    "/jobs": lambda desks, who: desks.jobs.page(who, PAGE),
    "/r/team/app": lambda desks, who: first_tab(desks, who),
    "/r/team/app?part=rows": lambda desks, who: _tags(desks, who),
    "/r/team/app:one/-/packages?part=rows": lambda desks, who: desks.insides.of(who, APP, Tag("one")),
    "/r/team/app:one/-/vulnerabilities?part=rows": lambda desks, who: desks.vulnerabilities.of(who, APP, Tag("one")),
    "/r/team/app:one/-/licences?part=rows": lambda desks, who: desks.licences.of(who, APP, Tag("one")),
    "/r/team/app:one/-/gates": lambda desks, who: desks.gates.explain(who, APP, Tag("one"), GateAt.PULL),
    "/r/team/app:one/-/signatures": lambda desks, who: desks.signatures.of(who, APP, Tag("one")),
    "/rules/gates/ours/held?path=team": lambda desks, who: desks.gates.dry_run(who, "team", "ours", PAGE),
    "/r/team/-/quarantine": lambda desks, who: _quarantine(desks, who),
    "/boards/ways?path=team": lambda desks, who: _board(desks, who),
    "/boards/ways/image?path=team&image=app": lambda desks, who: _on_its_way(desks, who),
    "/promotions": lambda desks, who: desks.promotions.page(who, PAGE),
    "/promotions/1": lambda desks, who: desks.promotions.get(who, 1),
    "/promotions?pipeline=ways&path=team": lambda desks, who: desks.promotions.page(
        who, PAGE, along=AlongPipeline("team", "ways")
    ),
    "/bundles": lambda desks, who: desks.bundles.page(who, PAGE),
    "/bundles/both?path=team/dev": lambda desks, who: _bundle(desks, who),
    "/bundles/both/trial?path=team/dev&stage=prod&pipeline=ways": lambda desks, who: _bundle_tried(desks, who),
    "/promotions/1/trial": lambda desks, who: _tried(desks, who),
    "/r/team/-/promotion": lambda desks, who: desks.management.settings.holding(who, "pipeline", "team"),
    "/advisories": lambda desks, who: desks.advisories.status(who),
    "/backups": lambda desks, who: _backups(desks, who),
    "/read-only": lambda desks, who: _read_only(desks, who),
    "/signing-keys": lambda desks, who: desks.attestation_keys.status(who),
    "/r/team/app:one/-/sbom": lambda desks, who: desks.insides.whole(who, APP, Tag("one")),
    "/r/team/-/vulnerabilities": lambda desks, who: _report(desks, who),
    "/vulnerabilities/CVE-2026-1": lambda desks, who: _vulnerability(desks, who),
    "/search?q=licence:MIT": lambda desks, who: desks.licence_search.find(who, "MIT", "", PAGE),
    "/search?q=package:libssl9": lambda desks, who: desks.packages.find(who, "libssl9", "", PAGE),
    "/search?q=CVE-2026-1": lambda desks, who: desks.hits.find(who, "CVE-2026-1", "", PAGE),
    "/compare?from=team/app:one&to=team/app:two": lambda desks, who: _differences(desks, who),
}

#: Statements that a page may take more.
MORE = 2


async def _tags(desks: Desks, who: Caller) -> None:
    """Tags with counts."""
    page = await desks.browsing.tags.page(who, APP, TagOrder.NEWEST, TagFilter(), PAGE)
    await desks.counts.of(who, APP, {Digest.stored(each.tag.digest): [each.tag.name] for each in page.items})


async def _report(desks: Desks, who: Caller) -> None:
    await desks.reports.page(who, "team", PAGE)
    await desks.finding_history.of(who, "team", 90)


async def _backups(desks: Desks, who: Caller) -> None:
    """The schedules, and the backups of the first."""
    for each in (await desks.backups.status(who))[:1]:
        await desks.backups.page(who, each.scheduled.name, PAGE)


async def _read_only(desks: Desks, who: Caller) -> None:
    """How it stands, and its switches."""
    await desks.read_only.standing(who)
    await desks.management.settings.covering(who, "read-only", "")


async def _quarantine(desks: Desks, who: Caller) -> None:
    """What waits, and the rules that hold there."""
    await desks.quarantine.page(who, "team/", HeldState.WAITING, PAGE)
    await desks.management.settings.holding(who, "quarantine-rule", "team")


async def _board(desks: Desks, who: Caller) -> None:
    """What stands where, and whether the reader may change the pipeline."""
    await desks.promotion_boards.page(who, "team", "ways", PAGE)
    await desks.management.settings.may_change(who, "pipeline", "team")


async def _on_its_way(desks: Desks, who: Caller) -> None:
    """One row, what differs between its stages, and what would become of promoting it."""
    await desks.promotion_boards.row(who, "team", "ways", "app")
    await desks.comparison.of(who, (PROD, Tag("1.4")), (DEV, Tag("1.5")))
    await desks.promotion_trials.images(who, [(DEV, Tag("1.5"))], "prod", "ways")


async def _tried(desks: Desks, who: Caller) -> None:
    await desks.promotions.get(who, 1)
    await desks.promotions.trial(who, 1)


async def _bundle(desks: Desks, who: Caller) -> None:
    """Its images, and where each stands."""
    await desks.bundle_standings.of(who, await desks.bundles.get(who, "both", "team/dev"))


async def _bundle_tried(desks: Desks, who: Caller) -> None:
    await _bundle(desks, who)
    await desks.promotion_trials.bundle(who, "both", "prod", "ways", "team/dev")


async def _vulnerability(desks: Desks, who: Caller) -> None:
    await desks.known.of(who, "CVE-2026-1")
    await desks.hits.find(who, "CVE-2026-1", "", PAGE)


async def _differences(desks: Desks, who: Caller) -> None:
    sides = (APP, Tag("one")), (APP, Tag("two"))
    await desks.images.differences(who, *sides)
    await desks.comparison.of(who, *sides)


async def filled(content: Content) -> None:
    """Images that hold packages, two of which something is wrong with."""
    catalog = content.catalog
    await hold(catalog, content, ONE, SSL, ZLIB)
    await hold(catalog, content, TWO, SSL)
    await content.push(APP, ONE, Tag("one"))
    await content.push(APP, TWO, Tag("two"))
    await content.push(DEV, ONE, Tag("1.5"))
    await content.push(PROD, TWO, Tag("1.4"))
    await content.push(RepositoryName("team/dev/db"), TWO, Tag("9"))
    record = advisory("TEST-1", "openssl9", "3.0.2-1", aliases=["CVE-2026-1"], details="*much*")
    await catalog.advisories.advisories.store("hand", batch(record))
    await matcher(catalog, content).packages()
    await matcher(catalog, content).advisories()


class Counted:
    """Statements that a connection ran since it was asked last."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._count = 0
        connection.trace_v2(apsw.SQLITE_TRACE_STMT, self._ran)

    def _ran(self, event: dict[str, Any]) -> None:
        self._count += not event["sql"].startswith("--") and not event.get("trigger", False)

    def taken(self) -> int:
        count, self._count = self._count, 0
        return count


@pytest.mark.parametrize("path", SAME)
async def test_a_page_asks_little_more_than_what_it_shows(scene: Scene, path: str) -> None:
    for number in range(20):
        await pushed(scene).push(APP, image(f"app-{number}"), Tag(f"1.{number}"))
    await put(scene, "tag-rule", "ours", "team", tags=["v*"], semver=True)
    await put(scene, "gate", "ours", "team", deny_severity="critical")
    await put(scene, "pipeline", "ways", "team", stages=["dev=team/dev/", "prod=team/prod/"], approvals=["prod=1"])
    await filled(pushed(scene))
    browser = await person(scene, "admin")
    visitor = await scene.browsers.sessions.visitor(browser.session, address="192.0.2.1", request="r-1")
    assert visitor is not None
    await scene.desks.promotions.promote(visitor.caller, [(RepositoryName("team/dev/db"), Tag("9"))], "prod")
    both = [(DEV, Tag("1.5")), (RepositoryName("team/dev/db"), Tag("9"))]
    await scene.desks.bundles.make(visitor.caller, "both", both)
    counted = Counted(scene.memory.engine.connection)
    for _ in range(2):  # the second time all that is remembered is known
        await browser.get("/help")
        every = (counted.taken(), await SAME[path](scene.desks, visitor.caller), counted.taken())
        assert (await browser.get(path)).status == 200
        page = counted.taken()
    assert page <= every[0] + every[2] + MORE, (
        f"{page} statements, of which every page takes {every[0]}, the list {every[2]}"
    )
