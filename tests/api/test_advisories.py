"""Advisories and what they hit, as they are typed, against an API behind a socket. All records are invented."""

import gzip
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

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
    found = orlop.json("vulns", image)
    assert [(one["id"], one["package"], one["severity"], one["fixed"]) for one in found["found"]] == [
        ("TEST-2", "zlib9", "high", []),
        ("CVE-2026-1", "libssl9", "unknown", ["3.0.2-1"]),
    ]
    assert found["found"][1]["ids"] == ["CVE-2026-1", "OTHER-1", "TEST-1"]
    assert found["remarks"] == []
    assert [one["id"] for one in orlop.json("vulns", image, "--fixable")["found"]] == ["CVE-2026-1"]
    assert "of its 2 packages are known: 1 high, 1 unknown" in (orlop("vulns", image), orlop.errors)[1]
    assert {one["record"]["id"] for one in json.loads(orlop("advisories", "show", "CVE-2026-1"))} == {
        "TEST-1",
        "OTHER-1",
    }


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
    [found] = orlop.json("vulns", image)["found"]
    assert (found["severity"], found["exploited"], found["score"]) == ("high", True, 0.25)


def test_nothing_known_is_not_the_same_as_nothing_wrong(orlop: Typed) -> None:
    image = f"{orlop.served.url.removeprefix('http://')}/{APP}:1.4"
    orlop.login("ann")
    found = orlop.json("vulns", image)
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
