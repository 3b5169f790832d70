"""Pages of what is inside images, and of what is known to be wrong with it: what they say, to whom, and that hostile
text stays text."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

import pytest

from orlop.domain import media_types
from tests.content import Piece, image
from tests.packaged import configured, packed
from tests.scanning.adapter import Adapter, finding
from tests.serving import eventually
from tests.ui.site import HOSTILE, Site
from tests.ui.test_made import sound
from tests.wire.test_vex import attached

pytestmark = pytest.mark.slow

#: Where the content of these tests is.
PLACE = "team/inside"
_STATUS = "Package: {0}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {1}\n\n"
_RELEASE = f'PRETTY_NAME="Debian 12 {HOSTILE.replace(chr(34), "")}"\nID=debian\nVERSION_ID="12"\n'
RUN = {
    "os": "linux",
    "architecture": "amd64",
    "history": [{"created_by": "ADD rootfs.tar.gz / # buildkit"}, {"created_by": f"RUN pip install # {HOSTILE}"}],
}
#: Libraries of Python, of which there are more than a page has rows.
_MANY = 60


def layer(name: str, files: dict[str, str | bytes]) -> Piece:
    """A layer of files."""
    return Piece(name, media_types.OCI_LAYER, packed(files))


def library(name: str, version: str, licence: str = "MIT") -> dict[str, str | bytes]:
    """A library of Python, as it is installed."""
    return {
        f"lib/python3/site-packages/{name}-{version}.dist-info/METADATA": f"Name: {name}\nVersion: {version}\n"
        f"License: {licence}\n\n"
    }


BASE = layer(
    "debian inside", {"etc/os-release": _RELEASE, "var/lib/dpkg/status": _STATUS.format("openssl", "3.0.11-1~deb12u2")}
)
APP = layer(
    "app inside",
    {path: text for number in range(_MANY) for path, text in library(f"p{number:02}", "1.0").items()}
    | library("requests", "2.31.0", HOSTILE)
    | {"app/node_modules/left/package.json": json.dumps({"name": "left", "version": "1.0.0", "license": HOSTILE})},
)
NEWER = layer("app newer", library("requests", "2.32.0", "Apache-2.0") | library("fresh", "1"))
ADVISORIES: list[dict[str, Any]] = [
    {
        "id": "EXAMPLE-81",
        "aliases": ["CVE-2026-8100"],
        "modified": "2026-11-01T00:00:00Z",
        "summary": f"Read beyond its end {HOSTILE}",
        "details": f"# Heading\n\n{HOSTILE}\n\n[a](javascript:alert(1)) [b](https://elsewhere.example/x) ![](//evil)",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "database_specific": {"severity": "CRITICAL"},
        "references": [
            {"type": "WEB", "url": "javascript:alert(3)"},
            {"type": "ADVISORY", "url": "https://elsewhere.example/advisory"},
        ],
        "affected": [
            {
                "package": {"ecosystem": "Debian:12", "name": "openssl"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.0.11-1~deb12u3"}]}],
            }
        ],
    },
    {
        "id": "EXAMPLE-82",
        "modified": "2026-11-02T00:00:00Z",
        "summary": "Redirects take credentials to other hosts",
        "database_specific": {"severity": "MODERATE"},
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "requests"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
            }
        ],
    },
    *(
        {
            "id": f"EXAMPLE-9{number:02}",
            "modified": "2026-11-02T00:00:00Z",
            "summary": "One of many",
            "database_specific": {"severity": "LOW"},
            "affected": [
                {
                    "package": {"ecosystem": "PyPI", "name": f"p{number:02}"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
                }
            ],
        }
        for number in range(_MANY)
    ),
]


def read(site: Site, tag: str, repository: str = PLACE) -> None:
    """Wait until an image was read."""

    def done() -> bool:
        found = site.ask("GET", f"image-packages?repository={repository}&reference={tag}")
        return found["state"] in {"read", "unread"}

    eventually(f"{repository}:{tag} is read", done)


@pytest.fixture(scope="module")
def inside(site: Site) -> Site:
    """With images that hold packages, advisories that hit them, and one that is accepted."""
    site.push(PLACE, configured("inside", RUN, [BASE, APP]), "1.0")
    site.push(PLACE, image("inside scratch", [layer("only", library("requests", "2.31.0"))]), "scratch")
    site.push(PLACE, image("inside bad", [Piece("bad", media_types.OCI_LAYER, b"no archive at all")]), "bad")
    site.push(PLACE, configured("inside newer", RUN, [BASE, NEWER]), "1.1")
    for tag in ("1.0", "1.1", "scratch", "bad"):
        read(site, tag)
    site.ask(
        "POST",
        "advisories",
        {
            "source": "made-up",
            "records": ADVISORIES,
            "exploited": [["CVE-2026-8100", "2026-11-03", "2026-11-24", True]],
            "scores": [["CVE-2026-8100", 0.91, 0.99]],
        },
    )
    site.put(
        f"exceptions/no-hosts?path={PLACE}",
        {"cves": ["EXAMPLE-82"], "until": "2098-01-31", "reason": f"it asks no hosts {HOSTILE}"},
    )
    exclude_and_rule(site)
    site.sign_in("ada")
    return site


def exclude_and_rule(site: Site) -> None:
    """VEX as a file of the place and as a document that refers to an image; a rule for licences, of which one is
    accepted; an exception that ends soon."""
    statement = {
        "ids": ["EXAMPLE-901"],
        "status": "not_affected",
        "products": [{"names": ["pkg:pypi/p01"]}],
        "why": f"it is never called {HOSTILE}",
        "said_at": 1_790_000_000_000_000,
    }
    site.put(f"vex-documents/ours?path={PLACE}", {"author": f"Security {HOSTILE}", "statements": [statement]})
    site.put(f"vex-trusts/security?path={PLACE}", {"pushers": ["*"]})
    newer = site.ask("GET", f"images?repository={PLACE}&reference=1.1")["digest"]
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://vex.example/1",
        "author": "Builders",
        "timestamp": "2026-11-01T00:00:00Z",
        "statements": [{"vulnerability": {"name": "CVE-2026-8100"}, "status": "fixed"}],
    }
    subject = configured("inside newer", RUN, [BASE, NEWER])
    assert subject.digest == newer
    site.push(PLACE, attached(subject, document, "application/vnd.openvex+json", "application/vnd.openvex+json"), "vex")
    site.put(
        f"licence-rules/house?path={PLACE}", {"refused": ["Apache-*"], "unknown": True, "except": ["pkg:deb/debian/*"]}
    )
    soon = (datetime.now(UTC) + timedelta(days=5)).date().isoformat()
    site.put(
        f"exceptions/left-pad?path={PLACE}",
        {"licences": ["*"], "packages": ["pkg:npm/left"], "until": soon, "reason": f"we asked {HOSTILE}"},
    )

    def heard() -> bool:
        found = site.ask("GET", f"image-vulnerabilities?repository={PLACE}&reference=1.1")
        return bool(found["cleared"])

    eventually("the document that refers to the image is read", heard)


def harmless(site: Site) -> None:
    """Nothing that others wrote became a part of the page."""
    for selector in ("main script", "main img", "main iframe", "main style", "[onerror]", "main [style]"):
        assert site.browser.count(selector) == 0, selector
    assert not [url for url in site.browser.asked() if not url.startswith(site.base)]


def test_the_pages_of_an_image_are_sound(inside: Site) -> None:
    for path in (
        f"/r/{PLACE}:1.0",
        f"/r/{PLACE}:1.0/-/packages",
        f"/r/{PLACE}:1.0/-/vulnerabilities",
        f"/r/{PLACE}:scratch/-/packages",
        f"/r/{PLACE}:bad/-/packages",
        f"/r/{PLACE}:bad/-/vulnerabilities",
        f"/r/{PLACE}:1.1/-/vulnerabilities",
        f"/r/{PLACE}:1.0/-/licences",
        f"/r/{PLACE}:1.1/-/licences?wrong=yes",
        f"/r/{PLACE}:bad/-/licences",
        "/vulnerabilities/CVE-2026-8100",
        "/vulnerabilities/EXAMPLE-82",
        f"/compare?from={PLACE}%3A1.0&to={PLACE}%3A1.1",
        f"/compare?from={PLACE}%3Ascratch&to={PLACE}%3Abad",
        f"/r/{PLACE}",
        f"/r/{PLACE}/-/vulnerabilities",
        "/r/team/-/vulnerabilities",
        "/search?q=CVE-2026-8100",
        "/search?q=pkg%3Adeb%2Fdebian%2Fopenssl%40%3C4",
        "/search?q=package%3Anothing-like-it",
        "/search?q=CVE-1999-0000",
    ):
        assert inside.open(path) == 200, path
        sound(inside)
        harmless(inside)


def test_packages_are_a_tree_and_a_list_that_goes_on(inside: Site) -> None:
    inside.sign_in("ada", scripts=False)
    inside.open(f"/r/{PLACE}:1.0/-/packages")
    text = inside.browser.text()
    for words in (f"Debian 12 {HOSTILE.replace(chr(34), '')}", "layer 1", "layer 2", "openssl", "3.0.11-1~deb12u2"):
        assert words in text, (words, text)
    assert inside.browser.count("tbody tr") == 51
    inside.browser.click("tr.more a")
    assert "requests" in inside.browser.text("tbody")
    assert HOSTILE in inside.browser.text("tbody")
    inside.open(f"/r/{PLACE}:1.0/-/packages?name=openss")
    assert inside.browser.count("tbody tr") == 1
    inside.open(f"/r/{PLACE}:1.0/-/packages?layer=1&type=deb")
    assert inside.browser.texts("tbody td:first-child") == ["openssl"]
    inside.open(f"/r/{PLACE}:1.0/-/packages?name=nothing-like-it")
    assert "No package fits" in inside.browser.text()
    inside.sign_in("ada")


def test_an_image_without_a_package_manager_is_not_clean(inside: Site) -> None:
    inside.open(f"/r/{PLACE}:scratch/-/packages")
    assert "1 package found by build information (python)" in inside.browser.text()
    inside.open(f"/r/{PLACE}:bad/-/packages")
    text = inside.browser.text()
    assert "layer 1 of 1" in text
    assert "not the same as clean" in text


def test_what_is_wrong_says_what_mends_it_who_brought_it_and_what_is_accepted(inside: Site) -> None:
    inside.open(f"/r/{PLACE}:1.0/-/vulnerabilities")
    first = inside.browser.texts("tbody tr")[0]
    for words in ("critical", "exploited", "CVE-2026-8100", HOSTILE, "openssl", "3.0.11-1~deb12u3", "layer 1"):
        assert words in first, words
    second = inside.browser.texts("tbody tr")[1]
    for words in ("medium", "EXAMPLE-82", "accepted", "it asks no hosts", "2098-01-31", "no-hosts", "nothing mends"):
        assert words in second, words
    text = inside.browser.text()
    assert "1 critical" in text
    assert "59 low" in text
    assert "1 accepted" in text
    inside.open(f"/r/{PLACE}:1.0/-/vulnerabilities?severity=medium")
    assert inside.browser.count("tbody tr") == 2
    inside.open(f"/r/{PLACE}:1.0/-/vulnerabilities?severity=medium&fixable=yes")
    assert inside.browser.count("tbody tr") == 1


def test_the_page_of_an_image_says_how_it_stands(inside: Site) -> None:
    inside.open(f"/r/{PLACE}:1.0")
    text = inside.browser.text()
    assert "63 packages" in text
    assert "1 critical" in text
    inside.open(f"/r/{PLACE}:bad")
    assert "0 packages" in inside.browser.text()


def test_a_vulnerability_says_what_it_is_and_which_images_it_hits(inside: Site) -> None:
    inside.open("/vulnerabilities/CVE-2026-8100")
    text = inside.browser.text()
    for words in ("CVSS:3.1/AV:N", "9.8", "to be mended by 2026-11-24", "ransomware", "91.0 %", "EXAMPLE-81"):
        assert words in text, (words, text)
    assert HOSTILE in text
    assert "3.0.11-1~deb12u3" in inside.browser.text("[aria-label='Images that it hits']")
    written = inside.browser.html()
    assert 'href="javascript:' not in written
    assert 'href="https://elsewhere.example/advisory"' in written
    assert 'rel="nofollow noopener noreferrer"' in inside.browser.html(".readme")
    assert inside.open("/vulnerabilities/CVE-1999-0000") == 404
    assert "which says nothing about images" in inside.browser.text()


def test_the_search_box_finds_packages_and_vulnerabilities(inside: Site) -> None:
    inside.sign_in("ada", scripts=False)
    for line, words in (
        ("pkg:deb/debian/openssl@<3.0.12", "pkg:deb/debian/openssl@3.0.11-1~deb12u2"),
        ("package:openssl", "openssl"),
        ("licence:mit*", "MIT"),
        ("CVE-2026-8100", "3.0.11-1~deb12u3"),
        ("cve:EXAMPLE-81", "3.0.11-1~deb12u3"),
    ):
        inside.open(f"/search?q={quote(line, safe='')}")
        assert words in inside.browser.text("tbody"), line
        assert PLACE in inside.browser.text("tbody"), line
    inside.open("/search?q=pkg%3Adeb%2Fdebian%2Fopenssl%40%3C1")
    assert "No image that you may see holds it" in inside.browser.text()
    inside.open("/search?q=pkg%3Anonsense%40%40")
    assert inside.browser.count(".message") == 1
    inside.sign_in("grace")
    inside.open("/search?q=package%3Aopenssl")
    assert PLACE not in inside.browser.text()
    inside.sign_in("ada")


def test_a_vulnerability_is_accepted_by_those_who_rule_the_place(inside: Site) -> None:
    inside.sign_in("rita")
    inside.open("/vulnerabilities/EXAMPLE-900")
    assert PLACE in inside.browser.text()
    assert inside.browser.count("[name=reason]") == 0
    inside.sign_in("ada", scripts=False)
    inside.open("/vulnerabilities/EXAMPLE-900")
    inside.browser.fill("[name=reason]", "it is never called")
    inside.browser.fill("[name=until]", "2098-12-31")
    inside.browser.fill("[name=path]", "elsewhere")
    inside.browser.click("main form button")
    assert "policy-edit" in inside.browser.text(".message")
    inside.browser.fill("[name=path]", PLACE)
    inside.browser.click("main form button")
    row = inside.browser.text("[aria-label='Images that it hits']")
    assert "accepted" in row
    assert "it is never called" in row
    inside.sign_in("grace")
    inside.open("/vulnerabilities/EXAMPLE-900")
    assert PLACE not in inside.browser.text()
    inside.sign_in("ada")


def test_two_images_are_compared_by_what_is_inside(inside: Site) -> None:
    inside.open(f"/compare?from={PLACE}%3A1.0&to={PLACE}%3A1.1")
    changed = inside.browser.text("[aria-labelledby=changed-packages]")
    assert "pkg:pypi/requests" in changed
    assert "2.31.0" in changed
    assert "2.32.0" in changed
    assert "pkg:pypi/fresh" in inside.browser.text("[aria-labelledby=added-packages]")
    assert "EXAMPLE-900" in inside.browser.text("[aria-labelledby=fixed-findings]")
    assert HOSTILE in inside.browser.text("[aria-labelledby=licences]")


def test_lists_tell_how_much_is_wrong_and_places_how_their_repositories_stand(inside: Site) -> None:
    inside.open(f"/r/{PLACE}")
    text = inside.browser.text("tbody")
    for words in ("1 critical", "nothing known", "accepted"):
        assert words in text, words
    inside.push("team/worst", configured("worst", RUN, [BASE, APP]), "9")
    read(inside, "9", "team/worst")
    inside.open("/r/team/-/vulnerabilities")
    assert inside.browser.texts("tbody td:first-child")[0] == "team/worst"
    first = inside.browser.texts("tbody tr")[0]
    for words in ("1 critical", "CVE-2026-8100", "openssl", "update to 3.0.11-1~deb12u3"):
        assert words in first, words
    inside.sign_in("grace")
    assert inside.open("/r/team/-/vulnerabilities") == 404
    inside.sign_in("ada")


def test_a_place_shows_how_it_came_to_be_so_day_by_day(inside: Site) -> None:
    inside.ask("POST", "jobs", {"kind": "record-findings"})

    def written() -> bool:
        return bool(inside.ask("GET", f"vulnerability-days?at={PLACE}", who="ada")["days"])

    eventually("a day is written down", written)
    [today] = inside.ask("GET", f"vulnerability-days?at={PLACE}", who="ada")["days"]
    assert inside.ask("GET", f"vulnerability-days?at={PLACE}", who="grace")["days"] == []
    inside.open(f"/r/{PLACE}/-/vulnerabilities")
    assert inside.browser.count("svg.columns") == 0, "a single day is no picture"
    with sqlite3.connect(next(inside.server.data.rglob("catalog.sqlite")), timeout=30) as catalog:
        [(repository, day)] = catalog.execute(
            "SELECT d.repository_id, d.day FROM finding_days d JOIN repositories r ON r.id = d.repository_id"
            " WHERE r.name = ?",
            (PLACE,),
        )
        row = "INSERT INTO finding_days VALUES (?, ?, ?, 2, 3, 4, 5, 6, 7, 8)"
        catalog.executemany(row, [(repository, day - number, number) for number in range(1, 30)])
    catalog.close()
    inside.open(f"/r/{PLACE}/-/vulnerabilities")
    assert inside.browser.count("svg.columns rect") > 100
    assert inside.browser.count("[aria-label='Day by day'] tbody tr") == 30
    sound(inside)
    assert today["day"]


def test_what_was_read_is_shown_while_the_image_is_read_anew(inside: Site) -> None:
    digest = inside.ask("GET", f"images?repository={PLACE}&reference=1.0")["digest"]
    [state] = _set_state(inside, digest, "state = 0, stands = 2, since = since + 864000000000")  # not to be begun now
    try:
        for tab, told in (
            ("vulnerabilities", "What is wrong"),
            ("packages", "being read anew"),
            ("", "Known to be wrong"),
        ):
            inside.open(f"/r/{PLACE}:1.0" + (f"/-/{tab}" if tab else ""))
            text = inside.browser.text()
            assert told in text, tab
            assert "waits to be read" not in text, tab
    finally:
        _set_state(inside, digest, "state = 2, stands = 0, since = since - 864000000000")
    assert state == (2, 0)


def _set_state(inside: Site, digest: str, assignment: str) -> list[tuple[int, int]]:
    """Set how far an image is; how far it was."""
    with sqlite3.connect(next(inside.server.data.rglob("catalog.sqlite")), timeout=30) as catalog:
        before = catalog.execute("SELECT state, stands FROM inside_images WHERE digest = ?", (digest,)).fetchall()
        catalog.execute(f"UPDATE inside_images SET {assignment} WHERE digest = ?", (digest,))
    catalog.close()
    return before


def test_health_says_how_reading_and_advisories_stand(inside: Site) -> None:
    inside.sign_in("admin")
    inside.open("/health")
    text = inside.browser.text()
    assert "62 advisories" in text
    assert "made-up: taken in" in text
    inside.sign_in("ada")


def test_what_vex_documents_clear_says_why_and_which_document_says_so(inside: Site) -> None:
    inside.open(f"/r/{PLACE}:1.0/-/vulnerabilities?severity=low")
    [row] = [row for row in inside.browser.texts("tbody tr") if "EXAMPLE-901" in row]
    for words in ("cleared: not affected", "it is never called", HOSTILE, "Security", "ours", PLACE):
        assert words in row, words
    assert "1 cleared by VEX" in inside.browser.text("[aria-labelledby=known]")
    assert "60 low" not in inside.browser.text("[aria-labelledby=known]")
    inside.open(f"/r/{PLACE}:1.1/-/vulnerabilities")
    row = inside.browser.texts("tbody tr")[0]
    for words in ("CVE-2026-8100", "cleared: fixed", "says Builders", "the VEX document"):
        assert words in row, words
    inside.browser.click("tbody tr a[href*='sha256']")
    assert "CVE" not in inside.browser.text("h1")
    assert f"/r/{PLACE}@sha256:" in unquote(inside.browser.url)
    inside.open("/vulnerabilities/CVE-2026-8100")
    hit = inside.browser.texts("[aria-label='Images that it hits'] tbody tr")
    assert sorted("cleared: fixed" in row for row in hit if PLACE in row) == [False, True]
    inside.open(f"/compare?from={PLACE}%3A1.1&to={PLACE}%3A1.0")
    assert "CVE-2026-8100" not in inside.browser.text("[aria-labelledby=new-findings]")
    inside.open(f"/r/{PLACE}")
    assert "1 cleared" in inside.browser.text("tbody")


def test_licences_are_filters_and_rules_say_which_are_wrong(inside: Site) -> None:
    inside.sign_in("ada", scripts=False)
    inside.open(f"/r/{PLACE}:1.0/-/licences")
    text = inside.browser.text()
    for words in ("1 package under a licence that is not right", "1 accepted", "by 1 rule", "MIT", "in its own words"):
        assert words in text, (words, text)
    first, second = inside.browser.texts("tbody tr")[:2]
    for words in ("requests", "2.31.0", "wrong", "is no licence that SPDX lists", "house", HOSTILE):
        assert words in first, words
    for words in ("left", "accepted", "we asked", "left-pad", "until"):
        assert words in second, words
    inside.browser.click("tr.more a")
    assert inside.browser.count("tbody tr") > 1
    inside.open(f"/r/{PLACE}:1.0/-/licences?wrong=yes")
    assert inside.browser.count("tbody tr") == 2
    inside.open(f"/r/{PLACE}:1.0/-/licences?licence=MIT&wrong=yes")
    assert "No package fits" in inside.browser.text()
    inside.open(f"/r/{PLACE}:1.0/-/licences?licence=-")
    assert inside.browser.texts("tbody td:first-child") == ["openssl"]
    inside.open(f"/r/{PLACE}:1.1/-/licences?wrong=yes")
    assert "Apache-2.0" in inside.browser.text("tbody")
    inside.open(f"/r/{PLACE}:bad/-/licences")
    assert "could not be read" in inside.browser.text(".message")
    assert inside.browser.count(".state.good") == 0
    inside.sign_in("ada")


def test_an_exception_that_ends_soon_is_told_of_at_home(inside: Site) -> None:
    inside.open("/")
    text = inside.browser.text()
    assert "the exception left-pad of team/inside/ ends in" in text
    inside.open("/rules/exceptions/left-pad?path=team%2Finside")
    assert "left-pad" in inside.browser.text()


def test_sources_of_advisories_tell_their_age_and_are_updated_by_a_button(inside: Site) -> None:
    inside.put("advisory-sources/mirror", {"url": "oci:advisories/nothing:latest"})
    inside.sign_in("admin", scripts=False)
    inside.open("/advisories")
    rows = inside.browser.texts("tbody tr")
    assert any("made-up" in row and "somebody gave it" in row for row in rows)
    inside.browser.click("form:has(input[value=mirror]) button")
    assert "update-advisories" in inside.browser.text()

    def failed() -> bool:
        inside.open("/advisories")
        return any("mirror" in row and "failed" in row for row in inside.browser.texts("tbody tr"))

    eventually("it was tried", failed)
    inside.sign_in("admin")
    inside.open("/advisories")
    sound(inside)
    harmless(inside)
    inside.open("/health")
    assert "mirror" in inside.browser.text("[aria-label=Advisories]")
    inside.sign_in("ada")
    assert inside.open("/advisories") in {403, 404}


def test_who_may_not_pull_sees_nothing_inside(inside: Site) -> None:
    inside.sign_in("grace")
    for tab in ("packages", "vulnerabilities", "licences", "sbom"):
        assert inside.open(f"/r/{PLACE}:1.0/-/{tab}") == 404
    inside.sign_in("rita")
    assert inside.open(f"/r/{PLACE}:1.0/-/packages") == 200
    assert inside.open(f"/r/{PLACE}:1.0/-/nothing") == 404
    inside.sign_in("ada")


def test_other_scanners_stand_beside_what_the_registry_found(inside: Site) -> None:
    browser, place = inside.browser, "team/scanned"
    with Adapter().listening() as adapter:
        adapter.found = [finding("CVE-2026-1", f"bash{HOSTILE}"), finding("CVE-2026-2", "libc", "Low")]
        inside.put(f"scanners/strict?path={place}", {"url": adapter.url})
        inside.put(f"scanners/gone?path={place}", {"url": "http://127.0.0.1:9"})
        inside.push(f"{place}/app", configured("scanned", RUN, [BASE]), "1")
        read(inside, "1", f"{place}/app")
        reports = f"scan-reports?repository={place}/app&reference=1"

        def said() -> bool:
            found = {each["scanner"]: each for each in inside.ask("GET", reports)["reports"]}
            return bool(found["strict"]["verdict"] == "findings" and found["gone"]["failing_since"])

        eventually("one has judged it, and it is known that the other does not answer", said)
        inside.sign_in("ada")
        inside.open(f"/r/{place}/app:1")
        text = browser.text()
        for words in ("Says strict", "1 low", "Strict 1.0", "Says gone", "no verdict yet", "it does not answer"):
            assert words in text, words
        sound(inside)
        inside.open(f"/r/{place}/app:1/-/vulnerabilities?scanner=strict")
        assert "What strict says of it" in browser.text()
        assert "this registry did not find the package" in browser.text("section:has(#found)")
        sound(inside)
        harmless(inside)
        before = len(adapter.orders)
        browser.click("tr:has(a[aria-current]) form[action='/scans'] button")
        assert "What strict says of it" in browser.text()
        eventually("it judges anew", lambda: len(adapter.orders) > before)
        inside.sign_in("rita")
        inside.open(f"/r/{place}/app:1/-/vulnerabilities")
        assert browser.count("form[action='/scans']") == 0


def test_the_page_of_an_image_says_what_rules_find_wrong_with_licences(inside: Site) -> None:
    inside.sign_in("ada")
    inside.open(f"/r/{PLACE}:1.1")
    inside.browser.until("document.querySelector('main').innerText.includes('under a licence that is not right')")
