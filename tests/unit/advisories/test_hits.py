"""Pages of images that findings are about, where more hits them than is read at once, or than a page holds."""

from typing import Any
from urllib.parse import urlencode

import pytest

from orlop.domain.access.subjects import Caller, Subject
from orlop.domain.names import Tag
from orlop.domain.pages import PAGE_BYTES, PageRequest, weight
from orlop.faces.cli.moments import rfc3339
from orlop.services.advisories import hits
from tests.api.harness import REGISTRY, Api
from tests.content import image
from tests.contract.advisories import SSL, ZLIB, advisory, batch, hold, matcher
from tests.contract.scene import APP, Scene

FIRST, SECOND, THIRD = (image(f"hit {number}", ["base"]) for number in range(3))
IMAGES = FIRST, SECOND, THIRD
#: Names and severities of what hits `openssl9`; `zlib9`, which the first has alone, is hit by what is critical.
RATED = {"TEST-1": "LOW", "TEST-2": "MODERATE", "TEST-3": "HIGH", "TEST-4": "LOW"}
WORST = "TEST-5"
#: So many findings of two packages the first has, and so many of one package each of the others.
MOST, LEAST = len(RATED) + 1, len(RATED)


async def filled() -> Api:
    """Three images that are hit."""
    api = Api()
    await api.account("root", ("admin", REGISTRY))
    catalog = api.catalog.catalog
    scene = Scene(catalog, at=api.now)
    for number, what in enumerate(IMAGES):
        await hold(catalog, scene, what, *((SSL, ZLIB) if what is FIRST else (SSL,)))
        await scene.push(APP, what, Tag(f"1.{number}"))
    records = [advisory(name, "openssl9", "9", database_specific={"severity": word}) for name, word in RATED.items()]
    records.append(advisory(WORST, "zlib9", "9", database_specific={"severity": "CRITICAL"}))
    await catalog.advisories.advisories.store("hand", batch(*records))
    await matcher(catalog, scene).advisories()
    return api


async def images(api: Api, **query: object) -> tuple[list[dict[str, Any]], str]:
    """One page of new findings, and where it goes on."""
    asked = urlencode({"since": rfc3339(1_000_000), **query})
    found = (await api.ask("GET", f"/new-findings?{asked}", "root")).json()
    return found["images"], found["last"]


def told(found: list[dict[str, Any]]) -> dict[str, tuple[list[str], int]]:
    """The names of what hits each image, and how much there is beside it."""
    return {one["digest"]: ([package["id"] for package in one["packages"]], one["more"]) for one in found}


@pytest.mark.parametrize(("held", "rows"), [(3, 50_000), (100_000, MOST), (2, MOST)])
async def test_more_than_is_read_at_once_is_read_of_fewer_images(
    held: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = await filled()
    whole, _ = await images(api)
    assert {len(names) + more for names, more in told(whole).values()} == {MOST, LEAST}
    asked: list[int] = []
    found = hits.HitPages._found

    async def counted(self: hits.HitPages, by: Any, places: Any, one: Any) -> Any:
        asked.append(len(places))
        return await found(self, by, places, one)

    monkeypatch.setattr(hits.HitPages, "_found", counted)
    monkeypatch.setattr(hits, "_HELD", held)
    monkeypatch.setattr(hits, "_ROWS", rows)
    assert await images(api) == (whole, "")
    assert (asked[0], min(asked)) == (len(IMAGES), 1)


@pytest.mark.parametrize(("held", "rows", "names"), [(1, 3, 3), (1, 1, 1), (100_000, 2, 2)])
async def test_of_one_image_with_more_than_is_read_at_once_the_worst_is_told_and_how_much_is_left(
    held: int, rows: int, names: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = await filled()
    whole, _ = await images(api)
    monkeypatch.setattr(hits, "_HELD", held)
    monkeypatch.setattr(hits, "_ROWS", rows)
    found, _ = await images(api)
    assert [one["digest"] for one in found] == [one["digest"] for one in whole]
    every = {what.digest: ["TEST-3", "TEST-2", "TEST-1", "TEST-4"] for what in IMAGES}
    every[FIRST.digest].insert(0, WORST)
    assert told(found) == {digest: (all_[:names], len(all_) - names) for digest, all_ in every.items()}


@pytest.mark.parametrize("packages", [True, False])
async def test_a_page_ends_with_the_last_image_that_fits_and_goes_on_behind_it(*, packages: bool) -> None:
    api = await filled()
    root = await api.identity.accounts.get("root")
    assert root is not None
    caller = Caller(Subject("root", id=root.id))

    async def page(most: int, after: str = "") -> hits.HitImages:
        asked = PageRequest(bytes=most, after=after)
        return await api.desks.new_findings.find(caller, 1_000_000, "", asked, packages=packages)

    whole = await page(PAGE_BYTES)
    one, two, three = whole.images
    assert (whole.goes_on, weight(one) > 50) == ("", True)
    both = weight(one) + weight(two)
    for most, shown in ((1, 1), (both - 1, 1), (both, 2), (both + weight(three) - 1, 2), (both + weight(three), 3)):
        found = await page(most)
        assert found.images == whole.images[:shown], most
        last = found.images[-1].place
        assert found.goes_on == ("" if shown == 3 else f"{last.repository} {last.digest}")
    assert (await page(1, f"{one.place.repository} {one.place.digest}")).images == (two,)


async def test_what_one_vulnerability_hits_is_told_by_its_cve_where_it_has_one() -> None:
    api = await filled()
    catalog = api.catalog.catalog
    records = (
        advisory("DSA-1", "openssl9", "9", aliases=["CVE-2026-1"]),
        advisory("CVE-2026-1", "zlib9", "9"),
        advisory("DSA-2", "openssl9", "9", aliases=["CVE-2026-2", "CVE-2026-3"]),
    )
    await catalog.advisories.advisories.store("hand", batch(*records))
    await matcher(catalog, Scene(catalog, at=api.now)).advisories()

    async def called(name: str) -> set[str]:
        found = (await api.ask("GET", f"/vulnerability-search?id={name}", "root")).json()["images"]
        return {package["id"] for one in found for package in one["packages"]}

    for name in ("CVE-2026-1", "cve-2026-1", "DSA-1"):
        assert await called(name) == {"CVE-2026-1"}, name
    assert await called("CVE-2026-2") == await called("cve-2026-2") == {"CVE-2026-2"}, "of several the one asked for"
    assert await called("DSA-2") == {"DSA-2"}, "it means several, and none of them alone"
    assert await called("TEST-1") == {"TEST-1"}, "it has no CVE"
