"""Questions about what all images hold, as they are typed, against an API behind a socket. All records are invented."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orlop.domain.digest import Digest
from orlop.domain.inside.package import Package
from orlop.domain.names import RepositoryName, Tag
from orlop.faces.cli.moments import rfc3339
from orlop.services.advisories import hits
from orlop.services.inside import holders
from tests.api.harness import REGISTRY, Api, namespace
from tests.api.serving import Served
from tests.api.test_commands import PASSWORD, Typed
from tests.content import image
from tests.contract.advisories import ONE, SSL, TWO, ZLIB, advisory, batch, hold, matcher
from tests.contract.scene import APP, Scene

pytestmark = pytest.mark.slow

LOG = Package(
    type="maven",
    namespace="org.apache.logging.log4j",
    name="log4j-core",
    version="2.14.1",
    licences=("Apache-2.0 OR GPL-3.0-only",),
)
THREE = image("three", ["base"])
SECRET = RepositoryName("hidden/app")
HITS = ("search", "cve", "CVE-2026-1")


async def _filled() -> Api:
    """`ann` may read what is in one place, of two that hold the same image; `bob` has no rights."""
    api = Api()
    await api.account("root", ("admin", REGISTRY))
    await api.account("ann", ("reader", namespace(APP.namespace)))
    await api.account("bob")
    await api.account("eve", ("auditor", REGISTRY))
    for name in ("root", "ann", "bob", "eve"):
        await api.password(name, PASSWORD)
    catalog = api.catalog.catalog
    scene = Scene(catalog, at=api.now)
    await hold(catalog, scene, ONE, SSL, ZLIB)
    await hold(catalog, scene, TWO, SSL, LOG)
    await scene.push(APP, ONE, Tag("1.4"))
    await scene.push(APP, TWO, Tag("1.5"))
    for blob in TWO.everything():
        await scene.hold(SECRET, *blob.blobs)
    await scene.push(SECRET, TWO, Tag("dev"))
    records = advisory("TEST-1", "openssl9", "3.0.2-1", aliases=["CVE-2026-1"]), advisory("TEST-2", "other9", "1")
    await catalog.advisories.advisories.store("hand", batch(*records))
    matching = matcher(catalog, scene)
    await matching.advisories()
    await matching.packages()
    return api


@pytest.fixture
def orlop(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    with Served(_filled) as served:
        yield Typed(served, capsys, monkeypatch)


def _places(orlop: Typed, *words: str) -> list[str]:
    found = orlop.json("search", *words)["images"]
    return [f"{one['repository']}:{','.join(one['tags'])}" for one in found]


@pytest.mark.parametrize("rare", [5_000, 0])
def test_a_package_is_found_by_url_name_and_range_in_what_the_reader_may_see(
    orlop: Typed, rare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holders, "_RARE", rare)
    orlop.login("ann")
    one, two = f"{APP}:1.4", f"{APP}:1.5"
    url = "pkg:maven/org.apache.logging.log4j/log4j-core"
    for asked, expected in {
        f"{url}@<2.17": [two],
        f"{url}@>=2.0,<2.14.1": [],
        f"{url}@2.14.1": [two],
        url: [two],
        "log4j-core": [two],
        "LOG4J_core@<2.17": [two],
        "org.apache.logging.log4j:log4j-core@>=2.14": [two],
        "other.group:log4j-core": [],
        "pkg:npm/log4j-core": [],
        "pkg:deb/debian/libssl9@<3.0.2-1": sorted([one, two]),
        "zlib9": [one],
    }.items():
        assert sorted(_places(orlop, "package", asked)) == expected, asked
    assert _places(orlop, "package", "zlib9", "--at", f"{APP.namespace}/") == [one]
    assert _places(orlop, "package", "zlib9", "--at", "elsewhere/") == []
    orlop.login("root")
    assert _places(orlop, "package", "log4j-core") == [f"{SECRET}:dev", two]
    orlop.login("eve")
    assert _places(orlop, "package", "log4j-core") == [f"{SECRET}:dev", two]
    orlop.login("bob")
    assert _places(orlop, "package", "log4j-core") == []
    orlop("search", "package", "pkg:npm", code=1)


@pytest.mark.parametrize(("rare", "together", "most"), [(5_000, 1, 1), (0, 1, 1), (0, 2, 100)])
def test_pages_go_on_where_the_last_one_ended(
    orlop: Typed, rare: int, together: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    orlop.login("root")
    every = orlop.json("search", "package", "libssl9")["images"]
    assert len(every) == 3
    for name, value in {"_RARE": rare, "_TOGETHER": together, "_MOST": most}.items():
        monkeypatch.setattr(holders, name, value)
    first = orlop.json("search", "package", "libssl9", "--n", "1")
    assert first["images"] == every[:1]
    assert orlop.json("search", "package", "libssl9")["images"] == every
    assert first["last"] == f"{every[0]['repository']} {every[0]['digest']}"
    assert Digest(every[0]["digest"])


def test_a_vulnerability_is_found_by_every_name_and_silence_is_explained(orlop: Typed) -> None:
    orlop.login("ann")
    for name in ("CVE-2026-1", "cve-2026-1", "TEST-1"):
        assert len(_places(orlop, "cve", name)) == 2
    [package] = orlop.json("search", "cve", "CVE-2026-1")["images"][0]["packages"]
    assert (package["version"], package["fixed"], package["ids"]) == ("3.0.1-1", ["3.0.2-1"], ["TEST-1"])
    orlop("search", "cve", "CVE-1999-1", code=1)
    assert "no advisory is known as CVE-1999-1" in orlop.errors
    assert "there are 2 advisories" in orlop.errors
    orlop("search", "cve", "TEST-2")
    assert "no image that you may see is known to be hit" in orlop.errors
    orlop.login("bob")
    orlop("search", "cve", "CVE-2026-1")
    assert "no image that you may see is known to be hit" in orlop.errors


@pytest.mark.parametrize("rare", [5_000, 0])
def test_what_advisories_brought_is_told_as_far_as_the_reader_may_see(
    orlop: Typed, rare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holders, "_RARE", rare)

    async def later() -> None:
        catalog, api = orlop.served.api.catalog.catalog, orlop.served.api
        record = advisory("TEST-9", "zlib9", "2", aliases=["CVE-2026-9"])
        await catalog.advisories.advisories.store("hand", batch(record))
        await matcher(catalog, Scene(catalog, at=api.now + 5_000_000)).advisories()

    orlop.served.do(later())
    begin = rfc3339(orlop.served.api.now + 5_000_000)
    orlop.login("ann")
    new = ("new-findings", "--since", begin)
    [one] = orlop.json("search", *new)["images"]
    assert (one["repository"], one["tags"], one["more"]) == (APP, ["1.4"], 0)
    [package] = one["packages"]
    assert (package["id"], package["ids"], package["fixed"]) == ("CVE-2026-9", ["TEST-9"], ["2"])
    assert "CVE-2026-9" in orlop("search", *new)
    assert orlop("search", *new, "--images-only").split() == [f"{APP}@{ONE.digest}"]
    assert _places(orlop, *new, "--at", "elsewhere/") == []
    every = _places(orlop, "new-findings", "--since", rfc3339(1_000_000))
    assert sorted(every) == [f"{APP}:1.4", f"{APP}:1.5"]
    orlop("search", "new-findings", "--since", rfc3339(orlop.served.api.now + 6_000_000))
    assert "advisories brought nothing new since" in orlop.errors
    orlop("search", "new-findings", "--since", "", code=2)
    orlop.login("bob")
    assert orlop.json("search", *new) == {"images": [], "last": ""}
    orlop.login("root")
    orlop(
        *("exception", "set", "calm", "--at", f"{APP.namespace}/", "--cve", "CVE-2026-9", "--until", "2099-01-31"),
        *("--reason", "no network"),
    )
    assert "calm at" in orlop("search", *new)


def test_an_image_with_many_findings_is_told_in_bounds(orlop: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    orlop.login("root")
    asked = ("new-findings", "--since", rfc3339(1_000_000))
    whole = orlop.json("search", *asked)["images"]
    monkeypatch.setattr(hits, "_TOGETHER", 2)
    assert [one["digest"] for one in orlop.json("search", *asked)["images"]] == [one["digest"] for one in whole]
    monkeypatch.setattr(hits, "EACH", 0)
    assert [(one["packages"], one["more"]) for one in orlop.json("search", *asked)["images"]] == [([], 1)] * 3
    assert "has 1 more" in (orlop("search", *asked) or "") + orlop.errors
    monkeypatch.setattr(hits, "EACH", 200)
    monkeypatch.setattr(hits, "_TOLD", 1)  # pages end early, and the command goes on
    assert [one["digest"] for one in orlop.json("search", *asked)["images"]] == [one["digest"] for one in whole]


def test_what_is_accepted_is_told_as_that(orlop: Typed) -> None:
    orlop.login("root")
    orlop(
        *("exception", "set", "calm", "--at", f"{APP.namespace}/", "--cve", "CVE-2026-1", "--image", "*:1.4"),
        *("--until", "2099-01-31", "--reason", "no network"),
    )
    found = orlop.json("search", "cve", "CVE-2026-1")["images"]
    told = {tuple(one["tags"]): (one["packages"][0]["accepted"] or {}).get("name") for one in found}
    assert told == {("1.4",): "calm", ("1.5",): None, ("dev",): None}
    assert "calm at" in orlop("search", "cve", "CVE-2026-1")


def test_words_that_are_no_commands_are_searched_for_as_before(orlop: Typed) -> None:
    orlop.login("ann")
    assert str(APP) in orlop("search", str(APP))
    orlop("search", "--", "package")


def test_tags_tell_how_much_is_wrong_where_that_is_asked(orlop: Typed) -> None:
    orlop.login("ann")
    told = {tag["name"]: tag["findings"] for tag in orlop.json("tags", str(APP), "--findings")}
    assert {name: (one["state"], one["unknown"], one["fixable"]) for name, one in told.items()} == {
        "1.4": ("read", 1, 1),
        "1.5": ("read", 1, 1),
    }
    assert [tag["findings"] for tag in orlop.json("tags", str(APP))] == [None, None]
    assert "1 unknown" in orlop("tags", str(APP), "--findings")


def test_counts_are_those_of_the_list_of_findings_and_leave_out_what_is_accepted(orlop: Typed) -> None:
    orlop.login("root")
    orlop(
        *("exception", "set", "calm", "--at", f"{APP.namespace}/", "--cve", "CVE-2026-1", "--image", "*:1.4"),
        *("--until", "2099-01-31", "--reason", "no network"),
    )
    told = {tag["name"]: tag["findings"] for tag in orlop.json("tags", str(APP), "--findings")}
    assert {name: (one["unknown"], one["accepted"]) for name, one in told.items()} == {"1.4": (0, 1), "1.5": (1, 0)}


def test_what_a_vex_document_clears_is_cleared_in_every_list(orlop: Typed, tmp_path: Path) -> None:
    orlop.login("root")
    statement = {
        "vulnerability": {"name": "CVE-2026-1"},
        # A package that holds others is looked for in each image: there is none of log4j in 1.4.
        "products": [
            {
                "@id": "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
                "subcomponents": [{"@id": "pkg:deb/debian/libssl9@3.0.1-1"}],
            }
        ],
        "status": "not_affected",
        "justification": "component_not_present",
        "timestamp": "2026-11-01T00:00:00Z",
    }
    document = {"@context": "https://openvex.dev/ns/v0.2.0", "author": "ann", "statements": [statement]}
    (tmp_path / "ours.openvex.json").write_text(json.dumps(document))
    orlop("vex", "import", "ours.openvex.json", "--at", f"{APP.namespace}/")
    told = {tag["name"]: tag["findings"] for tag in orlop.json("tags", str(APP), "--findings")}
    assert {name: (one["unknown"], one["cleared"]) for name, one in told.items()} == {"1.4": (1, 0), "1.5": (0, 1)}
    [report] = orlop.json("report", f"{APP.namespace}/")
    assert (report["findings"]["unknown"], report["findings"]["cleared"], report["worst"]) == (0, 1, [])
    found = {(one["repository"], *one["tags"]): one["packages"] for one in orlop.json(*HITS)["images"]}
    assert {where: [one["said"] is not None for one in packages] for where, packages in found.items()} == {
        (APP, "1.4"): [False],
        (APP, "1.5"): [True],
        (SECRET, "dev"): [False],
    }
    assert "ours at" in orlop(*HITS)


def test_a_report_has_each_repository_by_its_newest_tag(orlop: Typed) -> None:
    orlop.login("root")
    rows = orlop.json("report")
    assert [(one["repository"], one["findings"]["unknown"], one["worst"][0]["id"]) for one in rows] == [
        (SECRET, 1, "CVE-2026-1"),
        (APP, 1, "CVE-2026-1"),
    ]
    assert [one["repository"] for one in orlop.json("report", f"{APP.namespace}/")] == [APP]
    assert [one["repository"] for one in orlop.json("report", "--n", "1")] == [SECRET]
    assert orlop("report", "--csv").splitlines()[0].startswith("repository,tag,digest,pushed_at,state,critical")
    assert "2026-01-02" in orlop("report", "--sort", "worst")
    orlop.login("ann")
    assert [one["repository"] for one in orlop.json("report")] == [APP]
    orlop.login("bob")
    assert orlop.json("report") == []


def test_a_comparison_has_packages_and_findings(orlop: Typed) -> None:
    def compared(one: str, other: str) -> Any:
        asked = f"/package-differences?from={APP}:{one}&to={APP}:{other}"
        return orlop.served.do(orlop.served.api.ask("GET", asked, "ann")).json()

    found = compared("1.4", "1.5")
    assert found["read"]
    assert [one["package"] for one in found["removed"]] == ["pkg:deb/debian/zlib9"]
    assert [(one["package"], one["after"]) for one in found["added"]] == [
        ("pkg:maven/org.apache.logging.log4j/log4j-core", ["2.14.1"])
    ]
    assert (found["changed"], found["fixed"], found["new"]) == ([], [], [])
    assert [one["id"] for one in found["still"]] == ["CVE-2026-1"]
    assert [one["package"] for one in compared("1.5", "1.4")["added"]] == ["pkg:deb/debian/zlib9"]


def test_a_comparison_tells_what_is_fixed_new_and_relicensed(orlop: Typed) -> None:
    async def later() -> None:
        scene = Scene(orlop.served.api.catalog.catalog, at=orlop.served.api.now)
        mended = msgspec.structs.replace(SSL, version="3.0.2-1", licences=("MIT",))
        await hold(orlop.served.api.catalog.catalog, scene, THREE, mended, ZLIB)
        await scene.push(APP, THREE, Tag("1.6"))

    orlop.served.do(later())
    asked = f"/package-differences?from={APP}:1.4&to={APP}:1.6"
    found = orlop.served.do(orlop.served.api.ask("GET", asked, "ann")).json()
    [changed] = found["changed"]
    assert (changed["before"], changed["after"]) == (["3.0.1-1"], ["3.0.2-1"])
    assert [one["licences_after"] for one in found["relicensed"]] == [["MIT"]]
    assert [one["id"] for one in found["fixed"]] == ["CVE-2026-1"]
    assert found["new"] == found["still"] == []


def test_a_namespace_tells_how_much_is_wrong_in_its_repositories(orlop: Typed) -> None:
    orlop.login("root")
    place = f"{APP.namespace}/"
    [child] = [one for one in orlop.json("browse", place, "--findings") if one["path"] == APP]
    assert (child["findings"]["state"], child["findings"]["unknown"]) == ("read", 1)
    assert {one["findings"] is None for one in orlop.json("browse", place)} == {True}
    assert "1 unknown" in orlop("browse", place, "--findings")


@pytest.mark.parametrize("rare", [5_000, 0])
def test_a_licence_is_found_in_what_the_reader_may_see(
    orlop: Typed, rare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holders, "_RARE", rare)
    orlop.login("ann")
    for asked, expected in {
        "GPL-3.0*": [f"{APP}:1.5"],
        "gpl-3.0-only": [f"{APP}:1.5"],
        "*3.0*": [f"{APP}:1.5"],
        "GPL-3.0": [],
        "MIT": [],
    }.items():
        assert _places(orlop, "licence", asked) == expected, asked
    assert _places(orlop, "licence", "GPL*", "--at", "elsewhere/") == []
    assert "Apache-2.0  pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1" in orlop("search", "licence", "apache*")
    [package] = orlop.json("search", "licence", "*2.0")["images"][0]["packages"]
    assert package["licences"] == ["Apache-2.0"]
    orlop("search", "licence", "*", code=1)
    assert "name a licence as SPDX does" in orlop.errors
    orlop.login("root")
    assert _places(orlop, "licence", "GPL-3.0*") == [f"{SECRET}:dev", f"{APP}:1.5"]
    first = orlop.json("search", "licence", "GPL-3.0*", "--n", "1")
    assert [one["repository"] for one in first["images"]] == [SECRET]
    assert first["last"]
    orlop.login("bob")
    assert orlop.json("search", "licence", "GPL-3.0*") == {"images": [], "last": "", "remarks": []}


def test_licences_are_findings_where_that_is_asked(orlop: Typed) -> None:
    orlop.login("root")
    place = f"{APP.namespace}/"
    assert [one["licences"] for one in orlop.json("report", place, "--licences")] == [None]
    orlop("licence-rule", "set", "house", "--at", place, "--allowed", "MIT", "--unknown")
    assert [one["licences"] for one in orlop.json("report", place)] == [None]
    [report] = orlop.json("report", place, "--licences")
    wrong = report["licences"]["findings"]
    assert (wrong, report["licences"]["accepted"]) == (2, 0)
    header, row = orlop("report", place, "--licences", "--csv").splitlines()
    assert header.endswith(",worst,licence_findings,licences_accepted")
    assert row.endswith(",2,0")
    assert "LICENCES" in orlop("report", place, "--licences")

    of = f"/image-vulnerabilities?repository={APP}&reference=1.5"
    assert orlop.served.do(orlop.served.api.ask("GET", of, "ann")).json()["licences"] is None
    found = orlop.served.do(orlop.served.api.ask("GET", f"{of}&licences=true", "ann")).json()["licences"]
    assert [(one["package"], one["finding"]["why"]) for one in found] == [
        ("libssl9", "it declares no licence"),
        ("org.apache.logging.log4j/log4j-core", "Apache-2.0 is not among the licences that are allowed"),
    ]
    orlop(
        *("exception", "set", "asked", "--at", place, "--licence", "Apache-2.0*", "--until", "2099-01-31"),
        *("--reason", "the lawyers know"),
    )
    [report] = orlop.json("report", place, "--licences")
    assert report["licences"] == {"findings": 1, "accepted": 1}
