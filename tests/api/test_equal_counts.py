"""How much is wrong with an image is the same wherever it is told: alone, in lists, in reports and in searches."""

from collections.abc import Mapping
from typing import Any

import msgspec

from orlop.domain.inside.vex.statements import VexDocument, VexProduct, VexStatement, VexStatus
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.finding_days import FindingDay
from orlop.ports.identity import Document
from tests.api.harness import REGISTRY, Api
from tests.content import image, index
from tests.contract.advisories import ONE, SSL, TWO, ZLIB, advisory, batch, hold, matcher
from tests.contract.scene import APP, Scene
from tests.unit.inside.test_finding_history import Clock, written

OTHER = RepositoryName("team/other")
#: Tags, and what they lead to: an image with two names, an index of two images, one of which has a name of its own.
BOTH = index("both", [ONE, TWO])
DIGESTS = {"1.4": ONE.digest, "prod": ONE.digest, "1.5": TWO.digest, "multi": BOTH.digest}
STATES = ("critical", "high", "medium", "low", "none", "unknown")


def rated(name: str, package: str, word: str, cve: str) -> bytes:
    return advisory(name, package, "9", aliases=[cve], database_specific={"severity": word})


async def put(api: Api, kind: str, name: str, path: str, **body: object) -> None:
    await api.identity.documents.put(Document(kind, name, msgspec.json.encode(body), path=path), api.by)


async def filled() -> Api:
    """Images of which exceptions by tag and VEX documents of all kinds clear something."""
    api = Api()
    await api.account("root", ("admin", REGISTRY))
    catalog = api.catalog.catalog
    scene = Scene(catalog, at=api.now)
    await hold(catalog, scene, ONE, SSL, ZLIB)
    await hold(catalog, scene, TWO, SSL)
    for tag in ("1.4", "prod"):
        await scene.push(APP, ONE, Tag(tag))
    await scene.push(APP, TWO, Tag("1.5"))
    await scene.push(APP, BOTH, Tag("multi"))
    await scene.push(OTHER, ONE, Tag("1.4"))
    records = (
        rated("TEST-1", "openssl9", "CRITICAL", "CVE-2026-1"),
        rated("TEST-2", "openssl9", "HIGH", "CVE-2026-2"),
        rated("TEST-3", "zlib9", "MODERATE", "CVE-2026-3"),
        rated("TEST-4", "openssl9", "LOW", "CVE-2026-4"),
    )
    await catalog.advisories.advisories.store("hand", batch(*records))
    await matcher(catalog, scene).advisories()
    accepted = {"until": "2099-01-31", "reason": "no network"}
    await put(api, "exception", "prod", "team", cves=["CVE-2026-1"], images=["*:prod"], **accepted)
    await put(api, "exception", "multi", "team", cves=["CVE-2026-2"], images=["app:multi"], **accepted)
    # A file that clears one in a package, and a referrer of the image with two names that clears another.
    said = VexStatement(ids=("CVE-2026-3",), status=VexStatus.FIXED, products=(VexProduct(("pkg:deb/debian/zlib9",)),))
    await put(api, "vex", "ours", "team/app", author="ann", statements=[msgspec.to_builtins(said)])
    await put(api, "vex-trust", "all", "team/app", pushers=["alice"])
    document = image("document", subject=ONE)
    await scene.push(APP, document)
    await catalog.vex.wait([(APP, document.digest)], api.now)
    [waiting] = await catalog.vex.waiting(api.now, 10)
    nobody = VexStatement(ids=("CVE-2026-4",), status=VexStatus.NOT_AFFECTED, why="not called")
    await catalog.vex.read(waiting, [VexDocument(author="bob", statements=(nobody,))], api.now)
    return api


def numbers(told: Mapping[str, Any]) -> dict[str, int]:
    """As every answer has them, whatever its shape."""
    counts = told.get("counts", told)
    return {word: counts.get(word, 0) for word in STATES} | {word: told[word] for word in ("accepted", "cleared")}


async def of_image(api: Api, repository: RepositoryName, reference: str) -> dict[str, int]:
    answer = await api.ask("GET", f"/image-vulnerabilities?repository={repository}&reference={reference}", "root")
    assert answer.status == 200, answer.json()
    return numbers(answer.json())


async def test_an_image_has_the_same_counts_by_each_of_its_names_in_lists_and_alone() -> None:
    api = await filled()
    tags = (await api.ask("GET", f"/tags?repository={APP}&findings=true", "root")).json()
    listed = {tag["name"]: numbers(tag["findings"]) for tag in tags}
    assert listed["1.4"] == {
        **dict.fromkeys(STATES, 0),
        "accepted": 2,
        "cleared": 2,
    }, "an exception of prod and one of the index hold for it under every name, and both documents do"
    for tag in ("1.4", "prod", "1.5"):
        assert listed[tag] == await of_image(api, APP, tag), tag
        assert listed[tag] == await of_image(api, APP, str(DIGESTS[tag])), tag
    # Of an index, that of its images with which most is wrong.
    assert listed["multi"] == listed["1.5"]
    assert listed["1.5"] == {**dict.fromkeys(STATES, 0), "critical": 1, "low": 1, "accepted": 1, "cleared": 0}
    assert await of_image(api, OTHER, "1.4") == {
        **dict.fromkeys(STATES, 0),
        "critical": 1,
        "high": 1,
        "medium": 1,
        "low": 1,
        "accepted": 0,
        "cleared": 0,
    }


async def test_a_list_of_one_name_alone_counts_as_one_of_all_of_them() -> None:
    api = await filled()
    every = (await api.ask("GET", f"/tags?repository={APP}&findings=true", "root")).json()
    for tag in every:
        asked = f"/tags?repository={APP}&findings=true&name={tag['name']}"
        [alone] = (await api.ask("GET", asked, "root")).json()
        assert alone["findings"] == tag["findings"], tag["name"]


async def test_a_report_has_the_counts_of_the_newest_image_and_so_has_the_history() -> None:
    api = await filled()
    rows = (await api.ask("GET", "/vulnerability-reports?at=team", "root")).json()
    assert {one["repository"] for one in rows} == {APP, OTHER}
    await written(api, Clock(api.now))
    for one in rows:
        repository, tag = RepositoryName(one["repository"]), one["tag"]
        [listed] = [
            each
            for each in (await api.ask("GET", f"/tags?repository={repository}&findings=true", "root")).json()
            if each["name"] == tag
        ]
        assert numbers(one["findings"]) == numbers(listed["findings"])
        [day] = await api.catalog.catalog.advisories.days.of([repository], 0)
        assert isinstance(day, FindingDay)
        said = msgspec.structs.asdict(day.numbers)
        for word in ("critical", "high", "medium", "low", "accepted", "cleared"):
            assert said[word] == numbers(one["findings"])[word], word


async def test_a_search_tells_of_every_image_what_clears_it_there() -> None:
    api = await filled()
    for number, word in ((1, "critical"), (2, "high"), (3, "medium"), (4, "low")):
        found = (await api.ask("GET", f"/vulnerability-search?id=CVE-2026-{number}", "root")).json()["images"]
        for one in found:
            counts = await of_image(api, RepositoryName(one["repository"]), one["digest"])
            for package in one["packages"]:
                is_cleared = package["said"] is not None and package["said"]["status"] in {"not_affected", "fixed"}
                assert counts[word] == int(package["accepted"] is None and not is_cleared), (number, one)
