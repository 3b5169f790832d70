"""Advisories and what they hit, as they are typed, against an API behind a socket. All records are invented."""

import gzip
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orlop.domain.names import Tag
from tests.api.harness import REGISTRY, Api, namespace
from tests.api.serving import Served
from tests.api.test_commands import PASSWORD, Typed
from tests.contract.advisories import ONE, SSL, ZLIB, advisory, hold
from tests.contract.scene import APP, Scene

pytestmark = pytest.mark.slow

FIRST = advisory("TEST-1", "openssl9", "3.0.2-1", aliases=["CVE-2026-1"], summary="a buffer is too short")
SAME = advisory("OTHER-1", "openssl9", "3.0.2-1", aliases=["CVE-2026-1"])
UNMENDED = advisory("TEST-2", "zlib9", "", database_specific={"severity": "HIGH"})


async def _filled() -> Api:
    """`ann` may pull an image that holds two packages; `bob` has no rights."""
    api = Api()
    await api.account("root", ("admin", REGISTRY))
    await api.account("ann", ("reader", namespace(APP.namespace)))
    await api.account("bob")
    for name in ("root", "ann", "bob"):
        await api.password(name, PASSWORD)
    scene = Scene(api.catalog.catalog, at=api.now)
    await hold(api.catalog.catalog, scene, ONE, SSL, ZLIB)
    await scene.push(APP, ONE, Tag("1.4"))
    return api


@pytest.fixture
def orlop(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    with Served(_filled) as served:
        yield Typed(served, capsys, monkeypatch)


def _found(orlop: Typed, image: str, *more: str) -> Any:
    """What is known of the image. Its config is in no store, which is logged before that."""
    said = orlop("vulns", image, "--json", *more)
    return json.loads(said[said.index("{\n") :])


def test_an_archive_is_taken_in_and_hits_an_image(orlop: Typed, tmp_path: Path) -> None:
    image = f"{orlop.served.url.removeprefix('http://')}/{APP}:1.4"
    orlop.login("root")
    with zipfile.ZipFile(tmp_path / "osv-test.zip", "w") as file:
        for name, content in {"a.json": FIRST, "b.json": SAME, "c.json": UNMENDED, "d.json": b"{nothing"}.items():
            file.writestr(name, content)
    said = orlop("advisories", "import", "osv-test.zip")
    assert said == "osv-test: 3 records, 3 new or changed, 0 older than what is there, 1 refused\n"
    assert orlop.errors == "d.json: it is not JSON\n"
    assert "3 advisories, 0 of them not matched yet, 3 findings" in orlop("advisories", "status")
    found = _found(orlop, image)
    assert [(one["id"], one["package"], one["severity"], one["fixed"]) for one in found["found"]] == [
        ("TEST-2", "zlib9", "high", []),
        ("CVE-2026-1", "libssl9", "unknown", ["3.0.2-1"]),
    ]
    assert found["found"][1]["ids"] == ["CVE-2026-1", "OTHER-1", "TEST-1"]
    assert found["remarks"] == []
    assert [one["id"] for one in _found(orlop, image, "--fixable")["found"]] == ["CVE-2026-1"]
    assert "of its 2 packages are known: 1 high, 1 unknown" in (orlop("vulns", image), orlop.errors)[1]
    assert {one["record"]["id"] for one in json.loads(orlop("advisories", "show", "CVE-2026-1"))} == {
        "TEST-1",
        "OTHER-1",
    }


def test_findings_are_told_while_the_image_is_read_anew(orlop: Typed, tmp_path: Path) -> None:
    image = f"{orlop.served.url.removeprefix('http://')}/{APP}:1.4"
    orlop.login("root")
    (tmp_path / "first.json").write_bytes(FIRST)
    orlop("advisories", "import", "first.json")
    before = _found(orlop, image)
    assert [one["id"] for one in before["found"]] == ["CVE-2026-1"]
    api = orlop.served.api
    orlop.served.do(api.catalog.catalog.insides.images.again(ONE.digest, api.now))
    anew = _found(orlop, image)
    assert (anew["state"], anew["found"], anew["counts"]) == ("read", before["found"], before["counts"])
    assert anew["remarks"] == ["it is being read anew: this is what was read before"]


def test_a_file_that_is_sent_in_parts_is_told_as_one_import(orlop: Typed, tmp_path: Path) -> None:
    orlop.login("root")
    long = "x" * 420_000  # of which fewer than five are sent at once
    with zipfile.ZipFile(tmp_path / "long.zip", "w") as file:
        for number in range(5):
            file.writestr(f"{number}.json", advisory(f"LONG-{number}", "other9", "1", details=long))
    for records in (5, 1):
        told = orlop.json("advisories", "import", "long.zip")
        [source] = orlop.json("advisories", "status")["sources"]
        assert (told[0]["records"], source["records"]) == (records, records)
        with zipfile.ZipFile(tmp_path / "long.zip", "w") as file:
            file.writestr("0.json", advisory("LONG-0", "other9", "1", details=long))


def test_what_is_known_to_be_exploited_is_high(orlop: Typed, tmp_path: Path) -> None:
    image = f"{orlop.served.url.removeprefix('http://')}/{APP}:1.4"
    orlop.login("root")
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "one.json").write_bytes(FIRST)
    kev = {"vulnerabilities": [{"cveID": "CVE-2026-1", "dateAdded": "2026-01-01", "dueDate": "2026-02-01"}]}
    (tmp_path / "kev.json").write_text(json.dumps(kev, indent=1))
    (tmp_path / "epss.csv.gz").write_bytes(
        gzip.compress(b"#model_version:v1\ncve,epss,percentile\nCVE-2026-1,0.25,0.9\nCVE-2026-2,7,0.1\n")
    )
    said = orlop("advisories", "import", "records", "kev.json", "epss.csv.gz")
    assert [line.split(",")[0] for line in said.splitlines()] == [
        "records: 1 records",
        "kev: 1 records",
        "epss: 1 records",
    ]
    assert orlop.errors == "line 4: a score is from 0 to 1\n"
    [found] = _found(orlop, image)["found"]
    assert (found["severity"], found["exploited"], found["score"]) == ("high", True, 0.25)


def test_nothing_known_is_not_the_same_as_nothing_wrong(orlop: Typed) -> None:
    image = f"{orlop.served.url.removeprefix('http://')}/{APP}:1.4"
    orlop.login("ann")
    found = _found(orlop, image)
    assert (found["state"], found["found"]) == ("read", [])
    assert any(remark.startswith("no advisories are known for Debian") for remark in found["remarks"])


def test_advisories_are_taken_in_by_those_who_rule(orlop: Typed, tmp_path: Path) -> None:
    (tmp_path / "one.json").write_bytes(FIRST)
    orlop.login("ann")
    orlop("advisories", "import", "one.json", code=1)
    orlop("advisories", "status", code=1)
    assert orlop.json("advisories", "ls") == []
    orlop.login("bob")
    orlop("vulns", f"{orlop.served.url.removeprefix('http://')}/{APP}:1.4", code=1)


def test_a_document_is_taken_in_for_a_place_and_clears_what_it_is_about(orlop: Typed, tmp_path: Path) -> None:
    image = f"{orlop.served.url.removeprefix('http://')}/{APP}:1.4"
    (tmp_path / "one.json").write_bytes(FIRST)
    orlop.login("root")
    orlop("advisories", "import", "one.json")
    statement = {
        "vulnerability": {"name": "CVE-2026-1"},
        "products": [{"@id": "pkg:deb/debian/libssl9"}],
        "status": "not_affected",
        "impact_statement": "it is not called",
    }
    document = {"@context": "https://openvex.dev/ns/v0.2.0", "author": "ann", "statements": [statement]}
    (tmp_path / "Our SSL.openvex.json").write_text(json.dumps(document))
    orlop("vex", "import", "Our SSL.openvex.json", "--at", f"{APP.namespace}/")
    assert orlop.errors == f"our-ssl at {APP.namespace}/ has 1 statement of ann\n"
    [one] = _found(orlop, image)["found"]
    assert (one["said"]["status"], one["said"]["name"], one["said"]["why"]) == (
        "not_affected",
        "our-ssl",
        "it is not called",
    )
    assert "1 cleared" in (orlop("vulns", image), orlop.errors)[1]
    first = orlop.json("vex", "ls")[0]
    orlop("vex", "import", "Our SSL.openvex.json", "--at", f"{APP.namespace}/")
    assert orlop.json("vex", "ls")[0] == first, "the same document changes nothing"
    statement["status"] = "harmless"
    (tmp_path / "Our SSL.openvex.json").write_text(json.dumps(document))
    orlop("vex", "import", "Our SSL.openvex.json", "--at", f"{APP.namespace}/", code=1)
    assert "has the status 'harmless'" in orlop.errors
    orlop("vex", "import", "nothing.json", code=2)
    orlop.login("ann")
    statement["status"] = "fixed"
    (tmp_path / "mine.json").write_text(json.dumps(document))
    orlop("vex", "import", "mine.json", "--at", f"{APP.namespace}/", code=1)


def test_rules_find_what_is_wrong_with_licences_and_exceptions_accept_it(orlop: Typed) -> None:
    image = f"{orlop.served.url.removeprefix('http://')}/{APP}:1.4"
    orlop.login("root")

    def found(*more: str, code: int = 0) -> Any:
        said = orlop("licences", image, "--json", *more, code=code)
        return json.loads(said[said.index("{\n") :])

    none = found()
    assert (none["packages"], none["rules"], none["findings"]) == (2, 0, 0)
    assert [(use["licence"], use["listed"], len(use["packages"])) for use in none["licences"]] == [("", False, 2)]
    orlop("licence-rule", "set", "house", "--at", f"{APP.namespace}/", "--unknown")
    told = found("--findings", code=1)
    assert (told["rules"], told["findings"], told["accepted"]) == (1, 2, 0)
    assert {one["finding"]["why"] for one in told["licences"][0]["packages"]} == {"it declares no licence"}
    until = ("--until", "2099-01-31", "--reason", "asked the lawyers")
    orlop("exception", "set", "no-cve", "--at", "/", "--package", "pkg:deb/debian/*", *until)
    assert found()["accepted"] == 0, "an exception that names no licence is about advisories"
    orlop("exception", "set", "debian", "--at", "/", "--licence", "*", "--package", "pkg:deb/debian/libssl9", *until)
    told = found()
    assert (told["findings"], told["accepted"]) == (1, 1)


def test_a_list_of_exceptions_says_until_when_and_whether_each_holds(orlop: Typed) -> None:
    orlop.login("root")
    today = datetime.now(UTC).date()
    for name, days in {"over": -3, "soon": 2, "later": 30}.items():
        until = str(today + timedelta(days=days))
        orlop("exception", "set", name, "--at", "/", "--cve", "CVE-2026-1", "--until", until, "--reason", "because")
    rows = [line.split() for line in orlop("exception", "ls").splitlines()]
    assert rows[0][:4] == ["PLACE", "NAME", "UNTIL", "STATE"]
    states = {row[1]: " ".join(row[3:-1]) for row in rows[1:]}
    assert states["over"].startswith("expired")
    assert states["soon"].startswith("ends in 3 days")
    assert states["later"].startswith("holds")
